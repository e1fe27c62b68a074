package license

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/counterfoil-dev/counterfoil/fingerprint"
	"github.com/counterfoil-dev/counterfoil/internal/redact"
	"github.com/counterfoil-dev/counterfoil/internal/wire"
	"github.com/counterfoil-dev/counterfoil/link"
	"github.com/counterfoil-dev/counterfoil/token"
)

// Claim is what entitles a device to a seat: make one with [Code] or [Account]. It prints without its secrets.
type Claim struct {
	// License names one of several licenses of an account, after [ErrChooseLicense].
	License string
	// Label tells the person's devices apart in lists. Only what a person typed belongs here; the host's name is never
	// sent by itself. At most 64 bytes; empty: none.
	Label string

	code, email, password redact.String
	account               bool
}

// Code claims a license with an activation code, as a person typed it: lower case, missing hyphens and O for 0 are
// understood.
func Code(code string) Claim { return Claim{code: redact.New(code)} }

// Account claims a subscription license with the account that holds it. The password is sent once and kept nowhere.
func Account(email, password string) Claim {
	return Claim{email: redact.New(email), password: redact.New(password), account: true}
}

// request checks what was typed before anything is sent.
func (cl Claim) request() (*wire.Activation, *Error) {
	const op = "activate"
	r := &wire.Activation{Nonce: wire.NewNonce(), Label: cl.Label}
	if err := wire.CheckLabel(cl.Label); err != nil {
		return nil, fail(op, ReasonInput, errInput, err)
	}
	if !cl.account {
		code, err := wire.ParseCode(cl.code.Reveal())
		if err != nil {
			return nil, fail(op, ReasonCodeMistyped, ErrCodeInvalid, fmt.Errorf("it %w", err))
		}
		r.Code = code
		return r, nil
	}
	r.Account = &wire.Account{Email: cl.email.Reveal(), Password: cl.password.Reveal(), License: cl.License}
	if err := r.Account.Validate(); err != nil {
		return nil, fail(op, ReasonInput, errInput, err)
	}
	return r, nil
}

var errInput = errors.New("input cannot be used")

// Activate ties the license that claim stands for to this device and stores lease and token. Repeating it, at any
// later time and after any failure, takes no second seat.
//
// It sends one request, tried again once where that can help, and may wait for another process and for a keyring. It
// ends early if ctx does, except that a derivation under way is completed, and that a token which the server has issued
// is still stored, for two minutes at most. Its errors are an *[Error] around [ErrCodeInvalid], [ErrCredentialsWrong],
// [ErrSeatsUsed], [ErrChooseLicense], [ErrRebindLimit], [ErrNotUsable], [ErrUnreachable], [ErrStateUnreadable], or
// [fingerprint.ErrUnavailable]; after each, what was stored before stands unchanged. [ErrNotStored] alone means that
// the device is activated: [Client.Status] says so for this process, but lease or token could not be kept.
func (c *Client) Activate(ctx context.Context, claim Claim) error {
	const op = "activate"
	req, fault := claim.request()
	if fault != nil {
		return fault
	}
	// A person is here, so that a locked keyring may ask them: before the seat is taken, and before others have to
	// wait.
	if _, err := c.vault.Unlock(ctx); err != nil && !errors.Is(err, token.ErrAbsent) {
		c.cfg.Logger.Debug("token store is not open", "error", err)
	}
	done, err := c.take(ctx, op)
	if err != nil {
		return err
	}
	defer done()
	d, set, err := c.derive(op)
	if err != nil {
		return err
	}

	// What cannot be written must be found out before a seat is taken. A record without a lease says from here on that
	// a token may exist: if this process is killed between the answer and the end, the next check finds it.
	before := *c.rec
	req.Product, req.Installation, req.Fingerprints = c.cfg.Product, c.installation(), set.Plain()
	c.rec.Lost = c.rec.Lease == ""
	if err := c.save(); err != nil {
		c.restore(before)
		return fail(op, ReasonStateUnwritable, errUnwritable, err)
	}

	reply, err := c.link.Exchange(ctx, link.Call{Path: wire.PathActivations, Request: req, Nonce: req.Nonce, Tries: 2})
	if err == nil && wire.Code(reply.Code) == wire.OK {
		return c.adopt(ctx, op, d, reply)
	}

	before.Installation = c.rec.Installation
	*c.rec = before
	if saveErr := c.save(); saveErr != nil {
		c.cfg.Logger.Debug("state keeps an unfinished activation", "error", saveErr)
	}
	if err != nil {
		return unreachable(op, err)
	}
	return refusal(op, reply)
}

// restore takes back what could not be written.
func (c *Client) restore(r record) {
	*c.rec = r
	c.publish()
}

// derive computes the fingerprint of every kind that is readable now.
func (c *Client) derive(op string) (device, fingerprint.Set, error) {
	d, err := c.theDevice()
	if err != nil {
		return nil, nil, fail(op, ReasonNoDevice, err, nil)
	}
	set := d.Derive()
	if len(set) == 0 {
		return nil, nil, fail(op, ReasonNoDevice, fingerprint.ErrUnavailable, nil)
	}
	return d, set, nil
}

// adopt stores what a successful activation or rebinding brought. It is not to be interrupted: the seat is taken.
func (c *Client) adopt(ctx context.Context, op string, d device, reply link.Reply) error {
	c.checkErr = nil
	c.rec.confirm(reply.Lease, reply.IssuedAt, c.local())
	c.rec.DeviceDay = dayOf(reply.IssuedAt)
	c.tie(d)
	tokenErr := storeToken(ctx, reply.Token, c.vault.Put)
	if err := errors.Join(tokenErr, c.save()); err != nil {
		return fail(op, ReasonNotStored, ErrNotStored, err)
	}
	return nil
}

// storeTimeout bounds the writing of a token once the server has issued it, whatever the caller's context says.
const storeTimeout = 2 * time.Minute

// storeToken stores a token that the server has issued, if it has: by token.Vault.Put one that is the first or takes
// the place of a lost one, by Replace one that renews a valid one and is used only after it was read back from its
// store.
func storeToken(ctx context.Context, secret string, store func(context.Context, token.Token) error) error {
	if secret == "" {
		return nil
	}
	t, err := token.New(secret)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
	defer cancel()
	return store(ctx, t)
}

func unreachable(op string, err error) *Error {
	e := fail(op, ReasonUnreachable, ErrUnreachable, err)
	if u, ok := errors.AsType[*link.UnreachableError](err); ok {
		e.cause, e.RetryAfter = u.Err, u.RetryAfter
	}
	return e
}

// refusal is the error for a signed answer that is not ok.
func refusal(op string, reply link.Reply) *Error {
	reason, err := refusalOf(wire.Code(reply.Code))
	if reason == ReasonChooseLicense && len(reply.Licenses) == 0 {
		reason = ReasonNoLicense
	}
	e := fail(op, reason, err, nil)
	e.Licenses = reply.Licenses
	e.RetryAfter = time.Duration(min(reply.RetryAfter, 1<<30)) * time.Second
	return e
}

// refused makes the error of a refused rebinding or deactivation and keeps what the refusal says of the license. These
// requests carry the token, so that what the server says of the license behind it holds for what is stored here.
func (c *Client) refused(op string, reply link.Reply) *Error {
	if c.rec.heed(wire.Code(reply.Code), reply.IssuedAt, c.local()) {
		c.save()
	}
	return refusal(op, reply)
}

// reasonOf is the reason of an error of this package; empty for none.
func reasonOf(err error) Reason {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Reason
	}
	return ""
}

// sentinelOf is the error that belongs to what keeps a check from getting through.
func sentinelOf(r Reason) error {
	switch r {
	case ReasonUnreachable:
		return ErrUnreachable
	case ReasonNoDevice:
		return fingerprint.ErrUnavailable
	case ReasonTokenUnavailable:
		return errToken
	case ReasonNone:
		return ErrNotActivated
	}
	_, err := refusalOf(wire.Code(r)) // the reasons of refusals are named after their codes
	return err
}

func refusalOf(code wire.Code) (Reason, error) {
	switch code {
	case wire.Revoked:
		return ReasonRevoked, ErrNotUsable
	case wire.Suspended:
		return ReasonSuspended, ErrNotUsable
	case wire.Expired:
		return ReasonExpired, ErrNotUsable
	case wire.Released:
		return ReasonReleased, ErrNotActivated
	case wire.WrongDevice:
		return ReasonWrongDevice, ErrWrongDevice
	case wire.TokenUnknown:
		return ReasonTokenUnknown, ErrNotActivated
	case wire.CodeInvalid:
		return ReasonCodeInvalid, ErrCodeInvalid
	case wire.SeatsUsed:
		return ReasonSeatsUsed, ErrSeatsUsed
	case wire.CredentialsWrong:
		return ReasonCredentialsWrong, ErrCredentialsWrong
	case wire.WrongProduct:
		return ReasonWrongProduct, ErrNotActivated
	case wire.ChooseLicense:
		return ReasonChooseLicense, ErrChooseLicense
	case wire.RebindLimit:
		return ReasonRebindLimit, ErrRebindLimit
	case wire.RateLimited:
		return ReasonRateLimited, errRefused
	case wire.Busy:
		return ReasonBusy, errRefused
	}
	return ReasonRefused, errRefused
}

var errRefused = errors.New("the license server refuses the request")

package license

import (
	"context"
	"errors"
	"time"

	"github.com/counterfoil-dev/counterfoil/fingerprint"
	"github.com/counterfoil-dev/counterfoil/internal/wire"
	"github.com/counterfoil-dev/counterfoil/link"
	"github.com/counterfoil-dev/counterfoil/token"
)

// urgency says how far a check may go.
type urgency uint8

const (
	sendNothing urgency = iota // compare the device and keep the clock's mark
	ifDue                      // send if the day's check is due and no back-off stands against it
	insist                     // the same, and while the license is not usable send whatever the back-off says
)

// Check confirms the license: over the network once on each UTC day, otherwise at once and without sending anything. On
// each day of use it first compares this device with the lease, which takes the slow hash (about a tenth of a second
// and 64 MiB for each kind of identifier) and no network.
//
// It never fails for want of a network: the returned Status says what holds, [Status.CheckErr] why the
// latest check did not get through. After a failure it backs off for 15 minutes, doubling up to 6 hours, and sends at
// most 8 requests a day; while the license is not usable it tries at every call, within that limit. Several processes
// share one check: this one waits for another's, or for another operation of this Client, and compares the device before
// that. It ends early if ctx does, except that a derivation under way is completed, and that a token which
// the server has issued is still stored, for two minutes at most.
func (c *Client) Check(ctx context.Context) Status {
	c.check(ctx, insist)
	return c.Status()
}

func (c *Client) check(ctx context.Context, u urgency) {
	const op = "check"
	select {
	case <-c.turn:
	case <-ctx.Done():
		return
	}
	defer c.notify()
	defer func() { c.turn <- struct{}{} }()
	if err := c.reload(op, false); err != nil {
		c.trouble(err)
		return
	}
	p := c.plan(u)
	if !p.any() {
		return
	}
	if p.compare { // before the lock: who holds it must not be able to put the comparison off
		c.compare()
	}
	unlock, err := c.lock(ctx, op, lockWait)
	if err != nil {
		c.trouble(err)
		return
	}
	defer unlock()
	if p = c.plan(u); p.any() || c.unsaved { // another process may have done it meanwhile
		c.perform(ctx, p)
	}
}

// lockWait is how long a check waits for another process. One that asks the server takes less, mostly, and its result is
// found next time.
const lockWait = 10 * time.Second

// trouble makes err what Status.CheckErr says.
func (c *Client) trouble(err error) {
	c.cfg.Logger.Debug("check did not get through", "error", err)
	c.checkErr = err
	c.publish()
}

// plan is what a check has to do.
type plan struct {
	compare bool // the device with the lease
	mark    bool // keep the clock's mark
	tries   int  // requests to send, at most
}

func (p plan) any() bool { return p.compare || p.mark || p.tries > 0 }

func (c *Client) plan(u urgency) plan {
	var p plan
	v, now := c.view.Load(), c.now()
	if !v.held && !v.lost {
		return p
	}
	state, _ := decide(v, now)
	usable := state == Active || state == Grace
	if v.held {
		open := c.rec.DeviceDay != dayOf(now) || state == WrongDevice
		p.compare = open && (u == insist || c.compared != dayOf(now)) // Run asks once a day, a person as often as they like
		p.mark = c.rec.markDue(now, v.lease)
	}
	pressing := u == insist && !usable
	if u != sendNothing && (pressing || c.rec.due(now) || state == ClockRolledBack) {
		p.tries = c.rec.Attempts.tries(now, pressing)
	}
	return p
}

func (c *Client) perform(ctx context.Context, p plan) {
	before := *c.rec
	defer func() {
		c.rec.Trouble = reasonOf(c.checkErr)
		if *c.rec == before && !c.unsaved { // spares the disk a write each minute while nothing can be done
			c.publish()
			return
		}
		c.save()
	}()
	v, now := c.view.Load(), c.now()
	if v.held && c.rec.markDue(now, v.lease) {
		c.rec.Mark = now
	}
	if !p.compare && p.tries == 0 {
		return
	}
	readable, same, err := c.compare()
	if err != nil {
		c.checkErr = err
		if p.tries > 0 {
			c.rec.Attempts.failed(now, 0)
		}
		return
	}
	if p.tries == 0 {
		return
	}

	call, err := c.checkCall(ctx, v, readable)
	if err != nil {
		c.checkErr = err
		if errors.Is(err, ErrNotActivated) { // there is nothing left that a check could heal
			c.rec.Lost = false
			return
		}
		c.rec.Attempts.failed(now, 0)
		return
	}
	call.Tries = p.tries
	c.rec.Attempts.reserve(now, call.Tries)
	before = *c.rec
	if c.save() != nil { // before anything is sent: a killed process must not get its tries again
		c.rec.Attempts.Count -= call.Tries - 1
		call.Tries = 1
	}

	reply, err := c.link.Exchange(ctx, call)
	if err != nil {
		e := unreachable("check", err)
		c.checkErr = e
		if u, ok := errors.AsType[*link.UnreachableError](err); ok {
			c.rec.Attempts.Count -= call.Tries - u.Tries
		}
		if !errors.Is(ctx.Err(), context.Canceled) { // who cancels says nothing of the network
			c.rec.Attempts.failed(now, e.RetryAfter)
		}
		return
	}
	c.rec.Attempts.Count -= call.Tries - reply.Tries
	c.checkErr = c.apply(ctx, reply, same, !call.Token.IsZero())
}

// compare verifies that this device is the one that the lease names: it returns the pinned kinds that are readable
// now, and whether the device is the same. What cannot be read is no other device. The result holds at once; the caller
// saves it.
func (c *Client) compare() (readable fingerprint.Set, same bool, err error) {
	v, today := c.view.Load(), dayOf(c.now())
	if c.rec.DeviceDay != today { // a new day of use: read the sources anew
		c.device = nil
	}
	d, err := c.theDevice()
	if err != nil {
		return nil, false, fail("check", ReasonNoDevice, err, nil)
	}
	if !v.held {
		if readable = d.Derive(); len(readable) == 0 {
			return nil, false, fail("check", ReasonNoDevice, fingerprint.ErrUnavailable, nil)
		}
		return readable, true, nil
	}
	before := *c.rec
	verdict := d.Verify(fingerprint.SetOf(v.lease.Fingerprints))
	c.compared = today
	if verdict.Outcome != fingerprint.Unavailable {
		c.rec.DeviceDay = today
	}
	switch {
	case verdict.Same():
		if c.rec.Standing == wire.WrongDevice { // found on another device that shares the state, or on this one in between
			c.rec.Standing, c.rec.Attempts.Next = "", 0
		}
		if v.foreign { // the system was installed anew, or the disk was moved, on the same machine
			c.tie(d)
		}
	case verdict.Outcome == fingerprint.Unavailable:
		err = fail("check", ReasonNoDevice, fingerprint.ErrUnavailable, nil)
	default:
		c.rec.Standing = wire.WrongDevice
	}
	if *c.rec != before {
		c.unsaved = true
		c.publish()
	}
	return verdict.Readable, verdict.Same(), err
}

// checkCall makes the request. The token proves who asks; where none is stored, the lease does.
func (c *Client) checkCall(ctx context.Context, v *view, readable fingerprint.Set) (link.Call, error) {
	req := &wire.Check{
		Nonce: wire.NewNonce(), Product: c.cfg.Product, Fingerprints: readable.Plain(), Pinned: v.lease.Fingerprints,
	}
	call := link.Call{Path: wire.PathChecks, Request: req, Nonce: req.Nonce}
	t, err := c.proof(ctx, "check", c.vault.Get)
	if err != nil {
		return call, err
	}
	call.Token = t
	if t.IsZero() {
		req.Lease = c.rec.Lease
	}
	return call, nil
}

// proof returns the stored token; a zero one if none is stored and the lease has to stand in, also one that this
// release can no longer verify; ErrNotActivated if there is neither. get is token.Vault.Get, or Unlock where a person is
// there to be asked. A store that is locked is not empty: issuing another token would end the one inside.
func (c *Client) proof(ctx context.Context, op string, get func(context.Context) (token.Token, error)) (token.Token, error) {
	if c.stale { // another process has changed the state since the token was read, perhaps by activating anew
		if _, err := c.vault.Reload(ctx); err != nil {
			c.cfg.Logger.Debug("token is not at hand", "error", err)
		}
		c.stale = false
	}
	t, err := get(ctx)
	switch {
	case err == nil:
		return t, nil
	case !errors.Is(err, token.ErrAbsent) && !errors.Is(err, token.ErrUnsupported):
		return token.Token{}, fail(op, ReasonTokenUnavailable, errToken, err)
	case c.rec.Lease != "":
		return token.Token{}, nil
	}
	return token.Token{}, fail(op, ReasonNone, ErrNotActivated, nil)
}

// apply does what an answer says and not a bit more: the table of codes in docs/protocol.md. It returns what
// Status.CheckErr is to say.
func (c *Client) apply(ctx context.Context, reply link.Reply, same, renewal bool) error {
	r := c.rec
	code := wire.Code(reply.Code)
	if r.heed(code, reply.IssuedAt, c.local()) {
		return refusal("check", reply)
	}
	switch code {
	case wire.OK:
		r.confirm(reply.Lease, reply.IssuedAt, c.local())
		if same {
			r.DeviceDay = dayOf(reply.IssuedAt)
		}
		if d, err := c.theDevice(); err == nil && r.Tag == "" {
			c.tie(d)
		}
		store := c.vault.Put
		if renewal {
			store = c.vault.Replace
		}
		if err := storeToken(ctx, reply.Token, store); err != nil {
			c.cfg.Logger.Warn("fresh token could not be stored", "error", err)
		}
		return nil
	case wire.WrongDevice:
		if !same {
			r.Standing = code
		}
		r.Attempts.failed(c.now(), 0) // where the server alone says so, that is all: grace
	case wire.TokenUnknown:
		r.Attempts.failed(c.now(), 0)
		if !c.view.Load().held { // there was nothing but the token: a person has to activate again
			r.Lost, r.Lease = false, ""
		}
		// Another process may have stored a new token since this one read it.
		if _, err := c.vault.Reload(ctx); err != nil {
			c.cfg.Logger.Debug("token cannot be read again", "error", err)
		}
	default:
		r.Attempts.failed(c.now(), 0)
		r.Attempts.hold(c.now(), reply.RetryAfter)
	}
	return refusal("check", reply)
}

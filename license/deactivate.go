package license

import (
	"context"
	"errors"
	"time"

	"github.com/counterfoil-dev/counterfoil/internal/wire"
	"github.com/counterfoil-dev/counterfoil/link"
	"github.com/counterfoil-dev/counterfoil/token"
)

// refused makes the error of a refused rebinding or deactivation and keeps what the refusal says of the license. These
// requests carry the token, so that what the server says of the license behind it holds for what is stored here.
func (c *Client) refused(op string, reply link.Reply) error {
	switch code := wire.Code(reply.Code); code {
	case wire.Revoked, wire.Suspended, wire.Expired:
		c.rec.Standing = code
		c.rec.settle(reply.IssuedAt, c.local())
		c.save(nil)
	case wire.Released:
		c.rec.Standing, c.rec.Lease, c.rec.Lost = code, "", false
		c.rec.settle(reply.IssuedAt, c.local())
		c.save(nil)
	}
	return refusal(op, reply)
}

// Deactivate gives this device's seat back, with all its installations, and removes lease and token from here. While
// the server cannot be reached it changes nothing and returns an error around [ErrUnreachable]. It may be repeated after
// any failure. On a device that is not activated it does nothing.
func (c *Client) Deactivate(ctx context.Context) error {
	const op = "deactivate"
	done, err := c.take(ctx, op)
	if err != nil {
		return err
	}
	defer done()
	v := c.view.Load()
	if !v.held && !v.lost {
		return nil
	}
	req := &wire.Deactivation{Nonce: wire.NewNonce(), Product: c.cfg.Product}
	t, err := c.proof(ctx, op, v)
	switch {
	case errors.Is(err, ErrNotActivated): // neither lease nor token: nothing to give back
		return c.remove(ctx, op)
	case err != nil:
		return err
	case t.IsZero():
		req.Lease = c.rec.Lease
	}
	reply, err := c.link.Exchange(ctx, link.Call{
		Path: wire.PathDeactivations, Request: req, Nonce: req.Nonce, Token: t, Tries: 2,
	})
	if err != nil {
		return unreachable(op, err)
	}
	switch wire.Code(reply.Code) {
	case wire.OK, wire.Released, wire.TokenUnknown: // the seat is not held any more, whoever gave it back
		return c.remove(ctx, op)
	}
	return c.refused(op, reply)
}

// Forget removes lease, token and state from this device and tells nobody: the seat stays taken until the vendor
// releases it, or until the same device activates again. Prefer [Client.Deactivate].
func (c *Client) Forget() error {
	const op = "forget"
	ctx, cancel := context.WithTimeout(context.Background(), forgetTimeout)
	defer cancel()
	done, err := c.take(ctx, op)
	if err != nil {
		return err
	}
	defer done()
	return c.remove(ctx, op)
}

const (
	forgetTimeout = 30 * time.Second
	removeTimeout = 15 * time.Second
)

// remove ends what is stored here: the lease first, which is what permits something.
func (c *Client) remove(ctx context.Context, op string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), removeTimeout)
	defer cancel()
	*c.rec = record{}
	fileErr := c.file.Remove()
	if fileErr != nil { // what cannot be removed can perhaps be emptied
		if c.save(nil) == nil {
			fileErr = nil
		}
	}
	c.stamp, _ = c.file.Stamp()
	c.publish(nil)
	tokenErr := c.vault.Delete(ctx)
	if errors.Is(tokenErr, token.ErrUnsupported) { // an administrator supplies it; it is theirs to remove
		tokenErr = nil
	}
	if err := errors.Join(fileErr, tokenErr); err != nil {
		return fail(op, ReasonStateUnwritable, ErrStateUnreadable, err)
	}
	return nil
}

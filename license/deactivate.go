package license

import (
	"context"
	"errors"
	"time"

	"github.com/counterfoil-dev/counterfoil/internal/wire"
	"github.com/counterfoil-dev/counterfoil/link"
	"github.com/counterfoil-dev/counterfoil/token"
)

// Deactivate gives this device's seat back, with all its installations, and removes lease and token from here. While
// the server cannot be reached it changes nothing and returns an error around [ErrUnreachable]. It may be repeated
// after any failure. On a device that is not activated it sends nothing.
func (c *Client) Deactivate(ctx context.Context) error {
	const op = "deactivate"
	done, err := c.take(ctx, op)
	if err != nil {
		return err
	}
	defer done()
	if v := c.view.Load(); !v.held && !v.lost {
		return c.remove(ctx, op, false) // nothing to give back; what an earlier call could not remove goes now
	}
	t, err := c.proof(ctx, op, c.vault.Unlock)
	switch {
	case errors.Is(err, ErrNotActivated):
		return c.remove(ctx, op, false)
	case err != nil:
		return err
	}
	reply, err := c.giveBack(ctx, t)
	if err == nil && wire.Code(reply.Code) == wire.TokenUnknown && !t.IsZero() && c.rec.Lease != "" {
		reply, err = c.giveBack(ctx, token.Token{}) // a token of a restored profile; the lease knows better
	}
	if err != nil {
		return unreachable(op, err)
	}
	switch wire.Code(reply.Code) {
	case wire.OK, wire.Released, wire.TokenUnknown: // the seat is not held any more, whoever gave it back
		return c.remove(ctx, op, true)
	}
	return c.refused(op, reply)
}

// giveBack asks the server to take the seat back, by the token, or by the lease in place of a zero one.
func (c *Client) giveBack(ctx context.Context, t token.Token) (link.Reply, error) {
	req := &wire.Deactivation{Nonce: wire.NewNonce(), Product: c.cfg.Product}
	if t.IsZero() {
		req.Lease = c.rec.Lease
	}
	return c.link.Exchange(ctx, link.Call{
		Path: wire.PathDeactivations, Request: req, Nonce: req.Nonce, Token: t, Tries: 2,
	})
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
	return c.remove(ctx, op, false)
}

const (
	forgetTimeout = 30 * time.Second
	removeTimeout = 15 * time.Second
)

// remove ends what is stored here: the lease first, which is what permits something. ended says that the server has ended
// the token.
func (c *Client) remove(ctx context.Context, op string, ended bool) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), removeTimeout)
	defer cancel()
	*c.rec, c.checkErr = record{}, nil
	fileErr := c.file.Remove()
	if fileErr != nil { // what cannot be removed can perhaps be emptied
		if c.save() == nil {
			fileErr = nil
		}
	}
	c.stamp, _ = c.file.Stamp()
	c.publish()
	home := c.vault.Status(ctx).Store
	tokenErr := c.vault.Delete(ctx)
	switch {
	case errors.Is(tokenErr, token.ErrUnsupported): // an administrator supplies it; it is theirs to remove
		tokenErr = nil
	case ended && home == token.KindFile && (errors.Is(tokenErr, token.ErrLocked) || errors.Is(tokenErr, token.ErrDeclined)):
		// The file is gone. That a locked keyring might hold a copy of a token that the server has ended need not worry anyone.
		c.cfg.Logger.Debug("keyring could not be asked for a copy of the token", "error", tokenErr)
		tokenErr = nil
	}
	switch {
	case fileErr != nil:
		return fail(op, ReasonStateUnwritable, errUnwritable, errors.Join(fileErr, tokenErr))
	case tokenErr != nil:
		return fail(op, ReasonTokenUnavailable, errToken, tokenErr)
	}
	return nil
}

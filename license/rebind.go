package license

import (
	"context"

	"github.com/counterfoil-dev/counterfoil/internal/wire"
	"github.com/counterfoil-dev/counterfoil/link"
)

// Rebind ties the license that is stored here to this device, after its mainboard was changed or the system was moved
// to another machine: in the state [WrongDevice]. Do it when the person asks for it. It proves itself with the token,
// takes no second seat, and ends what the seat's former device holds.
//
// The vendor limits how often a seat may move: [ErrRebindLimit]. Otherwise its errors are those of [Client.Activate].
// It may be repeated after any failure.
func (c *Client) Rebind(ctx context.Context) error {
	const op = "rebind"
	done, err := c.take(ctx, op)
	if err != nil {
		return err
	}
	defer done()
	v := c.view.Load()
	if !v.held && !v.lost {
		return fail(op, ReasonNone, ErrNotActivated, nil)
	}
	d, set, err := c.derive(op)
	if err != nil {
		return err
	}
	t, err := c.proof(ctx, op, c.vault.Unlock)
	if err != nil {
		return err
	}
	if t.IsZero() { // a lease can be copied with its file; only the token may move the seat
		return fail(op, ReasonCannotRebind, ErrNotActivated, nil)
	}
	req := &wire.Rebinding{
		Nonce: wire.NewNonce(), Product: c.cfg.Product, Installation: c.installation(), Fingerprints: set.Plain(),
	}
	if err := c.save(); err != nil {
		return fail(op, ReasonStateUnwritable, errUnwritable, err)
	}
	reply, err := c.link.Exchange(ctx, link.Call{
		Path: wire.PathRebindings, Request: req, Nonce: req.Nonce, Token: t, Tries: 2,
	})
	switch {
	case err != nil:
		return unreachable(op, err)
	case wire.Code(reply.Code) == wire.OK:
		return c.adopt(ctx, op, d, reply)
	}
	e := c.refused(op, reply)
	if e.Reason == ReasonTokenUnknown { // elsewhere activating again takes no further seat; on another device it may
		e = fail(op, ReasonCannotRebind, ErrNotActivated, nil)
	}
	return e
}

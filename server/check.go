package server

import (
	"context"
	"errors"
	"time"

	"github.com/counterfoil-dev/counterfoil/internal/wire"
	"github.com/counterfoil-dev/counterfoil/lease"
)

// proof shows whose a request is: the hash of a token, else the activation that a lease of this server names. The zero
// proof shows nothing.
type proof struct {
	token      string
	activation string
}

// proof takes the token, else the lease if this server signed it, also one that has run out.
func (d *Desk) proof(ctx context.Context, token, statement string) (proof, error) {
	if token != "" || statement == "" {
		hash, _ := HashToken(token)
		return proof{token: hash}, nil
	}
	keys, err := d.KeySet(ctx)
	if err != nil {
		return proof{}, err
	}
	v, err := keys.Verify(lease.TypeLease, statement)
	if err != nil {
		return proof{}, nil
	}
	return proof{activation: v.Lease().Activation}, nil
}

// identify finds the holder that a proof belongs to. A code other than OK refuses.
func identify(ctx context.Context, tx Tx, p proof, now int64, product string) (h Holder, c wire.Code, err error) {
	switch {
	case p.token != "":
		h, err = tx.HolderByToken(ctx, p.token)
	case p.activation != "":
		h, err = tx.Holder(ctx, p.activation)
	default:
		return h, wire.TokenUnknown, nil
	}
	ended := h.Installation.Ended
	switch {
	case errors.Is(err, ErrNotFound):
		return h, wire.TokenUnknown, nil
	case err != nil:
		return h, "", err
	case ended != 0 && now-ended >= int64(releasedKnown/time.Second):
		return h, wire.TokenUnknown, nil
	case h.License.Product != product:
		return h, wire.WrongProduct, nil
	case ended != 0:
		return h, wire.Released, nil
	}
	return h, wire.OK, nil
}

// lockHolder is identify with the license locked, so that what it finds holds until the transaction ends.
func lockHolder(ctx context.Context, tx Tx, p proof, now int64, product string) (Holder, wire.Code, error) {
	h, c, err := identify(ctx, tx, p, now, product)
	if err != nil || c != wire.OK {
		return h, c, err
	}
	if _, err := tx.LockLicense(ctx, h.License.ID); err != nil {
		return h, "", err
	}
	return identify(ctx, tx, p, now, product)
}

// Check confirms the license to a device. It writes nothing but the first use of a token, and a fresh token where one
// is due.
func (d *Desk) Check(ctx context.Context, req Request, r *wire.Check) (Reply, error) {
	return d.answer(ctx, req, func(now time.Time) (res result, err error) {
		p, err := d.proof(ctx, req.Token, r.Lease)
		if err != nil {
			return res, err
		}
		var write bool
		err = d.cfg.Store.View(ctx, func(tx Tx) error {
			h, c, err := identify(ctx, tx, p, now.Unix(), r.Product)
			if err == nil {
				res = d.confirm(h, c, r, now.Unix())
				write = res.code == wire.OK && (h.Token.Used == 0 || h.Installation.Renew != 0)
			}
			return err
		})
		if err != nil || !write {
			return res, err
		}
		err = d.cfg.Store.Update(ctx, func(tx Tx) error {
			h, c, err := lockHolder(ctx, tx, p, now.Unix(), r.Product)
			if err != nil {
				return err
			}
			if res = d.confirm(h, c, r, now.Unix()); res.code != wire.OK {
				return nil
			}
			changed, err := use(ctx, tx, &h, now.Unix())
			if err != nil {
				return err
			}
			if p.token == "" || h.Installation.Renew != 0 {
				changed = true
				if res.token, err = issue(ctx, tx, &h.Installation); err != nil {
					return err
				}
			}
			if !changed {
				return nil
			}
			return tx.PutInstallation(ctx, h.Installation)
		})
		return res, err
	})
}

// confirm decides on a check.
func (d *Desk) confirm(h Holder, c wire.Code, r *wire.Check, now int64) result {
	if c == wire.OK {
		c = h.License.Standing(now)
	}
	if c != wire.OK {
		return refused(c)
	}
	sent := d.cfg.Secret.prints(r.Fingerprints)
	if match(h.Prints, sent) == 0 {
		return refused(wire.WrongDevice)
	}
	return permit(h, d.cfg.Secret.common(h.Prints, sent, r.Pinned, r.Fingerprints))
}

// Deactivate gives the device's seat back, with all its installations, whatever the license's standing.
func (d *Desk) Deactivate(ctx context.Context, req Request, r *wire.Deactivation) (Reply, error) {
	return d.answer(ctx, req, func(now time.Time) (res result, err error) {
		p, err := d.proof(ctx, req.Token, r.Lease)
		if err != nil {
			return res, err
		}
		err = d.cfg.Store.Update(ctx, func(tx Tx) error {
			h, c, err := lockHolder(ctx, tx, p, now.Unix(), r.Product)
			if res = refused(c); err != nil || c != wire.OK {
				return err
			}
			if _, err := use(ctx, tx, &h, now.Unix()); err != nil {
				return err
			}
			if err := release(ctx, tx, h.Installation, now.Unix()); err != nil {
				return err
			}
			return tx.AddMove(ctx, Move{ID: newID("mov_"), License: h.License.ID, Seat: h.Installation.Seat, At: now.Unix()})
		})
		return res, err
	})
}

// release ends the seat that an installation is in. The caller has locked the license.
func release(ctx context.Context, tx Tx, in Installation, now int64) error {
	list, err := tx.InSeat(ctx, in.Seat)
	if err != nil {
		return err
	}
	for _, in := range list {
		if err := end(ctx, tx, in, now); err != nil {
			return err
		}
	}
	return tx.FreeSeat(ctx, in.License)
}

package server

import (
	"context"
	"time"

	"github.com/counterfoil-dev/counterfoil/internal/wire"
)

// Rebind ties the seat that the token holds to the device that asks. Repeating it after a lost answer counts nothing.
func (d *Desk) Rebind(ctx context.Context, req Request, r *wire.Rebinding) (Reply, error) {
	return d.answer(ctx, req, func(now time.Time) (res result, err error) {
		p, err := d.proof(ctx, req.Token, "")
		if err != nil {
			return res, err
		}
		err = d.cfg.Store.Update(ctx, func(tx Tx) (err error) {
			res, err = d.rebind(ctx, tx, p, now, r)
			return err
		})
		return res, err
	})
}

func (d *Desk) rebind(ctx context.Context, tx Tx, p proof, now time.Time, r *wire.Rebinding) (result, error) {
	h, c, err := lockHolder(ctx, tx, p, now.Unix(), r.Product)
	if err == nil && c == wire.OK {
		c = h.License.Standing(now.Unix())
	}
	if err != nil || c != wire.OK {
		return refused(c), err
	}
	prints := d.cfg.Secret.prints(r.Fingerprints)
	if match(h.Prints, prints) == 0 {
		if c, err := d.move(ctx, tx, &h, now, prints); err != nil || c != wire.OK {
			return refused(c), err
		}
	}
	if _, err := use(ctx, tx, &h, now.Unix()); err != nil {
		return result{}, err
	}
	in := h.Installation
	if err := makeRoom(ctx, tx, in, r.Installation, now.Unix()); err != nil {
		return result{}, err
	}
	in.Prints, in.Name, in.Seen = prints, r.Installation, now.Unix()
	token, err := issue(ctx, tx, &in)
	if err != nil {
		return result{}, err
	}
	if err := tx.PutInstallation(ctx, in); err != nil {
		return result{}, err
	}
	if h, err = tx.Holder(ctx, in.ID); err != nil {
		return result{}, err
	}
	res := permit(h, r.Fingerprints)
	res.token = token
	return res, nil
}

// makeRoom ends what an installation of the given name cannot have beside it in its seat: others of that name, and the
// one seen least recently if there would be too many.
func makeRoom(ctx context.Context, tx Tx, in Installation, name string, now int64) error {
	list, err := tx.InSeat(ctx, in.Seat)
	if err != nil {
		return err
	}
	var others []Installation
	for _, other := range list {
		switch {
		case other.ID == in.ID:
		case other.Name != name:
			others = append(others, other)
		default:
			if err := end(ctx, tx, other, now); err != nil {
				return err
			}
		}
	}
	if len(others) < maxInstallations {
		return nil
	}
	return end(ctx, tx, leastSeen(others), now)
}

// move counts the rebinding and ends what else is in the installation's seat. If the device holds another seat of the
// license, the installation joins that one, and its own seat is free. A code other than OK refuses.
func (d *Desk) move(ctx context.Context, tx Tx, h *Holder, now time.Time, prints Prints) (wire.Code, error) {
	in := &h.Installation
	n, err := tx.Rebinds(ctx, in.License, in.Seat, now.Add(-movesWindow).Unix())
	if err != nil {
		return "", err
	}
	if n >= movesPerSeat+h.License.Granted {
		return wire.RebindLimit, nil
	}
	from := in.Seat
	to, err := seatOf(ctx, tx, in.License, prints)
	if err != nil {
		return "", err
	}
	if to == "" {
		to = from
	}
	list, err := tx.InSeat(ctx, from)
	if err != nil {
		return "", err
	}
	for _, other := range list {
		if other.ID == in.ID {
			continue
		}
		if err := end(ctx, tx, other, now.Unix()); err != nil {
			return "", err
		}
	}
	if to != from {
		if err := tx.FreeSeat(ctx, in.License); err != nil {
			return "", err
		}
		// The history follows the installation, so that no detour through a merged seat resets the limit.
		if err := tx.MoveHistory(ctx, from, to); err != nil {
			return "", err
		}
		in.Seat = to
	}
	return wire.OK, tx.AddMove(ctx, Move{ID: newID("mov_"), License: in.License, Seat: to, Rebind: true, At: now.Unix()})
}

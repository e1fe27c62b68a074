package server

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/counterfoil-dev/counterfoil/internal/wire"
	"github.com/counterfoil-dev/counterfoil/lease"
)

// Activate ties a device to a license, claimed with a code or an account. It is an upsert on (license, device):
// repeating it takes no second seat.
func (d *Desk) Activate(ctx context.Context, req Request, r *wire.Activation) (Reply, error) {
	return d.answer(ctx, req, func(now time.Time) (result, error) {
		if r.Account != nil {
			return d.signIn(ctx, now, r)
		}
		return d.redeem(ctx, now, r, false)
	})
}

// redeem activates with a code. A code of another product is told, in body and time, like one that never was.
func (d *Desk) redeem(ctx context.Context, now time.Time, r *wire.Activation, offline bool) (res result, err error) {
	err = d.cfg.Store.Update(ctx, func(tx Tx) error {
		l, err := tx.LicenseByCode(ctx, HashCode(r.Code))
		switch {
		case errors.Is(err, ErrNotFound) || err == nil && l.Product != r.Product:
			res = refused(wire.CodeInvalid)
			return nil
		case err != nil:
			return err
		}
		res, err = d.take(ctx, tx, now, l, r, offline)
		return err
	})
	return res, err
}

// signIn activates with an account. An unknown e-mail is told, in body and time, like a wrong password.
func (d *Desk) signIn(ctx context.Context, now time.Time, r *wire.Activation) (res result, err error) {
	email := strings.ToLower(r.Account.Email)
	var a Account
	err = d.cfg.Store.Update(ctx, func(tx Tx) error {
		res, err = charge(ctx, tx, d.cfg.Secret.mac("limit", "sign-in", email), now, d.cfg.Limits.SignIn.or(30*time.Second, 20))
		if err != nil || res.code != wire.OK {
			return err
		}
		a, err = tx.Account(ctx, email)
		if errors.Is(err, ErrNotFound) {
			a, err = Account{}, nil
		}
		return err
	})
	if err != nil || res.code != wire.OK {
		return res, err
	}
	ok, err := d.passwords.verify(ctx, a.Password, r.Account.Password)
	if err != nil || !ok {
		return refused(wire.CredentialsWrong), err
	}
	err = d.cfg.Store.Update(ctx, func(tx Tx) error {
		switch again, err := tx.Account(ctx, email); {
		case errors.Is(err, ErrNotFound) || err == nil && again != a: // changed meanwhile
			res = refused(wire.CredentialsWrong)
			return nil
		case err != nil:
			return err
		}
		claims, err := tx.Claims(ctx, a.ID)
		if err != nil {
			return err
		}
		l, no := choose(claims, r, now.Unix())
		if no.code != wire.OK {
			res = no
			return nil
		}
		res, err = d.take(ctx, tx, now, l, r, false)
		return err
	})
	return res, err
}

// choose finds the license of the product that an account claims: the one it names, else the only usable one, else the
// latest that is not, for its refusal says why. A code other than OK refuses.
func choose(claims []License, r *wire.Activation, now int64) (License, result) {
	claims = slices.DeleteFunc(claims, func(l License) bool { return l.Product != r.Product })
	var usable []License
	for _, l := range claims {
		if l.ID == r.Account.License {
			return l, result{code: wire.OK}
		}
		if l.Standing(now) == wire.OK {
			usable = append(usable, l)
		}
	}
	if r.Account.License == "" {
		switch {
		case len(usable) == 1:
			return usable[0], result{code: wire.OK}
		case len(usable) == 0 && len(claims) > 0:
			return claims[len(claims)-1], result{code: wire.OK}
		}
	}
	no := refused(wire.ChooseLicense)
	for _, l := range usable[:min(len(usable), 100)] { // what an answer can list
		no.licenses = append(no.licenses, lease.Choice{
			License: l.ID, Edition: l.Edition, Seats: lease.Seats{Used: l.Used, Total: l.Seats}, LicenseEnd: l.End,
		})
	}
	return License{}, no
}

// take gives the device its seat of the license: the one it has, or a new one.
func (d *Desk) take(ctx context.Context, tx Tx, now time.Time, l License, r *wire.Activation, offline bool) (result, error) {
	rate := d.cfg.Limits.Activation.or(10*time.Second, 60+4*l.Seats)
	if l.Seats == 0 {
		rate = d.cfg.Limits.Activation.or(100*time.Millisecond, 1000)
	}
	if res, err := charge(ctx, tx, d.cfg.Secret.mac("limit", "activation", l.ID), now, rate); err != nil || res.code != wire.OK {
		return res, err
	}
	l, err := tx.LockLicense(ctx, l.ID)
	if err != nil {
		return result{}, err
	}
	if c := l.Standing(now.Unix()); c != wire.OK {
		return refused(c), nil
	}
	prints := d.cfg.Secret.prints(r.Fingerprints)
	seat, err := seatOf(ctx, tx, l.ID, prints)
	if err != nil {
		return result{}, err
	}
	if seat == "" {
		c, err := newSeat(ctx, tx, l, now)
		if err != nil || c != wire.OK {
			return refused(c), err
		}
		seat = newID("seat_")
	}
	in, added, err := installationIn(ctx, tx, l, seat, r.Installation, now.Unix())
	if err != nil {
		return result{}, err
	}
	in.Prints, in.Label, in.Seen = prints, r.Label, now.Unix()
	store := tx.PutInstallation
	if added {
		store = tx.AddInstallation
	}
	var token string
	if !offline {
		if token, err = issue(ctx, tx, &in); err != nil {
			return result{}, err
		}
	}
	if err := store(ctx, in); err != nil {
		return result{}, err
	}
	h, err := tx.Holder(ctx, in.ID)
	if err != nil {
		return result{}, err
	}
	res := permit(h, r.Fingerprints)
	res.token = token
	if offline {
		res.lease.Offline, res.runs = true, h.Product.Offline
	}
	return res, nil
}

// seatOf finds the seat of the license that the device holds: the surest match, then the oldest; "" for none.
func seatOf(ctx context.Context, tx Tx, license string, prints Prints) (string, error) {
	best, sure := Installation{}, 0
	for _, decider := range deciders {
		if prints[decider.kind] == "" {
			continue
		}
		list, err := tx.WithPrint(ctx, license, decider.kind, prints[decider.kind])
		if err != nil {
			return "", err
		}
		for _, in := range list {
			if m := match(in.Prints, prints); m > sure || m == sure && m > 0 && in.Order < best.Order {
				best, sure = in, m
			}
		}
	}
	return best.Seat, nil
}

// newSeat counts one more seat in use, or says why not.
func newSeat(ctx context.Context, tx Tx, l License, now time.Time) (wire.Code, error) {
	if l.Seats > 0 && l.Used >= l.Seats {
		return wire.SeatsUsed, nil
	}
	if l.Seats > 0 { // a license for any number of devices has no limit of moves
		moves, err := tx.Moves(ctx, l.ID, now.Add(-movesWindow).Unix())
		if err != nil {
			return "", err
		}
		if len(moves) > movesPerSeat*l.Seats+l.Granted {
			return wire.RebindLimit, nil
		}
	}
	switch ok, err := tx.TakeSeat(ctx, l.ID); {
	case err != nil:
		return "", err
	case !ok:
		return wire.SeatsUsed, nil
	}
	return wire.OK, nil
}

// installationIn finds the installation of that name in the seat, or makes one. Where a seat would have too many, the
// one seen least recently ends.
func installationIn(ctx context.Context, tx Tx, l License, seat, name string, now int64) (in Installation, added bool, err error) {
	list, err := tx.InSeat(ctx, seat)
	if err != nil {
		return Installation{}, false, err
	}
	for _, in := range list {
		if in.Name == name {
			return in, false, nil
		}
	}
	if len(list) >= maxInstallations {
		if err := end(ctx, tx, leastSeen(list), now); err != nil {
			return Installation{}, false, err
		}
	}
	return Installation{ID: newID("act_"), Seat: seat, License: l.ID, Name: name, Order: l.Revision, Created: now}, true, nil
}

func leastSeen(list []Installation) Installation {
	return slices.MinFunc(list, func(x, y Installation) int {
		return cmp.Or(cmp.Compare(x.Seen, y.Seen), cmp.Compare(x.Order, y.Order))
	})
}

// end ends an installation. What identifies its device and its person is dropped at once; its tokens stay known as
// released for a while.
func end(ctx context.Context, tx Tx, in Installation, now int64) error {
	in.Ended, in.Prints, in.Label = now, nil, ""
	return tx.PutInstallation(ctx, in)
}

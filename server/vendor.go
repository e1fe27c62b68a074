package server

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/counterfoil-dev/counterfoil/internal/wire"
	"github.com/counterfoil-dev/counterfoil/lease"
)

// Vendor does what the vendor does. It is safe for concurrent use, also next to any number of Desks and Vendors on the
// same store: each change takes effect with the next request.
type Vendor struct {
	cfg       Config
	passwords *passwords
}

// NewVendor returns a Vendor. In a new database it makes the first signing key.
func NewVendor(ctx context.Context, cfg Config) (*Vendor, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("server: %w", err)
	}
	if err := cfg.prepare(ctx); err != nil {
		return nil, err
	}
	return &Vendor{cfg: cfg, passwords: newPasswords()}, nil
}

func (v *Vendor) now() int64 { return v.cfg.Now().Unix() }

func (v *Vendor) view(ctx context.Context, op, subject string, f func(Tx) error) error {
	return wrap(op, subject, v.cfg.Store.View(ctx, f))
}

func (v *Vendor) update(ctx context.Context, op, subject string, f func(Tx) error) error {
	return wrap(op, subject, v.cfg.Store.Update(ctx, f))
}

// wrap gives an error its Error, with the hint that fits what was looked for.
func wrap(op, subject string, err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*Error](err); ok {
		return err
	}
	e := &Error{Op: op, Subject: subject, Err: err}
	if errors.Is(err, ErrNotFound) {
		kind, _, _ := strings.Cut(subject, " ")
		e.Hint = fmt.Sprintf("`counterfoild %s list` shows what there is", kind)
	}
	return e
}

// PutProduct adds a product, or replaces its times. Times of 0 are the defaults.
func (v *Vendor) PutProduct(ctx context.Context, p Product) (Product, error) {
	if p.Lease == 0 {
		p.Lease = int64(DefaultLease / time.Second)
	}
	if p.Offline == 0 {
		p.Offline = int64(DefaultOffline / time.Second)
	}
	if err := p.validate(); err != nil {
		return p, wrap("put", "product "+p.Name, err)
	}
	err := v.update(ctx, "put", "product "+p.Name, func(tx Tx) error {
		p.Created = v.now()
		switch old, err := tx.Product(ctx, p.Name); {
		case err == nil:
			p.Created = old.Created
		case !errors.Is(err, ErrNotFound):
			return err
		}
		return tx.PutProduct(ctx, p)
	})
	return p, err
}

// Product returns a product with its editions.
func (v *Vendor) Product(ctx context.Context, name string) (p Product, editions []Edition, err error) {
	err = v.view(ctx, "show", "product "+name, func(tx Tx) error {
		if p, err = tx.Product(ctx, name); err != nil {
			return err
		}
		editions, err = tx.Editions(ctx, name)
		return err
	})
	return p, editions, err
}

// Products lists products by name.
func (v *Vendor) Products(ctx context.Context) (list []Product, err error) {
	err = v.view(ctx, "list products", "", func(tx Tx) error {
		list, err = tx.Products(ctx)
		return err
	})
	return list, err
}

// PutEdition adds an edition, or replaces its entitlements.
func (v *Vendor) PutEdition(ctx context.Context, e Edition) error {
	if err := e.validate(); err != nil {
		return wrap("put", "edition "+e.Name, err)
	}
	return v.update(ctx, "put", "product "+e.Product, func(tx Tx) error {
		if _, err := tx.Product(ctx, e.Product); err != nil {
			return err
		}
		return tx.PutEdition(ctx, e)
	})
}

// Activations lists the installations that hold seats of a license, oldest first.
func (v *Vendor) Activations(ctx context.Context, license string) (list []Installation, err error) {
	err = v.view(ctx, "list activations", "license "+license, func(tx Tx) error {
		if _, err := tx.License(ctx, license); err != nil {
			return err
		}
		list, err = tx.Activations(ctx, license)
		return err
	})
	return list, err
}

// Moves lists what counts towards a license's limit: rebindings and deactivations of the last 365 days.
func (v *Vendor) Moves(ctx context.Context, license string) (list []Move, err error) {
	err = v.view(ctx, "list moves", "license "+license, func(tx Tx) error {
		if _, err := tx.License(ctx, license); err != nil {
			return err
		}
		list, err = tx.Moves(ctx, license, v.cfg.Now().Add(-movesWindow).Unix())
		return err
	})
	return list, err
}

// Release takes back the seat that an activation is in, with every installation in it. It does not count as a move.
func (v *Vendor) Release(ctx context.Context, activation string) error {
	return v.update(ctx, "release", "activation "+activation, func(tx Tx) error {
		h, err := living(ctx, tx, activation)
		if err != nil {
			return err
		}
		return release(ctx, tx, h.Installation, v.now())
	})
}

// RenewToken asks an installation for the renewal of its token: checks bring a fresh one until it is used.
func (v *Vendor) RenewToken(ctx context.Context, activation string) error {
	return v.update(ctx, "renew the token of", "activation "+activation, func(tx Tx) error {
		h, err := living(ctx, tx, activation)
		if err != nil {
			return err
		}
		h.Installation.Renew = h.Issued + 1
		return tx.PutInstallation(ctx, h.Installation)
	})
}

// living finds an installation that lives, with its license locked.
func living(ctx context.Context, tx Tx, activation string) (Holder, error) {
	h, err := tx.Holder(ctx, activation)
	if err == nil {
		_, err = tx.LockLicense(ctx, h.License.ID)
	}
	if err == nil {
		h, err = tx.Holder(ctx, activation)
	}
	if err == nil && h.Ended != 0 {
		err = ErrNotFound
	}
	return h, err
}

// Offline answers an offline request, as the vendor's site or support desk does. The answer is signed, also where it is
// a refusal, and is what to send back; its code says which. The error is for a text that is no offline request, or for a
// failure of this server.
func (d *Desk) Offline(ctx context.Context, text string) (Reply, error) {
	body, err := wire.OfflineBody(text)
	if err != nil {
		return Reply{}, invalid("%v", err)
	}
	var r wire.Activation
	nonce, err := wire.Decode(body, &r)
	if err == nil && r.Account != nil {
		err = errors.New("only activation codes can be claimed offline")
	}
	if err != nil {
		return Reply{}, invalid("offline request: %v", err)
	}
	req := Request{Nonce: nonce, Hash: wire.Hash(wire.MethodOffline, wire.PathActivations, body)}
	return d.answer(ctx, req, func(now time.Time) (result, error) { return d.redeem(ctx, now, &r, true) })
}

// Purge forgets what has run its course: installations with their tokens 90 days after their end, moves after 365 days,
// allowances that are full again.
func (v *Vendor) Purge(ctx context.Context) error {
	now := v.cfg.Now()
	return v.update(ctx, "purge", "", func(tx Tx) error {
		return tx.Purge(ctx, now.Add(-releasedKnown).Unix(), now.Add(-movesWindow).Unix(), now.UnixNano())
	})
}

// Keys lists the signing keys, oldest first. The first that is not retired signs.
func (v *Vendor) Keys(ctx context.Context) (list []SealedKey, err error) {
	err = v.view(ctx, "list keys", "", func(tx Tx) error {
		list, err = tx.Keys(ctx)
		return err
	})
	return list, err
}

// AddKey makes a signing key. It signs once those before it are retired; until then, releases of the program can pin it.
func (v *Vendor) AddKey(ctx context.Context) (k SealedKey, err error) {
	add := func(tx Tx) error {
		if err := tx.LockKeys(ctx); err != nil {
			return err
		}
		list, err := tx.Keys(ctx)
		if err != nil {
			return err
		}
		if k, err = newKey(v.cfg.Secret, fmt.Sprintf("k%d", len(list)+1), v.now()); err != nil {
			return err
		}
		return tx.AddKey(ctx, k)
	}
	for range 3 { // replicas of an earlier version do not lock
		if err = v.update(ctx, "add key", "", add); !errors.Is(err, ErrExists) {
			break
		}
	}
	if err != nil {
		return SealedKey{}, err
	}
	return k, nil
}

// RetireKey destroys the private half of a signing key. Its statements stay valid for devices that pin it. The last key
// cannot be retired.
func (v *Vendor) RetireKey(ctx context.Context, id string) error {
	return v.update(ctx, "retire", "keys "+id, func(tx Tx) error {
		if err := tx.LockKeys(ctx); err != nil {
			return err
		}
		list, err := tx.Keys(ctx)
		if err != nil {
			return err
		}
		found, others := false, 0
		for _, k := range list {
			if k.Retired == 0 && k.ID == id {
				found = true
			} else if k.Retired == 0 {
				others++
			}
		}
		switch {
		case !found:
			return ErrNotFound
		case others == 0:
			return &Error{Op: "retire", Subject: "key " + id, Err: invalid("it is the only one"),
				Hint: "`counterfoild keys add` first, release your program with both, then retire this one"}
		}
		return tx.RetireKey(ctx, id, v.now())
	})
}

// KeyLine is the key set of a program as Go code, at a time in Unix seconds. A retired key is in it until 400 days after
// it was retired, when the last lease that it signed has run out.
func KeyLine(list []SealedKey, now int64) string {
	var quoted []string
	for _, k := range list {
		if k.Retired == 0 || now-k.Retired < int64(lease.MaxDuration/time.Second) {
			quoted = append(quoted, fmt.Sprintf("%q", k.Public))
		}
	}
	return "lease.MustKeySet(" + strings.Join(quoted, ", ") + ")"
}

// Audit counts the seats of all licenses once more. It returns the latest time that the database knows, and the ids of
// licenses whose count is wrong.
func (v *Vendor) Audit(ctx context.Context) (newest int64, wrong []string, err error) {
	const page = 500
	for after := ""; ; {
		var list []License
		err := v.view(ctx, "audit", "", func(tx Tx) (err error) {
			list, err = tx.Licenses(ctx, "", after, page)
			return err
		})
		if err != nil {
			return newest, wrong, err
		}
		for _, l := range list {
			after = l.ID
			n, seen, err := v.count(ctx, l)
			if err != nil {
				return newest, wrong, err
			}
			if newest = max(newest, l.Created, seen); n != l.Used {
				wrong = append(wrong, l.ID)
			}
		}
		if len(list) < page {
			return newest, wrong, nil
		}
	}
}

// count returns how many seats of a license devices hold. Where that is not what the license says, it looks again with
// the license locked: something may have changed in between.
func (v *Vendor) count(ctx context.Context, l License) (seats int, newest int64, err error) {
	look := func(tx Tx) error {
		list, err := tx.Activations(ctx, l.ID)
		held := make(map[string]bool)
		for _, in := range list {
			held[in.Seat] = true
			newest = max(newest, in.Seen)
		}
		seats = len(held)
		return err
	}
	if err := v.view(ctx, "audit", "license "+l.ID, look); err != nil || seats == l.Used {
		return seats, newest, err
	}
	err = v.update(ctx, "audit", "license "+l.ID, func(tx Tx) error {
		locked, err := tx.LockLicense(ctx, l.ID)
		if err == nil {
			err = look(tx)
		}
		if err == nil && seats == locked.Used {
			seats = l.Used
		}
		return err
	})
	return seats, newest, err
}

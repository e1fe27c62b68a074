package server

import (
	"cmp"
	"context"
	"strings"

	"github.com/counterfoil-dev/counterfoil/internal/wire"
	"github.com/counterfoil-dev/counterfoil/lease"
)

// MaxBatch is how many licenses one call can make.
const MaxBatch = 10_000

// Sold is a license as its customer gets it. The code is shown this once: the server keeps only its hash.
type Sold struct {
	License string
	Code    string // "" for a subscription, which an account claims
}

// Sell makes n licenses of the same terms, each with an activation code if it is a single license. A batch names them for
// later; "" is none.
func (v *Vendor) Sell(ctx context.Context, t Terms, n int, batch string) (sold []Sold, err error) {
	if err := t.validate(); err != nil {
		return nil, wrap("sell", "license", err)
	}
	if n < 1 || n > MaxBatch || !isText(batch, 64) {
		return nil, wrap("sell", "license", invalid("want 1 to %d licenses, and a batch name of up to 64 bytes of UTF-8 without control characters", MaxBatch))
	}
	err = v.update(ctx, "sell license of", "product "+t.Product, func(tx Tx) error {
		if _, err := tx.Product(ctx, t.Product); err != nil {
			return err
		}
		if err := hasEdition(ctx, tx, t); err != nil {
			return err
		}
		sold = make([]Sold, 0, n)
		for range n {
			l := License{ID: newID("lic_"), Terms: t, Batch: batch, Created: v.now()}
			if err := tx.AddLicense(ctx, l); err != nil {
				return err
			}
			code := ""
			if t.Kind == lease.KindSingle {
				if code, err = addCode(ctx, tx, l.ID, v.now()); err != nil {
					return err
				}
			}
			sold = append(sold, Sold{License: l.ID, Code: code})
		}
		return nil
	})
	return sold, err
}

func hasEdition(ctx context.Context, tx Tx, t Terms) error {
	if t.Edition == "" {
		return nil
	}
	list, err := tx.Editions(ctx, t.Product)
	if err != nil {
		return err
	}
	var names []string
	for _, e := range list {
		if e.Name == t.Edition {
			return nil
		}
		names = append(names, e.Name)
	}
	return &Error{Op: "sell license", Subject: "edition " + t.Edition, Err: ErrNotFound,
		Hint: "the product has: " + strings.Join(names, ", ") + " (`counterfoild edition put` adds one)"}
}

func addCode(ctx context.Context, tx Tx, license string, now int64) (string, error) {
	code := wire.NewCode()
	return code, tx.AddCode(ctx, Code{Hash: HashCode(code), License: license, Created: now})
}

// License returns a license.
func (v *Vendor) License(ctx context.Context, id string) (l License, err error) {
	err = v.view(ctx, "show", "license "+id, func(tx Tx) error {
		l, err = tx.License(ctx, id)
		return err
	})
	return l, err
}

// LicenseByCode returns the license that an activation code stands for, as a person typed it.
func (v *Vendor) LicenseByCode(ctx context.Context, code string) (l License, err error) {
	code, err = wire.ParseCode(code)
	if err != nil {
		return l, wrap("find", "license", invalid("activation code: %v", err))
	}
	err = v.view(ctx, "find", "license by code", func(tx Tx) error {
		l, err = tx.LicenseByCode(ctx, HashCode(code))
		return err
	})
	return l, err
}

// Licenses lists up to limit licenses by id, after the given id; of one product, or of all for "".
func (v *Vendor) Licenses(ctx context.Context, product, after string, limit int) (list []License, err error) {
	err = v.view(ctx, "list licenses", "", func(tx Tx) error {
		list, err = tx.Licenses(ctx, product, after, limit)
		return err
	})
	return list, err
}

// Suspend pauses a license.
func (v *Vendor) Suspend(ctx context.Context, id string) error {
	return v.change(ctx, "suspend", id, func(l *License) { l.Suspended = cmp.Or(l.Suspended, v.now()) })
}

// Revoke ends a license early.
func (v *Vendor) Revoke(ctx context.Context, id string) error {
	return v.change(ctx, "revoke", id, func(l *License) { l.Revoked = cmp.Or(l.Revoked, v.now()) })
}

// Reinstate undoes Suspend and Revoke.
func (v *Vendor) Reinstate(ctx context.Context, id string) error {
	return v.change(ctx, "reinstate", id, func(l *License) { l.Suspended, l.Revoked = 0, 0 })
}

// Renew sets a license's own end (Unix seconds); 0 is no end.
func (v *Vendor) Renew(ctx context.Context, id string, end int64) error {
	if end < 0 || end > maxTime {
		return wrap("renew", "license "+id, invalid("end: want a time before the year 10000"))
	}
	return v.change(ctx, "renew", id, func(l *License) { l.End = end })
}

// Expire ends a license now, in its own time.
func (v *Vendor) Expire(ctx context.Context, id string) error { return v.Renew(ctx, id, v.now()) }

// AllowRebind grants n moves to other devices beyond the limit: 3 rebindings of a seat in 365 days, and as many cycles of
// deactivation and activation.
func (v *Vendor) AllowRebind(ctx context.Context, id string, n int) error {
	if n < 1 || n > 1_000_000 {
		return wrap("allow rebinding of", "license "+id, invalid("want 1 to 1000000 moves"))
	}
	return v.change(ctx, "allow rebinding of", id, func(l *License) { l.Granted = min(l.Granted+n, 1_000_000) })
}

func (v *Vendor) change(ctx context.Context, op, id string, f func(*License)) error {
	return v.update(ctx, op, "license "+id, func(tx Tx) error {
		l, err := tx.LockLicense(ctx, id)
		if err != nil {
			return err
		}
		f(&l)
		return tx.PutLicense(ctx, l)
	})
}

// AddCode gives a license one more activation code; replace ends its earlier ones, as when a code got lost.
func (v *Vendor) AddCode(ctx context.Context, license string, replace bool) (code string, err error) {
	err = v.update(ctx, "add code to", "license "+license, func(tx Tx) error {
		l, err := tx.License(ctx, license)
		if err != nil {
			return err
		}
		if l.Kind != lease.KindSingle {
			return invalid("an account claims it, not a code")
		}
		if replace {
			if err := tx.DeleteCodes(ctx, license); err != nil {
				return err
			}
		}
		code, err = addCode(ctx, tx, license, v.now())
		return err
	})
	return code, err
}

// Codes lists what is known of a license's codes.
func (v *Vendor) Codes(ctx context.Context, license string) (list []Code, err error) {
	err = v.view(ctx, "list codes of", "license "+license, func(tx Tx) error {
		if _, err := tx.License(ctx, license); err != nil {
			return err
		}
		list, err = tx.Codes(ctx, license)
		return err
	})
	return list, err
}

// minPassword is what NIST SP 800-63B section 3.1.1.2 asks of a password that stands alone, less what it allows to relax.
const minPassword = 8

// AddAccount adds an account that claims the given licenses. Upper and lower case are one e-mail.
func (v *Vendor) AddAccount(ctx context.Context, email, password string, licenses ...string) (a Account, err error) {
	if err := checkPerson(email, password); err != nil {
		return a, wrap("add", "account", err)
	}
	a = Account{ID: newID("acc_"), Email: strings.ToLower(email), Created: v.now()}
	if a.Password, err = v.passwords.hash(ctx, password); err != nil {
		return a, wrap("add", "account", err)
	}
	err = v.update(ctx, "add", "account", func(tx Tx) error {
		if err := tx.AddAccount(ctx, a); err != nil {
			return err
		}
		return claim(ctx, tx, a.ID, licenses)
	})
	return a, err
}

// Claim lets an account claim more licenses.
func (v *Vendor) Claim(ctx context.Context, email string, licenses ...string) error {
	return v.update(ctx, "claim for", "account", func(tx Tx) error {
		a, err := tx.Account(ctx, strings.ToLower(email))
		if err != nil {
			return err
		}
		return claim(ctx, tx, a.ID, licenses)
	})
}

func claim(ctx context.Context, tx Tx, account string, licenses []string) error {
	for _, id := range licenses {
		if _, err := tx.License(ctx, id); err != nil {
			return wrap("claim", "license "+id, err)
		}
		if err := tx.Claim(ctx, account, id); err != nil {
			return err
		}
	}
	return nil
}

// SetPassword replaces an account's password. Devices stay activated: their tokens are theirs.
func (v *Vendor) SetPassword(ctx context.Context, email, password string) error {
	if err := checkPerson(email, password); err != nil {
		return wrap("set the password of", "account", err)
	}
	phc, err := v.passwords.hash(ctx, password)
	if err != nil {
		return wrap("set the password of", "account", err)
	}
	return v.update(ctx, "set the password of", "account", func(tx Tx) error {
		a, err := tx.Account(ctx, strings.ToLower(email))
		if err != nil {
			return err
		}
		return tx.SetPassword(ctx, a.ID, phc)
	})
}

// DeleteAccount deletes an account. Its licenses stay, and devices that hold them.
func (v *Vendor) DeleteAccount(ctx context.Context, email string) error {
	return v.update(ctx, "delete", "account", func(tx Tx) error {
		a, err := tx.Account(ctx, strings.ToLower(email))
		if err != nil {
			return err
		}
		return tx.DeleteAccount(ctx, a.ID)
	})
}

// Accounts lists accounts by e-mail.
func (v *Vendor) Accounts(ctx context.Context) (list []Account, err error) {
	err = v.view(ctx, "list accounts", "", func(tx Tx) error {
		list, err = tx.Accounts(ctx)
		return err
	})
	return list, err
}

func checkPerson(email, password string) error {
	if err := (&wire.Account{Email: email, Password: password}).Validate(); err != nil {
		return invalid("%v", err)
	}
	if !strings.Contains(email, "@") {
		return invalid("account: email: want one with an @")
	}
	if len(password) < minPassword {
		return invalid("account: password: want %d bytes or more", minPassword)
	}
	return nil
}

package server

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Config is what a [Desk] and a [Vendor] work with.
type Config struct {
	Store  Store
	Secret Secret
	Now    func() time.Time // default: time.Now
	Limits Limits           // default: those of the zero Limits
}

// Limits bound how fast one license can be activated and one e-mail can be tried, whatever the address. All replicas
// share them. Requests beyond are told when to come back; nothing is ever locked.
type Limits struct {
	// Activation is for each license. Default: one in 10 s, after a burst of 60 and 4 for each seat; for a license for any
	// number of devices, one in 0.1 s after a burst of 1000.
	Activation Rate

	// SignIn is for each e-mail. Default: one in 30 s, after a burst of 20.
	SignIn Rate
}

// Rate allows a burst, and one more each interval. The zero Rate is the default.
type Rate struct {
	Every time.Duration
	Burst int
}

// ParseRate reads a rate as "burst/interval", such as "20/30s".
func ParseRate(s string) (Rate, error) {
	burst, every, ok := strings.Cut(s, "/")
	n, err := strconv.Atoi(burst)
	d, err2 := time.ParseDuration(every)
	if !ok || err != nil || err2 != nil || n < 1 || d < time.Microsecond {
		return Rate{}, invalid("rate %q: want a burst and the interval of one more, such as 20/30s", s)
	}
	return Rate{Every: d, Burst: n}, nil
}

func (r Rate) or(every time.Duration, burst int) Rate {
	if r.Every <= 0 || r.Burst <= 0 {
		return Rate{every, burst}
	}
	return r
}

func (c Config) withDefaults() (Config, error) {
	var errs []error
	if c.Store == nil {
		errs = append(errs, errors.New("Store: missing"))
	}
	if c.Secret.IsZero() {
		errs = append(errs, errors.New("Secret: missing"))
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c, errors.Join(errs...)
}

// prepare makes what a new database needs, and finds out whether the master key is the one that the database was made
// with. Any number of replicas may do it at once.
func (c Config) prepare(ctx context.Context) error {
	const mark = "secret"
	look := func(tx Tx) error {
		have, err := tx.Meta(ctx, mark)
		if err != nil {
			return err
		}
		if have != c.Secret.mark {
			return &Error{Op: "open", Subject: "database", Err: ErrSecret,
				Hint: "it was made with another master key; give that one (--master-key-file or COUNTERFOIL_MASTER_KEY)"}
		}
		keys, err := tx.Keys(ctx)
		if err == nil && len(keys) == 0 {
			err = ErrNotFound
		}
		return err
	}
	err := c.Store.View(ctx, look)
	if !errors.Is(err, ErrNotFound) {
		return err
	}
	return c.Store.Update(ctx, func(tx Tx) error {
		if err := tx.InitMeta(ctx, mark, c.Secret.mark); err != nil {
			return err
		}
		k, err := newKey(c.Secret, "k1", c.Now().Unix())
		if err != nil {
			return err
		}
		if err := tx.InitKey(ctx, k); err != nil {
			return err
		}
		if err := look(tx); err != nil {
			return fmt.Errorf("first start: %w", err)
		}
		return nil
	})
}

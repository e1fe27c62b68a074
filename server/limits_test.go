package server_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/counterfoil-dev/counterfoil/internal/wire"
	"github.com/counterfoil-dev/counterfoil/lease"
	"github.com/counterfoil-dev/counterfoil/server"
)

// TestActivationLimit: replicas share the limit of a license; who waits as told is served; others are not held up.
func TestActivationLimit(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, url string) {
		r := newRig(t, url, server.Limits{Activation: server.Rate{Every: time.Minute, Burst: 3}})
		now := time.Now()
		r.cfg.Now = func() time.Time { return now }
		var desks []*server.Desk
		for range 2 {
			d, err := server.NewDesk(t.Context(), r.cfg)
			if err != nil {
				t.Fatal(err)
			}
			desks = append(desks, d)
		}
		_, code := r.sell(t, server.Terms{})
		_, other := r.sell(t, server.Terms{})
		for i := range 3 {
			want(t, wire.OK, newDevice(desks[i%2]).redeem(t, code))
		}
		for _, desk := range desks {
			if a := want(t, wire.RateLimited, newDevice(desk).redeem(t, code)); a.RetryAfter != 60 {
				t.Errorf("retry after %d s, want 60", a.RetryAfter)
			}
		}
		want(t, wire.OK, newDevice(desks[0]).redeem(t, other))
		now = now.Add(time.Minute)
		want(t, wire.OK, newDevice(desks[0]).redeem(t, code))
		want(t, wire.RateLimited, newDevice(desks[1]).redeem(t, code))
	})
}

// TestSignInLimit: an e-mail can be tried so often and no more, known or not, whatever its case; it is never locked.
func TestSignInLimit(t *testing.T) {
	t.Parallel()
	r := newRig(t, filepath.Join(t.TempDir(), "test.db"), server.Limits{SignIn: server.Rate{Every: time.Minute, Burst: 2}})
	id, _ := r.sell(t, server.Terms{Kind: lease.KindSubscription})
	if _, err := r.vendor.AddAccount(t.Context(), "Jo@example.com", "right-password", id); err != nil {
		t.Fatal(err)
	}
	for _, email := range []string{"jo@example.com", "unknown@example.com"} {
		d := newDevice(r.desk)
		want(t, wire.CredentialsWrong, d.signIn(t, email, "wrong"))
		want(t, wire.CredentialsWrong, d.signIn(t, strings.ToUpper(email), "wrong"))
		want(t, wire.RateLimited, d.signIn(t, email, "right-password"))
	}
	r.advance(time.Minute)
	want(t, wire.OK, newDevice(r.desk).signIn(t, "JO@EXAMPLE.COM", "right-password"))
}

// spy is a store that notes which methods a transaction calls.
type spy struct {
	server.Store
	mu    sync.Mutex
	calls []string
}

func (s *spy) Update(ctx context.Context, f func(server.Tx) error) error {
	return s.Store.Update(ctx, func(tx server.Tx) error { return f(spyTx{tx, s}) })
}

type spyTx struct {
	server.Tx
	s *spy
}

func (x spyTx) note(call string) {
	x.s.mu.Lock()
	defer x.s.mu.Unlock()
	x.s.calls = append(x.s.calls, call)
}

func (x spyTx) LicenseByCode(ctx context.Context, hash string) (server.License, error) {
	x.note("LicenseByCode")
	return x.Tx.LicenseByCode(ctx, hash)
}

func (x spyTx) LockLicense(ctx context.Context, id string) (server.License, error) {
	x.note("LockLicense")
	return x.Tx.LockLicense(ctx, id)
}

func (x spyTx) Charge(ctx context.Context, key string, now, interval, burst int64) (int64, error) {
	x.note("Charge")
	return x.Tx.Charge(ctx, key, now, interval, burst)
}

// TestForeignCode: a code of another product is refused like one that never was, by the same steps.
func TestForeignCode(t *testing.T) {
	t.Parallel()
	r := newRig(t, filepath.Join(t.TempDir(), "test.db"), server.Limits{})
	_, code := r.sell(t, server.Terms{})
	s := &spy{Store: r.db}
	r.cfg.Store = s
	desk, err := server.NewDesk(t.Context(), r.cfg)
	if err != nil {
		t.Fatal(err)
	}
	var seen []string
	for _, c := range []string{wire.NewCode(), code} {
		s.calls = nil
		a := newDevice(desk).activation()
		a.Product, a.Code = "another-product", c
		reply, err := desk.Activate(t.Context(), server.Request{Nonce: a.Nonce, Hash: "h"}, a)
		if err != nil || reply.Code != wire.CodeInvalid {
			t.Fatalf("code %s, %v", reply.Code, err)
		}
		seen = append(seen, strings.Join(s.calls, " "))
	}
	if seen[0] != "LicenseByCode" || seen[1] != seen[0] {
		t.Errorf("steps differ: %q", seen)
	}
}

// errGone is what a database says that is gone.
var errGone = errors.New("database is gone")

// gone is a store whose database is gone.
type gone struct{ server.Store }

func (gone) Update(context.Context, func(server.Tx) error) error { return errGone }

// TestDatabaseGone: nothing is decided without the database.
func TestDatabaseGone(t *testing.T) {
	t.Parallel()
	r := newRig(t, filepath.Join(t.TempDir(), "test.db"), server.Limits{})
	_, code := r.sell(t, server.Terms{})
	r.cfg.Store = gone{r.db}
	desk, err := server.NewDesk(t.Context(), r.cfg)
	if err != nil {
		t.Fatal(err)
	}
	a := newDevice(desk).activation()
	a.Code = code
	if reply, err := desk.Activate(t.Context(), server.Request{Nonce: a.Nonce, Hash: "h"}, a); !errors.Is(err, errGone) || reply.Statement != "" {
		t.Errorf("activation: %v, %q", err, reply.Statement)
	}
}

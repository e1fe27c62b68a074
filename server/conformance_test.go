package server_test

import (
	"context"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/counterfoil-dev/counterfoil/lease"
	"github.com/counterfoil-dev/counterfoil/licensetest"
	"github.com/counterfoil-dev/counterfoil/server"
	"github.com/counterfoil-dev/counterfoil/server/httpd"
	"github.com/counterfoil-dev/counterfoil/server/internal/pgtest"
	"github.com/counterfoil-dev/counterfoil/server/sqlstore"
)

var postgres pgtest.Server

func TestMain(m *testing.M) { os.Exit(postgres.Main(m)) }

// engines are the databases that every rule must hold on.
func engines(t *testing.T, f func(t *testing.T, url string)) {
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		f(t, filepath.Join(t.TempDir(), "test.db"))
	})
	t.Run("postgresql", func(t *testing.T) {
		t.Parallel()
		f(t, postgres.URL(t))
	})
}

// rig is a server on a database, with a clock of its own.
type rig struct {
	db     *sqlstore.DB
	cfg    server.Config
	desk   *server.Desk
	vendor *server.Vendor
	ahead  atomic.Int64 // nanoseconds that the clock is ahead
}

// plenty lets the suites pass.
var plenty = server.Limits{
	Activation: server.Rate{Every: time.Microsecond, Burst: 1 << 30},
	SignIn:     server.Rate{Every: time.Microsecond, Burst: 1 << 30},
}

func newRig(t *testing.T, url string, limits server.Limits) *rig {
	t.Helper()
	r := &rig{}
	return r.open(t, url, limits, func() time.Time { return time.Now().Add(time.Duration(r.ahead.Load())) })
}

// open makes the rig's server, which goes by a clock.
func (r *rig) open(t *testing.T, url string, limits server.Limits, now func() time.Time) *rig {
	t.Helper()
	var err error
	if r.db, err = sqlstore.Open(t.Context(), sqlstore.Config{URL: url}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.db.Close(); err != nil {
			t.Error(err)
		}
	})
	secret, err := server.ParseSecret(server.NewSecretText())
	if err != nil {
		t.Fatal(err)
	}
	r.cfg = server.Config{Store: r.db, Secret: secret, Limits: limits, Now: now}
	if r.desk, err = server.NewDesk(t.Context(), r.cfg); err != nil {
		t.Fatal(err)
	}
	if r.vendor, err = server.NewVendor(t.Context(), r.cfg); err != nil {
		t.Fatal(err)
	}
	return r
}

// advance moves the clock.
func (r *rig) advance(d time.Duration) { r.ahead.Add(int64(d)) }

// serve puts the rig on loopback, over TLS.
func (r *rig) serve(t *testing.T) *httptest.Server {
	t.Helper()
	h, err := httpd.New(httpd.Config{Desk: r.desk, Rate: -1})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewTLSServer(h)
	t.Cleanup(srv.Close)
	return srv
}

func TestProtocol(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, url string) {
		r := newRig(t, url, plenty)
		srv := r.serve(t)
		keys, err := r.desk.KeySet(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		licensetest.TestServer(t, licensetest.Target{URL: srv.URL, Client: srv.Client(), Keys: keys, Admin: r.admin()})
	})
}

// admin is the vendor as the suite knows one.
func (r *rig) admin() licensetest.Admin {
	ctx := context.Background()
	v := r.vendor
	do := func(f func(context.Context, string) error) func(string) error {
		return func(id string) error { return f(ctx, id) }
	}
	return licensetest.Admin{
		AddLicense: func(l licensetest.License) (id, code string, err error) {
			t := server.Terms{Product: l.Product, Kind: l.Kind, Edition: l.Edition, Entitlements: l.Entitlements, Seats: l.Seats}
			if t.Kind == "" {
				t.Kind = lease.KindSingle
			}
			if !l.End.IsZero() {
				t.End = l.End.Unix()
			}
			if _, err := v.PutProduct(ctx, server.Product{Name: l.Product}); err != nil {
				return "", "", err
			}
			if l.Edition != "" {
				if err := v.PutEdition(ctx, server.Edition{Product: l.Product, Name: l.Edition}); err != nil {
					return "", "", err
				}
			}
			sold, err := v.Sell(ctx, t, 1, "")
			if err != nil {
				return "", "", err
			}
			return sold[0].License, sold[0].Code, nil
		},
		AddAccount: func(email, password string, licenses ...string) error {
			_, err := v.AddAccount(ctx, email, password, licenses...)
			return err
		},
		Suspend:     do(v.Suspend),
		Revoke:      do(v.Revoke),
		Reinstate:   do(v.Reinstate),
		Expire:      do(v.Expire),
		Release:     do(v.Release),
		RenewToken:  do(v.RenewToken),
		AllowRebind: func(id string, n int) error { return v.AllowRebind(ctx, id, n) },
		AnswerOffline: func(text string) (string, error) {
			reply, err := r.desk.Offline(ctx, text)
			return reply.Statement, err
		},
		Advance: func(d time.Duration) error { r.advance(d); return nil },
	}
}

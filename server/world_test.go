package server_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/counterfoil-dev/counterfoil/lease"
	"github.com/counterfoil-dev/counterfoil/license"
	"github.com/counterfoil-dev/counterfoil/licensetest"
	"github.com/counterfoil-dev/counterfoil/server"
)

// world is a server with its vendor, and the clock that all go by.
type world struct {
	*testing.T
	licensetest.Admin
	clock  *licensetest.Clock
	url    string
	client *http.Client
	keys   lease.KeySet
	away   atomic.Bool // the network is

	renew  func(id string, end time.Time) error
	seats  func(id string) (int, error)
	backup func() (restore func() error, err error)
}

// start is a time in the middle of a UTC day.
var start = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

const dayLong = 24 * time.Hour

// fakeWorld is the server of package licensetest.
func fakeWorld(t *testing.T) *world {
	clock := licensetest.NewClock(start)
	srv := licensetest.NewServer(licensetest.Config{Now: clock.Now})
	records := make(map[string]*licensetest.Record)
	do := func(f func(*licensetest.Record)) func(string) error {
		return func(id string) error { f(records[id]); return nil }
	}
	return &world{
		T: t, clock: clock, url: srv.URL(), client: srv.Client(), keys: srv.Keys(),
		Admin: licensetest.Admin{
			AddLicense: func(l licensetest.License) (id, code string, err error) {
				r := srv.AddLicense(l)
				records[r.ID] = r
				return r.ID, r.Code, nil
			},
			AddAccount: func(email, password string, ids ...string) error {
				var claims []*licensetest.Record
				for _, id := range ids {
					claims = append(claims, records[id])
				}
				srv.AddAccount(email, password, claims...)
				return nil
			},
			Suspend:       do((*licensetest.Record).Suspend),
			Revoke:        do((*licensetest.Record).Revoke),
			Reinstate:     do((*licensetest.Record).Reinstate),
			Expire:        do((*licensetest.Record).Expire),
			Release:       func(id string) error { srv.Release(id); return nil },
			RenewToken:    func(id string) error { srv.RenewToken(id); return nil },
			AllowRebind:   func(id string, n int) error { records[id].AllowRebind(n); return nil },
			AnswerOffline: srv.AnswerOffline,
		},
		renew: func(id string, end time.Time) error { records[id].Renew(end); return nil },
		seats: func(id string) (int, error) { return records[id].Seats(), nil },
		backup: func() (func() error, error) {
			s := srv.Snapshot()
			return func() error { srv.Restore(s); return nil }, nil
		},
	}
}

// realWorld is the server of this module on a new SQLite database.
func realWorld(t *testing.T) *world {
	clock := licensetest.NewClock(start)
	r := (&rig{}).open(t, filepath.Join(t.TempDir(), "test.db"), server.Limits{}, clock.Now)
	srv := r.serve(t)
	keys, err := r.desk.KeySet(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return &world{
		T: t, clock: clock, url: srv.URL, client: srv.Client(), keys: keys, Admin: r.admin(),
		renew: func(id string, end time.Time) error { return r.vendor.Renew(context.Background(), id, end.Unix()) },
		seats: func(id string) (int, error) {
			l, err := r.vendor.License(context.Background(), id)
			return l.Used, err
		},
		backup: func() (func() error, error) {
			var b bytes.Buffer
			_, err := r.db.Backup(context.Background(), &b)
			return func() error {
				_, err := r.db.Restore(context.Background(), bytes.NewReader(b.Bytes()), true)
				return err
			}, err
		},
	}
}

// RoundTrip is the network, while it is there.
func (w *world) RoundTrip(r *http.Request) (*http.Response, error) {
	if w.away.Load() {
		return nil, errors.New("no network")
	}
	return w.client.Transport.RoundTrip(r)
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// sell returns id and code of a license.
func (w *world) sell(l licensetest.License) (id, code string) {
	w.Helper()
	if l.Product == "" {
		l.Product = product
	}
	id, code, err := w.AddLicense(l)
	w.must(err)
	return id, code
}

func (w *world) wantSeats(id string, want int) {
	w.Helper()
	if n, err := w.seats(id); err != nil || n != want {
		w.Fatalf("%d seats in use, want %d; %v", n, want, err)
	}
}

// app is the application on one device.
type app struct {
	*world
	device string
	dir    string
	ring   *licensetest.Keyring
	*license.Client
}

func (w *world) app(device string) *app {
	w.Helper()
	a := &app{world: w, device: device, dir: w.TempDir(), ring: &licensetest.Keyring{}}
	a.restart()
	return a
}

// restart starts the application anew.
func (a *app) restart() {
	a.Helper()
	var err error
	a.Client, err = license.Open(license.Config{
		Product: product, Server: a.url, Keys: a.keys, Dir: a.dir, Device: a.device, TokenStore: a.ring,
		HTTPClient: &http.Client{Transport: a.world}, Now: a.clock.Now,
	})
	a.must(err)
}

// activated is the application on a device that activates.
func (w *world) activated(device, code string) *app {
	w.Helper()
	a := w.app(device)
	a.must(a.Activate(a.Context(), license.Code(code)))
	return a
}

// tomorrow starts the application the next day, which checks.
func (a *app) tomorrow() {
	a.Helper()
	a.clock.Advance(dayLong)
	a.restart()
	a.Check(a.Context())
}

func (a *app) want(s license.State, r license.Reason) {
	a.Helper()
	if st := a.Status(); st.State != s || st.Reason != r {
		a.Fatalf("state %v (%s), want %v (%s); check: %v", st.State, st.Reason, s, r, st.CheckErr())
	}
}

// wantErr wants an error for a reason; a nil sentinel stands for any.
func (a *app) wantErr(err, sentinel error, r license.Reason) *license.Error {
	a.Helper()
	e, ok := errors.AsType[*license.Error](err)
	if !ok || e.Reason != r || sentinel != nil && !errors.Is(err, sentinel) {
		a.Fatalf("%v, want %v for the reason %s", err, sentinel, r)
	}
	return e
}

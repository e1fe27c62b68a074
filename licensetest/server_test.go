package licensetest

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/counterfoil-dev/counterfoil/internal/wire"
	"github.com/counterfoil-dev/counterfoil/lease"
)

// A server that comes back is found where it was, with all that it knew.
func TestServerComesBack(t *testing.T) {
	t.Parallel()
	s := NewServer(Config{})
	s.Close() // nothing to close
	start(t, s)
	url, client := s.URL(), s.Client()
	p, rec := newProbe(t, s), s.AddLicense(License{})
	d := p.device("acme-editor")
	p.want(wire.OK, d.activate(rec.Code))
	if err := s.Start(); err != nil || s.URL() != url {
		t.Errorf("a second start: %v, %s", err, s.URL())
	}

	s.Close()
	s.Close()
	if _, err := client.Get(url + wire.PathChecks); err == nil {
		t.Error("a closed server answers")
	}
	if s.URL() != url {
		t.Errorf("a closed server moves to %s", s.URL())
	}
	start(t, s)
	if s.URL() != url {
		t.Errorf("the server comes back at %s, not %s", s.URL(), url)
	}
	p.want(wire.OK, d.check())
}

// Close breaks off a slow answer and waits until nothing runs any more.
func TestCloseInTheMiddle(t *testing.T) {
	t.Parallel()
	s := NewServer(Config{})
	start(t, s)
	reached := make(chan struct{})
	s.Fail(Handle(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(reached)
		<-r.Context().Done()
	})))
	var wg sync.WaitGroup
	wg.Go(func() {
		if resp, err := s.Client().Get(s.URL()); err == nil {
			resp.Body.Close()
			t.Error("a request survives Close")
		}
	})
	<-reached
	s.Close()
	wg.Wait()
}

func TestAddLicensePanics(t *testing.T) {
	t.Parallel()
	for name, l := range map[string]License{
		"product": {Product: "Acme Editor"},
		"code":    {Code: "AAAAA-AAAAA-AAAAA-AAAAA-AAAAA"},
		"seats":   {Seats: -1},
		"kind":    {Kind: "rented"},
		"edition": {Edition: "pro\n"},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			NewServer(Config{}).AddLicense(l)
		}()
	}
}

func TestLicenseDefaults(t *testing.T) {
	t.Parallel()
	s := NewServer(Config{})
	code := wire.NewCode()
	if rec := s.AddLicense(License{Code: strings.ToLower(strings.ReplaceAll(code, "-", " "))}); rec.Code != code {
		t.Errorf("want the code as a customer gets it, %s, have %s", code, rec.Code)
	}
	if rec := s.AddLicense(License{Kind: lease.KindSubscription}); rec.Code != "" {
		t.Error("a subscription has a code that nobody asked for")
	}
	p := newProbe(t, s)
	o := p.want(wire.OK, p.device("acme-editor").activate(code))
	if d := time.Duration(o.lease.LeaseEnd-o.lease.IssuedAt) * time.Second; d != 14*24*time.Hour {
		t.Errorf("a lease runs %s", d)
	}
}

// A backup brings back what was, and forgets what came after.
func TestRestore(t *testing.T) {
	t.Parallel()
	s := NewServer(Config{})
	p, rec := newProbe(t, s), s.AddLicense(License{Seats: 2})
	early, late := p.device("acme-editor"), p.device("acme-editor")
	p.want(wire.OK, early.activate(rec.Code))
	yesterday := s.Snapshot()
	p.want(wire.OK, late.activate(rec.Code))
	p.want(wire.OK, early.deactivate())
	rec.Suspend()
	newer := s.AddLicense(License{})

	s.Restore(yesterday)
	p.want(wire.OK, early.check())
	p.want(wire.TokenUnknown, late.check())
	newer.Suspend() // of a license that is no more: nothing
	p.want(wire.CodeInvalid, late.activate(newer.Code))
	p.seats(p.want(wire.OK, late.activate(rec.Code)), 2) // heals without a second seat

	// The backup is not what the server went on to write.
	s.Restore(yesterday)
	if rec.Seats() != 1 {
		t.Errorf("want 1 seat in the backup, have %d", rec.Seats())
	}
	s.Restore(Snapshot{})
	p.want(wire.TokenUnknown, early.check())

	// Another server takes over, with the same licenses.
	other := NewServer(Config{})
	other.Restore(yesterday)
	q := newProbe(t, other)
	early.probe = q
	q.want(wire.OK, early.check())
}

func TestSkew(t *testing.T) {
	t.Parallel()
	clock := NewClock(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	s := NewServer(Config{Now: clock.Now, LeaseTime: time.Hour})
	p, rec := newProbe(t, s), s.AddLicense(License{End: clock.Now().AddDate(0, 6, 0)})
	d := p.device("acme-editor")
	p.want(wire.OK, d.activate(rec.Code))
	s.Skew(-365 * 24 * time.Hour)
	o := p.want(wire.OK, d.check())
	if want := clock.Now().AddDate(-1, 0, 0).Unix(); o.answer.IssuedAt != want || o.lease.LeaseEnd != want+3600 {
		t.Errorf("want issued at %d, have %d", want, o.answer.IssuedAt)
	}
	if !last(s).Time.Equal(clock.Now().AddDate(-1, 0, 0)) {
		t.Error("the log does not go by the server's clock")
	}
	s.Skew(365 * 24 * time.Hour)
	p.want(wire.Expired, d.check())
}

func TestRotateKey(t *testing.T) {
	t.Parallel()
	s := NewServer(Config{})
	old, text := s.Keys(), s.PublicKey()
	if fresh := s.RotateKey(); fresh == text || fresh != s.PublicKey() {
		t.Errorf("rotating gives %s", fresh)
	}
	p, rec := newProbe(t, s), s.AddLicense(License{})
	p.target.Keys = old
	if a := p.attempt(rec.Code); !errors.Is(a.signed, lease.ErrInvalid) {
		t.Errorf("who pinned the old key accepts the new one: %v", a.signed)
	}
	p.target.Keys = lease.MustKeySet(text, s.PublicKey())
	if a := p.attempt(rec.Code); !a.good() {
		t.Errorf("who pinned both does not: %+v", a)
	}
}

func TestVendor(t *testing.T) {
	t.Parallel()
	s := NewServer(Config{})
	p, rec := newProbe(t, s), s.AddLicense(License{Seats: 2})
	d, e := p.device("acme-editor"), p.device("acme-editor")
	r := d.activation(rec.Code)
	r.Label = "office"
	p.want(wire.OK, d.keep(p.post(wire.PathActivations, "", r)))
	p.want(wire.OK, e.activate(rec.Code))

	list := rec.Activations()
	if len(list) != 2 || list[0].ID != d.id || list[0].Installation != d.name || list[0].Label != "office" ||
		list[0].Fingerprints[kindBIOS] != d.prints[kindBIOS] || list[0].Seat == list[1].Seat {
		t.Errorf("activations: %+v", list)
	}
	list[0].Fingerprints[kindBIOS] = "changed"
	p.want(wire.OK, d.check())

	rec.RenewTokens()
	if o := p.want(wire.OK, d.check()); o.answer.Token == "" {
		t.Error("no renewal")
	}
	rec.Expire()
	p.want(wire.Expired, d.check())
	rec.Renew(time.Time{})
	p.want(wire.OK, d.check())
	if s.Release("act_nobody") || s.RenewToken("act_nobody") {
		t.Error("there is no such activation")
	}
	rec.Release()
	p.want(wire.Released, d.check())
	p.want(wire.Released, e.check())
	if rec.Seats() != 0 || s.Release(d.id) || s.RenewToken(d.id) {
		t.Errorf("%d seats are left", rec.Seats())
	}
}

// A log entry is the caller's to change.
func TestRequestsAreCopies(t *testing.T) {
	t.Parallel()
	s := NewServer(Config{})
	resp, err := post(t.Context(), t, s, wire.PathChecks, "{}")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(resp.Body); err != nil {
		t.Fatal(err)
	}
	r := last(s)
	r.Body[0] = 'x'
	r.Header.Set("User-Agent", "x")
	if r := last(s); r.Body[0] == 'x' || r.Header.Get("User-Agent") == "x" {
		t.Error("the log was changed through a copy")
	}
}

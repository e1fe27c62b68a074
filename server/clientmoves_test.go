package server_test

import (
	"net/http"
	"os"
	"time"

	"github.com/counterfoil-dev/counterfoil/internal/wire"
	"github.com/counterfoil-dev/counterfoil/license"
	"github.com/counterfoil-dev/counterfoil/licensetest"
)

// The second half of the scenarios: tokens, moves between devices, offline activation, and what goes wrong around them.

func (w *world) renewedToken() {
	_, code := w.sell(licensetest.License{})
	a := w.activated("one", code)
	first := a.ring.Token()
	a.tomorrow()
	if !a.ring.Token().Equal(first) {
		w.Fatal("a token that nobody asked to renew is another")
	}
	w.must(w.RenewToken(a.Status().ActivationID()))
	a.tomorrow()
	second := a.ring.Token()
	if second.Equal(first) || second.IsZero() {
		w.Fatal("the token was not renewed")
	}
	for range 2 {
		a.tomorrow()
		a.want(license.Active, license.ReasonConfirmed)
	}
	if !a.ring.Token().Equal(second) {
		w.Fatal("the token is renewed again and again")
	}
	// The token before is of no more use.
	w.must(a.ring.Set(w.Context(), first))
	a.tomorrow()
	a.want(license.Grace, license.ReasonCheckOverdue)
	a.wantErr(a.Status().CheckErr(), nil, license.ReasonTokenUnknown)
}

// Where the token is lost, the lease proves the activation, and brings another token.
func (w *world) lostToken() {
	id, code := w.sell(licensetest.License{Seats: 1})
	a := w.activated("one", code)
	w.must(a.ring.Delete(w.Context()))
	for range 2 {
		a.tomorrow()
		a.want(license.Active, license.ReasonConfirmed)
		if a.ring.Token().IsZero() {
			w.Fatal("no token")
		}
	}
	w.wantSeats(id, 1)
}

func (w *world) rebinding() {
	id, code := w.sell(licensetest.License{Seats: 1})
	a := w.activated("one", code)
	for _, device := range []string{"two", "three", "four"} {
		a.device = device
		a.tomorrow()
		a.want(license.WrongDevice, license.ReasonWrongDevice)
		w.must(a.Rebind(w.Context()))
		a.want(license.Active, license.ReasonConfirmed)
		a.tomorrow()
		a.want(license.Active, license.ReasonConfirmed)
	}
	a.device = "five"
	a.tomorrow()
	a.wantErr(a.Rebind(w.Context()), license.ErrRebindLimit, license.ReasonRebindLimit)
	a.want(license.WrongDevice, license.ReasonWrongDevice)
	w.must(w.AllowRebind(id, 1))
	w.must(a.Rebind(w.Context()))
	a.tomorrow()
	a.want(license.Active, license.ReasonConfirmed)
	w.wantSeats(id, 1)
}

// A copy of the state serves no second device; a rebinding of it ends what the first one holds.
func (w *world) copied() {
	id, code := w.sell(licensetest.License{Seats: 1})
	a := w.activated("one", code)
	a.tomorrow()
	b := *a
	b.device, b.ring = "two", &licensetest.Keyring{}
	w.must(b.ring.Set(w.Context(), a.ring.Token()))
	b.dir = w.TempDir()
	w.must(os.CopyFS(b.dir, os.DirFS(a.dir)))
	b.tomorrow()
	b.want(license.WrongDevice, license.ReasonWrongDevice)
	a.restart()
	a.Check(w.Context())
	a.want(license.Active, license.ReasonConfirmed)

	w.must(b.Rebind(w.Context()))
	b.tomorrow()
	b.want(license.Active, license.ReasonConfirmed)
	a.restart()
	a.Check(w.Context())
	if st := a.Status(); st.CheckErr() == nil {
		w.Fatalf("the former device was confirmed: %v", st.State)
	}
	w.clock.Advance(14 * dayLong)
	a.want(license.Lapsed, license.ReasonLeaseEnded)
	w.wantSeats(id, 1)
}

func (w *world) deactivation() {
	id, code := w.sell(licensetest.License{Seats: 1})
	a := w.activated("one", code)
	w.must(a.Deactivate(w.Context()))
	a.want(license.NotActivated, license.ReasonNone)
	if !a.ring.Token().IsZero() {
		w.Fatal("the token is still there")
	}
	w.wantSeats(id, 0)
	w.must(a.Deactivate(w.Context()))
	w.activated("two", code)
	w.wantSeats(id, 1)

	// It works whatever the license's standing, and where the vendor was first.
	b := w.app("three")
	other, code := w.sell(licensetest.License{Seats: 1})
	w.must(b.Activate(w.Context(), license.Code(code)))
	w.must(w.Release(b.Status().ActivationID()))
	w.must(b.Deactivate(w.Context()))
	w.must(b.Activate(w.Context(), license.Code(code)))
	w.must(w.Revoke(other))
	w.must(b.Deactivate(w.Context()))
	b.want(license.NotActivated, license.ReasonNone)
	w.wantSeats(other, 0)
}

func (w *world) movingTooOften() {
	id, code := w.sell(licensetest.License{Seats: 1})
	for range 4 {
		a := w.activated("one", code)
		w.must(a.Deactivate(w.Context()))
	}
	a := w.app("two")
	a.wantErr(a.Activate(w.Context(), license.Code(code)), license.ErrRebindLimit, license.ReasonRebindLimit)
	w.must(w.AllowRebind(id, 1))
	w.must(a.Activate(w.Context(), license.Code(code)))
	w.wantSeats(id, 1)
}

func (w *world) offline() {
	id, code := w.sell(licensetest.License{Seats: 1})
	w.away.Store(true)
	a := w.app("one")
	request, err := a.OfflineRequest(w.Context(), license.Code(code))
	w.must(err)
	answer, err := w.AnswerOffline(request)
	w.must(err)
	again, err := w.AnswerOffline(request)
	w.must(err)
	a.restart()
	w.must(a.Import(w.Context(), answer))
	a.want(license.Active, license.ReasonOfflineLease)
	w.must(a.Import(w.Context(), answer))
	_ = a.Import(w.Context(), again) // as good as the first, or no longer wanted
	w.wantSeats(id, 1)
	a.tomorrow()
	a.want(license.Active, license.ReasonOfflineLease)
	w.clock.Advance(100 * dayLong)
	a.want(license.Active, license.ReasonOfflineLease)

	// With a network again, the lease brings a token and an ordinary lease.
	w.away.Store(false)
	for range 2 {
		a.tomorrow()
		a.want(license.Active, license.ReasonConfirmed)
		if a.Status().Offline() || a.ring.Token().IsZero() {
			w.Fatal("no token, or still offline")
		}
	}
	w.wantSeats(id, 1)
	w.must(a.Deactivate(w.Context()))
	w.wantSeats(id, 0)
}

func (w *world) offlineRefused() {
	id, code := w.sell(licensetest.License{Seats: 1})
	w.activated("one", code)
	b := w.app("two")
	for _, c := range []struct {
		code   string
		err    error
		reason license.Reason
	}{
		{code, license.ErrSeatsUsed, license.ReasonSeatsUsed},
		{wire.NewCode(), license.ErrCodeInvalid, license.ReasonCodeInvalid},
	} {
		request, err := b.OfflineRequest(w.Context(), license.Code(c.code))
		w.must(err)
		answer, err := w.AnswerOffline(request)
		w.must(err)
		b.wantErr(b.Import(w.Context(), answer), c.err, c.reason)
		b.want(license.NotActivated, license.ReasonNone)
	}
	w.wantSeats(id, 1)
}

// Devices that activated since the backup go on in grace, and heal by activating again.
func (w *world) restoredBackup() {
	id, code := w.sell(licensetest.License{Seats: 2})
	before := w.activated("one", code)
	restore, err := w.backup()
	w.must(err)
	after := w.activated("two", code)
	after.tomorrow()
	w.must(restore())
	w.wantSeats(id, 1)
	after.tomorrow()
	after.want(license.Grace, license.ReasonCheckOverdue)
	after.wantErr(after.Status().CheckErr(), nil, license.ReasonTokenUnknown)
	if !after.Status().Usable() {
		w.Fatal("locked out by a backup")
	}
	before.restart()
	before.Check(w.Context())
	before.want(license.Active, license.ReasonConfirmed)
	for range 2 {
		w.must(after.Activate(w.Context(), license.Code(code)))
		after.want(license.Active, license.ReasonConfirmed)
	}
	after.tomorrow()
	after.want(license.Active, license.ReasonConfirmed)
	w.wantSeats(id, 2)
}

// The token of another product harms nothing.
func (w *world) wrongProduct() {
	_, code := w.sell(licensetest.License{})
	a := w.activated("one", code)
	own := a.ring.Token()
	_, code = w.sell(licensetest.License{Product: "acme-viewer"})
	viewer := &licensetest.Keyring{}
	v, err := license.Open(license.Config{Product: "acme-viewer", Server: w.url, Keys: w.keys, Dir: w.TempDir(), Device: "one",
		TokenStore: viewer, HTTPClient: &http.Client{Transport: w}, Now: w.clock.Now})
	w.must(err)
	w.must(v.Activate(w.Context(), license.Code(code)))
	w.must(a.ring.Set(w.Context(), viewer.Token()))
	a.tomorrow()
	a.want(license.Grace, license.ReasonCheckOverdue)
	a.wantErr(a.Status().CheckErr(), nil, license.ReasonWrongProduct)
	w.must(a.ring.Set(w.Context(), own))
	a.tomorrow()
	a.want(license.Active, license.ReasonConfirmed)
}

// Without a network the lease carries the application for its time; the first check with one heals.
func (w *world) noNetwork() {
	_, code := w.sell(licensetest.License{})
	a := w.app("one")
	w.away.Store(true)
	a.wantErr(a.Activate(w.Context(), license.Code(code)), license.ErrUnreachable, license.ReasonUnreachable)
	w.away.Store(false)
	w.must(a.Activate(w.Context(), license.Code(code)))
	w.away.Store(true)
	w.clock.Advance(12 * dayLong)
	a.tomorrow()
	a.want(license.Grace, license.ReasonCheckOverdue)
	a.wantErr(a.Status().CheckErr(), license.ErrUnreachable, license.ReasonUnreachable)
	a.wantErr(a.Deactivate(w.Context()), license.ErrUnreachable, license.ReasonUnreachable)
	a.tomorrow()
	a.want(license.Lapsed, license.ReasonLeaseEnded)
	w.away.Store(false)
	a.Check(w.Context())
	a.want(license.Active, license.ReasonConfirmed)
}

// A clock that is wrong by a year, at the server as at the device, ends nothing for good.
func (w *world) wrongClocks() {
	_, code := w.sell(licensetest.License{})
	a := w.activated("one", code)
	for _, step := range []time.Duration{365 * dayLong, -2 * 365 * dayLong, 365 * dayLong} {
		w.clock.Advance(step)
		a.restart()
		a.Check(w.Context())
		a.want(license.Active, license.ReasonConfirmed)
	}
}

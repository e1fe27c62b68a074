package server_test

import (
	"testing"
	"time"

	"github.com/counterfoil-dev/counterfoil/internal/wire"
	"github.com/counterfoil-dev/counterfoil/lease"
	"github.com/counterfoil-dev/counterfoil/license"
	"github.com/counterfoil-dev/counterfoil/licensetest"
)

// The scenarios are written once, against the library's public interface, and played twice: at the library's fake, and
// at the real server over TLS on loopback.

// TestClientMatrix plays all that an application can live through.
func TestClientMatrix(t *testing.T) {
	t.Parallel()
	worlds := map[string]func(*testing.T) *world{"fake": fakeWorld, "real": realWorld}
	for name, scenario := range scenarios {
		for at, open := range worlds {
			t.Run(name+"/"+at, func(t *testing.T) {
				t.Parallel()
				scenario(open(t))
			})
		}
	}
}

var scenarios = map[string]func(*world){
	"code":             (*world).byCode,
	"refused codes":    (*world).refusedCodes,
	"account":          (*world).byAccount,
	"seats":            (*world).seatsUsed,
	"upsert":           (*world).upsert,
	"suspended":        (*world).suspended,
	"revoked":          (*world).revoked,
	"expired":          (*world).expired,
	"end":              (*world).end,
	"released":         (*world).released,
	"renewed token":    (*world).renewedToken,
	"lost token":       (*world).lostToken,
	"rebinding":        (*world).rebinding,
	"copied state":     (*world).copied,
	"deactivation":     (*world).deactivation,
	"moving too often": (*world).movingTooOften,
	"offline":          (*world).offline,
	"offline refused":  (*world).offlineRefused,
	"restored backup":  (*world).restoredBackup,
	"wrong product":    (*world).wrongProduct,
	"no network":       (*world).noNetwork,
	"wrong clocks":     (*world).wrongClocks,
}

func (w *world) byCode() {
	five := int64(5)
	id, code := w.sell(licensetest.License{Edition: "pro", Seats: 3,
		Entitlements: map[string]lease.Entitlement{"export.pdf": {}, "projects": {Limit: &five}}})
	a := w.app("one")
	a.want(license.NotActivated, license.ReasonNone)
	w.must(a.Activate(w.Context(), license.Code(code)))
	for range 3 {
		a.want(license.Active, license.ReasonConfirmed)
		st := a.Status()
		used, total := st.Seats()
		n, ok := st.Limit("projects")
		if st.LicenseID() != id || st.Edition() != "pro" || !st.Has("export.pdf") || n != 5 || !ok || used != 1 || total != 3 {
			w.Fatalf("license %s, edition %s, %d projects, %d of %d seats", st.LicenseID(), st.Edition(), n, used, total)
		}
		a.tomorrow()
	}
	w.wantSeats(id, 1)
}

func (w *world) refusedCodes() {
	_, other := w.sell(licensetest.License{Product: "acme-viewer"})
	suspended, s := w.sell(licensetest.License{})
	w.must(w.Suspend(suspended))
	revoked, r := w.sell(licensetest.License{})
	w.must(w.Revoke(revoked))
	ended, e := w.sell(licensetest.License{})
	w.must(w.Expire(ended))
	a := w.app("one")
	for _, c := range []struct {
		code   string
		err    error
		reason license.Reason
	}{
		{"7KQ2M-4XVTA", license.ErrCodeInvalid, license.ReasonCodeMistyped},
		{wire.NewCode(), license.ErrCodeInvalid, license.ReasonCodeInvalid},
		{other, license.ErrCodeInvalid, license.ReasonCodeInvalid},
		{s, license.ErrNotUsable, license.ReasonSuspended},
		{r, license.ErrNotUsable, license.ReasonRevoked},
		{e, license.ErrNotUsable, license.ReasonExpired},
	} {
		a.wantErr(a.Activate(w.Context(), license.Code(c.code)), c.err, c.reason)
		a.want(license.NotActivated, license.ReasonNone)
	}
}

func (w *world) byAccount() {
	one, _ := w.sell(licensetest.License{Kind: lease.KindSubscription, Edition: "basic", Seats: 2})
	two, _ := w.sell(licensetest.License{Kind: lease.KindSubscription, Edition: "team", Seats: 2})
	other, _ := w.sell(licensetest.License{Kind: lease.KindSubscription, Product: "acme-viewer"})
	const password = "correct horse"
	w.must(w.AddAccount("one@example.com", password, one))
	w.must(w.AddAccount("both@example.com", password, one, two, other))
	w.must(w.AddAccount("other@example.com", password, other))

	a := w.app("one")
	for _, c := range []struct {
		email, password string
		err             error
		reason          license.Reason
	}{
		{"one@example.com", "wrong", license.ErrCredentialsWrong, license.ReasonCredentialsWrong},
		{"nobody@example.com", password, license.ErrCredentialsWrong, license.ReasonCredentialsWrong},
		{"other@example.com", password, license.ErrChooseLicense, license.ReasonNoLicense},
	} {
		a.wantErr(a.Activate(w.Context(), license.Account(c.email, c.password)), c.err, c.reason)
	}
	w.must(a.Activate(w.Context(), license.Account("One@example.com", password)))
	a.want(license.Active, license.ReasonConfirmed)
	if id := a.Status().LicenseID(); id != one {
		w.Fatalf("license %s, want %s", id, one)
	}

	b := w.app("two")
	claim := license.Account("both@example.com", password)
	e := b.wantErr(b.Activate(w.Context(), claim), license.ErrChooseLicense, license.ReasonChooseLicense)
	if len(e.Licenses) != 2 {
		w.Fatalf("choices: %v", e.Licenses)
	}
	claim.License = two
	w.must(b.Activate(w.Context(), claim))
	if st := b.Status(); st.LicenseID() != two || st.Edition() != "team" {
		w.Fatalf("license %s, edition %s", st.LicenseID(), st.Edition())
	}
	b.tomorrow()
	b.want(license.Active, license.ReasonConfirmed)
}

func (w *world) seatsUsed() {
	id, code := w.sell(licensetest.License{Seats: 2})
	a := w.activated("one", code)
	w.activated("two", code)
	c := w.app("three")
	c.wantErr(c.Activate(w.Context(), license.Code(code)), license.ErrSeatsUsed, license.ReasonSeatsUsed)
	w.wantSeats(id, 2)
	w.must(a.Deactivate(w.Context()))
	w.must(c.Activate(w.Context(), license.Code(code)))
	w.wantSeats(id, 2)
}

// Whatever a device has forgotten, it takes no second seat.
func (w *world) upsert() {
	id, code := w.sell(licensetest.License{Seats: 1})
	a := w.activated("one", code)
	w.must(a.Activate(w.Context(), license.Code(code)))
	w.must(a.Forget())
	a.restart()
	a.want(license.NotActivated, license.ReasonNone)
	w.must(a.Activate(w.Context(), license.Code(code)))
	w.activated("one", code) // another user of the device
	w.wantSeats(id, 1)
	a.tomorrow()
	a.want(license.Active, license.ReasonConfirmed)
}

func (w *world) suspended() {
	id, code := w.sell(licensetest.License{})
	a := w.activated("one", code)
	w.must(w.Suspend(id))
	a.want(license.Active, license.ReasonConfirmed) // until it asks
	a.tomorrow()
	a.want(license.Suspended, license.ReasonSuspended)
	a.restart()
	a.want(license.Suspended, license.ReasonSuspended)
	w.must(w.Reinstate(id))
	a.Check(w.Context())
	a.want(license.Active, license.ReasonConfirmed)
}

func (w *world) revoked() {
	id, code := w.sell(licensetest.License{})
	a := w.activated("one", code)
	w.must(w.Suspend(id))
	w.must(w.Revoke(id))
	a.tomorrow()
	a.want(license.Revoked, license.ReasonRevoked)
	a.tomorrow()
	a.want(license.Revoked, license.ReasonRevoked)
	w.must(w.Reinstate(id)) // a mistake at the vendor heals
	a.Check(w.Context())
	a.want(license.Active, license.ReasonConfirmed)
}

func (w *world) expired() {
	id, code := w.sell(licensetest.License{})
	a := w.activated("one", code)
	w.must(w.Expire(id))
	a.tomorrow()
	a.want(license.Expired, license.ReasonExpired)
	w.must(w.renew(id, w.clock.Now().Add(30*dayLong)))
	a.Check(w.Context())
	a.want(license.Active, license.ReasonConfirmed)
}

// A license that ends in its own time does so without a word from the server, and a renewal heals it.
func (w *world) end() {
	end := start.Add(2*dayLong + time.Hour)
	id, code := w.sell(licensetest.License{End: end})
	a := w.activated("one", code)
	a.tomorrow()
	if got := a.Status().LicenseEnd(); !got.Equal(end) {
		w.Fatalf("ends %v, want %v", got, end)
	}
	w.clock.Set(end)
	a.want(license.Expired, license.ReasonExpired)
	a.Check(w.Context())
	a.want(license.Expired, license.ReasonExpired)
	w.must(w.renew(id, end.Add(365*dayLong)))
	a.Check(w.Context())
	a.want(license.Active, license.ReasonConfirmed)
}

func (w *world) released() {
	id, code := w.sell(licensetest.License{Seats: 1})
	a := w.activated("one", code)
	w.must(w.Release(a.Status().ActivationID()))
	w.wantSeats(id, 0)
	a.tomorrow()
	a.want(license.NotActivated, license.ReasonReleased)
	b := w.activated("two", code)
	a.wantErr(a.Activate(w.Context(), license.Code(code)), license.ErrSeatsUsed, license.ReasonSeatsUsed)
	w.must(w.Release(b.Status().ActivationID()))
	w.must(a.Activate(w.Context(), license.Code(code)))
	a.want(license.Active, license.ReasonConfirmed)
	w.wantSeats(id, 1)
}

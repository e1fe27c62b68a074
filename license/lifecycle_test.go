package license

import (
	"errors"
	"testing"
	"time"

	"github.com/counterfoil-dev/counterfoil/fingerprint"
	"github.com/counterfoil-dev/counterfoil/licensetest"
)

const dayLong = 24 * time.Hour

func TestActivateCheckDeactivate(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	c := b.open()
	b.want(c, NotActivated, ReasonNone)
	if !c.Status().NeedsActivation() {
		t.Fatal("a device that never was activated needs activation")
	}
	if err := c.Status().Err(); !errors.Is(err, ErrNotActivated) {
		t.Fatal(err)
	}
	if err := c.Activate(t.Context(), Code(b.record.Code)); err != nil {
		t.Fatal(err)
	}
	b.want(c, Active, ReasonConfirmed)
	st := c.Status()
	if !st.Has("export.pdf") || st.Has("export.svg") || st.Edition() != "pro" {
		t.Fatalf("entitlements are wrong: %+v", st)
	}
	if n, ok := st.Limit("projects"); !ok || n != 5 {
		t.Fatalf("limit is %d, %v", n, ok)
	}
	if _, ok := st.Limit("export.pdf"); ok {
		t.Fatal("an entitlement without a limit has one")
	}
	if used, total := st.Seats(); used != 1 || total != 1 {
		t.Fatalf("seats %d of %d", used, total)
	}

	// The day's check is the activation; a second one today sends nothing.
	if st := c.Check(t.Context()); !st.Usable() || b.checks() != 0 {
		t.Fatalf("%v after %d checks", st.State, b.checks())
	}
	b.clock.Advance(dayLong)
	b.want(c, Grace, ReasonCheckOverdue) // by itself
	for range 3 {
		if st := c.Check(t.Context()); st.State != Active {
			t.Fatal(st.State, st.CheckErr())
		}
	}
	if b.checks() != 1 {
		t.Fatalf("%d checks on one day", b.checks())
	}

	// The application starts anew: the state is there, and no request is made.
	c = b.open()
	b.want(c, Active, ReasonConfirmed)

	if err := c.Deactivate(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.want(c, NotActivated, ReasonNone)
	if b.record.Seats() != 0 || !b.store.held.IsZero() {
		t.Fatal("the seat or the token is still held")
	}
	b.want(b.open(), NotActivated, ReasonNone)
	if err := c.Deactivate(t.Context()); err != nil {
		t.Fatal("a second deactivation:", err)
	}
}

func TestAccount(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	sub := func(edition string) *licensetest.Record {
		return b.srv.AddLicense(licensetest.License{Product: product, Kind: "subscription", Edition: edition, Seats: 2})
	}
	one, two := sub("basic"), sub("team")
	b.srv.AddAccount("ada@example.com", "correct horse", one)
	b.srv.AddAccount("both@example.com", "battery staple", one, two)
	b.srv.AddAccount("none@example.com", "x")
	c := b.open()

	for name, claim := range map[string]Claim{
		"wrong password": Account("ada@example.com", "wrong"),
		"unknown e-mail": Account("nobody@example.com", "correct horse"),
	} {
		if err := c.Activate(t.Context(), claim); !errors.Is(err, ErrCredentialsWrong) {
			t.Fatalf("%s: %v", name, err)
		}
	}
	err := c.Activate(t.Context(), Account("none@example.com", "x"))
	if e, ok := errors.AsType[*Error](err); !ok || e.Reason != ReasonNoLicense {
		t.Fatal(err)
	}
	err = c.Activate(t.Context(), Account("both@example.com", "battery staple"))
	e, ok := errors.AsType[*Error](err)
	if !ok || !errors.Is(err, ErrChooseLicense) || len(e.Licenses) != 2 {
		t.Fatal(err)
	}
	b.want(c, NotActivated, ReasonNone)
	claim := Account("both@example.com", "battery staple")
	claim.License = two.ID
	if err := c.Activate(t.Context(), claim); err != nil {
		t.Fatal(err)
	}
	if c.Status().Edition() != "team" {
		t.Fatal(c.Status().Edition())
	}
}

// Whatever an activation is refused for, what was stored before stands unchanged.
func TestRefusedActivationChangesNothing(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		spoil  func(b *bench) string // returns the code to try
		want   error
		reason Reason
	}{
		{"mistyped", func(b *bench) string { return "ABCDE-12345-ABCDE-12345-ABCDE" }, ErrCodeInvalid, ReasonCodeMistyped},
		{"empty", func(b *bench) string { return "" }, ErrCodeInvalid, ReasonCodeMistyped},
		{"other product", func(b *bench) string {
			return b.srv.AddLicense(licensetest.License{Product: "other"}).Code
		}, ErrCodeInvalid, ReasonCodeInvalid},
		{"seats used", func(b *bench) string {
			b.another().activated()
			return b.record.Code
		}, ErrSeatsUsed, ReasonSeatsUsed},
		{"suspended", func(b *bench) string { b.record.Suspend(); return b.record.Code }, ErrNotUsable, ReasonSuspended},
		{"revoked", func(b *bench) string { b.record.Revoke(); return b.record.Code }, ErrNotUsable, ReasonRevoked},
		{"expired", func(b *bench) string { b.record.Expire(); return b.record.Code }, ErrNotUsable, ReasonExpired},
		{"busy", func(b *bench) string { b.srv.Fail(licensetest.Refuse("busy", time.Minute)); return b.record.Code }, errRefused, ReasonBusy},
		{"unreachable", func(b *bench) string { b.srv.Fail(licensetest.Unreachable()); return b.record.Code }, ErrUnreachable, ReasonUnreachable},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			code := c.spoil(b)
			cl := b.open()
			err := cl.Activate(t.Context(), Code(code))
			e, ok := errors.AsType[*Error](err)
			if !ok || !errors.Is(err, c.want) || e.Reason != c.reason || e.Hint == "" || e.Op != "activate" {
				t.Fatalf("%#v", err)
			}
			b.want(cl, NotActivated, ReasonNone)
			b.want(b.open(), NotActivated, ReasonNone)

			// A device that holds a license keeps it, whatever a further activation meets.
			d := newBench(t)
			held := d.activated()
			code = c.spoil(&bench{T: t, srv: d.srv, clock: d.clock, record: d.srv.AddLicense(licensetest.License{Product: product, Seats: 1}),
				machine: newMachine("board-3", "system-3"), store: &memory{}, dir: t.TempDir()})
			if err := held.Activate(t.Context(), Code(code)); !errors.Is(err, c.want) {
				t.Fatal(err)
			}
			d.want(held, Active, ReasonConfirmed)
			d.want(d.open(), Active, ReasonConfirmed)
		})
	}
}

// Repeating an activation, at any time and from wherever on the device, is the same seat.
func TestActivationIsAnUpsert(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	c := b.activated()
	if err := c.Activate(t.Context(), Code(b.record.Code)); err != nil {
		t.Fatal(err)
	}
	// Another user of the machine, who cannot read the firmware's UUID.
	user := *b
	user.machine, user.store, user.dir = b.machine.without(fingerprint.BIOSUUID), &memory{}, t.TempDir()
	user.activated()
	// The other system of a dual boot, and the same system installed anew.
	other := *b
	other.machine, other.store, other.dir = newMachine("board-1", "system-9"), &memory{}, t.TempDir()
	other.activated()
	if b.record.Seats() != 1 {
		t.Fatalf("%d seats for one machine", b.record.Seats())
	}
	for _, x := range []*bench{b, &user, &other} {
		b.clock.Advance(dayLong)
		c := x.open()
		if st := c.Check(t.Context()); st.State != Active {
			t.Fatal(st.State, st.CheckErr())
		}
	}
}

func TestLostAnswerHealsByRepeating(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	c := b.open()
	b.srv.Fail(licensetest.LostAnswer().Times(2))
	if err := c.Activate(t.Context(), Code(b.record.Code)); !errors.Is(err, ErrUnreachable) {
		t.Fatal(err)
	}
	b.srv.Heal()
	if err := c.Activate(t.Context(), Code(b.record.Code)); err != nil {
		t.Fatal(err)
	}
	if b.record.Seats() != 1 {
		t.Fatalf("%d seats", b.record.Seats())
	}

	b.srv.Fail(licensetest.LostAnswer().On("/v1/deactivations").Times(2))
	if err := c.Deactivate(t.Context()); !errors.Is(err, ErrUnreachable) {
		t.Fatal(err)
	}
	b.want(c, Active, ReasonConfirmed) // while unreachable it changes nothing
	if err := c.Deactivate(t.Context()); err != nil {
		t.Fatal("the seat was given back already:", err)
	}
	b.want(c, NotActivated, ReasonNone)
}

func TestForgetKeepsTheSeat(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	c := b.activated()
	n := len(b.srv.Requests())
	if err := c.Forget(); err != nil {
		t.Fatal(err)
	}
	b.want(c, NotActivated, ReasonNone)
	if len(b.srv.Requests()) != n || b.record.Seats() != 1 || !b.store.held.IsZero() {
		t.Fatal("Forget told somebody, gave the seat back, or kept the token")
	}
	if err := c.Activate(t.Context(), Code(b.record.Code)); err != nil {
		t.Fatal(err)
	}
	if b.record.Seats() != 1 {
		t.Fatal("the same device took a second seat")
	}
}

// What the server says of the license takes effect at the next check, and heals when it says otherwise.
func TestVendorActions(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		act    func(b *bench)
		undo   func(b *bench)
		state  State
		reason Reason
	}{
		{"suspended", func(b *bench) { b.record.Suspend() }, func(b *bench) { b.record.Reinstate() }, Suspended, ReasonSuspended},
		{"revoked", func(b *bench) { b.record.Revoke() }, func(b *bench) { b.record.Reinstate() }, Revoked, ReasonRevoked},
		{"expired", func(b *bench) { b.record.Expire() }, func(b *bench) { b.record.Renew(noon.AddDate(1, 0, 0)) }, Expired, ReasonExpired},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			cl := b.activated()
			c.act(b)
			b.want(cl, Active, ReasonConfirmed) // not before the next check
			b.clock.Advance(dayLong)
			cl.Check(t.Context())
			b.want(cl, c.state, c.reason)
			if st := cl.Status(); st.Usable() || st.Has("export.pdf") || !errors.Is(st.Err(), ErrNotUsable) || st.NeedsActivation() {
				t.Fatalf("%+v", st)
			}
			b.want(b.open(), c.state, c.reason)
			if b.store.held.IsZero() {
				t.Fatal("the token is gone")
			}
			c.undo(b)
			cl = b.open()
			cl.Check(t.Context()) // the same day: who renews need not wait
			b.want(cl, Active, ReasonConfirmed)
		})
	}
}

func TestReleased(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	c := b.activated()
	b.record.Release()
	b.clock.Advance(dayLong)
	c.Check(t.Context())
	b.want(c, NotActivated, ReasonReleased)
	if !c.Status().NeedsActivation() || b.store.held.IsZero() {
		t.Fatal("the token stays until it is replaced, and a person must act")
	}
	b.want(b.open(), NotActivated, ReasonReleased)
	if err := c.Activate(t.Context(), Code(b.record.Code)); err != nil {
		t.Fatal(err)
	}
	b.want(c, Active, ReasonConfirmed)
}

func TestLicenseEndAndLeaseEnd(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.record.Renew(noon.AddDate(0, 0, 3))
	c := b.activated()
	b.clock.Advance(2 * dayLong)
	b.want(c, Grace, ReasonCheckOverdue)
	b.clock.Advance(dayLong - time.Second)
	b.want(c, Grace, ReasonCheckOverdue)
	b.clock.Advance(time.Second)
	b.want(c, Expired, ReasonExpired)

	d := newBench(t)
	c = d.activated()
	d.clock.Advance(14*dayLong - time.Second)
	d.want(c, Grace, ReasonCheckOverdue)
	d.clock.Advance(time.Second)
	d.want(c, Lapsed, ReasonLeaseEnded)
	if err := c.Status().Err(); !errors.Is(err, ErrUnreachable) {
		t.Fatal(err)
	}
	c.Check(t.Context())
	d.want(c, Active, ReasonConfirmed)
}

package license

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/counterfoil-dev/counterfoil/licensetest"
	"github.com/counterfoil-dev/counterfoil/token"
)

// offlineAnswer asks for an offline activation and lets the vendor answer.
func (b *bench) offlineAnswer(c *Client, code string) (answer string) {
	b.Helper()
	request, err := c.OfflineRequest(b.Context(), Code(code))
	if err != nil {
		b.Fatal(err)
	}
	answer, err = b.srv.AnswerOffline(request)
	if err != nil {
		b.Fatal(err)
	}
	return answer
}

// activatedOffline starts the application and activates it without a network.
func (b *bench) activatedOffline() *Client {
	b.Helper()
	c := b.open()
	if err := c.Import(b.Context(), b.offlineAnswer(c, b.record.Code)); err != nil {
		b.Fatal(err)
	}
	return c
}

// withClock starts the application with a clock that is not the server's.
func (b *bench) withClock(clock *licensetest.Clock) *Client {
	b.Helper()
	cfg := b.config()
	cfg.Now = clock.Now
	c, err := Open(cfg)
	if err != nil {
		b.Fatal(err)
	}
	return c
}

// Activated with a clock decades ahead, which is then set right: by the offset learned, it is before 1970. The state
// stays readable, and the next check heals it.
func TestServerTimeBefore1970(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	clock := licensetest.NewClock(time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC))
	c := b.withClock(clock)
	if err := c.Activate(t.Context(), Code(b.record.Code)); err != nil {
		t.Fatal(err)
	}
	clock.Set(noon.Add(time.Hour))
	c.check(t.Context(), sendNothing) // stores a day before 1970
	c = b.withClock(clock)
	b.want(c, ClockRolledBack, ReasonClockRolledBack)
	c.Check(t.Context())
	b.want(c, Active, ReasonConfirmed)
	b.want(b.withClock(clock), Active, ReasonConfirmed)
}

// The state is damaged and the server has forgotten the token: nothing but a person can heal that.
func TestTokenUnknownWithoutLeaseAsksForActivation(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	backup := b.srv.Snapshot()
	c := b.activated()
	if err := os.WriteFile(c.file.Path(), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	b.srv.Restore(backup)
	c = b.open()
	c.Check(t.Context())
	for _, c := range []*Client{c, b.open()} {
		if st := c.Status(); !st.NeedsActivation() {
			t.Fatal(st.State, st.Reason, st.CheckErr())
		}
	}
}

// The state is damaged and the keyring locked: the person is told of the keyring, and not asked for a code.
func TestLostStateAndLockedStore(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	c := b.activated()
	if err := os.WriteFile(c.file.Path(), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	b.store.getErr = token.ErrLocked
	for range 3 {
		c = b.open()
		st := c.Check(t.Context())
		b.want(c, NotActivated, ReasonUnconfirmed)
		if !strings.Contains(st.Message("en"), hint(ReasonTokenUnavailable, english)) || st.NeedsActivation() {
			t.Fatal(st.Message("en"))
		}
	}
	b.store.getErr = nil
	c = b.open()
	c.Check(t.Context())
	b.want(c, Active, ReasonConfirmed)
}

// The state is damaged and the license revoked meanwhile: what the check found out is said.
func TestLostStateOfARevokedLicense(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	c := b.activated()
	if err := os.WriteFile(c.file.Path(), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	b.record.Revoke()
	c = b.open()
	c.Check(t.Context())
	for _, c := range []*Client{c, b.open()} {
		if st := c.Status(); st.Usable() || !errors.Is(st.Err(), ErrNotUsable) {
			t.Fatal(st.State, st.Err())
		}
	}
	b.record.Reinstate()
	c.Check(t.Context())
	b.want(c, Active, ReasonConfirmed)
}

// An administrator who activated the identity anew supplies the fresh token: what was said of the old one is past.
func TestReleasedWithASuppliedToken(t *testing.T) {
	b := newBench(t)
	b.activated()
	const variable = "ACME_EDITOR_LICENSE_TOKEN"
	t.Setenv(variable, b.store.held.Reveal())
	cfg := b.config()
	cfg.TokenStore, cfg.Dir = nil, t.TempDir()
	check := func() *Client {
		c, err := Open(cfg)
		if err != nil {
			t.Fatal(err)
		}
		c.Check(t.Context())
		return c
	}
	b.want(check(), Active, ReasonConfirmed)
	b.record.Release()
	b.clock.Advance(dayLong)
	if st := check().Status(); st.State != NotActivated {
		t.Fatal(st.State)
	}
	anew := *b
	anew.dir, anew.store = t.TempDir(), &memory{}
	anew.activated()
	t.Setenv(variable, anew.store.held.Reveal())
	b.clock.Advance(dayLong)
	b.want(check(), Active, ReasonConfirmed)
}

// What a release ended is not kept: nothing is left to give back, or to import again.
func TestReleasedKeepsNoLease(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	c := b.activated()
	held := c.rec.Lease
	b.record.Release()
	b.clock.Advance(dayLong)
	c.Check(t.Context())
	b.want(c, NotActivated, ReasonReleased)
	if c = b.open(); c.rec.Lease != "" || c.Status().LicenseID() != "" {
		t.Fatal("the lease is still stored")
	}
	if err := c.Import(t.Context(), held); err == nil {
		t.Fatal("the lease was imported again")
	}
	n := len(b.srv.Requests())
	if err := c.Deactivate(t.Context()); err != nil || len(b.srv.Requests()) != n {
		t.Fatalf("%v after %d requests", err, len(b.srv.Requests())-n)
	}
}

// lockedForDelete is a store that holds on to what it has.
type lockedForDelete struct {
	memory
	err error
}

func (s *lockedForDelete) Delete(ctx context.Context) error {
	if s.err != nil {
		return s.err
	}
	return s.memory.Delete(ctx)
}

// A token that cannot be removed is said each time, by its own name, until it is gone.
func TestDeactivateRepeatsWhatCouldNotBeRemoved(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	store := &lockedForDelete{err: token.ErrLocked}
	cfg := b.config()
	cfg.TokenStore = store
	c, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Activate(t.Context(), Code(b.record.Code)); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		err := c.Deactivate(t.Context())
		e, ok := errors.AsType[*Error](err)
		if !ok || e.Reason != ReasonTokenUnavailable || !errors.Is(err, token.ErrLocked) || errors.Is(err, ErrStateUnreadable) {
			t.Fatal(err)
		}
		b.want(c, NotActivated, ReasonNone)
	}
	store.err = nil
	if err := c.Deactivate(t.Context()); err != nil || !store.held.IsZero() {
		t.Fatal(err, store.held.IsZero())
	}
}

// A release that no longer pins the key of what is stored has something to give back all the same.
func TestDeactivateWithUnpinnedKeyKeepsWhatItCannotGiveBack(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.activated()
	b.store.held = token.Token{}
	cfg := b.config()
	cfg.Keys = licensetest.NewServer(licensetest.Config{Now: b.clock.Now}).Keys()
	c, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Deactivate(t.Context()); !errors.Is(err, ErrUnreachable) {
		t.Fatal(err)
	}
	b.want(b.open(), Active, ReasonConfirmed)
}

// A restored home directory brings an old token; the lease proves what the token cannot, and the seat is given back.
func TestDeactivateWithAnOldToken(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	c := b.activated()
	old := b.store.held
	if err := c.Activate(t.Context(), Code(b.record.Code)); err != nil {
		t.Fatal(err)
	}
	b.clock.Advance(dayLong)
	c.Check(t.Context())
	b.store.held = old
	if err := b.open().Deactivate(t.Context()); err != nil || b.record.Seats() != 0 {
		t.Fatal(err, b.record.Seats())
	}
}

// What a person must do outlives a restart within the back-off.
func TestCheckErrOutlivesTheProcess(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	backup := b.srv.Snapshot()
	c := b.activated()
	b.srv.Restore(backup)
	b.clock.Advance(dayLong)
	c.Check(t.Context())
	b.clock.Advance(time.Minute)
	n := b.checks()
	restarted := b.open()
	restarted.Check(t.Context())
	for range 8 { // keeps the clock's mark meanwhile
		b.clock.Advance(time.Hour)
		c.check(t.Context(), sendNothing)
	}
	for _, c := range []*Client{restarted, c} {
		if e, ok := errors.AsType[*Error](c.Status().CheckErr()); !ok || e.Reason != ReasonTokenUnknown {
			t.Fatal(c.Status().CheckErr())
		}
	}
	if b.checks() != n {
		t.Fatal("asked within the back-off")
	}
}

// An unusable Config.Device is found out when the program starts, not when a customer activates.
func TestUnusableDeviceIsAConfigError(t *testing.T) {
	t.Parallel()
	cfg := newBench(t).config()
	cfg.Device = "00000000-0000-0000-0000-000000000000"
	_, err := Open(cfg)
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Reason != ReasonConfig || !strings.Contains(err.Error(), "Config.Device") {
		t.Fatal(err)
	}
}

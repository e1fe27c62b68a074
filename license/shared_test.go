package license

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/counterfoil-dev/counterfoil/internal/statefile"
	"github.com/counterfoil-dev/counterfoil/licensetest"
)

// Several processes, or several devices, on one state: what one of them remembers must not undo what another did.

// remembers returns a second process that has used the token and holds it in memory.
func (b *bench) remembers() *Client {
	b.Helper()
	c := b.open()
	b.clock.Advance(dayLong)
	c.Check(b.Context())
	b.want(c, Active, ReasonConfirmed)
	return c
}

// upgrade activates another license on the same installation.
func (b *bench) upgrade(c *Client) *licensetest.Record {
	b.Helper()
	up := b.srv.AddLicense(licensetest.License{Product: product, Edition: "up", Seats: 1})
	if err := c.Activate(b.Context(), Code(up.Code)); err != nil {
		b.Fatal(err)
	}
	return up
}

// The answer to the old license's token says that its seat is released; the new license must not go with it.
func TestDeactivatedAndActivatedAnewElsewhere(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	c := b.activated()
	other := b.remembers()
	if err := c.Deactivate(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.upgrade(c)
	b.clock.Advance(dayLong)
	other.Check(t.Context())
	b.want(other, Active, ReasonConfirmed)
	b.want(b.open(), Active, ReasonConfirmed)
}

// The vendor takes back the old license, as after an upgrade; the standing must not land on the new one.
func TestOldLicenseRevokedAfterAnUpgradeElsewhere(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	c := b.activated()
	other := b.remembers()
	b.upgrade(c)
	b.record.Revoke()
	b.clock.Advance(dayLong)
	other.Check(t.Context())
	b.want(other, Active, ReasonConfirmed)
	b.want(b.open(), Active, ReasonConfirmed)
}

// A check with the old token would put the old lease in the new one's place, beside the new token.
func TestUpgradedElsewhereKeepsTheNewLease(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	c := b.activated()
	other := b.remembers()
	b.upgrade(c)
	b.clock.Advance(dayLong)
	other.Check(t.Context())
	for _, c := range []*Client{other, b.open()} {
		if got := c.Status().Edition(); got != "up" {
			t.Fatalf("edition %q", got)
		}
	}
}

// Who gives back gives back the license that is stored, not the one that it remembers.
func TestDeactivateAfterAnUpgradeElsewhere(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	c := b.activated()
	other := b.remembers()
	up := b.upgrade(c)
	if err := other.Deactivate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if up.Seats() != 0 || !b.store.held.IsZero() {
		t.Fatalf("%d seats, token gone: %v", up.Seats(), b.store.held.IsZero())
	}
}

// onWarn calls f at the first record that is logged at level Warn.
type onWarn struct {
	slog.Handler
	f func()
}

func (h *onWarn) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelWarn }

func (h *onWarn) Handle(context.Context, slog.Record) error {
	if f := h.f; f != nil {
		h.f = nil
		f()
	}
	return nil
}

// Open finds the file damaged, and another process activates before anything is done about it: the good file stays.
func TestDamagedStateIsSetAsideUnderTheLock(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	other := b.open()
	if err := os.WriteFile(other.file.Path(), []byte("rubbish"), 0o600); err != nil {
		t.Fatal(err)
	}
	warned := false
	cfg := b.config()
	cfg.Logger = slog.New(&onWarn{Handler: slog.DiscardHandler, f: func() {
		warned = true
		if err := other.Activate(t.Context(), Code(b.record.Code)); err != nil {
			t.Error(err)
		}
	}})
	c, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if !warned {
		t.Fatal("nobody heard of the damage")
	}
	b.want(b.open(), Active, ReasonConfirmed)
	c.Check(t.Context())
	b.want(c, Active, ReasonConfirmed)
	copies, err := filepath.Glob(filepath.Join(b.dir, "*damaged*"))
	if err != nil || len(copies) != 1 {
		t.Fatalf("set aside: %v, %v", copies, err)
	}
}

// Two machines share a home directory, as on NFS: what one notes there must not keep the other from its license.
func TestSharedHome(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.activated()
	two := *b
	two.machine = newMachine("board-2", "system-2")
	for range 16 { // longer than a lease
		b.clock.Advance(dayLong)
		n := two.open()
		n.check(t.Context(), ifDue) // what its Run does
		two.want(n, WrongDevice, ReasonWrongDevice)
		c := b.open()
		c.check(t.Context(), ifDue)
		b.want(c, Active, ReasonConfirmed)
	}
}

// holdLock is a process that was stopped while it held the state's lock.
func (b *bench) holdLock() (unlock func()) {
	b.Helper()
	unlock, err := statefile.New(b.dir, stateName).Lock(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(unlock)
	return unlock
}

// Whoever holds the lock cannot put off the comparison of the device, and what it found is kept as soon as it can be.
func TestLockHeldElsewhereDelaysNoComparison(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.activated()
		b.machine = newMachine("board-9", "system-1") // the tag alone does not tell it
		c := b.open()
		b.want(c, Active, ReasonConfirmed)
		unlock := b.holdLock()
		b.clock.Advance(dayLong)
		c.Check(t.Context())
		b.want(c, WrongDevice, ReasonWrongDevice)
		unlock()
		b.srv.Fail(licensetest.Unreachable())
		c.check(t.Context(), sendNothing)
		b.want(b.open(), WrongDevice, ReasonWrongDevice)
	})
}

// A check does not wait for a stopped process for as long as its caller would let it.
func TestCheckDoesNotWaitForALockForever(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		c := b.activated()
		b.holdLock()
		b.clock.Advance(dayLong)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		start := time.Now()
		st := c.Check(ctx)
		if took := time.Since(start); took > 2*lockWait {
			t.Fatalf("waited for %v", took)
		}
		b.want(c, Grace, ReasonCheckOverdue)
		if e, ok := errors.AsType[*Error](st.CheckErr()); !ok || e.Reason != ReasonBusyElsewhere {
			t.Fatal(st.CheckErr())
		}
	})
}

// A state that has become somebody else's, under a running program, is said and not taken for an empty one.
func TestStateBecomesUnreadable(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	c := b.activated()
	if err := os.Remove(c.file.Path()); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(c.file.Path(), 0o700); err != nil {
		t.Fatal(err)
	}
	b.clock.Advance(dayLong)
	st := c.Check(t.Context())
	b.want(c, Grace, ReasonCheckOverdue)
	if !errors.Is(st.CheckErr(), ErrStateUnreadable) {
		t.Fatal(st.CheckErr())
	}
}

package license

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/counterfoil-dev/counterfoil/fingerprint"
	"github.com/counterfoil-dev/counterfoil/licensetest"
	"github.com/counterfoil-dev/counterfoil/token"
)

// copyTo makes n's installation a copy of b's, token and all, on n's machine.
func (b *bench) copyTo(n *bench) {
	b.Helper()
	data, err := os.ReadFile(filepath.Join(b.dir, stateName))
	if err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(n.dir, stateName), data, 0o600); err != nil {
		b.Fatal(err)
	}
	n.store.held = b.store.held
}

func TestCopiedState(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.activated()
	thief := b.another()
	b.copyTo(thief)

	// The tag tells at once, without network and without the slow hash.
	c := thief.open()
	thief.want(c, WrongDevice, ReasonWrongDevice)
	if thief.machine.verdict != 0 {
		t.Fatal("Open computed the slow hash")
	}
	if err := c.Status().Err(); !errors.Is(err, ErrWrongDevice) {
		t.Fatal(err)
	}

	// A forged tag passes the start, and not the day's first check, with the network off.
	c.rec.Salt, c.rec.Tag = "", ""
	c.tie(thief.machine)
	if err := c.save(); err != nil {
		t.Fatal(err)
	}
	b.srv.Fail(licensetest.Unreachable())
	b.clock.Advance(dayLong)
	c = thief.open()
	thief.want(c, Grace, ReasonCheckOverdue)
	c.Check(t.Context())
	thief.want(c, WrongDevice, ReasonWrongDevice)
	thief.want(thief.open(), WrongDevice, ReasonWrongDevice) // it stays found out

	// Nor does the server renew anything for it.
	b.srv.Heal()
	c.Check(t.Context())
	thief.want(c, WrongDevice, ReasonWrongDevice)

	// The device that the license belongs to is not harmed.
	c = b.open()
	c.Check(t.Context())
	b.want(c, Active, ReasonConfirmed)
}

// What differs from the day of activation, and what that means without asking anyone.
func TestContinuity(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		machine func(m *machine) *machine
		state   State
	}{
		{"unchanged", func(m *machine) *machine { return m }, Active},
		{"system reinstalled", func(m *machine) *machine { return newMachine("board-1", "system-9") }, Active},
		{"firmware unreadable", func(m *machine) *machine { return m.without(fingerprint.BIOSUUID) }, Active},
		{"system identifier unreadable", func(m *machine) *machine { return m.without(fingerprint.OSInstall) }, Active},
		{"nothing readable", func(m *machine) *machine { return m.without(fingerprint.BIOSUUID, fingerprint.OSInstall) }, Grace},
		{"new board or copy", func(m *machine) *machine { return newMachine("board-9", "system-1") }, WrongDevice},
		{"another machine", func(m *machine) *machine { return newMachine("board-9", "system-9") }, WrongDevice},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.activated()
			original := b.machine
			b.machine = c.machine(b.machine)
			b.clock.Advance(dayLong)
			cl := b.open()
			cl.Check(t.Context())
			if got := cl.Status(); got.State != c.state {
				t.Fatalf("%v (%s), want %v: %v", got.State, got.Reason, c.state, got.CheckErr())
			}
			b.machine = original // back on the machine it belongs to, it heals
			b.clock.Advance(dayLong)
			cl = b.open()
			cl.Check(t.Context())
			b.want(cl, Active, ReasonConfirmed)
		})
	}
}

func TestRebind(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.activated()
	other := *b // another user of the same machine
	other.store, other.dir = &memory{}, t.TempDir()
	other.activated()

	b.machine = newMachine("board-2", "system-1")
	b.clock.Advance(dayLong)
	c := b.open()
	c.Check(t.Context())
	b.want(c, WrongDevice, ReasonWrongDevice)

	b.srv.Fail(licensetest.LostAnswer().On("/v1/rebindings").Times(2))
	if err := c.Rebind(t.Context()); !errors.Is(err, ErrUnreachable) {
		t.Fatal(err)
	}
	b.want(c, WrongDevice, ReasonWrongDevice)
	c = b.open() // the answer is lost, and the program as well
	if err := c.Rebind(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.want(c, Active, ReasonConfirmed)
	if b.record.Seats() != 1 {
		t.Fatalf("%d seats", b.record.Seats())
	}
	b.clock.Advance(dayLong)
	c = b.open()
	c.Check(t.Context())
	b.want(c, Active, ReasonConfirmed)

	// The seat's other installation has ended.
	o := other.open()
	o.Check(t.Context())
	if st := o.Status(); st.Usable() {
		t.Fatal(st.State)
	}

	// The limit holds, the repeated call was not counted, and the vendor can allow more.
	for i := range 3 {
		b.machine = newMachine("board-x"+string(rune('a'+i)), "system-x")
		err := b.open().Rebind(t.Context())
		if i < 2 && err != nil || i == 2 && !errors.Is(err, ErrRebindLimit) {
			t.Fatalf("rebinding %d: %v", i+2, err)
		}
	}
	b.record.AllowRebind(1)
	if err := b.open().Rebind(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestRebindNeedsTheToken(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.activated()
	b.store.held = token.Token{}
	b.machine = newMachine("board-2", "system-2")
	n := len(b.srv.Requests())
	if err := b.open().Rebind(t.Context()); !errors.Is(err, ErrNotActivated) {
		t.Fatal(err)
	}
	if len(b.srv.Requests()) != n {
		t.Fatal("a copied lease was offered for a rebinding")
	}
}

// A program that runs for days reads the device anew on each of them.
func TestMachineChangesUnderARunningProgram(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	c := b.activated()
	b.machine = newMachine("board-9", "system-1")
	c.Check(t.Context())
	b.want(c, Active, ReasonConfirmed) // compared today already
	b.clock.Advance(dayLong)
	c.Check(t.Context())
	b.want(c, WrongDevice, ReasonWrongDevice)
}

// A check while no identifier can be read does not use up the day's comparison.
func TestUnreadableDeviceIsComparedLaterThatDay(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.activated()
	b.srv.Fail(licensetest.Unreachable())
	other := newMachine("board-9", "system-1")
	b.clock.Advance(dayLong)
	b.machine = other.without(fingerprint.BIOSUUID, fingerprint.OSInstall)
	c := b.open()
	c.Check(t.Context())
	b.want(c, Grace, ReasonCheckOverdue)
	b.machine = other
	b.clock.Advance(time.Hour)
	c = b.open()
	c.Check(t.Context())
	b.want(c, WrongDevice, ReasonWrongDevice)
}

// On each day of use the slow hash runs once, whatever the network does.
func TestDeviceIsComparedOnceADay(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	c := b.activated()
	b.srv.Fail(licensetest.Unreachable())
	for range 3 {
		b.clock.Advance(dayLong)
		before := b.machine.verdict
		c.check(t.Context(), sendNothing)
		if c.rec.DeviceDay != dayOf(b.clock.Now().Unix()) || b.machine.verdict == before {
			t.Fatal("not compared")
		}
		before = b.machine.verdict
		for range 5 {
			c.check(t.Context(), sendNothing)
		}
		if b.machine.verdict != before {
			t.Fatalf("compared %d times more", b.machine.verdict-before)
		}
	}
}

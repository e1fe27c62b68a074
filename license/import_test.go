package license

import (
	"errors"
	"os"
	"testing"
	"time"

	"github.com/counterfoil-dev/counterfoil/licensetest"
)

// Imported on a device whose clock runs a year ahead: set right, it finds the paid lease good.
func TestImportWithAClockAhead(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	clock := licensetest.NewClock(noon.AddDate(1, 0, 0))
	c := b.withClock(clock)
	answer := b.offlineAnswer(c, b.record.Code)
	if err := c.Import(t.Context(), answer); err != nil {
		t.Fatal(err)
	}
	b.want(c, Lapsed, ReasonLeaseEnded)
	clock.Set(noon.Add(time.Hour))
	b.want(c, Active, ReasonOfflineLease)
	clock.Set(noon.Add(100 * dayLong))
	b.want(b.withClock(clock), Active, ReasonOfflineLease)
}

// The vendor takes days to answer, and the device's daily check goes on meanwhile: the request stays open.
func TestCheckKeepsTheOpenOfflineRequest(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	c := b.activated()
	up := b.srv.AddLicense(licensetest.License{Product: product, Seats: 1, Edition: "up"})
	answer := b.offlineAnswer(c, up.Code)
	b.clock.Advance(dayLong)
	c.Check(t.Context())
	b.want(c, Active, ReasonConfirmed)
	c = b.open()
	if err := c.Import(t.Context(), answer); err != nil {
		t.Fatal(err)
	}
	if c.Status().Edition() != "up" {
		t.Fatalf("edition %q", c.Status().Edition())
	}
}

// An answer of before the revocation, kept for the purpose, does not undo it.
func TestImportedAnswerDoesNotUndoARevocation(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	c := b.activated()
	b.clock.Advance(time.Hour)
	answer := b.offlineAnswer(c, b.record.Code)
	b.record.Revoke()
	b.clock.Advance(dayLong)
	c.Check(t.Context())
	b.want(c, Revoked, ReasonRevoked)
	err := c.Import(t.Context(), answer)
	if e, ok := errors.AsType[*Error](err); !ok || e.Reason != ReasonImportOld {
		t.Fatal(err)
	}
	b.want(c, Revoked, ReasonRevoked)
	b.want(b.open(), Revoked, ReasonRevoked)
}

// Nor does a lease that a copy of the state fetched before the suspension was learned.
func TestImportedLeaseDoesNotUndoASuspension(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	c := b.activated()
	b.clock.Advance(dayLong)
	data, err := os.ReadFile(c.file.Path())
	if err != nil {
		t.Fatal(err)
	}
	two := *b
	two.dir = t.TempDir()
	if err := os.WriteFile(two.open().file.Path(), data, 0o600); err != nil {
		t.Fatal(err)
	}
	fetched := two.open()
	fetched.Check(t.Context())
	newer := fetched.rec.Lease
	if newer == c.rec.Lease {
		t.Fatal("no newer lease was fetched")
	}
	b.record.Suspend()
	b.clock.Advance(time.Hour)
	c.Check(t.Context())
	b.want(c, Suspended, ReasonSuspended)
	err = c.Import(t.Context(), newer)
	if e, ok := errors.AsType[*Error](err); !ok || e.Reason != ReasonImportOld {
		t.Fatal(err)
	}
	b.want(c, Suspended, ReasonSuspended)
}

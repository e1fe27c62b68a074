package license

import (
	"testing"

	"github.com/counterfoil-dev/counterfoil/internal/wire"
	"github.com/counterfoil-dev/counterfoil/lease"
)

// The policy over the whole matrix: what is stored, what the server last said, what the device is, and the time. A
// line's outcome is computed by the order of precedence that docs/protocol.md gives, written here a second time as a
// list of rules.
func TestDecideMatrix(t *testing.T) {
	t.Parallel()
	const issued, end, licenseEnd = 100 * day, 114 * day, 110 * day
	times := []int64{
		issued - 2*day, issued - clockSlack, issued, issued + day, issued + 2*day, issued + 3*day,
		licenseEnd - 1, licenseEnd, end - 1, end, end + 300*day,
	}
	standings := []wire.Code{"", wire.Released, wire.WrongDevice, wire.Revoked, wire.Suspended, wire.Expired}
	statuses := []lease.Status{lease.StatusActive, lease.StatusSuspended, lease.StatusRevoked, lease.StatusExpired}
	n := 0
	for _, held := range []bool{false, true} {
		for _, lost := range []bool{false, true} {
			for _, foreign := range []bool{false, true} {
				for _, offline := range []bool{false, true} {
					for _, ends := range []int64{0, licenseEnd} {
						for _, standing := range standings {
							for _, status := range statuses {
								for _, now := range times {
									n++
									v := &view{
										held: held, lost: lost, foreign: foreign, standing: standing, mark: issued, overdue: overdueAt(issued),
										lease: lease.Lease{Status: status, Offline: offline, LeaseEnd: end, LicenseEnd: ends},
									}
									state, reason := decide(v, now)
									want := byRules(v, now)
									if state != want {
										t.Fatalf("%+v at %d: %v (%s), want %v", v, now, state, reason, want)
									}
									if (Status{State: state}).Usable() != (state == Active || state == Grace) {
										t.Fatalf("%v: Usable is wrong", state)
									}
									checkReason(t, state, reason)
								}
							}
						}
					}
				}
			}
		}
	}
	t.Logf("%d lines", n)
}

// byRules is the precedence as a table of its own: the first state whose condition holds.
func byRules(v *view, now int64) State {
	said := func(c wire.Code, s lease.Status) bool { return v.standing == c || v.lease.Status == s }
	for _, rule := range []struct {
		state State
		holds bool
	}{
		{NotActivated, !v.held},
		{NotActivated, v.standing == wire.Released},
		{WrongDevice, v.foreign},
		{WrongDevice, v.standing == wire.WrongDevice},
		{Revoked, said(wire.Revoked, lease.StatusRevoked)},
		{Suspended, said(wire.Suspended, lease.StatusSuspended)},
		{Expired, said(wire.Expired, lease.StatusExpired)},
		{Expired, v.lease.LicenseEnd > 0 && v.lease.LicenseEnd <= now},
		{ClockRolledBack, v.mark-now > 24*60*60},
		{Lapsed, v.lease.LeaseEnd <= now},
		{Grace, !v.lease.Offline && v.overdue <= now},
	} {
		if rule.holds {
			return rule.state
		}
	}
	return Active
}

// checkReason wants a reason that belongs to the state, with a sentence in both languages.
func checkReason(t *testing.T, s State, r Reason) {
	t.Helper()
	belongs := map[State][]Reason{
		NotActivated:    {ReasonNone, ReasonReleased, ReasonUnconfirmed},
		Active:          {ReasonConfirmed, ReasonOfflineLease},
		Grace:           {ReasonCheckOverdue},
		Lapsed:          {ReasonLeaseEnded},
		Expired:         {ReasonExpired},
		Suspended:       {ReasonSuspended},
		Revoked:         {ReasonRevoked},
		WrongDevice:     {ReasonWrongDevice},
		ClockRolledBack: {ReasonClockRolledBack},
	}
	for _, b := range belongs[s] {
		if b == r {
			return
		}
	}
	t.Fatalf("%v has the reason %q", s, r)
}

func TestZeroValuesPermitNothing(t *testing.T) {
	t.Parallel()
	var s Status
	if s.Usable() || s.Has("") || s.Err() == nil || s.Edition() != "" || !s.LeaseEnd().IsZero() || !s.NeedsActivation() {
		t.Fatalf("the zero Status permits something: %+v", s)
	}
	if state, _ := decide(new(view), 0); state != NotActivated {
		t.Fatalf("the zero view is %v", state)
	}
}

func TestDayOf(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ unix, day int64 }{{0, 0}, {day - 1, 0}, {day, 1}, {-1, -1}, {-day, -1}, {-day - 1, -2}} {
		if got := dayOf(c.unix); got != c.day {
			t.Errorf("dayOf(%d) = %d, want %d", c.unix, got, c.day)
		}
	}
}

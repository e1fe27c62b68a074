package license

import (
	"time"

	"github.com/counterfoil-dev/counterfoil/internal/wire"
	"github.com/counterfoil-dev/counterfoil/lease"
)

const (
	day        = 24 * 60 * 60 // seconds of a UTC day
	maxJitter  = 2 * 60 * 60  // seconds by which Run spreads the turn of the day
	clockSlack = 24 * 60 * 60 // seconds that the clock may step back unremarked
)

// view is all that the policy looks at, made once for each change of the record. It is immutable: Status hands it out.
type view struct {
	held      bool        // a verified lease is stored
	lease     lease.Lease // zero unless held
	standing  wire.Code   // a signed refusal that is in force, or WrongDevice as found here; empty if none
	lost      bool        // no lease is held, but a token may be: a check heals
	foreign   bool        // the start tag says that the state was copied from another device
	confirmed int64       // the latest answer that confirmed the license; 0: none did
	overdue   int64       // when the daily check counts as overdue; 0: never
	mark      int64       // latest time seen inside the lease's window
	offset    int64       // what to add to the local clock to get the server's
	checkErr  error       // of the latest check in this process
}

// decide is the policy: where the device stands at the time now (Unix seconds, offset included). It is a pure
// function; everything else in this package fetches what it needs or keeps what it says.
func decide(v *view, now int64) (State, Reason) {
	if v.held && !v.foreign && v.standing == "" && v.lease.Status == lease.StatusActive {
		return v.at(now)
	}
	switch {
	case !v.held && v.lost:
		return NotActivated, ReasonUnconfirmed
	case v.standing == wire.Released:
		return NotActivated, ReasonReleased
	case !v.held:
		return NotActivated, ReasonNone
	case v.foreign || v.standing == wire.WrongDevice:
		return WrongDevice, ReasonWrongDevice
	case v.standing == wire.Revoked || v.lease.Status == lease.StatusRevoked:
		return Revoked, ReasonRevoked
	case v.standing == wire.Suspended || v.lease.Status == lease.StatusSuspended:
		return Suspended, ReasonSuspended
	}
	return Expired, ReasonExpired
}

// at is where a device stands that only time can stop.
func (v *view) at(now int64) (State, Reason) {
	switch {
	case v.lease.LicenseEnd != 0 && now >= v.lease.LicenseEnd:
		return Expired, ReasonExpired
	case now < v.mark-clockSlack:
		return ClockRolledBack, ReasonClockRolledBack
	case now >= v.lease.LeaseEnd:
		return Lapsed, ReasonLeaseEnded
	case v.lease.Offline:
		return Active, ReasonOfflineLease
	case now >= v.overdue:
		return Grace, ReasonCheckOverdue
	}
	return Active, ReasonConfirmed
}

// overdueAt is when a license confirmed at the time given counts as unconfirmed: the day's check was due at the next
// turn of the UTC day, give or take the jitter.
func overdueAt(confirmed int64) int64 { return (dayOf(confirmed)+1)*day + maxJitter }

// dayOf is the UTC day of a time, counted from 1970-01-01.
func dayOf(unix int64) int64 {
	d := unix / day
	if unix%day < 0 {
		d--
	}
	return d
}

func seconds(d time.Duration) int64 { return int64(d / time.Second) }

package license

import (
	"errors"
	"iter"
	"maps"
	"strings"
	"time"

	"github.com/counterfoil-dev/counterfoil/fingerprint"
	"github.com/counterfoil-dev/counterfoil/lease"
)

// State is where this device stands. The zero value is NotActivated. None is terminal: checks go on, and a mistake at
// the server heals by itself.
type State uint8

// The states. Active and Grace are usable.
const (
	NotActivated    State = iota // no license is tied to this device
	Active                       // the license was confirmed lately
	Grace                        // the daily check is overdue; the lease still runs
	Lapsed                       // the lease ended without contact to the server
	Expired                      // the license itself has ended
	Suspended                    // the vendor has paused the license
	Revoked                      // the vendor has ended the license
	WrongDevice                  // what is stored belongs to another device
	ClockRolledBack              // the clock stands more than 24 hours before a time it has shown already
)

func (s State) String() string {
	switch s {
	case NotActivated:
		return "NotActivated"
	case Active:
		return "Active"
	case Grace:
		return "Grace"
	case Lapsed:
		return "Lapsed"
	case Expired:
		return "Expired"
	case Suspended:
		return "Suspended"
	case Revoked:
		return "Revoked"
	case WrongDevice:
		return "WrongDevice"
	case ClockRolledBack:
		return "ClockRolledBack"
	}
	return "unknown"
}

// Status is what the license says at one moment. It is a small value; copy it freely. The zero value permits nothing.
type Status struct {
	// State decides what to do; Reason says why, as a stable code for programs. [Status.Message] says it to people.
	State  State
	Reason Reason

	view *view
}

// Usable reports whether the application may be used: the state is Active or Grace.
func (s Status) Usable() bool { return s.State == Active || s.State == Grace }

// NeedsActivation reports whether a person must act: activate with a code or an account. It is false while a check
// may find out by itself: after a damaged state file, or where an administrator supplies a token.
func (s Status) NeedsActivation() bool {
	return s.State == NotActivated && s.Reason != ReasonUnconfirmed
}

// Has reports whether the license holds the entitlement, false whenever it is not usable.
func (s Status) Has(entitlement string) bool {
	if !s.Usable() || s.view == nil {
		return false
	}
	_, ok := s.view.lease.Entitlements[entitlement]
	return ok
}

// Limit returns an entitlement's limit, in the entitlement's own unit. ok is false if the license does not hold it, is
// not usable, or sets no limit; ask [Status.Has] to tell these apart.
func (s Status) Limit(entitlement string) (limit int64, ok bool) {
	if !s.Has(entitlement) {
		return 0, false
	}
	if l := s.view.lease.Entitlements[entitlement].Limit; l != nil {
		return *l, true
	}
	return 0, false
}

// Err says why the license is not usable and what to do, as an *[Error]; nil if it is usable.
func (s Status) Err() error {
	if s.Usable() {
		return nil
	}
	e := fail("status", s.Reason, s.sentinel(), s.CheckErr())
	if r, ok := s.obstacle(); ok {
		e.Hint = hint(r, english)
	}
	return e
}

func (s Status) sentinel() error {
	switch s.State {
	case NotActivated:
		return ErrNotActivated
	case WrongDevice:
		return ErrWrongDevice
	case Lapsed:
		return ErrUnreachable
	}
	return ErrNotUsable
}

// CheckErr says why the latest check did not get through; nil if it did, or if there was none.
func (s Status) CheckErr() error {
	if s.view == nil {
		return nil
	}
	return s.view.checkErr
}

// Message says in a few sentences for people where the license stands and what to do: in German if lang begins with
// "de", otherwise in English. Where the latest check failed for another cause than the network, it says that one.
func (s Status) Message(lang string) string {
	l := languageOf(lang)
	if r, ok := s.obstacle(); ok {
		return sentence(s.Reason, l) + " " + message(r, l)
	}
	return message(s.Reason, l)
}

// obstacle is what a person must remove before a check can succeed, such as a token that the server does not know.
func (s Status) obstacle() (Reason, bool) {
	switch s.Reason {
	case ReasonUnconfirmed, ReasonCheckOverdue, ReasonLeaseEnded:
		if e, ok := errors.AsType[*Error](s.CheckErr()); ok && e.Reason != ReasonUnreachable {
			return e.Reason, true
		}
	}
	return "", false
}

// Entitlements yields what the license holds, in no particular order, whether or not it is usable now.
func (s Status) Entitlements() iter.Seq2[string, lease.Entitlement] {
	return maps.All(s.leaseOrZero().Entitlements)
}

// Edition is the name of the edition; empty if there is none.
func (s Status) Edition() string { return s.leaseOrZero().Edition }

// LicenseID is the random id of the license, to be quoted to support; empty if not activated.
func (s Status) LicenseID() string { return s.leaseOrZero().License }

// ActivationID is the random id of this installation's activation; empty if not activated.
func (s Status) ActivationID() string { return s.leaseOrZero().Activation }

// Seats says how many devices hold the license, this one included, of how many; a total of 0 is no limit.
func (s Status) Seats() (used, total int) {
	l := s.leaseOrZero()
	return l.Seats.Used, l.Seats.Total
}

// Offline reports whether the license was activated without a network and needs no daily check.
func (s Status) Offline() bool { return s.leaseOrZero().Offline }

// Fingerprints is what the license is tied to, for [fingerprint.Device.Verify]; empty if not activated.
func (s Status) Fingerprints() fingerprint.Set {
	return fingerprint.SetOf(s.leaseOrZero().Fingerprints)
}

// Confirmed is when the server last confirmed the license; zero if it never did.
func (s Status) Confirmed() time.Time {
	if s.view == nil {
		return time.Time{}
	}
	return unixOrZero(s.view.confirmed)
}

// LeaseEnd is until when the application may be used without contact to the server; zero if not activated.
func (s Status) LeaseEnd() time.Time { return unixOrZero(s.leaseOrZero().LeaseEnd) }

// LicenseEnd is when the license itself ends; zero if it has no end.
func (s Status) LicenseEnd() time.Time { return unixOrZero(s.leaseOrZero().LicenseEnd) }

func (s Status) leaseOrZero() lease.Lease {
	if s.view == nil {
		return lease.Lease{}
	}
	return s.view.lease
}

func unixOrZero(s int64) time.Time {
	if s == 0 {
		return time.Time{}
	}
	return time.Unix(s, 0).UTC()
}

type language uint8

const (
	english language = iota
	german
)

func languageOf(lang string) language {
	if len(lang) >= 2 && strings.EqualFold(lang[:2], "de") {
		return german
	}
	return english
}

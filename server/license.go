package server

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/counterfoil-dev/counterfoil/internal/wire"
	"github.com/counterfoil-dev/counterfoil/lease"
)

// Terms are what a customer buys.
type Terms struct {
	Product      string
	Kind         lease.Kind
	Edition      string       // "" for none
	Entitlements Entitlements // beyond the edition's; the same name overrides
	Seats        int          // how many devices may hold it; 0: any number
	End          int64        // when it ends, Unix seconds; 0: never
	Note         string       // the vendor's own reference, such as an order number; never sent to a device
}

// License is a license at the vendor.
type License struct {
	ID    string // lic_ and 128 random bits
	Terms        // Product and Kind never change

	Used      int    // seats that devices hold
	Granted   int    // moves allowed beyond the limit
	Suspended int64  // since when, Unix seconds; 0: not
	Revoked   int64  // since when, Unix seconds; 0: not
	Batch     string // which batch it was made in; "" for none
	Created   int64  // Unix seconds
	Revision  int64  // counts the transactions that locked it, and so orders what they made
}

// Standing is OK, or why the license cannot be used at a time (Unix seconds).
func (l License) Standing(now int64) wire.Code {
	switch {
	case l.Revoked != 0:
		return wire.Revoked
	case l.Suspended != 0:
		return wire.Suspended
	case l.End != 0 && now >= l.End:
		return wire.Expired
	}
	return wire.OK
}

func (t Terms) validate() error {
	switch {
	case t.Kind != lease.KindSingle && t.Kind != lease.KindSubscription:
		return invalid("kind: want %s or %s", lease.KindSingle, lease.KindSubscription)
	case t.Seats < 0 || t.Seats > 1<<31-1:
		return invalid("seats: want 0 (any number) to 2^31-1")
	case t.End < 0 || t.End > maxTime:
		return invalid("end: want a time before the year 10000")
	case !isText(t.Note, 256):
		return invalid("note: want up to 256 bytes of UTF-8 without control characters")
	}
	return t.Entitlements.validate()
}

// isText reports whether every engine can keep s, and a terminal show it.
func isText(s string, most int) bool {
	return len(s) <= most && utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

const maxTime = 253402300799 // 9999-12-31T23:59:59Z

// Code is an activation code as the server keeps it.
type Code struct {
	Hash    string // HashCode of it
	License string
	Created int64 // Unix seconds
}

// Account is a customer who claims licenses with e-mail and password.
type Account struct {
	ID       string // acc_ and 128 random bits
	Email    string // lower case
	Password string // Argon2id, PHC string
	Created  int64  // Unix seconds
}

// The limits of moves, in protocol v1.
const (
	movesPerSeat     = 3                    // rebindings of one seat in movesWindow, and as many cycles of deactivation and activation
	movesWindow      = 365 * 24 * time.Hour // what counts
	releasedKnown    = 90 * 24 * time.Hour  // how long the tokens of an ended installation are remembered
	maxInstallations = 16                   // of one seat
	maxUnusedTokens  = 16                   // of one installation; the oldest give way
)

// Move is what a ring of sharers would do every day: a device that gives its seat back, or takes it to other hardware.
type Move struct {
	ID      string
	License string
	Seat    string
	Rebind  bool  // false: a deactivation
	At      int64 // Unix seconds
}

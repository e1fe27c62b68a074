package lease

import (
	"errors"
	"fmt"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/counterfoil-dev/counterfoil/internal/strictjson"
)

// The bounds of what a statement may hold. They leave room for the largest lease inside an answer, and for that inside
// a response of 64 KiB. Whole numbers stay below 2^31 or 2^53 and times before the year 10000, so that no reader's
// number type or calendar changes what was signed.
const (
	maxText         = 60 << 10 // bytes of a statement
	maxID           = 64       // bytes of a product, an id, a code
	maxString       = 128      // bytes of an edition, a fingerprint's value
	maxToken        = 2 << 10  // bytes
	maxEntitlements = 256
	maxFingerprints = 8
	maxChoices      = 100
	maxCount        = 1<<31 - 1
	maxLimit        = 1<<53 - 1
	maxTime         = 253402300799 // 9999-12-31T23:59:59Z
)

// problems gathers what is wrong, so that a vendor learns of all of it at once.
type problems []error

func (p *problems) check(ok bool, format string, args ...any) {
	if !ok {
		*p = append(*p, fmt.Errorf(format, args...))
	}
}

func (p *problems) id(field, s string) {
	p.check(visible(s, maxID), "%s: want 1 to %d visible ASCII characters", field, maxID)
}

func (p *problems) edition(s string) {
	p.check(s == "" || printable(s, maxString), "edition: want up to %d bytes of UTF-8 without control characters", maxString)
}

func (p *problems) seats(s Seats) {
	p.check(0 <= s.Used && s.Used <= maxCount && 0 <= s.Total && s.Total <= maxCount,
		"seats: want 0 to %d", maxCount)
}

func (p *problems) time(field string, t int64) {
	p.check(0 < t && t <= maxTime, "%s: %d is no time", field, t)
}

func (l *Lease) validate() error {
	var p problems
	p.id("product", l.Product)
	p.id("license", l.License)
	p.id("activation", l.Activation)
	p.check(l.Kind == KindSingle || l.Kind == KindSubscription, "kind: unknown %.40q", l.Kind)
	switch l.Status {
	case StatusActive, StatusSuspended, StatusRevoked, StatusExpired:
	default:
		p.check(false, "status: unknown %.40q", l.Status)
	}
	p.edition(l.Edition)
	p.check(len(l.Entitlements) <= maxEntitlements, "entitlements: more than %d", maxEntitlements)
	for name, e := range l.Entitlements {
		p.check(strictjson.ValidName(name), "entitlements: name %.80q: want 1 to 64 of a-z, 0-9 and \". _ -\"", name)
		p.check(e.Limit == nil || 0 <= *e.Limit && *e.Limit <= maxLimit, "entitlements: %.80q: limit: want 0 to 2^53-1", name)
	}
	p.seats(l.Seats)
	n := len(l.Fingerprints)
	p.check(1 <= n && n <= maxFingerprints, "fingerprints: want 1 to %d, have %d", maxFingerprints, n)
	for kind, v := range l.Fingerprints {
		p.check(strictjson.ValidName(kind), "fingerprints: kind %.80q: want 1 to 64 of a-z, 0-9 and \". _ -\"", kind)
		p.check(visible(v, maxString), "fingerprints: %.80q: want 1 to %d visible ASCII characters", kind, maxString)
	}
	p.time("issued_at", l.IssuedAt)
	p.time("lease_end", l.LeaseEnd)
	d := l.LeaseEnd - l.IssuedAt // cannot overflow for what the two lines above let pass
	p.check(0 < d && d <= int64(MaxDuration/time.Second), "lease_end: want up to %d days after issued_at", MaxDuration/(24*time.Hour))
	p.check(0 <= l.LicenseEnd && l.LicenseEnd <= maxTime, "license_end: %d is no time", l.LicenseEnd)
	return errors.Join(p...)
}

func (a *Answer) validate() error {
	var p problems
	p.id("code", a.Code)
	p.id("nonce", a.Nonce)
	p.id("request", a.Request)
	p.time("issued_at", a.IssuedAt)
	p.check(a.Lease == "" || visible(a.Lease, maxText), "lease: want up to %d visible ASCII characters", maxText)
	p.check(a.Token == "" || bearer(a.Token), "token: want up to %d letters, digits and \"-._~+/=\"", maxToken)
	p.check(0 <= a.RetryAfter && a.RetryAfter <= maxCount, "retry_after: want 0 to %d", maxCount)
	p.check(len(a.Licenses) <= maxChoices, "licenses: more than %d", maxChoices)
	for _, c := range a.Licenses {
		p.id("licenses: license", c.License)
		p.edition(c.Edition)
		p.seats(c.Seats)
		p.check(0 <= c.LicenseEnd && c.LicenseEnd <= maxTime, "licenses: license_end: %d is no time", c.LicenseEnd)
	}
	return errors.Join(p...)
}

// visible reports whether s is 1 to most ASCII characters from "!" to "~".
func visible(s string, most int) bool {
	for _, c := range []byte(s) {
		if c <= ' ' || c >= 0x7f {
			return false
		}
	}
	return s != "" && len(s) <= most
}

// bearer reports whether s can stand in an Authorization header (RFC 6750 section 2.1: b64token).
func bearer(s string) bool {
	for _, c := range []byte(s) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case c == '-', c == '.', c == '_', c == '~', c == '+', c == '/', c == '=':
		default:
			return false
		}
	}
	return s != "" && len(s) <= maxToken
}

// printable reports whether s is 1 to most bytes of UTF-8 without control characters (category Cc). Go's own idea of
// printable is narrower and grows with each Unicode version, so that no contract can rest on it.
func printable(s string, most int) bool {
	for _, r := range s {
		if unicode.IsControl(r) {
			return false
		}
	}
	return s != "" && len(s) <= most && utf8.ValidString(s)
}

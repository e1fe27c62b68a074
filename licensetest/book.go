package licensetest

import (
	"cmp"
	"crypto/rand"
	"encoding/base64"
	"maps"
	"slices"
	"time"

	"github.com/counterfoil-dev/counterfoil/internal/wire"
	"github.com/counterfoil-dev/counterfoil/lease"
)

// The numbers of protocol v1.
const (
	maxInstallations = 16                   // of one seat
	movesPerSeat     = 3                    // rebindings, or cycles of deactivation and activation, in movesWindow
	movesWindow      = 365 * 24 * time.Hour // what counts towards the limit
	releasedKnown    = 90 * 24 * time.Hour  // how long the tokens of a released seat are remembered
)

// book holds what the vendor knows, as tables of rows by id. Rows are values, and the slices and maps in them are
// replaced and never changed, so that a copy of the tables is a backup. The rules are its methods: they know the time
// only from their callers and do no I/O. The Server's mutex guards it.
type book struct {
	licenses      map[string]licenseRow
	accounts      map[string]accountRow // by e-mail
	seats         map[string]seatRow
	installations map[string]installationRow
	tokens        map[string]tokenRow
	seq           int // orders rows by their making
}

type licenseRow struct {
	id, code      string
	terms         License
	suspended     bool
	revoked       bool
	granted       int         // moves allowed beyond the limit
	deactivations []time.Time // by devices
	seq           int
}

type accountRow struct {
	password string
	licenses []string
}

// seatRow is a seat once taken. It is held while one of its installations lives.
type seatRow struct {
	id, license string
	rebinds     []time.Time
	seq         int
}

type installationRow struct {
	id     string // of the activation, made here
	name   string // the random id that the installation gave itself
	seat   string
	label  string
	prints map[string]string
	seen   time.Time // activated, rebound, or a token first used: what a server may know without writing at a check
	ended  time.Time // zero while it lives
	renew  int       // the vendor wants a token newer than this one in use; 0: no
	seq    int
}

type tokenRow struct {
	installation string
	used         bool
	seq          int
}

func newBook() book {
	return book{
		licenses:      make(map[string]licenseRow),
		accounts:      make(map[string]accountRow),
		seats:         make(map[string]seatRow),
		installations: make(map[string]installationRow),
		tokens:        make(map[string]tokenRow),
	}
}

func (b *book) clone() book {
	return book{
		licenses:      maps.Clone(b.licenses),
		accounts:      maps.Clone(b.accounts),
		seats:         maps.Clone(b.seats),
		installations: maps.Clone(b.installations),
		tokens:        maps.Clone(b.tokens),
		seq:           b.seq,
	}
}

func (b *book) next() int {
	b.seq++
	return b.seq
}

// result is what the rules make of a request. The lease lacks its times.
type result struct {
	code     wire.Code
	lease    *lease.Lease
	token    string
	licenses []lease.Choice
}

func refused(c wire.Code) result { return result{code: c} }

// standing is OK, or why the license cannot be used now.
func (l licenseRow) standing(now time.Time) wire.Code {
	switch {
	case l.revoked:
		return wire.Revoked
	case l.suspended:
		return wire.Suspended
	case !l.terms.End.IsZero() && !now.Before(l.terms.End):
		return wire.Expired
	}
	return wire.OK
}

// living returns the living installations that the condition holds for, oldest first.
func (b *book) living(cond func(installationRow) bool) []installationRow {
	var list []installationRow
	for _, in := range b.installations {
		if in.ended.IsZero() && cond(in) {
			list = append(list, in)
		}
	}
	slices.SortFunc(list, func(x, y installationRow) int { return cmp.Compare(x.seq, y.seq) })
	return list
}

func (b *book) inSeat(seat string) []installationRow {
	return b.living(func(in installationRow) bool { return in.seat == seat })
}

func (b *book) ofLicense(license string) []installationRow {
	return b.living(func(in installationRow) bool { return b.seats[in.seat].license == license })
}

// used counts the seats that devices hold.
func (b *book) used(license string) int {
	held := make(map[string]bool)
	for _, in := range b.ofLicense(license) {
		held[in.seat] = true
	}
	return len(held)
}

// moves counts what the license's devices did in the last year that a ring of sharers would do every day.
func (b *book) moves(l licenseRow, now time.Time) int {
	n := recent(l.deactivations, now)
	for _, s := range b.seats {
		if s.license == l.id {
			n += recent(s.rebinds, now)
		}
	}
	return n
}

func recent(times []time.Time, now time.Time) int {
	n := 0
	for _, t := range times {
		if now.Sub(t) < movesWindow {
			n++
		}
	}
	return n
}

// The kinds of fingerprint that decide, and how much a match of each is worth.
const (
	kindCaller    = "caller"
	kindBIOS      = "bios-uuid"
	kindOSInstall = "os-install"
)

// match says whether two fingerprint sets are of one device: 0 if not, more the surer. The caller's value decides alone
// where both have it, else the BIOS UUID where both have it, else the OS installation.
func match(stored, sent map[string]string) int {
	for _, k := range []struct {
		kind string
		sure int
	}{{kindCaller, 3}, {kindBIOS, 2}, {kindOSInstall, 1}} {
		x, y := stored[k.kind], sent[k.kind]
		if x == "" || y == "" {
			continue
		}
		if x == y {
			return k.sure
		}
		return 0
	}
	return 0
}

// seatOf finds the seat of the license that the device holds: the surest match, then the oldest.
func (b *book) seatOf(license string, prints map[string]string) (seatRow, bool) {
	best, sure := "", 0
	for _, in := range b.ofLicense(license) {
		if m := match(in.prints, prints); m > sure {
			best, sure = in.seat, m
		}
	}
	return b.seats[best], sure > 0
}

// end ends an installation. Its tokens stay known as released for a while.
func (b *book) end(in installationRow, now time.Time) {
	in.ended = now
	b.installations[in.id] = in
}

// newToken issues one more token to an installation.
func (b *book) newToken(installation string) string {
	t := "cft_" + random(32)
	b.tokens[t] = tokenRow{installation: installation, seq: b.next()}
	return t
}

// leaseFor writes the lease of an installation, without its times, over the given fingerprints.
func (b *book) leaseFor(in installationRow, prints map[string]string) *lease.Lease {
	l := b.licenses[b.seats[in.seat].license]
	out := leaseOf(l, b.seatsOf(l))
	out.Activation, out.Fingerprints = in.id, prints
	return &out
}

// leaseOf is what every lease of a license says.
func leaseOf(l licenseRow, seats lease.Seats) lease.Lease {
	out := lease.Lease{
		Product:      l.terms.Product,
		License:      l.id,
		Kind:         l.terms.Kind,
		Status:       lease.StatusActive,
		Edition:      l.terms.Edition,
		Entitlements: l.terms.Entitlements,
		Seats:        seats,
	}
	if !l.terms.End.IsZero() {
		out.LicenseEnd = l.terms.End.Unix()
	}
	return out
}

func (b *book) seatsOf(l licenseRow) lease.Seats {
	return lease.Seats{Used: b.used(l.id), Total: l.terms.Seats}
}

// random returns n random bytes in base64url. Tests that want the same ones each time use testing/cryptotest.
func random(n int) string {
	p := make([]byte, n)
	rand.Read(p) // never fails (crypto/rand)
	return base64.RawURLEncoding.EncodeToString(p)
}

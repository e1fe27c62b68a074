package licensetest

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/counterfoil-dev/counterfoil/internal/wire"
	"github.com/counterfoil-dev/counterfoil/lease"
)

// License says what a customer buys. Its zero value is a good license: bought once, for any number of devices, with no
// end.
type License struct {
	Product      string     // default: "acme-editor"
	Kind         lease.Kind // default: [lease.KindSingle]
	Edition      string
	Entitlements map[string]lease.Entitlement
	Seats        int       // how many devices may hold it; 0: any number
	End          time.Time // when it ends; zero: never

	// Code is the activation code. Default: a fresh one for a single license, none for a subscription.
	Code string
}

// Record is a license at the vendor. Its methods are what the vendor does; each takes effect with the next request,
// and none does anything after a [Server.Restore] of a time before the license was added.
type Record struct {
	ID   string // as in leases
	Code string // as a customer gets it; empty if the license is claimed with an account alone

	server *Server
}

// Activation is an installation that holds, or shares, a seat.
type Activation struct {
	ID           string // as in leases
	Installation string // the random id that the installation gave itself
	Seat         string // equal for the installations on one device
	Label        string
	Fingerprints map[string]string // what the device sent last
}

// AddLicense adds a license. It panics if l makes no sense, such as a code with a typing mistake in it: that is a
// mistake in the test.
func (s *Server) AddLicense(l License) *Record {
	row, err := newLicense(l)
	if err != nil {
		panic("licensetest: AddLicense: " + err.Error())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	row.seq = s.book.next()
	if err := s.signable(row); err != nil {
		panic("licensetest: AddLicense: " + err.Error())
	}
	s.book.licenses[row.id] = row
	return &Record{ID: row.id, Code: row.code, server: s}
}

func newLicense(l License) (licenseRow, error) {
	if l.Product == "" {
		l.Product = "acme-editor"
	}
	if l.Kind == "" {
		l.Kind = lease.KindSingle
	}
	l.Entitlements = maps.Clone(l.Entitlements)
	if err := wire.CheckProduct(l.Product); err != nil {
		return licenseRow{}, err
	}
	if l.Seats < 0 {
		return licenseRow{}, fmt.Errorf("seats: %d is negative", l.Seats)
	}
	code := l.Code
	switch {
	case code != "":
		var err error
		if code, err = wire.ParseCode(code); err != nil {
			return licenseRow{}, fmt.Errorf("code: %w", err)
		}
	case l.Kind == lease.KindSingle:
		code = wire.NewCode()
	}
	return licenseRow{id: "lic_" + random(16), code: code, terms: l}, nil
}

// signable says what would be wrong with every lease of the license.
func (s *Server) signable(row licenseRow) error {
	l := leaseOf(row, lease.Seats{})
	l.Activation, l.Fingerprints = "act_1", map[string]string{kindCaller: "fp1:1"}
	l.IssuedAt, l.LeaseEnd = 1, 2
	_, err := s.signer.SignLease(l)
	return err
}

// AddAccount adds an account that claims the given licenses, or replaces the one of that e-mail. Upper and lower case
// are one e-mail.
func (s *Server) AddAccount(email, password string, licenses ...*Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := accountRow{password: password}
	for _, r := range licenses {
		a.licenses = append(a.licenses, r.ID)
	}
	s.book.accounts[strings.ToLower(email)] = a
}

// Suspend pauses the license.
func (r *Record) Suspend() { r.change(func(l *licenseRow) { l.suspended = true }) }

// Revoke ends the license early.
func (r *Record) Revoke() { r.change(func(l *licenseRow) { l.revoked = true }) }

// Reinstate undoes Suspend and Revoke.
func (r *Record) Reinstate() { r.change(func(l *licenseRow) { l.suspended, l.revoked = false, false }) }

// Expire ends the license now, in its own time.
func (r *Record) Expire() { r.Renew(r.server.now()) }

// Renew sets the license's own end. The zero time is no end.
func (r *Record) Renew(end time.Time) { r.change(func(l *licenseRow) { l.terms.End = end }) }

// AllowRebind grants n moves to other devices beyond the limit: 3 rebindings of a seat in 365 days, and as many cycles
// of deactivation and activation.
func (r *Record) AllowRebind(n int) { r.change(func(l *licenseRow) { l.granted += n }) }

// Release takes all seats back.
func (r *Record) Release() {
	for _, a := range r.Activations() {
		r.server.Release(a.ID)
	}
}

// RenewTokens asks every installation for the renewal of its token: checks bring a fresh one until it is used.
func (r *Record) RenewTokens() {
	for _, a := range r.Activations() {
		r.server.RenewToken(a.ID)
	}
}

// Seats returns how many devices hold the license.
func (r *Record) Seats() int {
	r.server.mu.Lock()
	defer r.server.mu.Unlock()
	return r.server.book.used(r.ID)
}

// Activations returns the installations that live, oldest first.
func (r *Record) Activations() []Activation {
	r.server.mu.Lock()
	defer r.server.mu.Unlock()
	var list []Activation
	for _, in := range r.server.book.ofLicense(r.ID) {
		list = append(list, Activation{
			ID: in.id, Installation: in.name, Seat: in.seat, Label: in.label, Fingerprints: maps.Clone(in.prints),
		})
	}
	return list
}

func (r *Record) change(f func(*licenseRow)) {
	r.server.mu.Lock()
	defer r.server.mu.Unlock()
	if l, ok := r.server.book.licenses[r.ID]; ok {
		f(&l)
		r.server.book.licenses[r.ID] = l
	}
}

// Release takes back the seat that an activation is in, with every installation in it. It reports whether there was
// one.
func (s *Server) Release(activation string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	in, ok := s.book.installations[activation]
	if ok = ok && in.ended.IsZero(); ok {
		s.book.release(in.seat, s.clock())
	}
	return ok
}

// RenewToken asks one installation for the renewal of its token: checks bring a fresh one until it is used. It reports
// whether the activation lives.
func (s *Server) RenewToken(activation string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	in, ok := s.book.installations[activation]
	if ok = ok && in.ended.IsZero(); ok {
		in.renew = s.book.next()
		s.book.installations[in.id] = in
	}
	return ok
}

// AnswerOffline answers an offline request, as the vendor's web site or support desk does. The answer is signed, also
// where it is a refusal. The error is for a text that is no offline request, or one of an account.
func (s *Server) AnswerOffline(request string) (answer string, err error) {
	body, err := wire.OfflineBody(request)
	if err != nil {
		return "", fmt.Errorf("licensetest: %w", err)
	}
	var r wire.Activation
	nonce, err := wire.Decode(body, &r)
	if err == nil && r.Account != nil {
		err = errors.New("offline request: only activation codes can be claimed offline")
	}
	if err != nil {
		return "", fmt.Errorf("licensetest: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.clock()
	hash := wire.Hash(wire.MethodOffline, wire.PathActivations, body)
	text, err := s.sign(s.book.activate(now, &r, true), now, nonce, hash, 0, script{})
	if err != nil {
		return "", fmt.Errorf("licensetest: %w", err)
	}
	return text, nil
}

// Snapshot is a backup of all that a server knows of licenses, accounts, seats and tokens.
type Snapshot struct{ book book }

// Snapshot makes a backup.
func (s *Server) Snapshot() Snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Snapshot{s.book.clone()}
}

// Restore goes back to a backup, of this server or of another one: what was issued since is unknown, and what ended
// since is alive. Keys, clock, faults and the log of requests stay. The zero Snapshot is a server that lost everything.
func (s *Server) Restore(backup Snapshot) {
	b := newBook()
	if backup.book.licenses != nil {
		b = backup.book.clone()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	b.seq = max(b.seq, s.book.seq)
	s.book = b
}

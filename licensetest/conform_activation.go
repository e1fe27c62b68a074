package licensetest

import (
	"encoding/json"
	"maps"
	"reflect"
	"time"

	"github.com/counterfoil-dev/counterfoil/internal/wire"
	"github.com/counterfoil-dev/counterfoil/lease"
)

func activationCases() []conformanceCase {
	return []conformanceCase{
		{"lease", activationLease},
		{"repeat", activationRepeat},
		{"shared-seat", activationSharedSeat},
		{"new-set", activationNewSet},
		{"other-device", activationOtherDevice},
		{"caller", activationCaller},
		{"seats-used", activationSeatsUsed},
		{"unlimited", activationUnlimited},
		{"copied-state", activationCopiedState},
		{"many-installations", activationManyInstallations},
		{"concurrent", activationConcurrent},
		{"code-invalid", activationCodeInvalid},
		{"standing", activationStanding},
		{"label", activationLabel},
	}
}

// The lease says what was bought, for whom, and for how long.
func activationLease(p *probe) {
	limit := int64(3)
	end := time.Now().Add(1000 * 24 * time.Hour).Truncate(time.Second)
	l := p.sell(License{Edition: "pro", Seats: 2, End: end, Entitlements: map[string]lease.Entitlement{
		"export.pdf": {}, "projects": {Limit: &limit},
	}})
	d := p.device(l.Product)
	o := p.want(wire.OK, d.activate(l.code))
	want := lease.Lease{
		Product: l.Product, License: l.id, Activation: o.lease.Activation, Kind: lease.KindSingle, Status: lease.StatusActive,
		Edition: "pro", Entitlements: l.Entitlements, Seats: lease.Seats{Used: 1, Total: 2}, Fingerprints: d.prints,
		IssuedAt: o.lease.IssuedAt, LeaseEnd: o.lease.LeaseEnd, LicenseEnd: end.Unix(),
	}
	if !reflect.DeepEqual(o.lease, want) {
		p.Errorf("lease: want %+v, have %+v", want, o.lease)
	}
	if o.answer.Token == "" {
		p.Error("an activation brings no token")
	}
	never := p.sell(License{})
	if o := p.want(wire.OK, p.device(never.Product).activate(never.code)); o.lease.LicenseEnd != 0 {
		p.Errorf("a license without an end has license_end %d", o.lease.LicenseEnd)
	}
}

// Repeating an activation at any time is the same activation: no second seat, a fresh token.
func activationRepeat(p *probe) {
	l := p.sell(License{Seats: 2})
	d := p.device(l.Product)
	first := p.want(wire.OK, d.activate(l.code))
	for range 3 {
		again := p.want(wire.OK, d.activate(l.code))
		p.seats(again, 1)
		if again.lease.Activation != first.lease.Activation {
			p.Fatal("repeating an activation makes another one")
		}
		if again.answer.Token == "" || again.answer.Token == first.answer.Token {
			p.Fatal("repeating an activation brings no fresh token")
		}
	}
}

// An administrator, a user who cannot read the BIOS UUID, and a second system on the same machine share one seat.
func activationSharedSeat(p *probe) {
	l := p.sell(License{Seats: 1})
	root := p.activated(l)
	user := root.reading(map[string]string{kindOSInstall: root.prints[kindOSInstall]})
	dual := root.reading(map[string]string{kindBIOS: root.prints[kindBIOS], kindOSInstall: newPrint()})
	for _, d := range []*device{user, dual} {
		o := p.want(wire.OK, d.activate(l.code))
		p.seats(o, 1)
		p.lists(o, d.prints)
	}
	if root.id == user.id || root.id == dual.id || user.id == dual.id {
		p.Fatal("two installations have one activation")
	}
	// The second system's own user is found through the second system.
	p.seats(p.want(wire.OK, dual.reading(map[string]string{kindOSInstall: dual.prints[kindOSInstall]}).activate(l.code)), 1)
	for _, d := range []*device{root, user, dual} {
		p.lists(p.want(wire.OK, d.check()), d.prints)
	}
}

// A repeated activation replaces the installation's set by the one sent.
func activationNewSet(p *probe) {
	l := p.sell(License{Seats: 1})
	d := p.activated(l)
	d.prints = map[string]string{kindBIOS: d.prints[kindBIOS], kindOSInstall: newPrint()} // reinstalled system
	o := p.want(wire.OK, d.activate(l.code))
	p.seats(o, 1)
	p.lists(o, d.prints)
	d.prints = map[string]string{kindOSInstall: d.prints[kindOSInstall]}
	d.pinned = nil
	p.lists(p.want(wire.OK, d.check()), d.prints)
}

// The BIOS UUID decides where both sides have it: a clone, and a board swap, is another device.
func activationOtherDevice(p *probe) {
	l := p.sell(License{Seats: 2})
	d := p.activated(l)
	clone := d.reading(map[string]string{kindBIOS: newPrint(), kindOSInstall: d.prints[kindOSInstall]})
	o := p.want(wire.OK, clone.activate(l.code))
	p.seats(o, 2)
	if o.lease.Activation == d.id {
		p.Fatal("a clone of the system disk shares the activation")
	}
	p.want(wire.SeatsUsed, p.device(l.Product).activate(l.code))
}

// What the application supplied decides alone where both sides have it.
func activationCaller(p *probe) {
	l := p.sell(License{Seats: 2})
	d := p.device(l.Product)
	d.prints = map[string]string{kindCaller: newPrint(), kindBIOS: newPrint(), kindOSInstall: newPrint()}
	p.want(wire.OK, d.activate(l.code))
	moved := d.reading(map[string]string{kindCaller: d.prints[kindCaller], kindBIOS: newPrint(), kindOSInstall: newPrint()})
	p.seats(p.want(wire.OK, moved.activate(l.code)), 1)
	other := d.reading(map[string]string{kindCaller: newPrint(), kindBIOS: d.prints[kindBIOS], kindOSInstall: d.prints[kindOSInstall]})
	p.seats(p.want(wire.OK, other.activate(l.code)), 2)
}

// Who comes when every seat is taken is refused, and who holds one is not.
func activationSeatsUsed(p *probe) {
	l := p.sell(License{Seats: 1})
	d := p.activated(l)
	p.want(wire.SeatsUsed, p.device(l.Product).activate(l.code))
	p.seats(p.want(wire.OK, d.activate(l.code)), 1)
	p.seats(p.want(wire.OK, d.check()), 1)
}

// A license for 0 seats in total is one for any number of devices.
func activationUnlimited(p *probe) {
	l := p.sell(License{})
	for i := range 5 {
		o := p.want(wire.OK, p.device(l.Product).activate(l.code))
		p.seats(o, i+1)
		if o.lease.Seats.Total != 0 {
			p.Fatalf("want 0 seats in total, which is no limit, have %d", o.lease.Seats.Total)
		}
	}
}

// A state folder copied to another device takes a seat of its own there.
func activationCopiedState(p *probe) {
	l := p.sell(License{Seats: 2})
	d := p.activated(l)
	c := d.other()
	o := p.want(wire.OK, c.activate(l.code))
	p.seats(o, 2)
	if c.id == d.id {
		p.Fatal("one installation id on two devices is one activation")
	}
	p.want(wire.OK, d.check())
	p.want(wire.OK, c.check())
}

// A seat has at most 16 installations; for one more, one of the others ends.
func activationManyInstallations(p *probe) {
	l := p.sell(License{Seats: 1})
	first := p.device(l.Product)
	list := []*device{first}
	for range maxInstallations {
		list = append(list, first.reading(first.prints))
	}
	for _, d := range list {
		p.seats(p.want(wire.OK, d.activate(l.code)), 1)
	}
	ended := 0
	for _, d := range list {
		o := d.check()
		switch o.code() {
		case wire.Released:
			ended++
		default:
			p.want(wire.OK, o)
		}
	}
	if ended != 1 {
		p.Fatalf("of 17 installations in a seat, %d ended; want 1", ended)
	}
}

// Devices that come at the same moment do not take more seats than there are, and one device takes one.
func activationConcurrent(p *probe) {
	const n = 8
	one, many := p.sell(License{Seats: 3}), p.sell(License{Seats: 3})
	same := p.device(one.Product)
	type got struct {
		outcome
		err error
	}
	ones, manys := make(chan got, n), make(chan got, n)
	for range n {
		rs, rm := same.activation(one.code), p.device(many.Product).activation(many.code)
		go func() {
			o, err := p.try(wire.PathActivations, "", rs)
			ones <- got{o, err}
		}()
		go func() {
			o, err := p.try(wire.PathActivations, "", rm)
			manys <- got{o, err}
		}()
	}
	ids, ok := make(map[string]bool), 0
	for range n {
		s, m := <-ones, <-manys
		if s.err != nil || m.err != nil {
			p.Fatal(s.err, m.err)
		}
		ids[p.want(wire.OK, s.outcome).lease.Activation] = true
		if m.code() == wire.OK {
			ok++
		} else {
			p.want(wire.SeatsUsed, m.outcome)
		}
	}
	if len(ids) != 1 {
		p.Errorf("one installation that activates %d times at once gets %d activations", n, len(ids))
	}
	if ok != 3 {
		p.Errorf("of %d devices that activate at once, %d got one of 3 seats", n, ok)
	}
}

// A code that does not exist and one of another product are refused alike, so that nobody can try codes across
// products.
func activationCodeInvalid(p *probe) {
	l := p.sell(License{})
	d := p.device(newProduct())
	foreign := p.want(wire.CodeInvalid, d.activate(l.code))
	unknown := p.want(wire.CodeInvalid, d.activate(wire.NewCode()))
	p.alike(foreign, unknown)

	// Not even the standing of a license of another product is told.
	p.revoke(l)
	p.alike(p.want(wire.CodeInvalid, d.activate(l.code)), unknown)
}

// alike fails the case unless two refusals differ only in what binds them to their requests.
func (p *probe) alike(x, y outcome) {
	p.Helper()
	x.answer.Nonce, x.answer.Request, x.answer.IssuedAt = y.answer.Nonce, y.answer.Request, y.answer.IssuedAt
	if !reflect.DeepEqual(x.answer, y.answer) {
		p.Fatalf("two refusals must not be told apart: %+v, %+v", x.answer, y.answer)
	}
	a, b := make(map[string]any), make(map[string]any)
	if json.Unmarshal(x.body, &a) != nil || json.Unmarshal(y.body, &b) != nil {
		p.Fatal("a refusal is not JSON")
	}
	delete(a, "statement")
	delete(b, "statement")
	if !maps.Equal(a, b) || len(x.body) != len(y.body) {
		p.Fatalf("two refusals must not be told apart: %s, %s", x.body, y.body)
	}
}

// A license that cannot be used is refused with the reason, also to who holds a seat, until it can be used again.
func activationStanding(p *probe) {
	l := p.sell(License{Seats: 1})
	d := p.activated(l)
	for _, s := range []struct {
		change func(sold)
		code   wire.Code
	}{{p.suspend, wire.Suspended}, {p.reinstate, wire.OK}, {p.revoke, wire.Revoked}, {p.reinstate, wire.OK}, {p.expire, wire.Expired}} {
		s.change(l)
		p.want(s.code, d.activate(l.code))
	}
	p.want(wire.Expired, p.device(l.Product).activate(l.code))
}

// A label is what a person typed, in any script.
func activationLabel(p *probe) {
	l := p.sell(License{})
	d := p.device(l.Product)
	r := d.activation(l.code)
	r.Label = "Büro, Rechner 2 — 机"
	p.want(wire.OK, d.keep(d.post(wire.PathActivations, "", r)))
	p.want(wire.OK, d.check())
}

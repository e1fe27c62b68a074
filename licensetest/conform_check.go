package licensetest

import (
	"encoding/json"
	"net/http"

	"crypto/ed25519"
	"crypto/rand"

	"github.com/counterfoil-dev/counterfoil/internal/wire"
	"github.com/counterfoil-dev/counterfoil/lease"
)

func checkCases() []conformanceCase {
	return []conformanceCase{
		{"fresh-lease", checkFreshLease},
		{"set", checkSet},
		{"wrong-device", checkWrongDevice},
		{"wrong-product", checkWrongProduct},
		{"token-unknown", checkTokenUnknown},
		{"standing", checkStanding},
		{"order", checkOrder},
		{"released", checkReleased},
		{"by-lease", checkByLease},
		{"by-foreign-lease", checkByForeignLease},
	}
}

// A check renews the lease of the same activation, and brings a token only if the vendor asked for that.
func checkFreshLease(p *probe) {
	l := p.sell(License{Edition: "pro", Seats: 5})
	d := p.device(l.Product)
	first := p.want(wire.OK, d.activate(l.code))
	for range 3 {
		o := p.want(wire.OK, d.check())
		if o.lease.Activation != first.lease.Activation || o.lease.License != l.id || o.lease.Edition != "pro" {
			p.Fatalf("want a lease of the same activation, have %+v", o.lease)
		}
		if o.lease.IssuedAt < first.lease.IssuedAt || o.lease.LeaseEnd < first.lease.LeaseEnd {
			p.Fatalf("the fresh lease (%d to %d) is older than the first (%d to %d)",
				o.lease.IssuedAt, o.lease.LeaseEnd, first.lease.IssuedAt, first.lease.LeaseEnd)
		}
		if o.answer.Token != "" {
			p.Fatal("a check brings a token that nobody asked for")
		}
		p.seats(o, 1)
	}
}

// The fresh lease lists what was pinned or is readable, and still equals what the server stored.
func checkSet(p *probe) {
	l := p.sell(License{})
	d := p.activated(l)
	bios, system := d.prints[kindBIOS], d.prints[kindOSInstall]
	for _, c := range []struct {
		name                   string
		readable, pinned, want map[string]string
	}{
		{"nothing pinned", map[string]string{kindBIOS: bios}, nil, map[string]string{kindBIOS: bios}},
		{"one unreadable", map[string]string{kindBIOS: bios}, d.prints, d.prints},
		{"one readable", map[string]string{kindOSInstall: system}, d.prints, d.prints},
		{"reinstalled", map[string]string{kindBIOS: bios, kindOSInstall: newPrint()}, d.prints, map[string]string{kindBIOS: bios}},
		{
			"pinned made up", map[string]string{kindBIOS: bios},
			map[string]string{kindBIOS: bios, kindOSInstall: newPrint()}, map[string]string{kindBIOS: bios},
		},
		{"kind made up", map[string]string{kindBIOS: bios, kindCaller: newPrint()}, nil, map[string]string{kindBIOS: bios}},
		{"all", d.prints, d.prints, d.prints},
	} {
		e := *d
		e.prints, e.pinned = c.readable, c.pinned
		o := p.want(wire.OK, e.check())
		o.request += " (" + c.name + ")"
		p.lists(o, c.want)
	}
}

// A token on another device is refused, and goes on to work on its own.
func checkWrongDevice(p *probe) {
	l := p.sell(License{})
	d := p.activated(l)
	c := d.other()
	p.want(wire.WrongDevice, c.check()) // it still pins the lease's set
	c.prints = map[string]string{kindBIOS: newPrint(), kindOSInstall: d.prints[kindOSInstall]}
	p.want(wire.WrongDevice, c.check())
	c.prints = map[string]string{kindCaller: newPrint()}
	p.want(wire.WrongDevice, c.check())
	p.lists(p.want(wire.OK, d.check()), d.prints)
}

// A token of another product is refused, and goes on to work for its own.
func checkWrongProduct(p *probe) {
	l := p.sell(License{})
	d := p.activated(l)
	c := *d
	c.product = p.sell(License{}).Product
	p.want(wire.WrongProduct, c.check())
	p.want(wire.OK, d.check())
}

// A token that the server does not know, and none, is token_unknown, whatever it looks like.
func checkTokenUnknown(p *probe) {
	l := p.sell(License{})
	d := p.activated(l)
	for _, token := range []string{d.token[:len(d.token)-1], d.token + "A", "x", "cft_" + random(32), ""} {
		p.want(wire.TokenUnknown, d.checkWith(token))
	}
	p.want(wire.OK, d.check())
}

// A license that cannot be used is refused with the reason; the token lives on, so that the next check heals it.
func checkStanding(p *probe) {
	l := p.sell(License{})
	d := p.activated(l)
	for _, s := range []struct {
		change func(sold)
		code   wire.Code
	}{{p.suspend, wire.Suspended}, {p.reinstate, wire.OK}, {p.revoke, wire.Revoked}, {p.reinstate, wire.OK}, {p.expire, wire.Expired}} {
		s.change(l)
		p.want(s.code, d.check())
	}
}

// Of several reasons to refuse, the first in the protocol's order is told.
func checkOrder(p *probe) {
	l := p.sell(License{})
	d, e := p.activated(l), p.activated(l)
	away, foreign := d.other(), *d
	foreign.product = newProduct()
	p.expire(l)
	p.want(wire.Expired, away.check())
	p.suspend(l)
	p.want(wire.Suspended, away.check())
	p.revoke(l)
	p.want(wire.Revoked, away.check())
	p.release(d)
	p.want(wire.Released, away.check())
	p.want(wire.WrongProduct, foreign.check())
	p.want(wire.Revoked, e.check())
}

// A seat that the vendor took back is told as that, and is free for another device.
func checkReleased(p *probe) {
	l := p.sell(License{Seats: 1})
	d := p.activated(l)
	user := d.reading(map[string]string{kindOSInstall: d.prints[kindOSInstall]})
	p.want(wire.OK, user.activate(l.code))
	p.release(d)
	for range 2 {
		p.want(wire.Released, d.check())
		p.want(wire.Released, user.check())
	}
	p.seats(p.want(wire.OK, p.device(l.Product).activate(l.code)), 1)
	p.want(wire.Released, d.check())
}

// Without a token the lease identifies the installation, and the answer brings a token.
func checkByLease(p *probe) {
	l := p.sell(License{Seats: 1})
	d := p.activated(l)
	first := d.id
	d.token = ""
	o := p.want(wire.OK, d.checkByLease())
	p.seats(o, 1)
	if o.answer.Token == "" || o.lease.Activation != first {
		p.Fatal("want a token, and a lease of the same activation")
	}
	p.want(wire.OK, d.check())

	p.want(wire.WrongDevice, d.other().checkByLease())
	p.suspend(l)
	p.want(wire.Suspended, d.checkByLease())
	p.reinstate(l)
	p.release(d)
	p.want(wire.Released, d.checkByLease())
}

// A lease that this server did not sign is nobody's.
func checkByForeignLease(p *probe) {
	l := p.sell(License{})
	d := p.activated(l)
	v, err := p.target.Keys.Verify(lease.TypeLease, d.lease)
	if err != nil {
		p.Fatal(err)
	}
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		p.Fatal(err)
	}
	for _, id := range []string{v.KeyID(), "foreign"} {
		s, err := lease.NewSigner(id, key)
		if err != nil {
			p.Fatal(err)
		}
		if d.lease, err = s.SignLease(v.Lease()); err != nil {
			p.Fatal(err)
		}
		p.want(wire.TokenUnknown, d.checkByLease())
	}
	// An answer is no lease, though the server signed it.
	body, err := json.Marshal(wire.Check{Nonce: wire.NewNonce(), Product: d.product, Fingerprints: d.prints})
	if err != nil {
		p.Fatal(err)
	}
	_, content, err := p.raw(http.MethodPost, wire.PathChecks, d.token, body)
	if err != nil {
		p.Fatal(err)
	}
	if d.lease, err = wire.Statement(content); err != nil {
		p.Fatal(err)
	}
	p.want(wire.TokenUnknown, d.checkByLease())
}

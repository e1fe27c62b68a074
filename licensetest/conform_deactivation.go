package licensetest

import "github.com/counterfoil-dev/counterfoil/internal/wire"

func deactivationCases() []conformanceCase {
	return []conformanceCase{
		{"frees-seat", deactivationFreesSeat},
		{"whole-seat", deactivationWholeSeat},
		{"any-standing", deactivationAnyStanding},
		{"by-lease", deactivationByLease},
		{"refused", deactivationRefused},
		{"cycles", deactivationCycles},
		{"vendor-releases", deactivationVendorReleases},
	}
}

// A deactivation frees the seat at once; repeating it, after a lost answer, says that it is released.
func deactivationFreesSeat(p *probe) {
	l := p.sell(License{Seats: 1})
	d := p.activated(l)
	p.want(wire.OK, d.deactivate())
	for range 2 {
		p.want(wire.Released, d.deactivate())
		p.want(wire.Released, d.check())
	}
	p.seats(p.want(wire.OK, p.device(l.Product).activate(l.code)), 1)
	p.want(wire.Released, d.deactivate())
	p.want(wire.SeatsUsed, d.activate(l.code))
}

// A deactivation ends every installation on the device, and no other device.
func deactivationWholeSeat(p *probe) {
	l := p.sell(License{Seats: 2})
	root, other := p.activated(l), p.activated(l)
	user := root.reading(map[string]string{kindOSInstall: root.prints[kindOSInstall]})
	p.want(wire.OK, user.activate(l.code))
	p.want(wire.OK, user.deactivate())
	p.want(wire.Released, root.check())
	p.want(wire.Released, root.deactivate())
	p.seats(p.want(wire.OK, other.check()), 1)
}

// A seat can be given back whatever the license's standing.
func deactivationAnyStanding(p *probe) {
	for _, change := range []func(sold){p.suspend, p.revoke, p.expire} {
		l := p.sell(License{Seats: 1})
		d := p.activated(l)
		change(l)
		p.want(wire.OK, d.deactivate())
	}
}

// Without a token the lease identifies the installation.
func deactivationByLease(p *probe) {
	l := p.sell(License{Seats: 1})
	d := p.activated(l)
	again := func() outcome {
		return p.post(wire.PathDeactivations, "", &wire.Deactivation{Nonce: wire.NewNonce(), Product: d.product, Lease: d.lease})
	}
	p.want(wire.OK, again())
	p.want(wire.Released, again())
	p.want(wire.Released, d.check())
}

// A deactivation that proves nothing ends nothing.
func deactivationRefused(p *probe) {
	l := p.sell(License{Seats: 1})
	d := p.activated(l)
	c := *d
	c.token = "cft_" + random(32)
	p.want(wire.TokenUnknown, c.deactivate())
	c.token = ""
	p.want(wire.TokenUnknown, c.deactivate())
	c = *d
	c.product = newProduct()
	p.want(wire.WrongProduct, c.deactivate())
	p.want(wire.OK, d.check())
}

// One seat does not serve a ring of devices that take turns: after 4 deactivations in a year it takes the vendor's
// leave to use it on one more.
func deactivationCycles(p *probe) {
	l := p.sell(License{Seats: 1})
	for range movesPerSeat + 1 {
		p.want(wire.OK, p.activated(l).deactivate())
	}
	last := p.device(l.Product)
	p.want(wire.RebindLimit, last.activate(l.code))
	p.want(wire.RebindLimit, last.activate(l.code))
	p.allowRebind(l, 1)
	p.want(wire.OK, last.activate(l.code))
	p.want(wire.OK, last.activate(l.code)) // the same seat is no new one
	p.want(wire.OK, last.deactivate())
	p.want(wire.RebindLimit, last.activate(l.code))
}

// What the vendor takes back counts towards no limit.
func deactivationVendorReleases(p *probe) {
	l := p.sell(License{Seats: 1})
	for range movesPerSeat + 2 {
		p.release(p.activated(l))
	}
	p.activated(l)
}

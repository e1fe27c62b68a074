package licensetest

import "github.com/counterfoil-dev/counterfoil/internal/wire"

func rebindingCases() []conformanceCase {
	return []conformanceCase{
		{"moves", rebindingMoves},
		{"lost-answer", rebindingLostAnswer},
		{"limit", rebindingLimit},
		{"others-end", rebindingOthersEnd},
		{"merge", rebindingMerge},
		{"refused", rebindingRefused},
	}
}

// move changes the device under the installation.
func (d *device) move() {
	d.prints = map[string]string{kindBIOS: newPrint(), kindOSInstall: newPrint()}
}

// A rebinding ties the seat to the new device, and brings a lease of it and a fresh token; the old token works until
// the fresh one is used.
func rebindingMoves(p *probe) {
	l := p.sell(License{Seats: 1})
	d := p.activated(l)
	before := *d
	d.move()
	o := p.want(wire.OK, d.rebind())
	p.seats(o, 1)
	p.lists(o, d.prints)
	if o.answer.Token == "" || o.answer.Token == before.token {
		p.Fatal("a rebinding brings no fresh token")
	}
	p.want(wire.WrongDevice, before.check())
	p.want(wire.OK, d.checkWith(before.token))
	p.want(wire.OK, d.check())
	p.want(wire.TokenUnknown, d.checkWith(before.token))
	p.want(wire.SeatsUsed, p.device(l.Product).activate(l.code))
}

// A rebinding whose answer was lost is repeated with the old token as often as it takes, and counts once.
func rebindingLostAnswer(p *probe) {
	l := p.sell(License{Seats: 1})
	d := p.activated(l)
	d.move()
	for range 2 * movesPerSeat {
		o := p.want(wire.OK, d.rebindLost())
		p.seats(o, 1)
		p.lists(o, d.prints)
		if o.answer.Token == "" {
			p.Fatal("a repeated rebinding brings no token")
		}
	}
	for range movesPerSeat - 1 {
		d.move()
		p.want(wire.OK, d.rebind())
	}
	d.move()
	p.want(wire.RebindLimit, d.rebind())
}

// A seat moves 3 times in a year, and more often with the vendor's leave. Who is refused loses nothing.
func rebindingLimit(p *probe) {
	l := p.sell(License{Seats: 2})
	d := p.activated(l)
	for range movesPerSeat {
		d.move()
		p.want(wire.OK, d.rebind())
	}
	stay := *d
	d.move()
	p.want(wire.RebindLimit, d.rebind())
	p.want(wire.OK, stay.check())
	p.want(wire.OK, stay.rebind()) // same device
	p.want(wire.OK, stay.check())
	d.token = stay.token
	p.allowRebind(l, 1)
	p.want(wire.OK, d.rebind())
	d.move()
	p.want(wire.RebindLimit, d.rebind())
}

// The other installations of a seat stay behind on the old device, and end.
func rebindingOthersEnd(p *probe) {
	l := p.sell(License{Seats: 1})
	d := p.activated(l)
	user := d.reading(map[string]string{kindOSInstall: d.prints[kindOSInstall]})
	p.want(wire.OK, user.activate(l.code))
	d.move()
	p.want(wire.OK, d.rebind())
	p.want(wire.Released, user.check())
	p.want(wire.SeatsUsed, user.activate(l.code))
	p.want(wire.OK, d.check())
}

// A device that holds a seat of the license needs no second one: the token's seat is free, and the installation joins
// the device's.
func rebindingMerge(p *probe) {
	l := p.sell(License{Seats: 2})
	d, there := p.activated(l), p.activated(l)
	behind := d.reading(map[string]string{kindOSInstall: d.prints[kindOSInstall]})
	p.want(wire.OK, behind.activate(l.code))
	old := d.token
	d.prints = there.prints
	for range 2 { // the first answer is lost
		o := p.want(wire.OK, d.rebindLost())
		p.seats(o, 1)
		p.lists(o, d.prints)
	}
	p.want(wire.OK, d.checkWith(old))
	p.want(wire.OK, d.rebind())
	p.seats(p.want(wire.OK, d.check()), 1)
	p.want(wire.TokenUnknown, d.checkWith(old))
	p.want(wire.Released, behind.check())
	p.want(wire.OK, there.check())
	p.seats(p.want(wire.OK, p.device(l.Product).activate(l.code)), 2)
}

// A rebinding that proves nothing, or of a license that cannot be used, changes nothing.
func rebindingRefused(p *probe) {
	l := p.sell(License{Seats: 1})
	d := p.activated(l)
	c := d.other()
	for _, token := range []string{"", "cft_" + random(32)} {
		c.token = token
		p.want(wire.TokenUnknown, c.rebind())
	}
	c = d.other()
	c.product = newProduct()
	p.want(wire.WrongProduct, c.rebind())
	c = d.other()
	for _, s := range []struct {
		change func(sold)
		code   wire.Code
	}{{p.suspend, wire.Suspended}, {p.reinstate, wire.OK}, {p.revoke, wire.Revoked}, {p.reinstate, wire.OK}} {
		s.change(l)
		if s.code != wire.OK {
			p.want(s.code, c.rebind())
			continue
		}
		p.want(wire.OK, d.check())
	}
	p.expire(l)
	p.want(wire.Expired, c.rebind())

	l = p.sell(License{Seats: 1})
	d = p.activated(l)
	p.release(d)
	d.move()
	p.want(wire.Released, d.rebind())
}

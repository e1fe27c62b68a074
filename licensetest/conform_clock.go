package licensetest

import (
	"time"

	"github.com/counterfoil-dev/counterfoil/internal/wire"
)

func clockCases() []conformanceCase {
	return []conformanceCase{
		{"released-is-forgotten", clockReleasedIsForgotten},
		{"limits-end", clockLimitsEnd},
		{"license-end", clockLicenseEnd},
		{"old-lease", clockOldLease},
	}
}

func (p *probe) advance(d time.Duration) {
	p.Helper()
	p.do(p.target.Admin.Advance(d))
}

const day = 24 * time.Hour

// The tokens of a released seat are remembered for 90 days.
func clockReleasedIsForgotten(p *probe) {
	l := p.sell(License{})
	d := p.activated(l)
	p.want(wire.OK, d.deactivate())
	p.advance(89 * day)
	p.want(wire.Released, d.check())
	p.advance(2 * day)
	p.want(wire.TokenUnknown, d.check())
	p.want(wire.TokenUnknown, d.deactivate())
}

// Rebindings and deactivations count for 365 days.
func clockLimitsEnd(p *probe) {
	l := p.sell(License{Seats: 1})
	d := p.activated(l)
	for range movesPerSeat {
		d.move()
		p.want(wire.OK, d.rebind())
	}
	d.move()
	p.want(wire.RebindLimit, d.rebind())
	p.want(wire.OK, d.deactivate())
	p.want(wire.RebindLimit, d.activate(l.code))
	p.advance(364 * day)
	p.want(wire.RebindLimit, d.activate(l.code))
	p.advance(2 * day)
	p.want(wire.OK, d.activate(l.code))
	d.move()
	p.want(wire.OK, d.rebind())
}

// A license ends by itself. Leases need not end with it; devices watch both.
func clockLicenseEnd(p *probe) {
	now := p.want(wire.OK, p.activated(p.sell(License{})).check()).answer.IssuedAt
	l := p.sell(License{End: time.Unix(now, 0).Add(10 * day)})
	d := p.activated(l)
	p.advance(9 * day)
	p.want(wire.OK, d.check())
	p.advance(2 * day)
	p.want(wire.Expired, d.check())
	p.want(wire.Expired, d.activate(l.code))
	p.want(wire.OK, d.deactivate())
}

// A lease that has run out still identifies its installation.
func clockOldLease(p *probe) {
	l := p.sell(License{Seats: 1})
	d := p.activated(l)
	p.advance(500 * day)
	o := p.want(wire.OK, d.checkByLease())
	p.seats(o, 1)
	if o.answer.Token == "" {
		p.Error("a check by lease brings no token")
	}
}

package licensetest

import "github.com/counterfoil-dev/counterfoil/internal/wire"

func tokenCases() []conformanceCase {
	return []conformanceCase{
		{"both-until-used", tokenBothUntilUsed},
		{"later-ones-stay", tokenLaterOnesStay},
		{"per-installation", tokenPerInstallation},
		{"first-use", tokenFirstUse},
		{"renewal", tokenRenewal},
		{"refused-use", tokenRefusedUse},
	}
}

// activateAgain repeats an activation whose answers all stay valid, and returns the tokens.
func (d *device) activateAgain(code string, times int) []string {
	d.Helper()
	tokens := []string{d.token}
	for range times {
		d.want(wire.OK, d.activate(code))
		tokens = append(tokens, d.token)
	}
	return tokens
}

// A fresh token and the ones before it work until the fresh one is used.
func tokenBothUntilUsed(p *probe) {
	l := p.sell(License{})
	d := p.activated(l)
	t := d.activateAgain(l.code, 1)
	p.want(wire.OK, d.checkWith(t[0]))
	p.want(wire.OK, d.checkWith(t[0]))
	p.want(wire.OK, d.checkWith(t[1]))
	p.want(wire.TokenUnknown, d.checkWith(t[0]))
	p.want(wire.OK, d.checkWith(t[1]))
}

// The first use of a token ends the ones before it, used or not, and none behind it.
func tokenLaterOnesStay(p *probe) {
	l := p.sell(License{})
	d := p.activated(l)
	t := d.activateAgain(l.code, 3)
	p.want(wire.OK, d.checkWith(t[2]))
	p.want(wire.TokenUnknown, d.checkWith(t[0]))
	p.want(wire.TokenUnknown, d.checkWith(t[1]))
	p.want(wire.OK, d.checkWith(t[3]))
	p.want(wire.TokenUnknown, d.checkWith(t[2]))
}

// What one installation does with its tokens does not touch another in the same seat.
func tokenPerInstallation(p *probe) {
	l := p.sell(License{Seats: 1})
	root := p.activated(l)
	user := root.reading(map[string]string{kindOSInstall: root.prints[kindOSInstall]})
	p.want(wire.OK, user.activate(l.code))
	p.want(wire.OK, user.check())
	p.want(wire.OK, root.check())
	p.want(wire.OK, root.activate(l.code))
	p.want(wire.OK, root.check())
	p.want(wire.OK, user.check())
}

// A rebinding uses a token as a check does.
func tokenFirstUse(p *probe) {
	l := p.sell(License{})
	d := p.activated(l)
	t := d.activateAgain(l.code, 1)
	p.want(wire.OK, d.rebindLost())
	p.want(wire.TokenUnknown, d.checkWith(t[0]))
	p.want(wire.OK, d.checkWith(t[1]))
}

// On demand every check brings a fresh token, until one of them is used; until then the old one works.
func tokenRenewal(p *probe) {
	l := p.sell(License{})
	d := p.activated(l)
	old := d.token
	p.want(wire.OK, d.check())
	p.renew(d)
	var fresh []string
	for range 3 { // the answers are lost, or the token cannot be stored
		o := p.want(wire.OK, d.checkWith(old))
		if o.answer.Token == "" || o.answer.Token == old {
			p.Fatal("a check brings no fresh token though the vendor asked for its renewal")
		}
		fresh = append(fresh, o.answer.Token)
	}
	if o := p.want(wire.OK, d.checkWith(fresh[2])); o.answer.Token != "" {
		p.Error("the check that used a fresh token brings one more")
	}
	p.want(wire.TokenUnknown, d.checkWith(old))
	p.want(wire.TokenUnknown, d.checkWith(fresh[0]))
	if o := p.want(wire.OK, d.checkWith(fresh[2])); o.answer.Token != "" {
		p.Error("a renewed token is renewed again")
	}
}

// A fresh token presented on another device is not used by that: what the right device holds goes on to work.
func tokenRefusedUse(p *probe) {
	l := p.sell(License{})
	d := p.activated(l)
	t := d.activateAgain(l.code, 1)
	p.want(wire.WrongDevice, d.other().checkWith(t[1]))
	p.want(wire.OK, d.checkWith(t[0]))
}

package licensetest

import (
	"slices"
	"strings"

	"github.com/counterfoil-dev/counterfoil/internal/wire"
	"github.com/counterfoil-dev/counterfoil/lease"
)

func accountCases() []conformanceCase {
	return []conformanceCase{
		{"one-license", accountOneLicense},
		{"credentials", accountCredentials},
		{"choose", accountChoose},
		{"none", accountNone},
		{"standing", accountStanding},
	}
}

// account adds an account and returns its e-mail and password.
func (p *probe) account(licenses ...sold) (email, password string) {
	p.Helper()
	if p.target.Admin.AddAccount == nil {
		p.missing("AddAccount")
	}
	email = strings.ToLower(newProduct()) + "@example.com"
	password = "pass word " + random(12)
	var ids []string
	for _, l := range licenses {
		ids = append(ids, l.id)
	}
	p.do(p.target.Admin.AddAccount(email, password, ids...))
	return email, password
}

func (p *probe) subscription(product, edition string) sold {
	p.Helper()
	return p.sell(License{Product: product, Kind: lease.KindSubscription, Edition: edition, Seats: 1})
}

// An account with one license of the product claims it, by upsert as a code does.
func accountOneLicense(p *probe) {
	l := p.subscription("", "pro")
	email, password := p.account(l, p.subscription("", "of another product"))
	d := p.device(l.Product)
	first := p.want(wire.OK, d.signIn(email, password, ""))
	if first.lease.License != l.id || first.lease.Kind != lease.KindSubscription || first.answer.Token == "" {
		p.Errorf("want a token and a lease of subscription %s, have %+v", l.id, first.lease)
	}
	again := p.want(wire.OK, d.signIn(email, password, l.id))
	p.seats(again, 1)
	if again.lease.Activation != first.lease.Activation {
		p.Error("repeating an activation makes another one")
	}
	p.want(wire.SeatsUsed, p.device(l.Product).signIn(email, password, ""))
	p.want(wire.OK, d.check())
}

// A wrong password and an unknown e-mail are refused alike, so that nobody learns who has an account.
func accountCredentials(p *probe) {
	l := p.subscription("", "")
	email, password := p.account(l)
	d := p.device(l.Product)
	wrong := p.want(wire.CredentialsWrong, d.signIn(email, "not "+password, ""))
	p.alike(p.want(wire.CredentialsWrong, d.signIn("x"+email, password, "")), wrong)
	p.alike(p.want(wire.CredentialsWrong, d.signIn(email, "not "+password, l.id)), wrong)
	p.want(wire.OK, d.signIn(email, password, ""))
}

// An account with several licenses is asked which one, and told of each what a person needs to choose.
func accountChoose(p *probe) {
	x := p.subscription("", "pro")
	y := p.subscription(x.Product, "team")
	email, password := p.account(x, y, p.subscription("", ""))
	_, stranger := p.account(p.subscription(x.Product, ""))
	d := p.device(x.Product)
	for _, named := range []string{"", "lic_nobody", p.subscription(x.Product, "").id} {
		o := p.want(wire.ChooseLicense, d.signIn(email, password, named))
		ids := make([]string, 0, 2)
		for _, c := range o.answer.Licenses {
			ids = append(ids, c.License+" "+c.Edition)
			if c.Seats != (lease.Seats{Total: 1}) {
				p.Errorf("a choice has seats %+v, want 0 of 1", c.Seats)
			}
		}
		slices.Sort(ids)
		want := []string{x.id + " pro", y.id + " team"}
		slices.Sort(want)
		if !slices.Equal(ids, want) {
			p.Fatalf("want the choice of %q, have %q", want, ids)
		}
	}
	p.want(wire.CredentialsWrong, d.signIn(email, stranger, y.id))
	if o := p.want(wire.OK, d.signIn(email, password, y.id)); o.lease.License != y.id {
		p.Errorf("asked for license %s, got %s", y.id, o.lease.License)
	}
}

// An account without a license of the product has an empty list to choose from.
func accountNone(p *probe) {
	email, password := p.account()
	o := p.want(wire.ChooseLicense, p.device(newProduct()).signIn(email, password, ""))
	if len(o.answer.Licenses) != 0 {
		p.Errorf("an account without a license is offered %v", o.answer.Licenses)
	}
}

// Where the only license cannot be used, the account is told why; where another can, that one is used.
func accountStanding(p *probe) {
	l := p.subscription("", "old")
	d := p.device(l.Product)
	email, password := p.account(l)
	p.expire(l)
	p.want(wire.Expired, d.signIn(email, password, ""))
	p.want(wire.Expired, d.signIn(email, password, l.id))
	next := p.subscription(l.Product, "new")
	email, password = p.account(l, next)
	if o := p.want(wire.OK, d.signIn(email, password, "")); o.lease.License != next.id {
		p.Errorf("want the license that can be used, have %+v", o.lease)
	}
	p.suspend(next)
	p.want(wire.Suspended, d.signIn(email, password, next.id))
}

package licensetest

import (
	"maps"

	"github.com/counterfoil-dev/counterfoil/internal/wire"
	"github.com/counterfoil-dev/counterfoil/lease"
)

// sold is a license added for a case.
type sold struct {
	License
	id, code string
}

// sell adds a license, of a product of its own unless l names one.
func (p *probe) sell(l License) sold {
	p.Helper()
	if p.target.Admin.AddLicense == nil {
		p.missing("AddLicense")
	}
	if l.Product == "" {
		l.Product = newProduct()
	}
	if l.Kind == "" {
		l.Kind = lease.KindSingle
	}
	id, code, err := p.target.Admin.AddLicense(l)
	p.do(err)
	if l.Kind == lease.KindSingle {
		if c, err := wire.ParseCode(code); err != nil || c != code {
			p.Fatalf("admin: AddLicense returned an activation code that is not in canonical form (%v)", err)
		}
	}
	return sold{l, id, code}
}

func newProduct() string {
	name := []byte("conformance-")
	for _, c := range []byte(random(12)) {
		name = append(name, 'a'+c%26)
	}
	return string(name)
}

func newPrint() string { return "fp1:" + random(32) }

// device is one installation on one device, with what it stores.
type device struct {
	*probe
	product string
	name    string
	prints  map[string]string
	token   string
	lease   string
	pinned  map[string]string
	id      string // of its activation
}

// device is a new installation on a new device, of which a privileged user reads all.
func (p *probe) device(product string) *device {
	return &device{probe: p, product: product, name: wire.NewInstallation(), prints: map[string]string{
		kindBIOS: newPrint(), kindOSInstall: newPrint(),
	}}
}

// reading is another installation of the same product on a device of which only these kinds, with these values, are
// read.
func (d *device) reading(prints map[string]string) *device {
	return &device{probe: d.probe, product: d.product, name: wire.NewInstallation(), prints: prints}
}

// other is a copy of what the device stores, on another device.
func (d *device) other() *device {
	c := *d
	c.prints = map[string]string{kindBIOS: newPrint(), kindOSInstall: newPrint()}
	return &c
}

func (d *device) activation(code string) *wire.Activation {
	return &wire.Activation{
		Nonce: wire.NewNonce(), Product: d.product, Installation: d.name, Fingerprints: d.prints, Code: code,
	}
}

func (d *device) activate(code string) outcome {
	d.Helper()
	return d.keep(d.post(wire.PathActivations, "", d.activation(code), code))
}

func (d *device) signIn(email, password, license string) outcome {
	d.Helper()
	r := d.activation("")
	r.Account = &wire.Account{Email: email, Password: password, License: license}
	return d.keep(d.post(wire.PathActivations, "", r, password))
}

func (d *device) check() outcome {
	d.Helper()
	return d.keep(d.post(wire.PathChecks, d.token, &wire.Check{
		Nonce: wire.NewNonce(), Product: d.product, Fingerprints: d.prints, Pinned: d.pinned,
	}))
}

// checkWith is a check with another token, of which nothing is stored.
func (d *device) checkWith(token string) outcome {
	d.Helper()
	c := *d
	c.token = token
	return c.check()
}

// checkByLease is a check without a token.
func (d *device) checkByLease() outcome {
	d.Helper()
	return d.keep(d.post(wire.PathChecks, "", &wire.Check{
		Nonce: wire.NewNonce(), Product: d.product, Fingerprints: d.prints, Pinned: d.pinned, Lease: d.lease,
	}))
}

func (d *device) deactivate() outcome {
	d.Helper()
	return d.post(wire.PathDeactivations, d.token, &wire.Deactivation{Nonce: wire.NewNonce(), Product: d.product})
}

func (d *device) rebind() outcome {
	d.Helper()
	o := d.rebindLost()
	return d.keep(o)
}

// rebindLost is a rebinding whose answer never arrives.
func (d *device) rebindLost() outcome {
	d.Helper()
	return d.post(wire.PathRebindings, d.token, &wire.Rebinding{
		Nonce: wire.NewNonce(), Product: d.product, Installation: d.name, Fingerprints: d.prints,
	})
}

// keep stores what an answer brings, as a client does.
func (d *device) keep(o outcome) outcome {
	if o.answer.Lease != "" {
		d.lease, d.pinned, d.id = o.answer.Lease, o.lease.Fingerprints, o.lease.Activation
	}
	if o.answer.Token != "" {
		d.token = o.answer.Token
	}
	return o
}

// activated is a new device with an activation.
func (p *probe) activated(l sold) *device {
	p.Helper()
	d := p.device(l.Product)
	p.want(wire.OK, d.activate(l.code))
	return d
}

// seats fails the case unless the lease counts that many seats in use.
func (p *probe) seats(o outcome, used int) {
	p.Helper()
	if o.lease.Seats.Used != used {
		p.Fatalf("%s: want %d seats in use, have %d", o.request, used, o.lease.Seats.Used)
	}
}

// lists fails the case unless the lease lists exactly this set.
func (p *probe) lists(o outcome, prints map[string]string) {
	p.Helper()
	if !maps.Equal(o.lease.Fingerprints, prints) {
		p.Fatalf("%s: want a lease for %v, have %v", o.request, prints, o.lease.Fingerprints)
	}
}

// vendor calls one of the vendor's functions on an id.
func (p *probe) vendor(name string, f func(string) error, id string) {
	p.Helper()
	if f == nil {
		p.missing(name)
	}
	p.do(f(id))
}

func (p *probe) suspend(l sold)    { p.Helper(); p.vendor("Suspend", p.target.Admin.Suspend, l.id) }
func (p *probe) revoke(l sold)     { p.Helper(); p.vendor("Revoke", p.target.Admin.Revoke, l.id) }
func (p *probe) reinstate(l sold)  { p.Helper(); p.vendor("Reinstate", p.target.Admin.Reinstate, l.id) }
func (p *probe) expire(l sold)     { p.Helper(); p.vendor("Expire", p.target.Admin.Expire, l.id) }
func (p *probe) release(d *device) { p.Helper(); p.vendor("Release", p.target.Admin.Release, d.id) }
func (p *probe) renew(d *device)   { p.Helper(); p.vendor("RenewToken", p.target.Admin.RenewToken, d.id) }
func (p *probe) allowRebind(l sold, n int) {
	p.Helper()
	if p.target.Admin.AllowRebind == nil {
		p.missing("AllowRebind")
	}
	p.do(p.target.Admin.AllowRebind(l.id, n))
}

package licensetest

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/counterfoil-dev/counterfoil/internal/wire"
)

func offlineCases() []conformanceCase {
	return []conformanceCase{
		{"lease", offlineLease},
		{"repeat", offlineRepeat},
		{"exchange", offlineExchange},
		{"refused", offlineRefused},
	}
}

// offline carries an offline request to the vendor and the answer back.
func (d *device) offline(r *wire.Activation) outcome {
	d.Helper()
	if d.target.Admin.AnswerOffline == nil {
		d.missing("AnswerOffline")
	}
	body, err := wire.Encode(r)
	if err != nil {
		d.Fatal(err)
	}
	answer, err := d.target.Admin.AnswerOffline(wire.OfflineText(body))
	d.do(err)
	o := outcome{request: "offline request"}
	if err := o.open(d.target.Keys, answer, r.Nonce, wire.Hash(wire.MethodOffline, wire.PathActivations, body)); err != nil {
		d.Fatal(fmt.Errorf("%s: %w", o.request, err))
	}
	return d.keep(o)
}

// The answer carries a long lease, marked as offline, and no token.
func offlineLease(p *probe) {
	l := p.sell(License{Seats: 1, Edition: "pro"})
	d := p.device(l.Product)
	o := p.want(wire.OK, d.offline(d.activation(l.code)))
	p.seats(o, 1)
	p.lists(o, d.prints)
	if !o.lease.Offline || o.answer.Token != "" || o.lease.License != l.id || o.lease.Edition != "pro" {
		p.Errorf("want an offline lease of %s and no token, have %+v", l.id, o.lease)
	}
	online := p.want(wire.OK, p.device(l.Product).reading(d.prints).activate(l.code))
	long, short := o.lease.LeaseEnd-o.lease.IssuedAt, online.lease.LeaseEnd-online.lease.IssuedAt
	if online.lease.Offline || long <= short {
		p.Errorf("want an offline lease to run longer than %s, have %s", time.Duration(short)*time.Second, time.Duration(long)*time.Second)
	}
}

// The same request, and a new one from the same device, are the same seat.
func offlineRepeat(p *probe) {
	l := p.sell(License{Seats: 1})
	d := p.device(l.Product)
	r := d.activation(l.code)
	first := p.want(wire.OK, d.offline(r))
	for _, again := range []*wire.Activation{r, d.activation(l.code)} {
		o := p.want(wire.OK, d.offline(again))
		p.seats(o, 1)
		if o.lease.Activation != first.lease.Activation {
			p.Error("answering an offline request again makes another activation")
		}
	}
	stranger := p.device(l.Product)
	p.want(wire.SeatsUsed, stranger.offline(stranger.activation(l.code)))
}

// The first check that finds a network exchanges the lease for a token and a lease of the usual length.
func offlineExchange(p *probe) {
	l := p.sell(License{Seats: 1})
	d := p.device(l.Product)
	first := p.want(wire.OK, d.offline(d.activation(l.code)))
	o := p.want(wire.OK, d.checkByLease())
	p.seats(o, 1)
	if o.answer.Token == "" || o.lease.Offline || o.lease.Activation != first.lease.Activation {
		p.Fatalf("want a token and an ordinary lease of the same activation, have %+v", o.lease)
	}
	p.want(wire.OK, d.check())
}

// Refusals are signed and bound here too.
func offlineRefused(p *probe) {
	l := p.sell(License{Seats: 1})
	d := p.device(l.Product)
	p.want(wire.CodeInvalid, d.offline(d.activation(wire.NewCode())))
	p.suspend(l)
	p.want(wire.Suspended, d.offline(d.activation(l.code)))

	// The text is an activation's, so an account could stand in it; none is claimed that way.
	r := d.activation("")
	r.Account = &wire.Account{Email: "nobody@example.com", Password: random(12)}
	body, err := json.Marshal(r)
	if err != nil {
		p.Fatal(err)
	}
	if _, err := p.target.Admin.AnswerOffline(wire.OfflineText(body)); err == nil {
		p.Error("an offline request with an account is answered")
	}
	if _, err := p.target.Admin.AnswerOffline("counterfoil-request-1.damaged"); err == nil {
		p.Error("a damaged offline request is answered")
	}
}

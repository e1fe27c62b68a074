package licensetest

import (
	"maps"
	"slices"
	"time"

	"github.com/counterfoil-dev/counterfoil/internal/wire"
)

// proof is what a request brings to show whose it is: a token, else the activation that a lease of this server names.
type proof struct {
	token      string
	activation string
}

// identify finds the installation that a proof belongs to. A code other than OK refuses.
func (b *book) identify(now time.Time, p proof, product string) (installationRow, licenseRow, wire.Code) {
	id := p.activation
	if p.token != "" {
		id = b.tokens[p.token].installation
	}
	in, ok := b.installations[id]
	if !ok || !in.ended.IsZero() && now.Sub(in.ended) >= releasedKnown {
		return in, licenseRow{}, wire.TokenUnknown
	}
	l := b.licenses[b.seats[in.seat].license]
	switch {
	case l.terms.Product != product:
		return in, l, wire.WrongProduct
	case !in.ended.IsZero():
		return in, l, wire.Released
	}
	return in, l, wire.OK
}

// use notes that a token was honored. At its first use the earlier tokens of the installation end, and the vendor's
// wish for a newer one may be fulfilled. It writes nothing at any later use.
func (b *book) use(now time.Time, token string) {
	t, ok := b.tokens[token]
	if !ok || t.used {
		return
	}
	t.used = true
	b.tokens[token] = t
	maps.DeleteFunc(b.tokens, func(_ string, other tokenRow) bool {
		return other.installation == t.installation && other.seq < t.seq
	})
	in := b.installations[t.installation]
	in.seen = now
	if t.seq > in.renew {
		in.renew = 0
	}
	b.installations[in.id] = in
}

// check confirms the license to a device. It writes nothing but the first use of a token.
func (b *book) check(now time.Time, p proof, r *wire.Check) result {
	in, l, c := b.identify(now, p, r.Product)
	if c == wire.OK {
		c = l.standing(now)
	}
	if c == wire.OK && match(in.prints, r.Fingerprints) == 0 {
		c = wire.WrongDevice
	}
	if c != wire.OK {
		return refused(c)
	}
	b.use(now, p.token)
	res := result{code: wire.OK, lease: b.leaseFor(in, common(in.prints, r.Pinned, r.Fingerprints))}
	if p.token == "" || b.installations[in.id].renew > 0 {
		res.token = b.newToken(in.id)
	}
	return res
}

// common is the set of a fresh lease: what was pinned or read now and still equals what was stored. What was read
// now counts before what was pinned.
func common(stored, pinned, readable map[string]string) map[string]string {
	set := maps.Clone(pinned)
	if set == nil {
		set = make(map[string]string)
	}
	maps.Copy(set, readable)
	maps.DeleteFunc(set, func(kind, v string) bool { return stored[kind] != v })
	return set
}

// deactivate gives the seat back, with all its installations, whatever the license's standing.
func (b *book) deactivate(now time.Time, p proof, product string) result {
	in, l, c := b.identify(now, p, product)
	if c != wire.OK {
		return refused(c)
	}
	b.use(now, p.token)
	b.release(in.seat, now)
	l.deactivations = append(slices.Clip(l.deactivations), now)
	b.licenses[l.id] = l
	return result{code: wire.OK}
}

// release ends a seat.
func (b *book) release(seat string, now time.Time) {
	for _, in := range b.inSeat(seat) {
		b.end(in, now)
	}
}

// rebind ties the token's seat to the device that asks.
func (b *book) rebind(now time.Time, p proof, r *wire.Rebinding) result {
	in, l, c := b.identify(now, p, r.Product)
	if c == wire.OK {
		c = l.standing(now)
	}
	if c != wire.OK {
		return refused(c)
	}
	if match(in.prints, r.Fingerprints) == 0 {
		old := b.seats[in.seat]
		if recent(old.rebinds, now) >= movesPerSeat+l.granted {
			return refused(wire.RebindLimit)
		}
		b.moveTo(now, l, in, r)
		in = b.installations[in.id]
	}
	b.use(now, p.token)
	in = b.installations[in.id]
	in.prints = r.Fingerprints
	in.name = r.Installation
	in.seen = now
	b.installations[in.id] = in
	return result{code: wire.OK, lease: b.leaseFor(in, in.prints), token: b.newToken(in.id)}
}

// moveTo ends what else is in the installation's seat. If the device holds another seat of the license, the
// installation joins that one, and its own seat is free.
func (b *book) moveTo(now time.Time, l licenseRow, in installationRow, r *wire.Rebinding) {
	from := b.seats[in.seat]
	to, held := b.seatOf(l.id, r.Fingerprints)
	if !held || to.id == from.id {
		to = from
	}
	for _, other := range b.living(func(x installationRow) bool { return x.seat == from.id || x.seat == to.id }) {
		if other.id != in.id && (other.seat == from.id || other.name == r.Installation) {
			b.end(other, now)
		}
	}
	// The history follows the installation, so that no detour through a merged seat resets the limit.
	if to.id != from.id {
		to.rebinds = slices.Concat(to.rebinds, from.rebinds)
		from.rebinds = nil
		b.seats[from.id] = from
	}
	to.rebinds = append(slices.Clip(to.rebinds), now)
	b.seats[to.id] = to
	in.seat = to.id
	b.installations[in.id] = in
}

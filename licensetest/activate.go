package licensetest

import (
	"cmp"
	"crypto/subtle"
	"slices"
	"strings"
	"time"

	"github.com/counterfoil-dev/counterfoil/internal/wire"
	"github.com/counterfoil-dev/counterfoil/lease"
)

// activate is the upsert on (license, device).
func (b *book) activate(now time.Time, r *wire.Activation, offline bool) result {
	l, no := b.claim(now, r)
	if no.code != wire.OK {
		return no
	}
	if c := l.standing(now); c != wire.OK {
		return refused(c)
	}
	seat, held := b.seatOf(l.id, r.Fingerprints)
	if !held {
		if c := b.mayTakeSeat(l, now); c != wire.OK {
			return refused(c)
		}
		seat = seatRow{id: "seat_" + random(16), license: l.id, seq: b.next()}
		b.seats[seat.id] = seat
	}
	in := b.installationIn(seat, r.Installation, now)
	in.prints = r.Fingerprints
	in.label = r.Label
	in.seen = now
	b.installations[in.id] = in

	res := result{code: wire.OK, lease: b.leaseFor(in, in.prints)}
	if offline {
		res.lease.Offline = true
		return res
	}
	res.token = b.newToken(in.id)
	return res
}

// claim finds the license that a code or an account stands for. A result with another code than OK refuses.
func (b *book) claim(now time.Time, r *wire.Activation) (licenseRow, result) {
	if r.Account != nil {
		return b.claimAccount(now, r)
	}
	for _, l := range b.licenses {
		if l.code == r.Code && l.terms.Product == r.Product {
			return l, result{code: wire.OK}
		}
	}
	return licenseRow{}, refused(wire.CodeInvalid)
}

func (b *book) claimAccount(now time.Time, r *wire.Activation) (licenseRow, result) {
	// An unknown e-mail is compared too, with a password that nobody has.
	a, known := b.accounts[strings.ToLower(r.Account.Email)]
	if subtle.ConstantTimeCompare([]byte(a.password), []byte(r.Account.Password)) != 1 || !known {
		return licenseRow{}, refused(wire.CredentialsWrong)
	}
	var usable, ended []licenseRow
	for _, id := range a.licenses {
		l, ok := b.licenses[id]
		if !ok || l.terms.Product != r.Product {
			continue
		}
		if l.id == r.Account.License {
			return l, result{code: wire.OK}
		}
		if l.standing(now) == wire.OK {
			usable = append(usable, l)
		} else {
			ended = append(ended, l)
		}
	}
	if r.Account.License == "" {
		switch {
		case len(usable) == 1:
			return usable[0], result{code: wire.OK}
		case len(usable) == 0 && len(ended) > 0:
			// The latest is the one that a person would ask about.
			return slices.MaxFunc(ended, func(x, y licenseRow) int { return cmp.Compare(x.seq, y.seq) }), result{code: wire.OK}
		}
	}
	no := refused(wire.ChooseLicense)
	for _, l := range usable {
		choice := lease.Choice{License: l.id, Edition: l.terms.Edition, Seats: b.seatsOf(l)}
		if !l.terms.End.IsZero() {
			choice.LicenseEnd = l.terms.End.Unix()
		}
		no.licenses = append(no.licenses, choice)
	}
	return licenseRow{}, no
}

// mayTakeSeat says whether one more device may hold the license. A license without a limit of seats has none of moves.
func (b *book) mayTakeSeat(l licenseRow, now time.Time) wire.Code {
	switch total := l.terms.Seats; {
	case total == 0:
		return wire.OK
	case b.used(l.id) >= total:
		return wire.SeatsUsed
	case b.moves(l, now) > movesPerSeat*total+l.granted:
		return wire.RebindLimit
	}
	return wire.OK
}

// installationIn finds the installation of that name in the seat, or makes it. Where a seat would have too many, the
// one seen least recently ends.
func (b *book) installationIn(seat seatRow, name string, now time.Time) installationRow {
	list := b.inSeat(seat.id)
	for _, in := range list {
		if in.name == name {
			return in
		}
	}
	if len(list) >= maxInstallations {
		b.end(slices.MinFunc(list, func(x, y installationRow) int {
			return cmp.Or(x.seen.Compare(y.seen), cmp.Compare(x.seq, y.seq))
		}), now)
	}
	return installationRow{id: "act_" + random(16), name: name, seat: seat.id, seq: b.next()}
}

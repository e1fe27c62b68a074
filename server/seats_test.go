package server_test

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/counterfoil-dev/counterfoil/internal/wire"
	"github.com/counterfoil-dev/counterfoil/server"
)

// held lists the living installations of a license.
func (r *rig) held(t *testing.T, id string) []server.Installation {
	t.Helper()
	list, err := r.vendor.Activations(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if _, wrong, err := r.vendor.Audit(t.Context()); err != nil || len(wrong) > 0 {
		t.Errorf("seats counted wrongly: %v, %v", wrong, err)
	}
	return list
}

// beside is one more installation on a device.
func (d *device) beside() *device {
	c := *d
	c.name = wire.NewInstallation()
	return &c
}

// elsewhere is new hardware.
func (d *device) elsewhere() { d.prints = newDevice(d.desk).prints }

func sqliteRig(t *testing.T) *rig {
	t.Helper()
	return newRig(t, filepath.Join(t.TempDir(), "test.db"), plenty)
}

// TestDeactivateAtOnce: a seat given back by many requests at once is free once, and one move.
func TestDeactivateAtOnce(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, url string) {
		r := newRig(t, url, plenty)
		id, code := r.sell(t, server.Terms{Seats: 50})
		const devices = 20
		for range devices {
			d := newDevice(r.desk)
			want(t, wire.OK, d.redeem(t, code))
			want(t, wire.OK, d.check(t))
			var group sync.WaitGroup
			for range 8 {
				group.Go(func() { c := *d; c.deactivate(t) })
			}
			group.Wait()
		}
		r.held(t, id)
		l, err := r.vendor.License(t.Context(), id)
		moves, err2 := r.vendor.Moves(t.Context(), id)
		if err != nil || err2 != nil || l.Used != 0 || len(moves) != devices {
			t.Errorf("%d seats in use, %d moves, %v, %v", l.Used, len(moves), err, err2)
		}
	})
}

// TestDeactivationUses: a deactivation uses its token, which ends the ones before.
func TestDeactivationUses(t *testing.T) {
	t.Parallel()
	r := sqliteRig(t)
	_, code := r.sell(t, server.Terms{})
	d := newDevice(r.desk)
	want(t, wire.OK, d.redeem(t, code))
	before := *d
	want(t, wire.OK, d.redeem(t, code))
	want(t, wire.OK, d.deactivate(t))
	want(t, wire.TokenUnknown, before.check(t))
	want(t, wire.Released, d.check(t))
}

// TestOldestSeat: of two seats that a device matches equally well it takes the one that was there first.
func TestOldestSeat(t *testing.T) {
	t.Parallel()
	r := sqliteRig(t)
	id, code := r.sell(t, server.Terms{Seats: 3})
	a, b, c := newDevice(r.desk), newDevice(r.desk), newDevice(r.desk)
	b.prints["os-install"] = a.prints["os-install"]
	c.prints = map[string]string{"os-install": a.prints["os-install"]}
	for _, d := range []*device{a, b, c} {
		want(t, wire.OK, d.redeem(t, code))
	}
	list := r.held(t, id)
	if len(list) != 3 || list[0].Seat == list[1].Seat || list[2].Seat != list[0].Seat {
		t.Errorf("installations %+v", list)
	}
}

// TestSeventeenth: the seventeenth installation on a device ends the one that was seen least recently, whether it is made
// there or joins.
func TestSeventeenth(t *testing.T) {
	t.Parallel()
	r := sqliteRig(t)
	id, code := r.sell(t, server.Terms{Seats: 3})
	first := newDevice(r.desk)
	all := []*device{first}
	for len(all) < 16 {
		all = append(all, first.beside())
	}
	for _, d := range all {
		r.advance(time.Minute)
		want(t, wire.OK, d.redeem(t, code))
	}
	r.advance(time.Minute)
	want(t, wire.OK, first.redeem(t, code))
	r.advance(time.Minute)
	want(t, wire.OK, first.beside().redeem(t, code))
	names := func() (n []string) {
		for _, in := range r.held(t, id) {
			n = append(n, in.Name)
		}
		return n
	}
	if n := names(); len(n) != 16 || !slices.Contains(n, first.name) || slices.Contains(n, all[1].name) {
		t.Errorf("after one more: %d installations", len(n))
	}
	other := newDevice(r.desk)
	want(t, wire.OK, other.redeem(t, code))
	r.advance(time.Minute)
	other.prints = maps.Clone(first.prints)
	want(t, wire.OK, other.rebind(t))
	if n := names(); len(n) != 16 || !slices.Contains(n, other.name) || slices.Contains(n, all[2].name) {
		t.Errorf("after one joined: %d installations", len(n))
	}
}

// TestSameName: an installation that takes the name of another one in its seat takes its place.
func TestSameName(t *testing.T) {
	t.Parallel()
	r := sqliteRig(t)
	id, code := r.sell(t, server.Terms{})
	a := newDevice(r.desk)
	want(t, wire.OK, a.redeem(t, code))
	b := a.beside()
	want(t, wire.OK, b.redeem(t, code))
	b.name = a.name
	want(t, wire.OK, b.rebind(t))
	if list := r.held(t, id); len(list) != 1 || list[0].ID != b.id {
		t.Errorf("installations %+v", list)
	}
	want(t, wire.Released, a.check(t))
}

// TestMovesOfSeats: rebindings count for their seat alone, and follow an installation into another one's.
func TestMovesOfSeats(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, url string) {
		r := newRig(t, url, plenty)
		_, code := r.sell(t, server.Terms{Seats: 3})
		a, b, c := newDevice(r.desk), newDevice(r.desk), newDevice(r.desk)
		for _, d := range []*device{a, b, c} {
			want(t, wire.OK, d.redeem(t, code))
		}
		for range 3 {
			a.elsewhere()
			want(t, wire.OK, a.rebind(t))
		}
		a.elsewhere()
		want(t, wire.RebindLimit, a.rebind(t))
		for range 2 {
			b.elsewhere()
			want(t, wire.OK, b.rebind(t))
		}
		b.prints = maps.Clone(c.prints)
		want(t, wire.OK, b.rebind(t))
		b.elsewhere()
		want(t, wire.RebindLimit, b.rebind(t))
		r.advance(366 * 24 * time.Hour)
		want(t, wire.OK, b.rebind(t))
	})
}

// TestRenewWish: the vendor's wish for a newer token stands until such a one is used.
func TestRenewWish(t *testing.T) {
	t.Parallel()
	r := sqliteRig(t)
	_, code := r.sell(t, server.Terms{})
	d := newDevice(r.desk)
	want(t, wire.OK, d.redeem(t, code))
	if err := r.vendor.RenewToken(t.Context(), d.id); err != nil {
		t.Fatal(err)
	}
	old := d.token
	for range 2 { // the first answer is lost
		d.token = old
		if a := want(t, wire.OK, d.check(t)); a.Token == "" {
			t.Fatal("no fresh token")
		}
	}
	if a := want(t, wire.OK, d.check(t)); a.Token != "" {
		t.Error("one more token than was wished for")
	}
}

// TestErased: what was deleted is in no file of the database, the write-ahead log among them.
func TestErased(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := newRig(t, filepath.Join(dir, "test.db"), plenty)
	ctx := t.Context()
	if _, err := r.vendor.AddAccount(ctx, "canary-jo@example.com", "a long one"); err != nil {
		t.Fatal(err)
	}
	if _, err := r.vendor.AddKey(ctx); err != nil {
		t.Fatal(err)
	}
	keys, err := r.vendor.Keys(ctx)
	if err != nil {
		t.Fatal(err)
	}
	gone := func(what, canary string) {
		t.Helper()
		for name, text := range files(t, dir) {
			if strings.Contains(text, canary) {
				t.Errorf("%s still has the %s", name, what)
			}
		}
	}
	if err := r.vendor.DeleteAccount(ctx, "canary-jo@example.com"); err != nil {
		t.Fatal(err)
	}
	gone("account", "canary-jo")
	if err := r.vendor.RetireKey(ctx, "k1"); err != nil {
		t.Fatal(err)
	}
	gone("private half of a key", keys[0].Sealed)
	_, code := r.sell(t, server.Terms{})
	d := newDevice(r.desk)
	want(t, wire.OK, d.redeem(t, code))
	want(t, wire.OK, d.deactivate(t))
	r.advance(91 * 24 * time.Hour)
	if err := r.vendor.Purge(ctx); err != nil {
		t.Fatal(err)
	}
	gone("activation", d.id)
}

// Package storetest is the conformance suite of server.Store.
package storetest

import (
	"context"
	"errors"
	"reflect"
	"testing"

	"github.com/counterfoil-dev/counterfoil/lease"
	"github.com/counterfoil-dev/counterfoil/server"
)

// Run tests a store. Each part calls open for an empty one, and runs in parallel with the others.
func Run(t *testing.T, open func(t *testing.T) server.Store) {
	t.Helper()
	for _, c := range []struct {
		name string
		run  func(*suite)
	}{
		{"catalog", catalog},
		{"licenses", licenses},
		{"codes", codes},
		{"accounts", accounts},
		{"installations", installations},
		{"holder", holder},
		{"tokens", tokens},
		{"moves", moves},
		{"ledger", ledger},
		{"purge", purge},
		{"rollback", rollback},
		{"panic", panics},
		{"view refuses to write", readOnly},
		{"canceled", canceled},
		{"failures among successes", mixed},
		{"seats race", seatsRace},
		{"lock", lock},
		{"charge", charge},
		{"charge race", chargeRace},
		{"first start race", firstStartRace},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.run(&suite{T: t, store: open(t)})
		})
	}
}

// suite is one part on its way.
type suite struct {
	*testing.T
	store server.Store
}

func (s *suite) update(f func(context.Context, server.Tx) error) {
	s.Helper()
	if err := s.store.Update(s.Context(), func(tx server.Tx) error { return f(s.Context(), tx) }); err != nil {
		s.Fatal(err)
	}
}

func (s *suite) view(f func(context.Context, server.Tx) error) {
	s.Helper()
	if err := s.store.View(s.Context(), func(tx server.Tx) error { return f(s.Context(), tx) }); err != nil {
		s.Fatal(err)
	}
}

// equal fails the part unless the two are equal.
func equal[T any](s *suite, what string, have, want T) {
	s.Helper()
	if !reflect.DeepEqual(have, want) {
		s.Fatalf("%s: have %+v, want %+v", what, have, want)
	}
}

// wants returns an error unless err wraps the target.
func wants(what string, err, target error) error {
	if !errors.Is(err, target) {
		return errors.Join(errors.New(what+": want "+target.Error()), err)
	}
	return nil
}

func limit(n int64) lease.Entitlement { return lease.Entitlement{Limit: &n} }

// license is one with every field set.
func license(id string) server.License {
	return server.License{
		ID: id,
		Terms: server.Terms{
			Product: "acme-editor", Kind: lease.KindSubscription, Edition: "pro", Seats: 2, End: 4102444800, Note: "Größe 12",
			Entitlements: server.Entitlements{"export.pdf": {}, "projects": limit(1<<53 - 1)},
		},
		Used: 1, Granted: 3, Suspended: 1700000001, Revoked: 1700000002, Batch: "spring", Created: 1700000000, Revision: 7,
	}
}

// installation is one with every field set that a living one has.
func installation(id, seat string, order int64) server.Installation {
	return server.Installation{
		ID: id, Seat: seat, License: "lic_1", Name: "name of " + id, Label: "Büro 😀",
		Prints: server.Prints{"bios-uuid": "mac-b-" + id, "os-install": "mac-o-" + id},
		Order:  order, Created: 1700000000, Seen: 1700000003, Issued: 4, Renew: 2,
	}
}

// sold adds the license lic_1, of the product acme-editor in the edition pro.
func (s *suite) sold(seats int) {
	s.Helper()
	s.update(func(ctx context.Context, tx server.Tx) error {
		l := license("lic_1")
		l.Seats, l.Used = seats, 0
		return errors.Join(
			tx.PutProduct(ctx, server.Product{Name: "acme-editor", Lease: 5, Offline: 6, Created: 7}),
			tx.PutEdition(ctx, server.Edition{Product: "acme-editor", Name: "pro", Entitlements: server.Entitlements{"spell": {}}}),
			tx.AddLicense(ctx, l),
		)
	})
}

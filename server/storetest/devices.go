package storetest

import (
	"context"
	"errors"

	"github.com/counterfoil-dev/counterfoil/server"
)

func installations(s *suite) {
	s.sold(5)
	a, b, c := installation("act_a", "s1", 2), installation("act_b", "s1", 1), installation("act_c", "s2", 3)
	c.Prints["bios-uuid"] = a.Prints["bios-uuid"]
	s.update(func(ctx context.Context, tx server.Tx) error {
		return errors.Join(tx.AddInstallation(ctx, a), tx.AddInstallation(ctx, b), tx.AddInstallation(ctx, c))
	})
	lists := func(what string, inLicense, inS1, withPrint []server.Installation) {
		s.Helper()
		s.view(func(ctx context.Context, tx server.Tx) error {
			all, err := tx.Activations(ctx, "lic_1")
			equal(s, what+": activations", all, inLicense)
			seat, err2 := tx.InSeat(ctx, "s1")
			equal(s, what+": in seat", seat, inS1)
			print, err3 := tx.WithPrint(ctx, "lic_1", "bios-uuid", "mac-b-act_a")
			equal(s, what+": with print", print, withPrint)
			return errors.Join(err, err2, err3)
		})
	}
	lists("added", []server.Installation{b, a, c}, []server.Installation{b, a}, []server.Installation{a, c})
	s.view(func(ctx context.Context, tx server.Tx) error {
		for _, q := range [][3]string{
			{"lic_2", "bios-uuid", "mac-b-act_a"}, {"lic_1", "os-install", "mac-b-act_a"}, {"lic_1", "bios-uuid", "mac-b-act_"},
		} {
			if list, err := tx.WithPrint(ctx, q[0], q[1], q[2]); err != nil || len(list) > 0 {
				s.Fatalf("with print %q: %+v, %v", q, list, err)
			}
		}
		return nil
	})

	c.Seat, c.Name, c.Label, c.Seen, c.Issued, c.Renew = "s1", "renamed", "", 1800000000, 5, 0
	c.Prints = server.Prints{"os-install": "moved"}
	a.Ended, a.Prints, a.Label = 1900000000, nil, ""
	s.update(func(ctx context.Context, tx server.Tx) error {
		return errors.Join(tx.PutInstallation(ctx, c), tx.PutInstallation(ctx, a),
			wants("put", tx.PutInstallation(ctx, installation("act_x", "s1", 1)), server.ErrNotFound))
	})
	lists("changed", []server.Installation{b, c}, []server.Installation{b, c}, nil)
}

func holder(s *suite) {
	s.sold(5)
	in := installation("act_a", "s1", 1)
	k := server.Token{Hash: "t1", Installation: in.ID, Number: 3, Used: 8}
	plain := license("lic_2")
	plain.Edition = ""
	other := installation("act_b", "s2", 1)
	other.License = plain.ID
	s.update(func(ctx context.Context, tx server.Tx) error {
		return errors.Join(tx.AddInstallation(ctx, in), tx.AddToken(ctx, k), tx.AddLicense(ctx, plain), tx.AddInstallation(ctx, other))
	})
	s.view(func(ctx context.Context, tx server.Tx) error {
		l, err := tx.License(ctx, "lic_1")
		want := server.Holder{
			Installation: in, License: l, Token: k,
			Product: server.Product{Name: "acme-editor", Lease: 5, Offline: 6}, Edition: server.Entitlements{"spell": {}},
		}
		h, err2 := tx.HolderByToken(ctx, "t1")
		equal(s, "by token", h, want)
		want.Token = server.Token{}
		h, err3 := tx.Holder(ctx, in.ID)
		equal(s, "by activation", h, want)
		h, err4 := tx.Holder(ctx, other.ID)
		equal(s, "without an edition", h.Edition, nil)
		_, none := tx.HolderByToken(ctx, "t2")
		_, none2 := tx.Holder(ctx, "act_x")
		return errors.Join(err, err2, err3, err4, wants("token", none, server.ErrNotFound), wants("activation", none2, server.ErrNotFound))
	})
}

func tokens(s *suite) {
	s.sold(5)
	a, b := installation("act_a", "s1", 1), installation("act_b", "s1", 2)
	s.update(func(ctx context.Context, tx server.Tx) error {
		return errors.Join(tx.AddInstallation(ctx, a), tx.AddInstallation(ctx, b),
			tx.AddToken(ctx, server.Token{Hash: "a1", Installation: a.ID, Number: 1}),
			tx.AddToken(ctx, server.Token{Hash: "a2", Installation: a.ID, Number: 2}),
			tx.AddToken(ctx, server.Token{Hash: "a3", Installation: a.ID, Number: 3}),
			tx.AddToken(ctx, server.Token{Hash: "b1", Installation: b.ID, Number: 1}))
	})
	known := func(what string, want map[string]bool) {
		s.Helper()
		s.view(func(ctx context.Context, tx server.Tx) error {
			for hash, there := range want {
				if _, err := tx.HolderByToken(ctx, hash); errors.Is(err, server.ErrNotFound) == there {
					s.Fatalf("%s: token %s: want there=%t, have %v", what, hash, there, err)
				}
			}
			return nil
		})
	}
	s.update(func(ctx context.Context, tx server.Tx) error {
		return tx.UseToken(ctx, server.Token{Hash: "a2", Installation: a.ID, Number: 2}, 77)
	})
	known("used", map[string]bool{"a1": false, "a2": true, "a3": true, "b1": true})
	s.view(func(ctx context.Context, tx server.Tx) error {
		h, err := tx.HolderByToken(ctx, "a2")
		equal(s, "used at", h.Token.Used, 77)
		return err
	})
	s.update(func(ctx context.Context, tx server.Tx) error { return tx.DropUnused(ctx, a.ID, 3) })
	known("dropped", map[string]bool{"a2": true, "a3": false, "b1": true})
}

func purge(s *suite) {
	s.sold(5)
	old, late, alive := installation("act_old", "s1", 1), installation("act_late", "s2", 2), installation("act_alive", "s3", 3)
	old.Ended, late.Ended = 100, 101
	s.update(func(ctx context.Context, tx server.Tx) error {
		var errs []error
		for _, in := range []server.Installation{old, late, alive} {
			errs = append(errs, tx.AddInstallation(ctx, in),
				tx.AddToken(ctx, server.Token{Hash: "of " + in.ID, Installation: in.ID, Number: 1}))
		}
		_, full := tx.Charge(ctx, "full", 0, 10, 5)
		_, part := tx.Charge(ctx, "part", 50, 10, 1)
		return errors.Join(append(errs, full, part,
			tx.AddMove(ctx, server.Move{ID: "m1", License: "lic_1", Seat: "s", At: 30}),
			tx.AddMove(ctx, server.Move{ID: "m2", License: "lic_1", Seat: "s", At: 31}))...)
	})
	s.update(func(ctx context.Context, tx server.Tx) error { return tx.Purge(ctx, 100, 30, 50) })
	s.view(func(ctx context.Context, tx server.Tx) error {
		_, none := tx.Holder(ctx, old.ID)
		_, none2 := tx.HolderByToken(ctx, "of "+old.ID)
		_, err := tx.HolderByToken(ctx, "of "+late.ID)
		_, err2 := tx.HolderByToken(ctx, "of "+alive.ID)
		moves, err3 := tx.Moves(ctx, "lic_1", 0)
		if len(moves) != 1 || moves[0].ID != "m2" {
			s.Fatalf("moves: %+v", moves)
		}
		return errors.Join(wants("ended", none, server.ErrNotFound), wants("its token", none2, server.ErrNotFound), err, err2, err3)
	})
	s.update(func(ctx context.Context, tx server.Tx) error {
		if wait, err := tx.Charge(ctx, "part", 50, 10, 1); wait == 0 || err != nil {
			s.Fatalf("an allowance in use was forgotten: wait %d, %v", wait, err)
		}
		return nil
	})
}

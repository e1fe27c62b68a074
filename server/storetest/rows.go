package storetest

import (
	"context"
	"errors"

	"github.com/counterfoil-dev/counterfoil/server"
)

func catalog(s *suite) {
	p := server.Product{Name: "acme-editor", Lease: 86400, Offline: 1 << 40, Created: 1700000000}
	q := server.Product{Name: "a-first", Lease: 1, Offline: 2, Created: 3}
	pro := server.Edition{Product: p.Name, Name: "pro", Entitlements: server.Entitlements{"a": {}, "b": limit(0)}}
	bare := server.Edition{Product: p.Name, Name: "Bare 版"}
	s.update(func(ctx context.Context, tx server.Tx) error {
		_, err := tx.Product(ctx, p.Name)
		return errors.Join(wants("absent product", err, server.ErrNotFound),
			tx.PutProduct(ctx, server.Product{Name: p.Name, Lease: 9}), tx.PutProduct(ctx, p), tx.PutProduct(ctx, q),
			tx.PutEdition(ctx, server.Edition{Product: p.Name, Name: "pro"}), tx.PutEdition(ctx, pro), tx.PutEdition(ctx, bare),
			tx.PutEdition(ctx, server.Edition{Product: q.Name, Name: "other"}))
	})
	s.view(func(ctx context.Context, tx server.Tx) error {
		one, err := tx.Product(ctx, p.Name)
		equal(s, "product", one, p)
		all, err2 := tx.Products(ctx)
		equal(s, "products", all, []server.Product{q, p})
		editions, err3 := tx.Editions(ctx, p.Name)
		equal(s, "editions", editions, []server.Edition{bare, pro})
		return errors.Join(err, err2, err3)
	})
}

func licenses(s *suite) {
	a, b, c := license("lic_a"), license("lic_b"), license("lic_c")
	c.Product = "other"
	s.update(func(ctx context.Context, tx server.Tx) error {
		return errors.Join(tx.AddLicense(ctx, c), tx.AddLicense(ctx, a), tx.AddLicense(ctx, b))
	})
	err := s.store.Update(s.Context(), func(tx server.Tx) error { return tx.AddLicense(s.Context(), a) })
	if err := wants("license twice", err, server.ErrExists); err != nil {
		s.Fatal(err)
	}
	s.update(func(ctx context.Context, tx server.Tx) error {
		locked, err := tx.LockLicense(ctx, "lic_b")
		b.Revision++
		equal(s, "locked", locked, b)
		changed := b
		changed.Terms = server.Terms{Product: b.Product, Kind: b.Kind, Edition: "lite", Seats: 9, End: 8, Note: "n"}
		changed.Granted, changed.Suspended, changed.Revoked = 6, 0, 0
		lies := changed
		lies.Used, lies.Revision = 99, 99
		err2 := tx.PutLicense(ctx, lies)
		b = changed
		_, none := tx.LockLicense(ctx, "lic_x")
		_, none2 := tx.License(ctx, "lic_x")
		return errors.Join(err, err2, wants("lock", none, server.ErrNotFound), wants("absent", none2, server.ErrNotFound),
			wants("put", tx.PutLicense(ctx, license("lic_x")), server.ErrNotFound))
	})
	s.view(func(ctx context.Context, tx server.Tx) error {
		one, err := tx.License(ctx, "lic_b")
		equal(s, "license", one, b)
		for _, q := range []struct {
			product, after string
			limit          int
			want           []server.License
		}{
			{"", "", 10, []server.License{a, b, c}},
			{"", "", 2, []server.License{a, b}},
			{"", "lic_b", 10, []server.License{c}},
			{"acme-editor", "", 10, []server.License{a, b}},
			{"acme-editor", "lic_a", 1, []server.License{b}},
			{"none", "", 10, nil},
		} {
			list, err := tx.Licenses(ctx, q.product, q.after, q.limit)
			if err != nil {
				return err
			}
			equal(s, "list", list, q.want)
		}
		return err
	})
}

func codes(s *suite) {
	s.sold(1)
	s.update(func(ctx context.Context, tx server.Tx) error {
		return errors.Join(tx.AddCode(ctx, server.Code{Hash: "h1", License: "lic_1", Created: 1}),
			tx.AddCode(ctx, server.Code{Hash: "h2", License: "lic_1", Created: 2}))
	})
	err := s.store.Update(s.Context(), func(tx server.Tx) error {
		return tx.AddCode(s.Context(), server.Code{Hash: "h1", License: "lic_2"})
	})
	if err := wants("code twice", err, server.ErrExists); err != nil {
		s.Fatal(err)
	}
	s.view(func(ctx context.Context, tx server.Tx) error {
		l, err := tx.LicenseByCode(ctx, "h2")
		equal(s, "license by code", l.ID, "lic_1")
		_, none := tx.LicenseByCode(ctx, "H2")
		list, err2 := tx.Codes(ctx, "lic_1")
		equal(s, "codes", list, []server.Code{{Hash: "h1", License: "lic_1", Created: 1}, {Hash: "h2", License: "lic_1", Created: 2}})
		return errors.Join(err, err2, wants("absent code", none, server.ErrNotFound))
	})
	s.update(func(ctx context.Context, tx server.Tx) error { return tx.DeleteCodes(ctx, "lic_1") })
	s.view(func(ctx context.Context, tx server.Tx) error {
		_, none := tx.LicenseByCode(ctx, "h1")
		return wants("deleted code", none, server.ErrNotFound)
	})
}

func accounts(s *suite) {
	s.sold(1)
	a := server.Account{ID: "acc_1", Email: "z@example.com", Password: "$argon2id$", Created: 5}
	b := server.Account{ID: "acc_2", Email: "a@example.com", Password: "p", Created: 6}
	second := license("lic_0")
	s.update(func(ctx context.Context, tx server.Tx) error {
		return errors.Join(tx.AddAccount(ctx, a), tx.AddAccount(ctx, b), tx.AddLicense(ctx, second),
			tx.Claim(ctx, a.ID, "lic_1"), tx.Claim(ctx, a.ID, "lic_0"), tx.Claim(ctx, a.ID, "lic_1"), tx.Claim(ctx, b.ID, "lic_1"))
	})
	err := s.store.Update(s.Context(), func(tx server.Tx) error {
		return tx.AddAccount(s.Context(), server.Account{ID: "acc_3", Email: a.Email})
	})
	if err := wants("e-mail twice", err, server.ErrExists); err != nil {
		s.Fatal(err)
	}
	s.update(func(ctx context.Context, tx server.Tx) error {
		a.Password = "new"
		return errors.Join(tx.SetPassword(ctx, a.ID, a.Password),
			wants("password of nobody", tx.SetPassword(ctx, "acc_x", "p"), server.ErrNotFound))
	})
	s.view(func(ctx context.Context, tx server.Tx) error {
		one, err := tx.Account(ctx, a.Email)
		equal(s, "account", one, a)
		all, err2 := tx.Accounts(ctx)
		equal(s, "accounts", all, []server.Account{b, a})
		claims, err3 := tx.Claims(ctx, a.ID)
		if len(claims) != 2 || claims[0].ID != "lic_1" || claims[1].ID != "lic_0" {
			s.Fatalf("claims: %+v", claims)
		}
		return errors.Join(err, err2, err3)
	})
	s.update(func(ctx context.Context, tx server.Tx) error {
		return errors.Join(tx.DeleteAccount(ctx, a.ID), wants("delete nobody", tx.DeleteAccount(ctx, "acc_x"), server.ErrNotFound))
	})
	s.view(func(ctx context.Context, tx server.Tx) error {
		_, none := tx.Account(ctx, a.Email)
		gone, err := tx.Claims(ctx, a.ID)
		kept, err2 := tx.Claims(ctx, b.ID)
		if len(gone) != 0 || len(kept) != 1 {
			s.Fatalf("claims after deletion: %d and %d", len(gone), len(kept))
		}
		return errors.Join(err, err2, wants("deleted account", none, server.ErrNotFound))
	})
}

func moves(s *suite) {
	m1 := server.Move{ID: "m1", License: "lic_1", Seat: "s1", Rebind: true, At: 100}
	m2 := server.Move{ID: "m2", License: "lic_1", Seat: "s2", At: 200}
	other := server.Move{ID: "m3", License: "lic_2", Seat: "s3", At: 200}
	s.update(func(ctx context.Context, tx server.Tx) error {
		return errors.Join(tx.AddMove(ctx, m2), tx.AddMove(ctx, m1), tx.AddMove(ctx, other), tx.MoveHistory(ctx, "s1", "s2"))
	})
	m1.Seat = "s2"
	s.view(func(ctx context.Context, tx server.Tx) error {
		all, err := tx.Moves(ctx, "lic_1", 99)
		equal(s, "moves", all, []server.Move{m1, m2})
		late, err2 := tx.Moves(ctx, "lic_1", 100)
		equal(s, "later moves", late, []server.Move{m2})
		n, err3 := tx.Rebinds(ctx, "lic_1", "s2", 99)
		equal(s, "rebindings of a seat", n, 1)
		lateN, err4 := tx.Rebinds(ctx, "lic_1", "s2", 100)
		equal(s, "later rebindings of a seat", lateN, 0)
		foreign, err5 := tx.Rebinds(ctx, "lic_1", "s1", 99)
		equal(s, "rebindings of another seat", foreign, 0)
		return errors.Join(err, err2, err3, err4, err5)
	})
}

func ledger(s *suite) {
	k1 := server.SealedKey{ID: "k1", Public: "k1:a", Sealed: "x", Created: 9}
	k10 := server.SealedKey{ID: "k10", Public: "k10:a", Sealed: "y", Created: 3}
	k2 := server.SealedKey{ID: "k2", Public: "k2:a", Sealed: "z", Created: 3}
	s.update(func(ctx context.Context, tx server.Tx) error {
		_, none := tx.Meta(ctx, "a")
		return errors.Join(wants("absent meta", none, server.ErrNotFound),
			tx.InitMeta(ctx, "a", "1"), tx.InitMeta(ctx, "a", "2"),
			tx.InitKey(ctx, k1), tx.InitKey(ctx, k10), tx.InitKey(ctx, k2), tx.InitKey(ctx, server.SealedKey{ID: "k1", Public: "no"}),
			tx.RetireKey(ctx, "k10", 11), wants("retire nothing", tx.RetireKey(ctx, "k3", 1), server.ErrNotFound))
	})
	k10.Retired, k10.Sealed = 11, ""
	err := s.store.Update(s.Context(), func(tx server.Tx) error { return tx.AddKey(s.Context(), k2) })
	if err := wants("key twice", err, server.ErrExists); err != nil {
		s.Fatal(err)
	}
	s.update(func(ctx context.Context, tx server.Tx) error {
		return errors.Join(wants("lock of keys without a master key", tx.LockKeys(ctx), server.ErrNotFound),
			tx.InitMeta(ctx, "secret", "m"), tx.LockKeys(ctx))
	})
	s.view(func(ctx context.Context, tx server.Tx) error {
		v, err := tx.Meta(ctx, "a")
		equal(s, "meta", v, "1")
		keys, err2 := tx.Keys(ctx)
		equal(s, "keys in the order of their making", keys, []server.SealedKey{k1, k10, k2})
		return errors.Join(err, err2)
	})
}

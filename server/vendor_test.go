package server_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/counterfoil-dev/counterfoil/internal/wire"
	"github.com/counterfoil-dev/counterfoil/lease"
	"github.com/counterfoil-dev/counterfoil/server"
)

func TestVendorRefuses(t *testing.T) {
	t.Parallel()
	r := newRig(t, filepath.Join(t.TempDir(), "test.db"), server.Limits{})
	ctx, v := t.Context(), r.vendor
	id, _ := r.sell(t, server.Terms{})
	sub, _ := r.sell(t, server.Terms{Kind: lease.KindSubscription})
	if _, err := v.AddAccount(ctx, "jo@example.com", "a long one"); err != nil {
		t.Fatal(err)
	}
	many := int64(1) << 53
	sell := func(t server.Terms, n int, batch string) error {
		_, err := v.Sell(ctx, t, n, batch)
		return err
	}
	product := func(p server.Product) error {
		_, err := v.PutProduct(ctx, p)
		return err
	}
	account := func(email, password string, licenses ...string) error {
		_, err := v.AddAccount(ctx, email, password, licenses...)
		return err
	}
	good := server.Terms{Product: "acme-editor", Kind: lease.KindSingle}
	with := func(f func(*server.Terms)) server.Terms {
		c := good
		f(&c)
		return c
	}
	for name, c := range map[string]struct{ err, want error }{
		"product name":         {product(server.Product{Name: "Acme"}), server.ErrInvalid},
		"product lease":        {product(server.Product{Name: "a", Lease: 1}), server.ErrInvalid},
		"product offline":      {product(server.Product{Name: "a", Offline: 401 * 86400}), server.ErrInvalid},
		"edition of nothing":   {v.PutEdition(ctx, server.Edition{Product: "none", Name: "pro"}), server.ErrNotFound},
		"edition name":         {v.PutEdition(ctx, server.Edition{Product: "acme-editor", Name: "a\nb"}), server.ErrInvalid},
		"entitlement name":     {v.PutEdition(ctx, server.Edition{Product: "acme-editor", Name: "p", Entitlements: server.Entitlements{"A": {}}}), server.ErrInvalid},
		"entitlement limit":    {v.PutEdition(ctx, server.Edition{Product: "acme-editor", Name: "p", Entitlements: server.Entitlements{"a": {Limit: &many}}}), server.ErrInvalid},
		"kind":                 {sell(with(func(t *server.Terms) { t.Kind = "gift" }), 1, ""), server.ErrInvalid},
		"seats":                {sell(with(func(t *server.Terms) { t.Seats = -1 }), 1, ""), server.ErrInvalid},
		"end":                  {sell(with(func(t *server.Terms) { t.End = -1 }), 1, ""), server.ErrInvalid},
		"note":                 {sell(with(func(t *server.Terms) { t.Note = strings.Repeat("x", 300) }), 1, ""), server.ErrInvalid},
		"note in Latin-1":      {sell(with(func(t *server.Terms) { t.Note = "caf\xe9" }), 1, ""), server.ErrInvalid},
		"note with NUL":        {sell(with(func(t *server.Terms) { t.Note = "a\x00b" }), 1, ""), server.ErrInvalid},
		"batch in Latin-1":     {sell(good, 1, "caf\xe9"), server.ErrInvalid},
		"batch with newline":   {sell(good, 1, "a\nb"), server.ErrInvalid},
		"own entitlements":     {sell(with(func(t *server.Terms) { t.Entitlements = manyEntitlements("a", 129) }), 1, ""), server.ErrInvalid},
		"edition entitlements": {v.PutEdition(ctx, server.Edition{Product: "acme-editor", Name: "p", Entitlements: manyEntitlements("a", 129)}), server.ErrInvalid},
		"none":                 {sell(good, 0, ""), server.ErrInvalid},
		"too many":             {sell(good, server.MaxBatch+1, ""), server.ErrInvalid},
		"unknown product":      {sell(with(func(t *server.Terms) { t.Product = "none" }), 1, ""), server.ErrNotFound},
		"unknown edition":      {sell(with(func(t *server.Terms) { t.Edition = "pro" }), 1, ""), server.ErrNotFound},
		"suspend nothing":      {v.Suspend(ctx, "lic_x"), server.ErrNotFound},
		"renew wrongly":        {v.Renew(ctx, id, 1<<50), server.ErrInvalid},
		"allow none":           {v.AllowRebind(ctx, id, 0), server.ErrInvalid},
		"release nothing":      {v.Release(ctx, "act_x"), server.ErrNotFound},
		"renew no token":       {v.RenewToken(ctx, "act_x"), server.ErrNotFound},
		"account twice":        {account("JO@example.com", "a long one"), server.ErrExists},
		"account without @":    {account("jo", "a long one"), server.ErrInvalid},
		"short password":       {account("al@example.com", "short"), server.ErrInvalid},
		"account, no license":  {account("al@example.com", "a long one", "lic_x"), server.ErrNotFound},
		"claim of nobody":      {v.Claim(ctx, "al@example.com", id), server.ErrNotFound},
		"password of nobody":   {v.SetPassword(ctx, "al@example.com", "a long one"), server.ErrNotFound},
		"delete nobody":        {v.DeleteAccount(ctx, "al@example.com"), server.ErrNotFound},
		"retire nothing":       {v.RetireKey(ctx, "k9"), server.ErrNotFound},
		"code of subscription": {errOf(v.AddCode(ctx, sub, false)), server.ErrInvalid},
		"typing mistake":       {errOf(v.LicenseByCode(ctx, "11111-11111-11111-11111-11111")), server.ErrInvalid},
		"no such code":         {errOf(v.LicenseByCode(ctx, wire.NewCode())), server.ErrNotFound},
		"moves of nothing":     {errOf(v.Moves(ctx, "lic_x")), server.ErrNotFound},
		"devices of nothing":   {errOf(v.Activations(ctx, "lic_x")), server.ErrNotFound},
	} {
		e, typed := errors.AsType[*server.Error](c.err)
		if !errors.Is(c.err, c.want) || !typed || e.Op == "" {
			t.Errorf("%s: have %v, want %v", name, c.err, c.want)
		}
	}
	if list, err := v.Accounts(ctx); err != nil || len(list) != 1 {
		t.Errorf("%d accounts, %v", len(list), err)
	}
}

func manyEntitlements(prefix string, n int) server.Entitlements {
	e := make(server.Entitlements)
	for i := range n {
		e[fmt.Sprintf("%s%d", prefix, i)] = lease.Entitlement{}
	}
	return e
}

// TestMostEntitlements: what can be set can be put into a lease.
func TestMostEntitlements(t *testing.T) {
	t.Parallel()
	r := newRig(t, filepath.Join(t.TempDir(), "test.db"), plenty)
	r.sell(t, server.Terms{})
	if err := r.vendor.PutEdition(t.Context(), server.Edition{Product: product, Name: "pro", Entitlements: manyEntitlements("a", 128)}); err != nil {
		t.Fatal(err)
	}
	_, code := r.sell(t, server.Terms{Edition: "pro", Entitlements: manyEntitlements("b", 128)})
	d := newDevice(r.desk)
	want(t, wire.OK, d.redeem(t, code))
	if n := len(read(t, d).Entitlements); n != 256 {
		t.Errorf("%d entitlements", n)
	}
}

func errOf[T any](_ T, err error) error { return err }

// TestTerms: what was sold reaches the lease; what the vendor changes does at the next check.
func TestTerms(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, url string) {
		r := newRig(t, url, server.Limits{})
		ctx, v := t.Context(), r.vendor
		if _, err := v.PutProduct(ctx, server.Product{Name: product, Lease: 3 * 86400, Offline: 30 * 86400}); err != nil {
			t.Fatal(err)
		}
		five, nine := int64(5), int64(9)
		if err := v.PutEdition(ctx, server.Edition{Product: product, Name: "pro", Entitlements: server.Entitlements{"a": {}, "projects": {Limit: &five}}}); err != nil {
			t.Fatal(err)
		}
		sold, err := v.Sell(ctx, server.Terms{Product: product, Kind: lease.KindSingle, Edition: "pro", Seats: 3, End: 4102444800,
			Entitlements: server.Entitlements{"b": {}, "projects": {Limit: &nine}}}, 3, "spring")
		if err != nil || len(sold) != 3 || sold[0].Code == sold[1].Code {
			t.Fatal(sold, err)
		}
		d := newDevice(r.desk)
		want(t, wire.OK, d.redeem(t, sold[1].Code))
		l := read(t, d)
		if l.License != sold[1].License || l.Edition != "pro" || l.Seats != (lease.Seats{Used: 1, Total: 3}) || l.LicenseEnd != 4102444800 ||
			l.LeaseEnd-l.IssuedAt != 3*86400 || len(l.Entitlements) != 3 || *l.Entitlements["projects"].Limit != 9 || l.Entitlements["a"].Limit != nil {
			t.Errorf("lease %+v", l)
		}
		if err := v.PutEdition(ctx, server.Edition{Product: product, Name: "pro", Entitlements: server.Entitlements{"c": {}}}); err != nil {
			t.Fatal(err)
		}
		if err := v.Renew(ctx, l.License, 0); err != nil {
			t.Fatal(err)
		}
		want(t, wire.OK, d.check(t))
		if l := read(t, d); l.LicenseEnd != 0 || len(l.Entitlements) != 3 || l.Entitlements["c"].Limit != nil {
			t.Errorf("lease after changes %+v", l)
		}

		found, err := v.LicenseByCode(ctx, strings.ToLower(strings.ReplaceAll(sold[1].Code, "-", " ")))
		if err != nil || found.ID != sold[1].License || found.Batch != "spring" {
			t.Errorf("found %+v, %v", found, err)
		}
		fresh, err := v.AddCode(ctx, l.License, true)
		if err != nil {
			t.Fatal(err)
		}
		want(t, wire.CodeInvalid, newDevice(r.desk).redeem(t, sold[1].Code))
		want(t, wire.OK, newDevice(r.desk).redeem(t, fresh))
		if codes, err := v.Codes(ctx, l.License); err != nil || len(codes) != 1 {
			t.Errorf("codes %v, %v", codes, err)
		}
	})
}

func read(t testing.TB, d *device) lease.Lease {
	t.Helper()
	keys, err := d.desk.KeySet(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	v, err := keys.Verify(lease.TypeLease, d.lease)
	if err != nil {
		t.Fatal(err)
	}
	return v.Lease()
}

// TestAccounts: a password that was replaced counts at once, an account that was deleted is unknown; devices stay.
func TestAccounts(t *testing.T) {
	t.Parallel()
	r := newRig(t, filepath.Join(t.TempDir(), "test.db"), server.Limits{})
	ctx, v := t.Context(), r.vendor
	id, _ := r.sell(t, server.Terms{Kind: lease.KindSubscription})
	if _, err := v.AddAccount(ctx, "Jo@Example.com", "first password"); err != nil {
		t.Fatal(err)
	}
	d := newDevice(r.desk)
	want(t, wire.ChooseLicense, d.signIn(t, "jo@example.com", "first password"))
	if err := v.Claim(ctx, "jo@example.com", id, id); err != nil {
		t.Fatal(err)
	}
	want(t, wire.OK, d.signIn(t, "jo@example.com", "first password"))
	if err := v.SetPassword(ctx, "JO@example.com", "second password"); err != nil {
		t.Fatal(err)
	}
	want(t, wire.CredentialsWrong, d.signIn(t, "jo@example.com", "first password"))
	want(t, wire.OK, d.signIn(t, "jo@example.com", "second password"))
	if err := v.DeleteAccount(ctx, "jo@example.com"); err != nil {
		t.Fatal(err)
	}
	want(t, wire.CredentialsWrong, d.signIn(t, "jo@example.com", "second password"))
	want(t, wire.OK, d.check(t))
}

// TestUnusedTokens: an installation that never uses its fresh tokens cannot fill the database.
func TestUnusedTokens(t *testing.T) {
	t.Parallel()
	r := newRig(t, filepath.Join(t.TempDir(), "test.db"), plenty)
	_, code := r.sell(t, server.Terms{})
	d := newDevice(r.desk)
	want(t, wire.OK, d.redeem(t, code))
	want(t, wire.OK, d.check(t))
	used := d.token
	var tokens []string
	for range 40 {
		want(t, wire.OK, d.redeem(t, code))
		tokens = append(tokens, d.token)
	}
	try := func(token string) string {
		d.token = token
		return d.check(t).Code
	}
	if c := try(used); c != "ok" {
		t.Errorf("the token in use: %s", c)
	}
	if c := try(tokens[0]); c != "token_unknown" {
		t.Errorf("the oldest of 40 unused ones: %s", c)
	}
	if c := try(tokens[len(tokens)-5]); c != "ok" {
		t.Errorf("a late unused one: %s", c)
	}
	if c := try(used); c != "token_unknown" {
		t.Errorf("the one before: %s", c)
	}
	if c := try(tokens[len(tokens)-1]); c != "ok" {
		t.Errorf("the latest: %s", c)
	}
}

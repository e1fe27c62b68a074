package server_test

import (
	"path/filepath"
	"testing"

	"github.com/counterfoil-dev/counterfoil/internal/wire"
	"github.com/counterfoil-dev/counterfoil/server"
	"github.com/counterfoil-dev/counterfoil/server/sqlstore"
)

func BenchmarkActivate(b *testing.B) {
	db, err := sqlstore.Open(b.Context(), sqlstore.Config{URL: filepath.Join(b.TempDir(), "bench.db")})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	secret, err := server.ParseSecret(server.NewSecretText())
	if err != nil {
		b.Fatal(err)
	}
	r := &rig{db: db, cfg: server.Config{Store: db, Secret: secret, Limits: plenty}}
	if r.desk, err = server.NewDesk(b.Context(), r.cfg); err != nil {
		b.Fatal(err)
	}
	if r.vendor, err = server.NewVendor(b.Context(), r.cfg); err != nil {
		b.Fatal(err)
	}
	_, code := r.sell(b, server.Terms{})
	for b.Loop() {
		want(b, wire.OK, newDevice(r.desk).redeem(b, code))
	}
}

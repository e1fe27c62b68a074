package sqlstore_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/counterfoil-dev/counterfoil/server"
	"github.com/counterfoil-dev/counterfoil/server/internal/pgtest"
	"github.com/counterfoil-dev/counterfoil/server/sqlstore"
	"github.com/counterfoil-dev/counterfoil/server/storetest"
)

var postgres pgtest.Server

func TestMain(m *testing.M) { os.Exit(postgres.Main(m)) }

func open(t *testing.T, url string) *sqlstore.DB {
	t.Helper()
	db, err := sqlstore.Open(t.Context(), sqlstore.Config{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func sqliteFile(t *testing.T) string { return filepath.Join(t.TempDir(), "a b?c#d%20.db") }

func TestStore(t *testing.T) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		storetest.Run(t, func(t *testing.T) server.Store { return open(t, sqliteFile(t)) })
	})
	t.Run("postgresql", func(t *testing.T) {
		t.Parallel()
		storetest.Run(t, func(t *testing.T) server.Store { return open(t, postgres.URL(t)) })
	})
}

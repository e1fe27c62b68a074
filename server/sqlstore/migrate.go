package sqlstore

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"log/slog"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

// migrations are one statement each, for engines that cannot change a schema in a transaction. They only add, so that
// an old and a new replica can work side by side.
//
//go:embed migrations/*.sql
var migrations embed.FS

const (
	dialectSQLite   = goose.DialectSQLite3
	dialectPostgres = goose.DialectPostgres
)

// migrate brings the schema up to date. It needs a connection of db's for itself.
func migrate(ctx context.Context, db *sql.DB, dialect goose.Dialect) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	options := []goose.ProviderOption{
		goose.WithDisableGlobalRegistry(true),
		goose.WithSlog(slog.New(slog.DiscardHandler)),
	}
	if dialect == dialectPostgres {
		locker, err := lock.NewPostgresTableLocker(
			lock.WithTableLockTimeout(200*time.Millisecond, 300),
			lock.WithTableLogger(slog.New(slog.DiscardHandler)),
		)
		if err != nil {
			return err
		}
		options = append(options, goose.WithLocker(locker))
	}
	p, err := goose.NewProvider(dialect, db, files, options...)
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	if pending, err := p.HasPending(ctx); err == nil && !pending {
		return nil
	}
	// SQLite has no lock over several transactions: another process may have been a step ahead, and the second try sees
	// what it did.
	for i := 1; ; i++ {
		if _, err = p.Up(ctx); err == nil {
			return nil
		}
		if dialect == dialectPostgres || i == attempts || !pause(ctx, i+4) {
			return fmt.Errorf("migrations: %w", err)
		}
	}
}

package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// postgresEngine runs in READ COMMITTED: who changes a license locks its row first (LockLicense), and counters change by
// UPDATE … SET used = used + 1 WHERE used < seats.
type postgresEngine struct {
	write, read *sql.DB // the same unless configured
}

// Connections of one replica. PostgreSQL's default allows 100 in all.
const (
	postgresConns = 16
	postgresIdle  = 5 * time.Minute
)

func openPostgres(ctx context.Context, cfg Config) (_ *postgresEngine, err error) {
	e := &postgresEngine{}
	defer func() {
		if err != nil {
			err = errors.Join(err, e.close())
		}
	}()
	if e.write, err = postgresPool(cfg.URL); err != nil {
		return nil, err
	}
	e.read = e.write
	if cfg.ReadURL != "" && cfg.ReadURL != cfg.URL {
		if e.read, err = postgresPool(cfg.ReadURL); err != nil {
			return nil, err
		}
	}
	return e, migrate(ctx, e.write, dialectPostgres)
}

func postgresPool(url string) (*sql.DB, error) {
	c, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, errors.New("not a good postgres:// URL") // the error of pgx repeats parts of it
	}
	if c.ConnectTimeout == 0 {
		c.ConnectTimeout = 5 * time.Second
	}
	for name, v := range map[string]string{
		"application_name":                    "counterfoild",
		"statement_timeout":                   "10000", // ms
		"lock_timeout":                        "10000",
		"idle_in_transaction_session_timeout": "20000",
	} {
		if _, set := c.RuntimeParams[name]; !set {
			c.RuntimeParams[name] = v
		}
	}
	db := stdlib.OpenDB(*c)
	db.SetMaxOpenConns(postgresConns)
	db.SetMaxIdleConns(postgresConns)
	db.SetConnMaxIdleTime(postgresIdle)
	return db, nil
}

func (e *postgresEngine) view(ctx context.Context, f func(runner) error) error {
	return f(reading{plain{e.read}})
}

func (e *postgresEngine) update(ctx context.Context, f func(runner) error) error {
	return inTx(ctx, e.write, &sql.TxOptions{Isolation: sql.LevelReadCommitted}, f)
}

func (e *postgresEngine) snapshot(ctx context.Context, f func(runner) error) error {
	return inTx(ctx, e.write, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}, f)
}

// retry: serialization_failure, deadlock_detected.
func (e *postgresEngine) retry(err error) bool {
	c := postgresCode(err)
	return c == "40001" || c == "40P01"
}

// duplicate: unique_violation.
func (e *postgresEngine) duplicate(err error) bool { return postgresCode(err) == "23505" }

func postgresCode(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code
	}
	return ""
}

// erase leaves it to autovacuum.
func (e *postgresEngine) erase(context.Context) {}

func (e *postgresEngine) close() error {
	var errs []error
	if e.write != nil {
		errs = append(errs, e.write.Close())
	}
	if e.read != nil && e.read != e.write {
		errs = append(errs, e.read.Close())
	}
	return errors.Join(errs...)
}

// reading is a runner that refuses to write.
type reading struct{ plain }

func (reading) exec(context.Context, string, ...any) (sql.Result, error) { return nil, errReadOnly }

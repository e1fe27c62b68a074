package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"runtime"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// sqliteEngine has one connection that writes and a few that read. The cache is per connection.
type sqliteEngine struct {
	readers *sql.DB
	prepared
	writers *sql.DB
	queue
	turn   chan struct{} // held by who writes
	writer *sql.Conn
	stmts  map[string]*sql.Stmt // of writer; guarded by turn
}

func openSQLite(ctx context.Context, path string) (_ *sqliteEngine, err error) {
	path, err = filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	// SQLite would make the file readable to all.
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	e := &sqliteEngine{turn: make(chan struct{}, 1), stmts: make(map[string]*sql.Stmt)}
	defer func() {
		if err != nil {
			err = errors.Join(err, e.close())
		}
	}()
	e.writers, err = sql.Open("sqlite", sqliteDSN(path,
		"journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)", "secure_delete(1)", "cache_size(-16384)"))
	if err != nil {
		return nil, err
	}
	e.writers.SetMaxOpenConns(1)
	if err := migrate(ctx, e.writers, dialectSQLite); err != nil {
		return nil, err
	}
	if e.writer, err = e.writers.Conn(ctx); err != nil {
		return nil, err
	}
	e.readers, err = sql.Open("sqlite", sqliteDSN(path, "query_only(1)", "cache_size(-8192)"))
	if err != nil {
		return nil, err
	}
	n := max(2, runtime.GOMAXPROCS(0))
	e.readers.SetMaxOpenConns(n)
	e.readers.SetMaxIdleConns(n)
	e.prepared.db = e.readers
	return e, nil
}

func sqliteDSN(path string, pragmas ...string) string {
	q := url.Values{"_pragma": append([]string{"busy_timeout(10000)"}, pragmas...)}
	return (&url.URL{Scheme: "file", Path: path, RawQuery: q.Encode()}).String()
}

func (e *sqliteEngine) view(ctx context.Context, f func(runner) error) error {
	return f(&e.prepared)
}

// query and exec of the engine itself are the writer's. A transaction once begun is short; watching for the end of a
// request would cost more than it saves, and interrupt what others wait for.
func (e *sqliteEngine) query(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	ctx = context.WithoutCancel(ctx)
	s, err := e.prepare(ctx, text)
	if err != nil {
		return nil, err
	}
	return s.QueryContext(ctx, args...)
}

func (e *sqliteEngine) exec(ctx context.Context, text string, args ...any) (sql.Result, error) {
	ctx = context.WithoutCancel(ctx)
	s, err := e.prepare(ctx, text)
	if err != nil {
		return nil, err
	}
	return s.ExecContext(ctx, args...)
}

func (e *sqliteEngine) prepare(ctx context.Context, text string) (*sql.Stmt, error) {
	if s := e.stmts[text]; s != nil {
		return s, nil
	}
	s, err := e.writer.PrepareContext(ctx, text)
	if err == nil {
		e.stmts[text] = s
	}
	return s, err
}

func (e *sqliteEngine) snapshot(ctx context.Context, f func(runner) error) error {
	return inTx(ctx, e.readers, &sql.TxOptions{}, f)
}

// erase empties the write-ahead log, where rows stand as they were before they were deleted. A reader that goes on for
// long, such as a backup, prevents it until the next time: those who write are not to wait for it.
func (e *sqliteEngine) erase(ctx context.Context) {
	ctx = context.WithoutCancel(ctx)
	e.turn <- struct{}{}
	defer func() { <-e.turn }()
	for _, text := range []string{"PRAGMA busy_timeout(200)", "PRAGMA wal_checkpoint(TRUNCATE)", "PRAGMA busy_timeout(10000)"} {
		rows, err := e.writer.QueryContext(ctx, text)
		if err != nil {
			continue
		}
		for rows.Next() {
		}
		_ = rows.Close()
	}
}

func (e *sqliteEngine) retry(err error) bool {
	c := sqliteCode(err) & 0xff
	return c == sqlite3.SQLITE_BUSY || c == sqlite3.SQLITE_LOCKED
}

func (e *sqliteEngine) duplicate(err error) bool {
	c := sqliteCode(err)
	return c == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY || c == sqlite3.SQLITE_CONSTRAINT_UNIQUE
}

func sqliteCode(err error) int {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return e.Code()
	}
	return 0
}

func (e *sqliteEngine) close() error {
	var errs []error
	if e.readers != nil {
		errs = append(errs, e.prepared.close(), e.readers.Close())
	}
	for _, s := range e.stmts {
		errs = append(errs, s.Close())
	}
	if e.writer != nil {
		errs = append(errs, e.writer.Close())
	}
	if e.writers != nil {
		errs = append(errs, e.writers.Close())
	}
	return errors.Join(errs...)
}

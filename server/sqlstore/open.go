package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/counterfoil-dev/counterfoil/server"
)

// Config says where the database is.
type Config struct {
	// URL is the path of a SQLite file, which is made if it is not there, or a postgres:// URL. A URL may name several
	// hosts with target_session_attrs=read-write.
	URL string

	// ReadURL is a PostgreSQL that checks may read from, such as a replica. Default: URL.
	ReadURL string
}

// DB is a server.Store in a database.
type DB struct {
	engine engine
	name   string // of the engine
	file   string // "" unless SQLite
}

// engine is what differs between databases.
type engine interface {
	view(ctx context.Context, f func(runner) error) error
	update(ctx context.Context, f func(runner) error) error
	snapshot(ctx context.Context, f func(runner) error) error // reads all at one time
	retry(err error) bool                                     // update may succeed if repeated
	duplicate(err error) bool                                 // a unique key is there already
	erase(ctx context.Context)                                // drops old versions of rows from the disk, where it can now
	close() error
}

// runner runs SQL. Rows must be closed before the next query.
type runner interface {
	query(ctx context.Context, text string, args ...any) (*sql.Rows, error)
	exec(ctx context.Context, text string, args ...any) (sql.Result, error)
}

// keywords is how libpq spells an address as keywords, which would make a file with the password in its name.
var keywords = regexp.MustCompile(`(^|\s)(host|hostaddr|port|user|password|passfile|dbname|service|sslmode)\s*=`)

// Open opens the database and brings its schema up to date.
func Open(ctx context.Context, cfg Config) (*DB, error) {
	d := &DB{}
	var err error
	switch {
	case strings.HasPrefix(cfg.URL, "postgres://"), strings.HasPrefix(cfg.URL, "postgresql://"):
		d.name = "postgresql"
		d.engine, err = openPostgres(ctx, cfg)
	case keywords.MatchString(cfg.URL):
		return nil, errors.New("database: that is a list of keywords; want a file's path or a postgres:// URL")
	case cfg.URL == "":
		return nil, errors.New("database: no address; want a file's path or a postgres:// URL")
	case strings.Contains(cfg.URL, "://"):
		return nil, errors.New("database: want a file's path or a postgres:// URL")
	case cfg.ReadURL != "":
		return nil, errors.New("database: a second address for reading is for PostgreSQL alone")
	default:
		d.name, d.file = "sqlite", cfg.URL
		d.engine, err = openSQLite(ctx, cfg.URL)
	}
	if err != nil {
		return nil, fmt.Errorf("database: %w", err)
	}
	return d, nil
}

// Engine names the engine: sqlite or postgresql.
func (d *DB) Engine() string { return d.name }

// Close closes the database. Nothing may use it any more.
func (d *DB) Close() error { return d.engine.close() }

// View implements server.Store.
func (d *DB) View(ctx context.Context, f func(server.Tx) error) error {
	return d.engine.view(ctx, func(r runner) error { return f(&tx{runner: r, duplicate: d.engine.duplicate}) })
}

// attempts is how often a transaction is tried that collides with others.
const attempts = 12

// Update implements server.Store.
func (d *DB) Update(ctx context.Context, f func(server.Tx) error) error {
	var err error
	for i := range attempts {
		if i > 0 && !pause(ctx, i) {
			return errors.Join(context.Cause(ctx), err)
		}
		var erases bool
		err = d.engine.update(ctx, func(r runner) error {
			t := &tx{runner: r, duplicate: d.engine.duplicate, write: true}
			err := f(t)
			erases = t.erases
			return err
		})
		if err == nil && erases {
			d.engine.erase(ctx)
		}
		if err == nil || !d.engine.retry(err) {
			return err
		}
	}
	return fmt.Errorf("database: gave up after %d attempts: %w", attempts, err)
}

// pause waits a little before the i-th repetition, longer each time and never in step with others.
func pause(ctx context.Context, i int) bool {
	most := time.Millisecond << min(i, 7)
	t := time.NewTimer(most/4 + randomUpTo(most))
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

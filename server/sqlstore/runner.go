package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"math/rand/v2"
	"sync"
	"time"
)

// prepared runs each SQL text as a statement that is prepared once, on a pool of connections that only read.
type prepared struct {
	db    *sql.DB
	stmts sync.Map // text to *sql.Stmt
}

func (p *prepared) query(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	// Watching for the end of a request costs more than the query; the pool bounds the wait.
	ctx = context.WithoutCancel(ctx)
	s, ok := p.stmts.Load(text)
	if !ok {
		fresh, err := p.db.PrepareContext(ctx, text)
		if err != nil {
			return nil, err
		}
		if s, ok = p.stmts.LoadOrStore(text, fresh); ok {
			if err := fresh.Close(); err != nil {
				return nil, err
			}
		}
	}
	return s.(*sql.Stmt).QueryContext(ctx, args...)
}

func (p *prepared) exec(context.Context, string, ...any) (sql.Result, error) { return nil, errReadOnly }

func (p *prepared) close() error {
	var errs []error
	for _, s := range p.stmts.Range {
		errs = append(errs, s.(*sql.Stmt).Close())
	}
	return errors.Join(errs...)
}

var errReadOnly = errors.New("database: a view is for reading")

// inTx runs f in a transaction of database/sql.
func inTx(ctx context.Context, db *sql.DB, opts *sql.TxOptions, f func(runner) error) (err error) {
	defer func() {
		if errors.Is(err, sql.ErrTxDone) && ctx.Err() != nil { // database/sql rolled back under f's hands
			err = ctx.Err()
		}
	}()
	t, err := db.BeginTx(ctx, opts)
	if err != nil {
		return err
	}
	defer t.Rollback() // does nothing after Commit
	if err := f(plain{t}); err != nil {
		return err
	}
	return t.Commit()
}

// plain is a runner of database/sql as it is.
type plain struct {
	db interface {
		QueryContext(context.Context, string, ...any) (*sql.Rows, error)
		ExecContext(context.Context, string, ...any) (sql.Result, error)
	}
}

func (p plain) query(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	return p.db.QueryContext(ctx, text, args...)
}

func (p plain) exec(ctx context.Context, text string, args ...any) (sql.Result, error) {
	return p.db.ExecContext(ctx, text, args...)
}

func randomUpTo(d time.Duration) time.Duration { return rand.N(d) }

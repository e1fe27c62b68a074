package sqlstore

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/counterfoil-dev/counterfoil/server"
)

// tx implements server.Tx.
type tx struct {
	runner
	duplicate func(error) bool
	write     bool
	erases    bool // what was deleted is to be gone from the disk too
}

var _ server.Tx = (*tx)(nil)

// scanner is a row of a result.
type scanner interface{ Scan(dest ...any) error }

// list runs a query and reads each row with scan.
func list[T any](ctx context.Context, r runner, scan func(scanner) (T, error), text string, args ...any) (_ []T, err error) {
	rows, err := r.query(ctx, text, args...)
	if err != nil {
		return nil, failed(err)
	}
	defer rows.Close()
	var all []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, failed(err)
		}
		all = append(all, v)
	}
	return all, failed(rows.Err())
}

// one is list where there is one row, or none: server.ErrNotFound.
func one[T any](ctx context.Context, r runner, scan func(scanner) (T, error), text string, args ...any) (T, error) {
	all, err := list(ctx, r, scan, text, args...)
	if err == nil && len(all) == 0 {
		err = server.ErrNotFound
	}
	if err != nil {
		var none T
		return none, err
	}
	return all[0], nil
}

// run executes a statement and counts the rows it changed. A unique key that is there already is server.ErrExists.
func (t *tx) run(ctx context.Context, text string, args ...any) (int64, error) {
	if !t.write {
		return 0, errReadOnly
	}
	res, err := t.exec(ctx, text, args...)
	if err != nil {
		if t.duplicate(err) {
			return 0, server.ErrExists
		}
		return 0, failed(err)
	}
	n, err := res.RowsAffected()
	return n, failed(err)
}

// must is run where one row has to be there: server.ErrNotFound if it is not.
func (t *tx) must(ctx context.Context, text string, args ...any) error {
	n, err := t.run(ctx, text, args...)
	if err == nil && n == 0 {
		err = server.ErrNotFound
	}
	return err
}

func (t *tx) do(ctx context.Context, text string, args ...any) error {
	_, err := t.run(ctx, text, args...)
	return err
}

func failed(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("database: %w", err)
}

func scanText(s scanner) (v string, err error)  { return v, s.Scan(&v) }
func scanNumber(s scanner) (v int64, err error) { return v, s.Scan(&v) }

// entitlements reads what spell wrote.
type entitlements struct{ *server.Entitlements }

func (e entitlements) Scan(v any) error {
	switch v := v.(type) {
	case string:
		return e.UnmarshalText([]byte(v))
	case []byte:
		return e.UnmarshalText(v)
	case nil: // of an edition that is not there
		*e.Entitlements = nil
		return nil
	}
	return fmt.Errorf("entitlements: have %T", v)
}

var _ sql.Scanner = entitlements{}

func spell(e server.Entitlements) (string, error) {
	b, err := e.MarshalText()
	return string(b), err
}

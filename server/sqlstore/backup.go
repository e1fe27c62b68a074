package sqlstore

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/counterfoil-dev/counterfoil/server"
)

// A backup is lines of JSON: a header, then each row as an array of its table's name and its values, then a trailer
// that counts the rows, so that half a backup is noticed. It is the same whatever the engine, and so also the way
// from one to the other.
const (
	backupForm    = "counterfoil backup"
	backupVersion = 1
	maxBackupLine = 1 << 20
)

type backupHeader struct {
	Form    string `json:"form"`
	Version int    `json:"version"`
}

type backupTrailer struct {
	Rows int64 `json:"rows"`
}

// tables lists all that a backup holds, with columns in the order of the rows' values. Allowances are left out: they
// are full again in a moment.
var tables = [...]struct {
	name    string
	columns string
}{
	{"meta", "name, value"},
	{"signing_keys", "id, position, public, sealed, created, retired"},
	{"products", "name, lease, offline, created"},
	{"editions", "product, name, entitlements"},
	{"licenses", "id, product, kind, edition, entitlements, seats, ends, note, used, granted, suspended, revoked, batch, created, revision"},
	{"codes", "hash, license, created"},
	{"accounts", "id, email, password, created"},
	{"claims", "account, license, position"},
	{"installations", "id, seat, license, name, label, prints, position, created, seen, ended, issued, renew"},
	{"fingerprints", "license, kind, print, installation"},
	{"tokens", "hash, installation, number, used"},
	{"moves", "id, license, seat, rebind, at"},
}

// Backup writes all that the database holds at one time, while others go on using it. Without the master key a backup
// signs nothing and compares no devices; with it, it does: keep the two apart.
func (d *DB) Backup(ctx context.Context, w io.Writer) (rows int64, err error) {
	out := bufio.NewWriter(w)
	enc := json.NewEncoder(out)
	if err := enc.Encode(backupHeader{backupForm, backupVersion}); err != nil {
		return 0, fmt.Errorf("backup: %w", err)
	}
	err = d.engine.snapshot(ctx, func(r runner) error {
		for _, t := range tables {
			n, err := dump(ctx, r, enc, t.name, t.columns)
			if err != nil {
				return fmt.Errorf("%s: %w", t.name, err)
			}
			rows += n
		}
		return nil
	})
	if err == nil {
		err = enc.Encode(backupTrailer{rows})
	}
	if err == nil {
		err = out.Flush()
	}
	if err != nil {
		return 0, fmt.Errorf("backup: %w", err)
	}
	return rows, nil
}

func dump(ctx context.Context, r runner, enc *json.Encoder, table, columns string) (n int64, err error) {
	rows, err := r.query(ctx, "SELECT "+columns+" FROM "+table)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	line := make([]any, 1+strings.Count(columns, ",")+1)
	line[0] = table
	into := make([]any, len(line)-1)
	for i := range into {
		into[i] = &line[i+1]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return n, err
		}
		for i, v := range line {
			if b, ok := v.([]byte); ok {
				line[i] = string(b)
			}
		}
		if err := enc.Encode(line); err != nil {
			return n, err
		}
		n++
	}
	return n, rows.Err()
}

// ErrNotEmpty is returned by Restore where there is something to lose.
var ErrNotEmpty = errors.New("the database is not empty")

// Restore replaces all that the database holds by a backup, in one transaction: servers that run on it see the old
// state or the new one. Signing keys are merged: those made since the backup stay, and what is retired stays retired.
// Without overwrite, a database that holds more than a new server's first key is ErrNotEmpty; with it, one whose backup
// is of another master key is server.ErrSecret.
func (d *DB) Restore(ctx context.Context, r io.ReadSeeker, overwrite bool) (rows int64, err error) {
	err = d.Update(ctx, func(t server.Tx) (err error) {
		if _, err := r.Seek(0, io.SeekStart); err != nil {
			return err
		}
		rows, err = t.(*tx).load(ctx, r, overwrite)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("restore: %w", err)
	}
	return rows, nil
}

func (t *tx) load(ctx context.Context, r io.Reader, overwrite bool) (rows int64, err error) {
	had, err := t.holding(ctx)
	if err != nil {
		return 0, err
	}
	if !had.fresh && !overwrite {
		return 0, ErrNotEmpty
	}
	in := bufio.NewScanner(r)
	in.Buffer(nil, maxBackupLine)
	var head backupHeader
	if !in.Scan() || json.Unmarshal(in.Bytes(), &head) != nil || head.Form != backupForm {
		return 0, errors.Join(errors.New("not a backup of counterfoild"), in.Err())
	}
	if head.Version != backupVersion {
		return 0, fmt.Errorf("backup of version %d; this program reads version %d", head.Version, backupVersion)
	}
	insert := make(map[string]string)
	for _, table := range tables {
		if err := t.do(ctx, "DELETE FROM "+table.name); err != nil {
			return 0, err
		}
		n := strings.Count(table.columns, ",") + 1
		marks := make([]string, n)
		for i := range marks {
			marks[i] = fmt.Sprintf("$%d", i+1)
		}
		insert[table.name] = "INSERT INTO " + table.name + " (" + table.columns + ") VALUES (" + strings.Join(marks, ", ") + ")"
	}
	if err := t.do(ctx, "DELETE FROM allowances"); err != nil {
		return 0, err
	}
	for in.Scan() {
		var tail backupTrailer
		if json.Unmarshal(in.Bytes(), &tail) == nil {
			if tail.Rows != rows || in.Scan() {
				return 0, fmt.Errorf("damaged: %d rows, not the %d that it should have", rows, tail.Rows)
			}
			if err := in.Err(); err != nil {
				return 0, err
			}
			return rows, t.merge(ctx, had)
		}
		if err := t.row(ctx, insert, in.Bytes()); err != nil {
			return 0, fmt.Errorf("line %d: %w", rows+2, err)
		}
		rows++
	}
	return 0, errors.Join(errors.New("damaged: the end is missing"), in.Err())
}

// row inserts one line of a backup.
func (t *tx) row(ctx context.Context, insert map[string]string, line []byte) error {
	dec := json.NewDecoder(strings.NewReader(string(line)))
	dec.UseNumber()
	var values []any
	if err := dec.Decode(&values); err != nil || len(values) == 0 {
		return errors.New("damaged: not a row")
	}
	name, _ := values[0].(string)
	text, ok := insert[name]
	if !ok || strings.Count(text, "$") != len(values)-1 {
		return errors.New("damaged: a row of no table")
	}
	args := values[1:]
	for i, v := range args {
		switch v := v.(type) {
		case string:
		case json.Number:
			n, err := v.Int64()
			if err != nil {
				return errors.New("damaged: not a whole number")
			}
			args[i] = n
		default:
			return errors.New("damaged: neither text nor number")
		}
	}
	return t.do(ctx, text, args...)
}

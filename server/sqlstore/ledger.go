package sqlstore

import (
	"context"
	"errors"
	"time"

	"github.com/counterfoil-dev/counterfoil/server"
)

func (t *tx) Meta(ctx context.Context, name string) (string, error) {
	return one(ctx, t, scanText, `SELECT value FROM meta WHERE name = $1`, name)
}

func (t *tx) InitMeta(ctx context.Context, name, value string) error {
	return t.do(ctx, `INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING`, name, value)
}

func (t *tx) Keys(ctx context.Context) ([]server.SealedKey, error) {
	return list(ctx, t, func(s scanner) (k server.SealedKey, err error) {
		return k, s.Scan(&k.ID, &k.Public, &k.Sealed, &k.Created, &k.Retired)
	}, `SELECT id, public, sealed, created, retired FROM signing_keys ORDER BY position, id`)
}

func (t *tx) InitKey(ctx context.Context, k server.SealedKey) error {
	return t.insertKey(ctx, k, ` ON CONFLICT (id) DO NOTHING`)
}

func (t *tx) AddKey(ctx context.Context, k server.SealedKey) error { return t.insertKey(ctx, k, "") }

func (t *tx) insertKey(ctx context.Context, k server.SealedKey, conflict string) error {
	n, err := one(ctx, t, scanNumber, `SELECT COALESCE(MAX(position), 0) + 1 FROM signing_keys`)
	if err != nil {
		return err
	}
	return t.do(ctx, `INSERT INTO signing_keys (id, position, public, sealed, created, retired) VALUES ($1, $2, $3, $4, $5, $6)`+
		conflict, k.ID, n, k.Public, k.Sealed, k.Created, k.Retired)
}

// LockKeys locks the row of the master key's mark, which every database in use has once.
func (t *tx) LockKeys(ctx context.Context) error {
	return t.must(ctx, `UPDATE meta SET value = value WHERE name = '`+secretMark+`'`)
}

// secretMark names what tells one master key from another.
const secretMark = "secret"

func (t *tx) RetireKey(ctx context.Context, id string, at int64) error {
	t.erases = true
	return t.must(ctx, `UPDATE signing_keys SET retired = $2, sealed = '' WHERE id = $1`, id, at)
}

// clockSlack is how far the clocks of replicas may be apart, in nanoseconds.
const clockSlack = int64(time.Minute)

// Charge is the generic cell rate algorithm (ITU-T I.371) in one statement: tat is the theoretical arrival time, when the
// allowance will be full again. One further ahead than can be was written by a clock that has since been set back, and
// counts as full.
func (t *tx) Charge(ctx context.Context, key string, now, interval, burst int64) (wait int64, err error) {
	latest := now + (burst-1)*interval
	absurd := latest + interval + clockSlack
	n, err := t.run(ctx, `INSERT INTO allowances (name, tat) VALUES ($1, $2)
		ON CONFLICT (name) DO UPDATE
		SET tat = CASE WHEN allowances.tat > $3 AND allowances.tat <= $5 THEN allowances.tat + $4 ELSE $2 END
		WHERE allowances.tat <= $5 OR allowances.tat > $6`, key, now+interval, now, interval, latest, absurd)
	if err != nil || n == 1 {
		return 0, err
	}
	tat, err := one(ctx, t, scanNumber, `SELECT tat FROM allowances WHERE name = $1`, key)
	if errors.Is(err, server.ErrNotFound) { // purged in between
		return interval, nil
	}
	return max(tat-latest, 1), err
}

func (t *tx) Purge(ctx context.Context, ended, moved, now int64) error {
	t.erases = true
	for _, s := range []struct {
		text string
		at   int64
	}{
		{`DELETE FROM tokens WHERE installation IN (SELECT id FROM installations WHERE ended > 0 AND ended <= $1)`, ended},
		{`DELETE FROM fingerprints WHERE installation IN (SELECT id FROM installations WHERE ended > 0 AND ended <= $1)`, ended},
		{`DELETE FROM installations WHERE ended > 0 AND ended <= $1`, ended},
		{`DELETE FROM moves WHERE at <= $1`, moved},
		{`DELETE FROM allowances WHERE tat <= $1`, now},
	} {
		if err := t.do(ctx, s.text, s.at); err != nil {
			return err
		}
	}
	return nil
}

package sqlstore

import (
	"context"

	"github.com/counterfoil-dev/counterfoil/server"
)

const licenseColumns = `l.id, l.product, l.kind, l.edition, l.entitlements, l.seats, l.ends, l.note,
	l.used, l.granted, l.suspended, l.revoked, l.batch, l.created, l.revision`

// licenseFields are where the licenseColumns go.
func licenseFields(l *server.License) []any {
	return []any{&l.ID, &l.Product, &l.Kind, &l.Edition, entitlements{&l.Entitlements}, &l.Seats, &l.End, &l.Note,
		&l.Used, &l.Granted, &l.Suspended, &l.Revoked, &l.Batch, &l.Created, &l.Revision}
}

func scanLicense(s scanner) (l server.License, err error) { return l, s.Scan(licenseFields(&l)...) }

func (t *tx) License(ctx context.Context, id string) (server.License, error) {
	return one(ctx, t, scanLicense, `SELECT `+licenseColumns+` FROM licenses l WHERE l.id = $1`, id)
}

// LockLicense changes the row, which locks it on PostgreSQL; on SQLite one transaction writes at a time anyway.
func (t *tx) LockLicense(ctx context.Context, id string) (server.License, error) {
	if err := t.must(ctx, `UPDATE licenses SET revision = revision + 1 WHERE id = $1`, id); err != nil {
		return server.License{}, err
	}
	return t.License(ctx, id)
}

func (t *tx) Licenses(ctx context.Context, product, after string, limit int) ([]server.License, error) {
	if product == "" {
		return list(ctx, t, scanLicense, `SELECT `+licenseColumns+` FROM licenses l
			WHERE l.id > $1 ORDER BY l.id LIMIT $2`, after, limit)
	}
	return list(ctx, t, scanLicense, `SELECT `+licenseColumns+` FROM licenses l
		WHERE l.product = $1 AND l.id > $2 ORDER BY l.id LIMIT $3`, product, after, limit)
}

func (t *tx) AddLicense(ctx context.Context, l server.License) error {
	text, err := spell(l.Entitlements)
	if err != nil {
		return err
	}
	return t.do(ctx, `INSERT INTO licenses (id, product, kind, edition, entitlements, seats, ends, note,
			used, granted, suspended, revoked, batch, created, revision)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`,
		l.ID, l.Product, string(l.Kind), l.Edition, text, l.Seats, l.End, l.Note,
		l.Used, l.Granted, l.Suspended, l.Revoked, l.Batch, l.Created, l.Revision)
}

func (t *tx) PutLicense(ctx context.Context, l server.License) error {
	text, err := spell(l.Entitlements)
	if err != nil {
		return err
	}
	return t.must(ctx, `UPDATE licenses SET edition = $2, entitlements = $3, seats = $4, ends = $5, note = $6,
			granted = $7, suspended = $8, revoked = $9 WHERE id = $1`,
		l.ID, l.Edition, text, l.Seats, l.End, l.Note, l.Granted, l.Suspended, l.Revoked)
}

func (t *tx) TakeSeat(ctx context.Context, license string) (bool, error) {
	n, err := t.run(ctx, `UPDATE licenses SET used = used + 1 WHERE id = $1 AND (seats = 0 OR used < seats)`, license)
	return n == 1, err
}

func (t *tx) FreeSeat(ctx context.Context, license string) error {
	return t.do(ctx, `UPDATE licenses SET used = used - 1 WHERE id = $1 AND used > 0`, license)
}

func (t *tx) AddCode(ctx context.Context, c server.Code) error {
	return t.do(ctx, `INSERT INTO codes (hash, license, created) VALUES ($1, $2, $3)`, c.Hash, c.License, c.Created)
}

func (t *tx) LicenseByCode(ctx context.Context, hash string) (server.License, error) {
	return one(ctx, t, scanLicense, `SELECT `+licenseColumns+` FROM codes c JOIN licenses l ON l.id = c.license
		WHERE c.hash = $1`, hash)
}

func scanCode(s scanner) (c server.Code, err error) {
	return c, s.Scan(&c.Hash, &c.License, &c.Created)
}

func (t *tx) Codes(ctx context.Context, license string) ([]server.Code, error) {
	return list(ctx, t, scanCode, `SELECT hash, license, created FROM codes WHERE license = $1 ORDER BY created, hash`, license)
}

func (t *tx) DeleteCodes(ctx context.Context, license string) error {
	return t.do(ctx, `DELETE FROM codes WHERE license = $1`, license)
}

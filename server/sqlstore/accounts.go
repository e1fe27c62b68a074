package sqlstore

import (
	"context"

	"github.com/counterfoil-dev/counterfoil/server"
)

func scanAccount(s scanner) (a server.Account, err error) {
	return a, s.Scan(&a.ID, &a.Email, &a.Password, &a.Created)
}

func (t *tx) Account(ctx context.Context, email string) (server.Account, error) {
	return one(ctx, t, scanAccount, `SELECT id, email, password, created FROM accounts WHERE email = $1`, email)
}

func (t *tx) Accounts(ctx context.Context) ([]server.Account, error) {
	return list(ctx, t, scanAccount, `SELECT id, email, password, created FROM accounts ORDER BY email`)
}

func (t *tx) AddAccount(ctx context.Context, a server.Account) error {
	return t.do(ctx, `INSERT INTO accounts (id, email, password, created) VALUES ($1, $2, $3, $4)`,
		a.ID, a.Email, a.Password, a.Created)
}

func (t *tx) SetPassword(ctx context.Context, account, phc string) error {
	return t.must(ctx, `UPDATE accounts SET password = $2 WHERE id = $1`, account, phc)
}

func (t *tx) DeleteAccount(ctx context.Context, account string) error {
	t.erases = true
	if err := t.do(ctx, `DELETE FROM claims WHERE account = $1`, account); err != nil {
		return err
	}
	return t.must(ctx, `DELETE FROM accounts WHERE id = $1`, account)
}

func (t *tx) Claim(ctx context.Context, account, license string) error {
	n, err := one(ctx, t, scanNumber, `SELECT COALESCE(MAX(position), 0) + 1 FROM claims WHERE account = $1`, account)
	if err != nil {
		return err
	}
	return t.do(ctx, `INSERT INTO claims (account, license, position) VALUES ($1, $2, $3)
		ON CONFLICT (account, license) DO NOTHING`, account, license, n)
}

func (t *tx) Claims(ctx context.Context, account string) ([]server.License, error) {
	return list(ctx, t, scanLicense, `SELECT `+licenseColumns+` FROM claims c JOIN licenses l ON l.id = c.license
		WHERE c.account = $1 ORDER BY c.position, l.id`, account)
}

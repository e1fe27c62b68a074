package sqlstore

import (
	"context"

	"github.com/counterfoil-dev/counterfoil/server"
)

func scanProduct(s scanner) (p server.Product, err error) {
	return p, s.Scan(&p.Name, &p.Lease, &p.Offline, &p.Created)
}

func (t *tx) Product(ctx context.Context, name string) (server.Product, error) {
	return one(ctx, t, scanProduct, `SELECT name, lease, offline, created FROM products WHERE name = $1`, name)
}

func (t *tx) Products(ctx context.Context) ([]server.Product, error) {
	return list(ctx, t, scanProduct, `SELECT name, lease, offline, created FROM products ORDER BY name`)
}

func (t *tx) PutProduct(ctx context.Context, p server.Product) error {
	return t.do(ctx, `INSERT INTO products (name, lease, offline, created) VALUES ($1, $2, $3, $4)
		ON CONFLICT (name) DO UPDATE SET lease = $2, offline = $3, created = $4`, p.Name, p.Lease, p.Offline, p.Created)
}

func scanEdition(s scanner) (e server.Edition, err error) {
	return e, s.Scan(&e.Product, &e.Name, entitlements{&e.Entitlements})
}

func (t *tx) Editions(ctx context.Context, product string) ([]server.Edition, error) {
	return list(ctx, t, scanEdition,
		`SELECT product, name, entitlements FROM editions WHERE product = $1 ORDER BY name`, product)
}

func (t *tx) PutEdition(ctx context.Context, e server.Edition) error {
	text, err := spell(e.Entitlements)
	if err != nil {
		return err
	}
	return t.do(ctx, `INSERT INTO editions (product, name, entitlements) VALUES ($1, $2, $3)
		ON CONFLICT (product, name) DO UPDATE SET entitlements = $3`, e.Product, e.Name, text)
}

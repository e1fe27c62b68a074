package sqlstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/counterfoil-dev/counterfoil/server"
)

// holding is what a restore must know of the database that it replaces.
type holding struct {
	fresh  bool   // nothing but what a server makes at its first start
	secret string // "" for none
	keys   []server.SealedKey
}

func (t *tx) holding(ctx context.Context) (h holding, err error) {
	if err := t.LockKeys(ctx); err != nil && !errors.Is(err, server.ErrNotFound) {
		return h, err
	}
	h.fresh = true
	for _, table := range tables {
		n, err := one(ctx, t, scanNumber, "SELECT COUNT(*) FROM "+table.name)
		if err != nil {
			return h, err
		}
		most := int64(0)
		if table.name == "meta" || table.name == "signing_keys" {
			most = 1
		}
		h.fresh = h.fresh && n <= most
	}
	if h.secret, err = t.Meta(ctx, secretMark); errors.Is(err, server.ErrNotFound) {
		err = nil
	}
	if err == nil {
		h.keys, err = t.Keys(ctx)
	}
	return h, err
}

// merge gives the database that a backup was just loaded into the signing keys that it had before: programs that pin them
// are out there, and nobody has their private halves elsewhere.
func (t *tx) merge(ctx context.Context, had holding) error {
	if had.fresh {
		return nil // its first key has signed for nobody
	}
	secret, err := t.Meta(ctx, secretMark)
	if err != nil && !errors.Is(err, server.ErrNotFound) {
		return err
	}
	if secret != had.secret {
		return fmt.Errorf("the backup is of another %w than the database; restore it into a new database", server.ErrSecret)
	}
	loaded, err := t.Keys(ctx)
	if err != nil {
		return err
	}
	byID := make(map[string]server.SealedKey)
	for _, k := range loaded {
		byID[k.ID] = k
	}
	for _, k := range had.keys {
		switch have, ok := byID[k.ID]; {
		case !ok:
			err = t.AddKey(ctx, k)
		case have.Public != k.Public:
			err = fmt.Errorf("signing key %q is another one in the backup than in the database; restore it into a new database", k.ID)
		case k.Retired != 0:
			err = t.RetireKey(ctx, k.ID, k.Retired)
		}
		if err != nil {
			return err
		}
	}
	all, err := t.Keys(ctx)
	for _, k := range all {
		if k.Retired == 0 {
			return err
		}
	}
	if err == nil && len(all) > 0 {
		err = errors.New("no signing key would be left that is not retired; restore it into a new database")
	}
	return err
}

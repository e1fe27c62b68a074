package sqlstore

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"

	"github.com/counterfoil-dev/counterfoil/server"
)

const installationColumns = `i.id, i.seat, i.license, i.name, i.label, i.prints, i.position, i.created, i.seen, i.ended,
	i.issued, i.renew`

// installationFields are where the installationColumns go.
func installationFields(in *server.Installation) []any {
	return []any{&in.ID, &in.Seat, &in.License, &in.Name, &in.Label, prints{&in.Prints}, &in.Order, &in.Created, &in.Seen,
		&in.Ended, &in.Issued, &in.Renew}
}

func scanInstallation(s scanner) (in server.Installation, err error) {
	return in, s.Scan(installationFields(&in)...)
}

// prints reads what spellPrints wrote.
type prints struct{ *server.Prints }

func (p prints) Scan(v any) error {
	*p.Prints = nil
	switch v := v.(type) {
	case string:
		return json.Unmarshal([]byte(v), p.Prints)
	case []byte:
		return json.Unmarshal(v, p.Prints)
	}
	return fmt.Errorf("fingerprints: have %T", v)
}

func spellPrints(p server.Prints) (string, error) {
	if p == nil {
		p = server.Prints{}
	}
	b, err := json.Marshal(p)
	return string(b), err
}

// holderQuery finds all that a check needs in one round trip.
const holderQuery = `SELECT ` + installationColumns + `, ` + licenseColumns + `, p.lease, p.offline, e.entitlements`

const holderJoin = ` JOIN licenses l ON l.id = i.license JOIN products p ON p.name = l.product
	LEFT JOIN editions e ON e.product = l.product AND e.name = l.edition`

func holderFields(h *server.Holder) []any {
	f := make([]any, 0, 40)
	f = append(append(f, installationFields(&h.Installation)...), licenseFields(&h.License)...)
	return append(f, &h.Product.Lease, &h.Product.Offline, entitlements{&h.Edition})
}

func (t *tx) HolderByToken(ctx context.Context, hash string) (server.Holder, error) {
	h, err := one(ctx, t, func(s scanner) (h server.Holder, err error) {
		err = s.Scan(append(holderFields(&h), &h.Token.Number, &h.Token.Used)...)
		h.Token.Hash, h.Token.Installation, h.Product.Name = hash, h.Installation.ID, h.License.Product
		return h, err
	}, holderQuery+`, t.number, t.used FROM tokens t JOIN installations i ON i.id = t.installation`+holderJoin+
		` WHERE t.hash = $1`, hash)
	return h, err
}

func (t *tx) Holder(ctx context.Context, activation string) (server.Holder, error) {
	return one(ctx, t, func(s scanner) (h server.Holder, err error) {
		err = s.Scan(holderFields(&h)...)
		h.Product.Name = h.License.Product
		return h, err
	}, holderQuery+` FROM installations i`+holderJoin+` WHERE i.id = $1`, activation)
}

func (t *tx) Activations(ctx context.Context, license string) ([]server.Installation, error) {
	return list(ctx, t, scanInstallation, `SELECT `+installationColumns+` FROM installations i
		WHERE i.license = $1 AND i.ended = 0 ORDER BY i.position, i.id`, license)
}

func (t *tx) InSeat(ctx context.Context, seat string) ([]server.Installation, error) {
	return list(ctx, t, scanInstallation, `SELECT `+installationColumns+` FROM installations i
		WHERE i.seat = $1 AND i.ended = 0 ORDER BY i.position, i.id`, seat)
}

func (t *tx) WithPrint(ctx context.Context, license, kind, print string) ([]server.Installation, error) {
	return list(ctx, t, scanInstallation, `SELECT `+installationColumns+` FROM fingerprints f
		JOIN installations i ON i.id = f.installation
		WHERE f.license = $1 AND f.kind = $2 AND f.print = $3 AND i.ended = 0 ORDER BY i.position, i.id`, license, kind, print)
}

func (t *tx) AddInstallation(ctx context.Context, in server.Installation) error {
	text, err := spellPrints(in.Prints)
	if err != nil {
		return err
	}
	err = t.do(ctx, `INSERT INTO installations (id, seat, license, name, label, prints, position, created, seen, ended, issued, renew)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`, in.ID, in.Seat, in.License, in.Name, in.Label, text,
		in.Order, in.Created, in.Seen, in.Ended, in.Issued, in.Renew)
	if err != nil {
		return err
	}
	return t.index(ctx, in)
}

func (t *tx) PutInstallation(ctx context.Context, in server.Installation) error {
	old, err := one(ctx, t, scanInstallation, `SELECT `+installationColumns+` FROM installations i WHERE i.id = $1`, in.ID)
	if err != nil {
		return err
	}
	text, err := spellPrints(in.Prints)
	if err != nil {
		return err
	}
	err = t.must(ctx, `UPDATE installations SET seat = $2, name = $3, label = $4, prints = $5, seen = $6, ended = $7,
		issued = $8, renew = $9 WHERE id = $1`, in.ID, in.Seat, in.Name, in.Label, text, in.Seen, in.Ended, in.Issued, in.Renew)
	if err != nil || maps.Equal(old.Prints, in.Prints) {
		return err
	}
	if err := t.do(ctx, `DELETE FROM fingerprints WHERE installation = $1`, in.ID); err != nil {
		return err
	}
	return t.index(ctx, in)
}

// index makes an installation findable by its fingerprints.
func (t *tx) index(ctx context.Context, in server.Installation) error {
	for kind, print := range in.Prints {
		err := t.do(ctx, `INSERT INTO fingerprints (license, kind, print, installation) VALUES ($1, $2, $3, $4)`,
			in.License, kind, print, in.ID)
		if err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) AddToken(ctx context.Context, k server.Token) error {
	return t.do(ctx, `INSERT INTO tokens (hash, installation, number, used) VALUES ($1, $2, $3, $4)`,
		k.Hash, k.Installation, k.Number, k.Used)
}

func (t *tx) UseToken(ctx context.Context, k server.Token, at int64) error {
	if err := t.must(ctx, `UPDATE tokens SET used = $2 WHERE hash = $1`, k.Hash, at); err != nil {
		return err
	}
	return t.do(ctx, `DELETE FROM tokens WHERE installation = $1 AND number < $2`, k.Installation, k.Number)
}

func (t *tx) DropUnused(ctx context.Context, installation string, upToNumber int64) error {
	if upToNumber <= 0 {
		return nil
	}
	return t.do(ctx, `DELETE FROM tokens WHERE installation = $1 AND used = 0 AND number <= $2`, installation, upToNumber)
}

func (t *tx) AddMove(ctx context.Context, m server.Move) error {
	rebind := 0
	if m.Rebind {
		rebind = 1
	}
	return t.do(ctx, `INSERT INTO moves (id, license, seat, rebind, at) VALUES ($1, $2, $3, $4, $5)`,
		m.ID, m.License, m.Seat, rebind, m.At)
}

func (t *tx) Moves(ctx context.Context, license string, since int64) ([]server.Move, error) {
	return list(ctx, t, func(s scanner) (m server.Move, err error) {
		var rebind int64
		err = s.Scan(&m.ID, &m.License, &m.Seat, &rebind, &m.At)
		m.Rebind = rebind != 0
		return m, err
	}, `SELECT id, license, seat, rebind, at FROM moves WHERE license = $1 AND at > $2 ORDER BY at, id`, license, since)
}

func (t *tx) Rebinds(ctx context.Context, license, seat string, since int64) (int, error) {
	n, err := one(ctx, t, scanNumber, `SELECT COUNT(*) FROM moves WHERE license = $1 AND seat = $2 AND rebind = 1 AND at > $3`,
		license, seat, since)
	return int(n), err
}

func (t *tx) MoveHistory(ctx context.Context, fromSeat, toSeat string) error {
	return t.do(ctx, `UPDATE moves SET seat = $2 WHERE seat = $1`, fromSeat, toSeat)
}

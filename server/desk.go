package server

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/counterfoil-dev/counterfoil/internal/wire"
	"github.com/counterfoil-dev/counterfoil/lease"
)

// Desk answers devices. It is safe for concurrent use.
type Desk struct {
	cfg       Config
	keys      keyring
	passwords *passwords
}

// NewDesk returns a Desk. In a new database it makes the first signing key.
func NewDesk(ctx context.Context, cfg Config) (*Desk, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("server: %w", err)
	}
	if err := cfg.prepare(ctx); err != nil {
		return nil, err
	}
	d := &Desk{cfg: cfg, passwords: newPasswords()}
	d.keys.store, d.keys.secret = cfg.Store, cfg.Secret
	_, err = d.keys.keys(ctx)
	return d, err
}

// Request is what a decision is bound to, and who asks for it.
type Request struct {
	Nonce string // as wire.Decode returns it
	Hash  string // wire.Hash of method, path and body
	Token string // of the Authorization header; "" for none
}

// Reply is a decision, and the signed answer that tells it.
type Reply struct {
	Code       wire.Code
	Statement  string
	RetryAfter int // seconds; 0: no advice
}

// result is what the rules make of a request.
type result struct {
	code     wire.Code
	lease    *lease.Lease // lacks its times
	runs     int64        // seconds that the lease runs
	token    string
	licenses []lease.Choice
	wait     time.Duration
}

func refused(c wire.Code) result { return result{code: c} }

// Refuse signs a refusal that the caller decided on. The wait is 0 for no advice when to come back.
func (d *Desk) Refuse(ctx context.Context, req Request, c wire.Code, wait time.Duration) (Reply, error) {
	return d.sign(ctx, req, d.cfg.Now(), result{code: c, wait: wait})
}

// answer applies a rule and signs what it says. An error is a failure of this server, not a refusal.
func (d *Desk) answer(ctx context.Context, req Request, rule func(now time.Time) (result, error)) (Reply, error) {
	now := d.cfg.Now()
	res, err := rule(now)
	if errors.Is(err, ErrBusy) {
		res, err = result{code: wire.Busy, wait: 5 * time.Second}, nil
	}
	if err != nil {
		return Reply{}, err
	}
	return d.sign(ctx, req, now, res)
}

func (d *Desk) sign(ctx context.Context, req Request, now time.Time, res result) (Reply, error) {
	k, err := d.keys.keys(ctx)
	if err != nil {
		return Reply{}, err
	}
	a := lease.Answer{
		Code:     string(res.code),
		Nonce:    req.Nonce,
		Request:  req.Hash,
		IssuedAt: now.Unix(),
		Token:    res.token,
		Licenses: res.licenses,
	}
	if res.wait > 0 {
		a.RetryAfter = int((res.wait + time.Second - 1) / time.Second)
	}
	if l := res.lease; l != nil {
		l.IssuedAt, l.LeaseEnd = now.Unix(), now.Unix()+res.runs
		if a.Lease, err = k.signer.SignLease(*l); err != nil {
			return Reply{}, err
		}
	}
	statement, err := k.signer.SignAnswer(a)
	if err != nil {
		return Reply{}, err
	}
	return Reply{Code: res.code, Statement: statement, RetryAfter: a.RetryAfter}, nil
}

// KeySet returns the keys that this server signs and has signed with.
func (d *Desk) KeySet(ctx context.Context) (lease.KeySet, error) {
	k, err := d.keys.keys(ctx)
	if err != nil {
		return lease.KeySet{}, err
	}
	return k.all, nil
}

// Ready reports whether requests can be served now: the database answers, and there is a key to sign with.
func (d *Desk) Ready(ctx context.Context) error {
	_, err := d.keys.load(ctx)
	return err
}

// permit is an ok with a lease for the holder over the given fingerprints.
func permit(h Holder, prints map[string]string) result {
	l := h.License
	return result{code: wire.OK, runs: h.Product.Lease, lease: &lease.Lease{
		Product:      l.Product,
		License:      l.ID,
		Activation:   h.Installation.ID,
		Kind:         l.Kind,
		Status:       lease.StatusActive,
		Edition:      l.Edition,
		Entitlements: h.Edition.Merge(l.Entitlements),
		Seats:        lease.Seats{Used: l.Used, Total: l.Seats},
		Fingerprints: prints,
		LicenseEnd:   l.End,
	}}
}

// issue gives an installation one more token. The installation's count is for the caller to store.
func issue(ctx context.Context, tx Tx, in *Installation) (string, error) {
	token := newToken()
	hash, _ := HashToken(token)
	in.Issued++
	if err := tx.AddToken(ctx, Token{Hash: hash, Installation: in.ID, Number: in.Issued}); err != nil {
		return "", err
	}
	return token, tx.DropUnused(ctx, in.ID, in.Issued-maxUnusedTokens)
}

// use notes that a token was honored. At its first use the earlier tokens of the installation end, and the vendor's
// wish for a newer one may be fulfilled. The installation is for the caller to store if changed says so.
func use(ctx context.Context, tx Tx, h *Holder, now int64) (changed bool, err error) {
	t := &h.Token
	if t.Hash == "" || t.Used != 0 {
		return false, nil
	}
	t.Used = now
	h.Installation.Seen = now
	if t.Number >= h.Installation.Renew {
		h.Installation.Renew = 0
	}
	return true, tx.UseToken(ctx, *t, now)
}

// charge takes one from an allowance. A code other than OK refuses.
func charge(ctx context.Context, tx Tx, key string, now time.Time, r Rate) (result, error) {
	wait, err := tx.Charge(ctx, key, now.UnixNano(), int64(r.Every), int64(r.Burst))
	if err != nil || wait <= 0 {
		return result{code: wire.OK}, err
	}
	return result{code: wire.RateLimited, wait: time.Duration(wait)}, nil
}

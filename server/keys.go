package server

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/counterfoil-dev/counterfoil/lease"
)

// SealedKey is a signing key as the server keeps it.
type SealedKey struct {
	ID      string
	Public  string // in the form that lease.MustKeySet takes
	Sealed  string // the private half, encrypted under the Secret; "" once retired
	Created int64  // Unix seconds
	Retired int64  // Unix seconds; 0: not
}

// keysFresh is how long a replica may go on without looking whether another one added or retired a key.
const keysFresh = time.Second

// keyring holds the keys of the store, decrypted. The oldest one that is not retired signs. So a new key can be pinned
// by a release of the program before the first statement bears it.
type keyring struct {
	store  Store
	secret Secret

	current atomic.Pointer[keys]
	loading sync.Mutex
}

type keys struct {
	loaded time.Time
	signer *lease.Signer
	all    lease.KeySet // retired ones too: leases outlive them
}

// keys returns keys that were in the store a moment ago.
func (k *keyring) keys(ctx context.Context) (*keys, error) {
	c := k.current.Load()
	if c != nil && time.Since(c.loaded) < keysFresh {
		return c, nil
	}
	if c != nil && !k.loading.TryLock() {
		return c, nil // somebody is looking already
	}
	if c == nil {
		k.loading.Lock()
	}
	defer k.loading.Unlock()
	fresh, err := k.load(ctx)
	if err != nil {
		return nil, err
	}
	k.current.Store(fresh)
	return fresh, nil
}

func (k *keyring) load(ctx context.Context) (*keys, error) {
	loaded := time.Now()
	var list []SealedKey
	err := k.store.View(ctx, func(tx Tx) (err error) {
		list, err = tx.Keys(ctx)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("signing keys: %w", err)
	}
	ks := &keys{loaded: loaded}
	var public []string
	for _, s := range list {
		public = append(public, s.Public)
		if s.Retired != 0 || ks.signer != nil {
			continue
		}
		seed, err := k.secret.open(s.ID, s.Sealed)
		if err != nil {
			return nil, err
		}
		if len(seed) != ed25519.SeedSize {
			return nil, fmt.Errorf("signing key %q: %d bytes", s.ID, len(seed))
		}
		if ks.signer, err = lease.NewSigner(s.ID, ed25519.NewKeyFromSeed(seed)); err != nil {
			return nil, err
		}
	}
	if ks.signer == nil {
		return nil, errors.New("signing keys: there is none; run `counterfoild keys add`")
	}
	if ks.all, err = lease.ParseKeySet(public...); err != nil {
		return nil, err
	}
	return ks, nil
}

// newKey makes a signing key of the given id.
func newKey(secret Secret, id string, now int64) (SealedKey, error) {
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return SealedKey{}, err
	}
	s, err := lease.NewSigner(id, private)
	if err != nil {
		return SealedKey{}, err
	}
	return SealedKey{ID: id, Public: s.PublicKey(), Sealed: secret.seal(id, private.Seed()), Created: now}, nil
}

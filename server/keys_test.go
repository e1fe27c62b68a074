package server_test

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/counterfoil-dev/counterfoil/server"
	"github.com/counterfoil-dev/counterfoil/server/sqlstore"
)

// meeting is a store whose updates go on after Keys once two of them have read, or after a while.
type meeting struct {
	server.Store
	reads chan struct{}
}

func (m meeting) Update(ctx context.Context, f func(server.Tx) error) error {
	return m.Store.Update(ctx, func(tx server.Tx) error { return f(meetingTx{tx, m.reads}) })
}

type meetingTx struct {
	server.Tx
	reads chan struct{}
}

func (m meetingTx) Keys(ctx context.Context) ([]server.SealedKey, error) {
	list, err := m.Tx.Keys(ctx)
	late := time.After(300 * time.Millisecond)
	select {
	case m.reads <- struct{}{}:
	case <-m.reads:
	case <-late:
	}
	return list, err
}

// meets returns a vendor on the rig's database whose changes of keys meet.
func (r *rig) meets(t *testing.T) *server.Vendor {
	t.Helper()
	cfg := r.cfg
	cfg.Store = meeting{r.db, make(chan struct{})}
	v, err := server.NewVendor(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestAddKeyRace: of two keys that are made at once, both are there afterwards.
func TestAddKeyRace(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, url string) {
		r := newRig(t, url, plenty)
		v := r.meets(t)
		made := make([]server.SealedKey, 2)
		var group sync.WaitGroup
		for i := range made {
			group.Go(func() {
				var err error
				if made[i], err = v.AddKey(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		list, err := r.vendor.Keys(t.Context())
		if err != nil || len(list) != 3 {
			t.Fatalf("%d keys, %v", len(list), err)
		}
		for _, k := range made {
			if k.Public != list[1].Public && k.Public != list[2].Public {
				t.Errorf("key %s is not in the database", k.Public)
			}
		}
	})
}

// unlocked is a replica that does not lock, and reads the keys too early.
type unlocked struct {
	server.Store
	early *int
}

func (u unlocked) Update(ctx context.Context, f func(server.Tx) error) error {
	return u.Store.Update(ctx, func(tx server.Tx) error { return f(unlockedTx{tx, u.early}) })
}

type unlockedTx struct {
	server.Tx
	early *int
}

func (u unlockedTx) Keys(ctx context.Context) ([]server.SealedKey, error) {
	list, err := u.Tx.Keys(ctx)
	if *u.early > 0 {
		*u.early--
		list = list[:1]
	}
	return list, err
}

// TestAddKeyTwice: an id that another replica took meanwhile is tried again with the next one.
func TestAddKeyTwice(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, url string) {
		r := newRig(t, url, plenty)
		k2, err := r.vendor.AddKey(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		early := 1
		cfg := r.cfg
		cfg.Store = unlocked{r.db, &early}
		v, err := server.NewVendor(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		k3, err := v.AddKey(t.Context())
		if err != nil || k3.ID != "k3" || k3.Public == k2.Public {
			t.Errorf("key %q, %v", k3.ID, err)
		}
		early = 9
		if k, err := v.AddKey(t.Context()); !errors.Is(err, server.ErrExists) || k != (server.SealedKey{}) {
			t.Errorf("key %q, %v", k.ID, err)
		}
	})
}

// TestRetireRace: two keys that are retired at once are not both.
func TestRetireRace(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, url string) {
		r := newRig(t, url, plenty)
		if _, err := r.vendor.AddKey(t.Context()); err != nil {
			t.Fatal(err)
		}
		v := r.meets(t)
		errs := make([]error, 2)
		var group sync.WaitGroup
		for i, id := range []string{"k1", "k2"} {
			group.Go(func() { errs[i] = v.RetireKey(t.Context(), id) })
		}
		group.Wait()
		if (errs[0] == nil) == (errs[1] == nil) || !errors.Is(errors.Join(errs...), server.ErrInvalid) {
			t.Errorf("retired: %v", errs)
		}
		if err := r.desk.Ready(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// TestRestoreKeys: a restored backup neither destroys a key that was made since nor revives one that was retired since.
func TestRestoreKeys(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, url string) {
		r := newRig(t, url, plenty)
		r.sell(t, server.Terms{})
		var b bytes.Buffer
		if _, err := r.db.Backup(t.Context(), &b); err != nil {
			t.Fatal(err)
		}
		if _, err := r.vendor.AddKey(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := r.vendor.RetireKey(t.Context(), "k1"); err != nil {
			t.Fatal(err)
		}
		before, err := r.vendor.Keys(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.db.Restore(t.Context(), bytes.NewReader(b.Bytes()), true); err != nil {
			t.Fatal(err)
		}
		after, err := r.vendor.Keys(t.Context())
		if err != nil || len(after) != 2 || after[0] != before[0] || after[1] != before[1] {
			t.Errorf("keys %v, before %v, %v", after, before, err)
		}
	})
}

// TestRestoreSecret: a backup of another master key replaces nothing but what a server makes at its first start.
func TestRestoreSecret(t *testing.T) {
	t.Parallel()
	other := newRig(t, filepath.Join(t.TempDir(), "other.db"), plenty)
	id, _ := other.sell(t, server.Terms{})
	var b bytes.Buffer
	if _, err := other.db.Backup(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	engines(t, func(t *testing.T, url string) {
		r := newRig(t, url, plenty)
		if _, err := r.vendor.PutProduct(t.Context(), server.Product{Name: product}); err != nil {
			t.Fatal(err)
		}
		if _, err := r.db.Restore(t.Context(), bytes.NewReader(b.Bytes()), false); !errors.Is(err, sqlstore.ErrNotEmpty) {
			t.Errorf("a product alone: %v", err)
		}
		if _, err := r.db.Restore(t.Context(), bytes.NewReader(b.Bytes()), true); !errors.Is(err, server.ErrSecret) {
			t.Errorf("another master key: %v", err)
		}
		if _, err := server.NewDesk(t.Context(), r.cfg); err != nil {
			t.Errorf("after the refusal: %v", err)
		}
	})
	engines(t, func(t *testing.T, url string) {
		r := newRig(t, url, plenty)
		if _, err := r.db.Restore(t.Context(), bytes.NewReader(b.Bytes()), false); err != nil {
			t.Fatal(err)
		}
		r.cfg.Secret = other.cfg.Secret
		v, err := server.NewVendor(t.Context(), r.cfg)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := v.License(t.Context(), id); err != nil {
			t.Error(err)
		}
	})
	engines(t, func(t *testing.T, url string) {
		r := newRig(t, url, plenty)
		if _, err := r.vendor.AddKey(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := r.db.Restore(t.Context(), bytes.NewReader(b.Bytes()), false); !errors.Is(err, sqlstore.ErrNotEmpty) {
			t.Errorf("a second key alone: %v", err)
		}
	})
}

package sqlstore_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/counterfoil-dev/counterfoil/lease"
	"github.com/counterfoil-dev/counterfoil/server"
	"github.com/counterfoil-dev/counterfoil/server/sqlstore"
)

// fill adds licenses with a code and an installation each.
func fill(ctx context.Context, db *sqlstore.DB, from, to int) error {
	return db.Update(ctx, func(tx server.Tx) error {
		for i := from; i < to; i++ {
			id := fmt.Sprintf("lic_%03d", i)
			if err := errors.Join(
				tx.PutProduct(ctx, server.Product{Name: "acme-editor", Lease: 5, Offline: 6, Created: 1 << 53}),
				tx.PutEdition(ctx, server.Edition{Product: "acme-editor", Name: "pro", Entitlements: server.Entitlements{"a": {}}}),
				tx.AddLicense(ctx, server.License{ID: id, Terms: server.Terms{Product: "acme-editor", Kind: lease.KindSingle, Edition: "pro", Note: "ä\n\"€"}, Used: 1}),
				tx.AddCode(ctx, server.Code{Hash: "c" + id, License: id}),
				tx.AddInstallation(ctx, server.Installation{ID: "act_" + id, Seat: "s" + id, License: id, Prints: server.Prints{"os-install": id}}),
				tx.AddToken(ctx, server.Token{Hash: "t" + id, Installation: "act_" + id, Number: 1}),
				tx.AddMove(ctx, server.Move{ID: "m" + id, License: id, Seat: "s" + id, Rebind: true, At: 3}),
				tx.InitMeta(ctx, "mark", "x"),
				tx.InitKey(ctx, server.SealedKey{ID: "k1", Public: "p", Sealed: "s"}),
			); err != nil {
				return err
			}
		}
		if from > 0 {
			return nil
		}
		return errors.Join(tx.AddAccount(ctx, server.Account{ID: "acc_1", Email: "a@example.com", Password: "p"}), tx.Claim(ctx, "acc_1", "lic_000"))
	})
}

func backup(t *testing.T, db *sqlstore.DB) []byte {
	t.Helper()
	var b bytes.Buffer
	if _, err := db.Backup(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// sorted is a backup without regard to the order of rows.
func sorted(b []byte) map[string]int {
	lines := make(map[string]int)
	for l := range strings.Lines(string(b)) {
		lines[l]++
	}
	return lines
}

// TestBackup goes from each engine to each.
func TestBackup(t *testing.T) {
	t.Parallel()
	makers := map[string]func(t *testing.T) *sqlstore.DB{
		"sqlite":     func(t *testing.T) *sqlstore.DB { return open(t, sqliteFile(t)) },
		"postgresql": func(t *testing.T) *sqlstore.DB { return open(t, postgres.URL(t)) },
	}
	for from, openFrom := range makers {
		for to, openTo := range makers {
			t.Run(from+" to "+to, func(t *testing.T) {
				t.Parallel()
				a, b := openFrom(t), openTo(t)
				if err := fill(t.Context(), a, 0, 20); err != nil {
					t.Fatal(err)
				}
				if err := fill(t.Context(), b, 0, 3); err != nil {
					t.Fatal(err)
				}
				text := backup(t, a)
				if _, err := b.Restore(t.Context(), bytes.NewReader(text), false); !errors.Is(err, sqlstore.ErrNotEmpty) {
					t.Fatalf("restore over licenses: %v", err)
				}
				if _, err := b.Restore(t.Context(), bytes.NewReader(text), true); err != nil {
					t.Fatal(err)
				}
				if again := backup(t, b); !reflect.DeepEqual(sorted(again), sorted(text)) {
					t.Errorf("restored:\n%s\nwant:\n%s", again, text)
				}
			})
		}
	}
}

func TestRestoreDamaged(t *testing.T) {
	t.Parallel()
	db := open(t, sqliteFile(t))
	if err := fill(t.Context(), db, 0, 3); err != nil {
		t.Fatal(err)
	}
	good := string(backup(t, db))
	lines := strings.SplitAfter(strings.TrimSuffix(good, "\n"), "\n")
	for name, text := range map[string]string{
		"empty":         "",
		"other file":    "SQLite format 3\n",
		"later version": strings.Replace(good, `"version":1`, `"version":2`, 1),
		"cut":           strings.Join(lines[:len(lines)-1], ""),
		"row missing":   strings.Join(append(append([]string{}, lines[:3]...), lines[4:]...), ""),
		"behind end":    good + lines[2],
		"other table":   strings.Replace(good, `["codes"`, `["kodes"`, 1),
		"short row":     strings.Replace(good, `["codes","clic_000",`, `["codes",`, 1),
		"twice":         strings.Join(append(append([]string{}, lines[:4]...), lines[3:]...), ""),
		"not a number":  strings.Replace(good, `9007199254740992`, `1.5`, 1),
	} {
		if text == good {
			t.Errorf("%s: nothing is damaged", name)
		}
		if _, err := db.Restore(t.Context(), strings.NewReader(text), true); err == nil {
			t.Errorf("%s: restored", name)
		}
		if again := backup(t, db); string(again) != good {
			t.Fatalf("%s: the failed restore changed the database", name)
		}
	}
}

// TestBackupUnderLoad: what one transaction wrote is in a backup as a whole, or not at all.
func TestBackupUnderLoad(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]func() string{
		"sqlite": func() string { return sqliteFile(t) }, "postgresql": func() string { return postgres.URL(t) },
	} {
		db := open(t, url())
		t.Run(name, func(t *testing.T) {
			if err := fill(t.Context(), db, 0, 1); err != nil {
				t.Fatal(err)
			}
			var load sync.WaitGroup
			defer load.Wait()
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			load.Go(func() {
				for i := 1; ctx.Err() == nil && i < 900; i += 3 {
					if err := fill(ctx, db, i, i+3); err != nil && ctx.Err() == nil {
						t.Error(err)
					}
				}
			})
			for range 10 {
				text := string(backup(t, db))
				counts := []int{strings.Count(text, `["licenses"`), strings.Count(text, `["codes"`), strings.Count(text, `["installations"`), strings.Count(text, `["tokens"`), strings.Count(text, `["fingerprints"`), strings.Count(text, `["moves"`)}
				for _, n := range counts {
					if n != counts[0] || n%3 != 1 {
						t.Fatalf("half a transaction: %v", counts)
					}
				}
			}
		})
	}
}

// TestOpenRace: any number of replicas may start at once on a new database.
func TestOpenRace(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]string{"sqlite": sqliteFile(t), "postgresql": postgres.URL(t)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var group sync.WaitGroup
			for range 4 {
				group.Go(func() {
					db, err := sqlstore.Open(t.Context(), sqlstore.Config{URL: url})
					if err != nil {
						t.Error(err)
						return
					}
					if err := db.Close(); err != nil {
						t.Error(err)
					}
				})
			}
			group.Wait()
		})
	}
}

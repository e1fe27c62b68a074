package server_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/counterfoil-dev/counterfoil/internal/wire"
	"github.com/counterfoil-dev/counterfoil/server"
)

// files reads all files of a folder but those that SQLite shares between processes in memory (-shm).
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := make(map[string]string)
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), "-shm") {
			continue
		}
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		all[e.Name()] = string(b)
	}
	return all
}

// TestCheckWritesNothing: after the first use of a token, a thousand checks leave the database as it was, byte for byte.
func TestCheckWritesNothing(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, url string) {
		r := newRig(t, url, server.Limits{})
		_, code := r.sell(t, server.Terms{Seats: 2})
		d := newDevice(r.desk)
		want(t, wire.OK, d.redeem(t, code))
		want(t, wire.OK, d.check(t))
		state := func() string {
			if r.db.Engine() == "sqlite" {
				return fmt.Sprint(files(t, filepath.Dir(url)))
			}
			var b bytes.Buffer
			if _, err := r.db.Backup(t.Context(), &b); err != nil {
				t.Fatal(err)
			}
			return b.String()
		}
		before := state()
		for i := range 1000 {
			want(t, wire.OK, d.check(t))
			if i == 500 {
				r.advance(24 * time.Hour)
			}
		}
		stranger := newDevice(r.desk)
		stranger.token = d.token
		want(t, wire.WrongDevice, stranger.check(t))
		stranger.token = "cft_x"
		want(t, wire.TokenUnknown, stranger.check(t))
		if state() != before {
			t.Error("checks wrote into the database")
		}
	})
}

// TestNothingInClear: the database holds no code, token, password or fingerprint, not even one that was refused.
func TestNothingInClear(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "test.db")
	r := newRig(t, path, server.Limits{})
	id, code := r.sell(t, server.Terms{Seats: 1})
	if _, err := r.vendor.AddAccount(t.Context(), "jo@example.com", "canary-password", id); err != nil {
		t.Fatal(err)
	}
	d, refused := newDevice(r.desk), newDevice(r.desk)
	want(t, wire.OK, d.redeem(t, code))
	first := d.token
	want(t, wire.OK, d.check(t))
	want(t, wire.SeatsUsed, refused.redeem(t, code))
	wrong := wire.NewCode()
	want(t, wire.CodeInvalid, refused.redeem(t, wrong))
	want(t, wire.CredentialsWrong, refused.signIn(t, "unknown@example.com", "canary-wrong"))
	d.prints = map[string]string{"bios-uuid": "fp1:" + wire.NewNonce()}
	want(t, wire.OK, d.rebind(t))

	canaries := map[string]string{
		"code": code, "code without hyphens": strings.ReplaceAll(code, "-", ""), "wrong code": wrong, "token": first, "token after rebinding": d.token,
		"password": "canary-password", "wrong password": "canary-wrong", "unknown e-mail": "unknown@example.com",
		"fingerprint": d.prints["bios-uuid"], "refused fingerprint": refused.prints["bios-uuid"], "second kind": refused.prints["os-install"],
	}
	for name, text := range files(t, filepath.Dir(path)) {
		for _, c := range contains(text, canaries) {
			t.Errorf("%s: %s in clear", name, c)
		}
	}
}

// TestForgotten: what identifies a device goes when its seat ends; its tokens 90 days later; moves after a year.
func TestForgotten(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, url string) {
		r := newRig(t, url, server.Limits{})
		id, code := r.sell(t, server.Terms{Seats: 1})
		d := newDevice(r.desk)
		a := d.activation()
		a.Code, a.Label = code, "canary-label"
		reply, err := r.desk.Activate(t.Context(), server.Request{Nonce: a.Nonce, Hash: "h"}, a)
		d.keep(t, reply, err)
		dump := func() string {
			var b bytes.Buffer
			if _, err := r.db.Backup(t.Context(), &b); err != nil {
				t.Fatal(err)
			}
			return b.String()
		}
		if !strings.Contains(dump(), "canary-label") || strings.Count(dump(), `["fingerprints"`) != 2 {
			t.Fatal("the test looks at the wrong thing")
		}
		want(t, wire.OK, d.deactivate(t))
		if text := dump(); strings.Contains(text, "canary-label") || strings.Contains(text, `["fingerprints"`) || strings.Contains(text, "bios-uuid") {
			t.Errorf("a deactivated device is still described: %s", text)
		}
		purge := func() {
			t.Helper()
			if err := r.vendor.Purge(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		r.advance(89 * 24 * time.Hour)
		purge()
		want(t, wire.Released, d.check(t))
		r.advance(2 * 24 * time.Hour)
		want(t, wire.TokenUnknown, d.check(t))
		purge()
		want(t, wire.TokenUnknown, d.check(t))
		if text := dump(); strings.Contains(text, `["installations"`) || strings.Contains(text, `["tokens"`) || !strings.Contains(text, `["moves"`) {
			t.Errorf("after 91 days: %s", text)
		}
		r.advance(275 * 24 * time.Hour)
		purge()
		if moves, err := r.vendor.Moves(t.Context(), id); err != nil || len(moves) > 0 || strings.Contains(dump(), `["moves"`) {
			t.Errorf("after 366 days: moves %v, %v", moves, err)
		}
	})
}

// TestLastSeat: of many devices that want the last seats at once, on two replicas, as many get one as there are.
func TestLastSeat(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, url string) {
		r := newRig(t, url, plenty)
		const seats = 5
		id, code := r.sell(t, server.Terms{Seats: seats})
		second, err := server.NewDesk(t.Context(), r.cfg)
		if err != nil {
			t.Fatal(err)
		}
		var got, not atomic.Int64
		var group sync.WaitGroup
		for i := range 100 {
			group.Go(func() {
				d := newDevice([]*server.Desk{r.desk, second}[i%2])
				switch a := d.redeem(t, code); a.Code {
				case "ok":
					got.Add(1)
				case "seats_used":
					not.Add(1)
				default:
					t.Errorf("code %s", a.Code)
				}
			})
		}
		group.Wait()
		l, err := r.vendor.License(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if got.Load() != seats || not.Load() != 100-seats || l.Used != seats {
			t.Errorf("%d got a seat, %d did not, the license counts %d of %d", got.Load(), not.Load(), l.Used, seats)
		}
	})
}

// TestSameDeviceAtOnce: a device that activates many times at once takes one seat.
func TestSameDeviceAtOnce(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, url string) {
		r := newRig(t, url, plenty)
		id, code := r.sell(t, server.Terms{Seats: 9})
		one := newDevice(r.desk)
		var group sync.WaitGroup
		for range 30 {
			group.Go(func() {
				d := *one
				want(t, wire.OK, d.redeem(t, code))
			})
		}
		group.Wait()
		list, err := r.vendor.Activations(t.Context(), id)
		l, err2 := r.vendor.License(t.Context(), id)
		if err := errors.Join(err, err2); err != nil || len(list) != 1 || l.Used != 1 {
			t.Errorf("%d activations, %d seats used, %v", len(list), l.Used, err)
		}
		if _, wrong, err := r.vendor.Audit(t.Context()); err != nil || len(wrong) > 0 {
			t.Errorf("audit: %v, %v", wrong, err)
		}
	})
}

// TestTokenBeforeDatabase: what is no token of ours is refused without a look into the database.
func TestTokenBeforeDatabase(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{
		"", "x", "cft_", "cft_" + strings.Repeat("A", 43), "cft_" + strings.Repeat("A", 42), "CFT_" + strings.Repeat("A", 43),
		"cft_" + base64.RawURLEncoding.EncodeToString(make([]byte, 31)), strings.Repeat("A", 5000),
	} {
		if _, ok := server.HashToken(bad); ok {
			t.Errorf("%.60q passes for a token", bad)
		}
	}
	r := newRig(t, filepath.Join(t.TempDir(), "test.db"), server.Limits{})
	_, code := r.sell(t, server.Terms{})
	d := newDevice(r.desk)
	want(t, wire.OK, d.redeem(t, code))
	if _, ok := server.HashToken(d.token); !ok {
		t.Errorf("%q is no token", d.token)
	}
	for i := range len(d.token) {
		b := []byte(d.token)
		b[i] ^= 1
		if _, ok := server.HashToken(string(b)); ok && i != len(b)-1 { // the last character carries 4 bits
			t.Errorf("a change at %d goes unnoticed", i)
		}
	}
	if _, err := server.ParseSecret(""); err == nil {
		t.Error("no secret is a secret")
	}
}

// TestSecret: the database is of no use with another master key, and no way of printing shows one.
func TestSecret(t *testing.T) {
	t.Parallel()
	r := newRig(t, filepath.Join(t.TempDir(), "test.db"), server.Limits{})
	text := server.NewSecretText()
	other, err := server.ParseSecret(" " + text + "\n")
	if err != nil {
		t.Fatal(err)
	}
	cfg := r.cfg
	cfg.Secret = other
	if _, err := server.NewDesk(t.Context(), cfg); !errors.Is(err, server.ErrSecret) {
		t.Errorf("desk with another master key: %v", err)
	}
	if _, err := server.NewVendor(t.Context(), cfg); !errors.Is(err, server.ErrSecret) {
		t.Errorf("vendor with another master key: %v", err)
	}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "secret", other, "config", cfg)
	fmt.Fprintf(&log, "%v %+v %#v %s %x", other, cfg, other, other, other)
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(text, "cfm_"))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(log.String(), text[4:]) || strings.Contains(log.String(), hex.EncodeToString(raw)) {
		t.Errorf("the master key is printed: %s", log.String())
	}
	for _, bad := range []string{"cfm_", text + "A", text[:len(text)-1], strings.Replace(text, "cfm_", "", 1)} {
		if _, err := server.ParseSecret(bad); err == nil || strings.Contains(err.Error(), text[4:20]) {
			t.Errorf("parse: %v", err)
		}
	}
	if _, err := server.NewDesk(t.Context(), server.Config{}); err == nil {
		t.Error("a desk of nothing")
	}
}

// TestKeys: a new key waits until the one before it is retired, on every replica; retired keys still prove old leases.
func TestKeys(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, url string) {
		r := newRig(t, url, server.Limits{})
		_, code := r.sell(t, server.Terms{})
		replica, err := server.NewDesk(t.Context(), r.cfg)
		if err != nil {
			t.Fatal(err)
		}
		d := newDevice(r.desk)
		want(t, wire.OK, d.redeem(t, code))
		old := d.lease
		if id := keyID(t, r.desk, old); id != "k1" {
			t.Fatalf("signed with %s", id)
		}
		if err := r.vendor.RetireKey(t.Context(), "k1"); !errors.Is(err, server.ErrInvalid) {
			t.Errorf("the only key was retired: %v", err)
		}
		if k, err := r.vendor.AddKey(t.Context()); err != nil || k.ID != "k2" {
			t.Fatalf("key %s, %v", k.ID, err)
		}
		want(t, wire.OK, d.check(t))
		if id := keyID(t, r.desk, d.lease); id != "k1" {
			t.Errorf("a key signs that no program can have pinned: %s", id)
		}
		if err := r.vendor.RetireKey(t.Context(), "k1"); err != nil {
			t.Fatal(err)
		}
		if err := r.vendor.RetireKey(t.Context(), "k1"); !errors.Is(err, server.ErrNotFound) {
			t.Errorf("retired twice: %v", err)
		}
		for _, desk := range []*server.Desk{r.desk, replica} {
			d.desk = desk
			tick := time.NewTicker(50 * time.Millisecond)
			defer tick.Stop()
			for start := time.Now(); ; <-tick.C {
				want(t, wire.OK, d.check(t))
				if keyID(t, desk, d.lease) == "k2" {
					break
				}
				if time.Since(start) > 10*time.Second {
					t.Fatal("a replica does not notice the new key")
				}
			}
		}
		d.token, d.lease = "", old
		want(t, wire.OK, d.check(t))
		keys, err := r.vendor.Keys(t.Context())
		if err != nil || keys[0].Sealed != "" || keys[1].Sealed == "" {
			t.Errorf("the private half of a retired key is kept: %v", err)
		}
		// Leases of the retired key run for 400 days at the most; so long programs pin it.
		for days, pinned := range map[int64]bool{0: true, 399: true, 400: false} {
			line := server.KeyLine(keys, keys[0].Retired+days*86400)
			if !strings.Contains(line, keys[1].Public) || strings.Contains(line, keys[0].Public) != pinned {
				t.Errorf("key line after %d days: %s", days, line)
			}
		}
	})
}

// TestClockStepped: a clock wrong by a year, either way, harms no device beyond the wrong time.
func TestClockStepped(t *testing.T) {
	t.Parallel()
	r := newRig(t, filepath.Join(t.TempDir(), "test.db"), server.Limits{})
	id, code := r.sell(t, server.Terms{Seats: 1})
	d := newDevice(r.desk)
	want(t, wire.OK, d.redeem(t, code))
	for _, step := range []time.Duration{365 * 24 * time.Hour, -2 * 365 * 24 * time.Hour, 365 * 24 * time.Hour} {
		r.advance(step)
		want(t, wire.OK, d.check(t))
		if err := r.vendor.Purge(t.Context()); err != nil {
			t.Fatal(err)
		}
		want(t, wire.OK, d.redeem(t, code))
		want(t, wire.OK, d.check(t))
	}
	if l, err := r.vendor.License(t.Context(), id); err != nil || l.Used != 1 {
		t.Errorf("%d seats used, %v", l.Used, err)
	}
}

// TestRestoredBackup: devices that activated since the backup are unknown, and heal by activating again; nobody is
// locked out, no seat doubled.
func TestRestoredBackup(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, url string) {
		r := newRig(t, url, server.Limits{})
		id, code := r.sell(t, server.Terms{Seats: 2})
		before, after := newDevice(r.desk), newDevice(r.desk)
		want(t, wire.OK, before.redeem(t, code))
		var backup bytes.Buffer
		if _, err := r.db.Backup(t.Context(), &backup); err != nil {
			t.Fatal(err)
		}
		want(t, wire.OK, before.check(t))
		want(t, wire.OK, after.redeem(t, code))
		want(t, wire.OK, after.check(t))
		if _, err := r.db.Restore(t.Context(), bytes.NewReader(backup.Bytes()), true); err != nil {
			t.Fatal(err)
		}
		want(t, wire.OK, before.check(t))
		want(t, wire.TokenUnknown, after.check(t))
		for range 2 {
			want(t, wire.OK, after.redeem(t, code))
			want(t, wire.OK, after.check(t))
		}
		l, err := r.vendor.License(t.Context(), id)
		_, wrong, err2 := r.vendor.Audit(t.Context())
		if errors.Join(err, err2) != nil || l.Used != 2 || len(wrong) > 0 {
			t.Errorf("%d seats used, audit %v, %v", l.Used, wrong, errors.Join(err, err2))
		}
	})
}

package token_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/counterfoil-dev/counterfoil/licensetest"
	"github.com/counterfoil-dev/counterfoil/token"
)

// bench is one machine: a keyring, a directory, an environment.
type bench struct {
	ring *licensetest.Keyring
	dir  string
	env  map[string]string
	cfg  token.Config
}

func newBench(t testing.TB) *bench {
	b := &bench{ring: new(licensetest.Keyring), dir: tempDir(t), env: map[string]string{}}
	b.cfg = token.Config{Product: "acme-editor", Dir: b.dir}
	return b
}

// tempDir is t.TempDir, except that a directory that cannot be removed fails no test: Wine lacks what os.RemoveAll
// calls.
func tempDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "token")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// start is a new process on that machine.
func (b *bench) start() *token.Vault { return token.OpenWith(b.cfg, b.ring, b.env) }

func (b *bench) recordPath() string { return filepath.Join(b.dir, "token.json") }

func want(t testing.TB, v *token.Vault, secret string) {
	t.Helper()
	tok, err := v.Get(context.Background())
	if err != nil || tok.Reveal() != secret {
		t.Fatalf("Get: not %q (%d bytes), %v", secret, len(tok.Reveal()), err)
	}
}

func wantErr(t testing.TB, err, sentinel error) {
	t.Helper()
	if !errors.Is(err, sentinel) {
		t.Fatalf("error %v, want %v", err, sentinel)
	}
	e, ok := errors.AsType[*token.Error](err)
	if !ok || e.Op == "" || e.Hint == "" {
		t.Fatalf("error %#v has no operation or hint", err)
	}
}

func put(t testing.TB, v *token.Vault, secret string) {
	t.Helper()
	if err := v.Put(t.Context(), mustToken(t, secret)); err != nil {
		t.Fatal(err)
	}
}

func TestNothingThere(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	_, err := b.start().Get(t.Context())
	wantErr(t, err, token.ErrAbsent)
	b.ring.Remove()
	_, err = b.start().Get(t.Context())
	wantErr(t, err, token.ErrAbsent)
	b.ring.Lock() // and a token may be in there
	_, err = b.start().Get(t.Context())
	wantErr(t, err, token.ErrLocked)
	if _, err := os.Stat(b.recordPath()); err == nil {
		t.Error("reading wrote token.json")
	}
}

func TestOpenAndGetAccessStoresOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	put(t, b.start(), "one")
	before := b.ring.Calls()
	v := b.start()
	if n := b.ring.Calls() - before; n != 0 {
		t.Fatalf("Open made %d accesses", n)
	}
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() { want(t, v, "one") })
	}
	all.Wait()
	if n := b.ring.Calls() - before; n != 1 {
		t.Fatalf("20 concurrent Get made %d accesses", n)
	}
}

// TestWhereANewTokenGoes is the order of stores and the rules for the first token.
func TestWhereANewTokenGoes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		ring   func(*licensetest.Keyring)
		strict bool
		store  token.Kind // where it ends up; KindNone: nowhere
		err    error
	}{
		"keyring":                 {func(k *licensetest.Keyring) {}, false, token.KindKeyring, nil},
		"no keyring":              {(*licensetest.Keyring).Remove, false, token.KindFile, nil},
		"locked":                  {(*licensetest.Keyring).Lock, false, token.KindFile, nil},
		"declined":                {(*licensetest.Keyring).Decline, false, token.KindNone, token.ErrDeclined},
		"too small":               {func(k *licensetest.Keyring) { k.Limit = 5 }, false, token.KindFile, nil},
		"fails":                   {func(k *licensetest.Keyring) { k.FailCall(1, errors.New("broken")) }, false, token.KindFile, nil},
		"read-back fails":         {func(k *licensetest.Keyring) { k.FailCall(2, token.ErrAbsent) }, false, token.KindFile, nil},
		"required, no keyring":    {(*licensetest.Keyring).Remove, true, token.KindNone, token.ErrUnsupported},
		"required, locked":        {(*licensetest.Keyring).Lock, true, token.KindNone, token.ErrLocked},
		"required, too small":     {func(k *licensetest.Keyring) { k.Limit = 5 }, true, token.KindNone, token.ErrTooLarge},
		"required, and available": {func(k *licensetest.Keyring) {}, true, token.KindKeyring, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.cfg.RequireKeyring = c.strict
			c.ring(b.ring)
			v := b.start()
			err := v.Put(t.Context(), mustToken(t, "abcdefgh"))
			if c.err == nil && err != nil {
				t.Fatal(err)
			}
			if c.err != nil {
				wantErr(t, err, c.err)
			}
			want(t, v, "abcdefgh") // a paid activation is never lost for this process
			s := v.Status(t.Context())
			if s.Store != c.store || s.Unsaved != (c.store == token.KindNone) {
				t.Errorf("Status: store %q, unsaved %v", s.Store, s.Unsaved)
			}
			text, _ := os.ReadFile(b.recordPath())
			if in := strings.Contains(string(text), "abcdefgh"); in != (c.store == token.KindFile) {
				t.Errorf("the secret is in token.json: %v", in)
			}
			if c.store != token.KindNone {
				want(t, b.start(), "abcdefgh")
			}
		})
	}
}

// TestNeverAbandoned: once a token is in the keyring, the next goes there or nowhere, and the old one survives.
func TestNeverAbandoned(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]struct {
		ring func(*licensetest.Keyring)
		err  error
	}{
		"locked":     {(*licensetest.Keyring).Lock, token.ErrLocked},
		"declined":   {(*licensetest.Keyring).Decline, token.ErrDeclined},
		"no keyring": {(*licensetest.Keyring).Remove, token.ErrUnsupported},
		"too small":  {func(k *licensetest.Keyring) { k.Limit = 2 }, token.ErrTooLarge},
	} {
		for _, lostRecord := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				b := newBench(t)
				v := b.start()
				put(t, v, "old")
				if lostRecord {
					os.Remove(b.recordPath())
				}
				spoil.ring(b.ring)
				wantErr(t, v.Put(t.Context(), mustToken(t, "new")), spoil.err)
				want(t, v, "new")
				if text, _ := os.ReadFile(b.recordPath()); strings.Contains(string(text), "new") {
					t.Error("the token went into the file")
				}
				b.ring.Open()
				want(t, b.start(), "old")
				b.ring.Limit = 0
				if err := v.Migrate(t.Context()); err != nil { // "store it again"
					t.Fatal(err)
				}
				want(t, b.start(), "new")
			})
		}
	}
}

func TestRequireKeyringReadsAnOldFileAndMovesIt(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.ring.Remove()
	put(t, b.start(), "old")
	b.cfg.RequireKeyring = true
	v := b.start()
	want(t, v, "old")
	wantErr(t, v.Put(t.Context(), mustToken(t, "new")), token.ErrUnsupported)
	want(t, b.start(), "old")
	b.ring.Open()
	put(t, v, "new")
	want(t, b.start(), "new")
	if text, _ := os.ReadFile(b.recordPath()); strings.Contains(string(text), `"secret"`) {
		t.Error("a secret is in the file")
	}
}

// TestDeclinedUnlock: who dismisses the dialog at activation is not answered with a file.
func TestDeclinedUnlock(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.ring.Decline()
	v := b.start()
	_, err := v.Unlock(t.Context())
	wantErr(t, err, token.ErrDeclined)
	b.ring.Lock()
	wantErr(t, v.Put(t.Context(), mustToken(t, "tok")), token.ErrDeclined)
	if _, err := os.Stat(b.recordPath()); err == nil {
		t.Error("a file was written")
	}
	b.ring.Lock()
	w := b.start()
	if _, err := w.Unlock(t.Context()); !errors.Is(err, token.ErrAbsent) {
		t.Errorf("Unlock of an empty keyring: %v", err)
	}
	b.ring.Lock() // by itself, after the person had consented
	put(t, w, "tok")
}

// TestUnlockStoresWhatPutCouldNot: the advice, once followed, must help.
func TestUnlockStoresWhatPutCouldNot(t *testing.T) {
	t.Parallel()
	for name, first := range map[string]string{"first token": "", "later token": "old"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.cfg.RequireKeyring = true
			v := b.start()
			if first != "" {
				put(t, v, first)
			}
			b.ring.Lock()
			wantErr(t, v.Put(t.Context(), mustToken(t, "paid")), token.ErrLocked)
			errBroken := errors.New("broken")
			b.ring.FailCall(2, errBroken) // Unlock reads, then writes
			_, err := v.Unlock(t.Context())
			wantErr(t, err, errBroken)
			if s := v.Status(t.Context()); !s.Unsaved || s.Advice("en") == "" {
				t.Errorf("Status: %+v", s)
			}
			if tok, err := v.Unlock(t.Context()); err != nil || tok.Reveal() != "paid" {
				t.Fatalf("Unlock: %v", err)
			}
			if s := v.Status(t.Context()); s.Unsaved || s.Advice("en") != "" {
				t.Errorf("Status: %+v", s)
			}
			want(t, b.start(), "paid")
		})
	}
}

func TestUnlockBeforeActivatingAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	v := b.start()
	put(t, v, "old")
	b.ring.Lock() // meanwhile
	if _, err := v.Unlock(t.Context()); err != nil {
		t.Fatal(err)
	}
	put(t, v, "new")
	want(t, b.start(), "new")
}

func TestReload(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	service, gui := b.start(), b.start()
	put(t, service, "old")
	put(t, gui, "new")
	want(t, service, "old")
	if tok, err := service.Reload(t.Context()); err != nil || tok.Reveal() != "new" {
		t.Fatalf("Reload: %v", err)
	}
	b.ring.Lock()
	_, err := service.Reload(t.Context())
	wantErr(t, err, token.ErrLocked)
	want(t, service, "new")
	if err := b.start().Delete(t.Context()); !errors.Is(err, token.ErrLocked) {
		t.Fatal(err)
	}
	b.ring.Open()
	if err := gui.Delete(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, err = service.Reload(t.Context())
	wantErr(t, err, token.ErrAbsent)
	_, err = service.Get(t.Context())
	wantErr(t, err, token.ErrAbsent)
	put(t, service, "newer")
	b.ring.Lock()
	service.Put(t.Context(), mustToken(t, "unsaved"))
	if tok, err := service.Reload(t.Context()); err != nil || tok.Reveal() != "unsaved" {
		t.Errorf("Reload lost a token that is nowhere else: %v", err)
	}
}

func TestCustomStore(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	custom := new(licensetest.Keyring)
	b.cfg.Store = custom
	b.env["ACME_EDITOR_LICENSE_TOKEN"] = "from-env"
	v := b.start()
	put(t, v, "tok")
	want(t, b.start(), "tok")
	if b.ring.Calls() != 0 {
		t.Error("the system's keyring was asked")
	}
	if s := v.Status(t.Context()); s.Store != token.KindCustom {
		t.Errorf("Status: %+v", s)
	}
	custom.Lock()
	wantErr(t, v.Put(t.Context(), mustToken(t, "new")), token.ErrLocked)
	want(t, v, "new")
	if entries, _ := os.ReadDir(b.dir); len(entries) != 0 {
		t.Errorf("files appeared: %v", entries)
	}
	custom.Open()
	want(t, b.start(), "tok")
	if err := v.Delete(t.Context()); err != nil || !custom.Token().IsZero() {
		t.Errorf("Delete: %v", err)
	}
	if err := v.Migrate(t.Context()); err != nil {
		t.Errorf("Migrate: %v", err)
	}
}

func TestZeroTokenIsRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	v := b.start()
	put(t, v, "tok")
	wantErr(t, v.Put(t.Context(), token.Token{}), token.ErrInvalid)
	wantErr(t, v.Replace(t.Context(), token.Token{}), token.ErrInvalid)
	want(t, v, "tok")
}

func TestWritersAtOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	v := b.start()
	var all sync.WaitGroup
	for range 4 { // two processes writing at once: one of the tokens stays, whole
		all.Go(func() { put(t, b.start(), "aaaa") })
		all.Go(func() { put(t, b.start(), "bbbb") })
	}
	all.Wait()
	tok, err := v.Get(t.Context())
	if err != nil || tok.Reveal() != "aaaa" && tok.Reveal() != "bbbb" {
		t.Errorf("Get: %v", err)
	}
}

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

func TestFileStaysUntilMigrate(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.ring.Remove()
	put(t, b.start(), "old")
	b.ring.Open() // a keyring appears

	v := b.start()
	put(t, v, "new")
	if !b.ring.Token().IsZero() {
		t.Fatal("the keyring took over silently")
	}
	if s := v.Status(t.Context()); s.Store != token.KindFile || !s.Keyring || s.Advice("en") == "" {
		t.Errorf("Status does not offer Migrate: %+v", s)
	}
	errBroken := errors.New("broken")
	b.ring.FailCall(2, errBroken)
	wantErr(t, v.Migrate(t.Context()), errBroken)
	want(t, b.start(), "new")
	if err := v.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if text, _ := os.ReadFile(b.recordPath()); strings.Contains(string(text), "new") {
		t.Error("the secret is still in the file")
	}
	want(t, b.start(), "new")
	if s := b.start().Status(t.Context()); s.Store != token.KindKeyring {
		t.Errorf("Status: %+v", s)
	}
	if err := v.Migrate(t.Context()); err != nil {
		t.Errorf("second Migrate: %v", err)
	}
}

func TestMigrateAsks(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.ring.Lock()
	v := b.start()
	put(t, v, "tok")
	b.ring.Decline()
	wantErr(t, v.Migrate(t.Context()), token.ErrDeclined)
	want(t, b.start(), "tok")
	b.ring.Lock()
	if err := v.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if b.ring.Token().IsZero() {
		t.Error("nothing in the keyring")
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
	if _, err := v.Unlock(t.Context()); !errors.Is(err, token.ErrAbsent) {
		t.Errorf("Unlock of an empty keyring: %v", err)
	}
	b.ring.Lock() // by itself, after the person had consented
	put(t, v, "tok")
}

// spoiler does something just before the keyring takes a token.
type spoiler struct {
	*licensetest.Keyring
	before func()
}

func (s spoiler) Set(ctx context.Context, t token.Token) error {
	s.before()
	return s.Keyring.Set(ctx, t)
}

// forgetful says that it took a token, and did not.
type forgetful struct{ *licensetest.Keyring }

func (forgetful) Set(context.Context, token.Token) error { return nil }

func TestReadBack(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	put(t, b.start(), "old")
	v := token.OpenWith(b.cfg, forgetful{b.ring}, nil)
	wantErr(t, v.Replace(t.Context(), mustToken(t, "new")), token.ErrLocked)
	want(t, v, "old")
	wantErr(t, v.Put(t.Context(), mustToken(t, "new")), token.ErrLocked)
	want(t, v, "new")
	want(t, b.start(), "old")
}

// TestMigrateCannotWriteTheRecord: as long as token.json says "file", the token must be in it.
func TestMigrateCannotWriteTheRecord(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.ring.Remove()
	put(t, b.start(), "tok")
	b.ring.Open()
	v := token.OpenWith(b.cfg, spoiler{b.ring, func() {
		os.Rename(b.recordPath(), b.recordPath()+".old")
		os.Mkdir(b.recordPath(), 0o700)
	}}, nil)
	wantErr(t, v.Migrate(t.Context()), token.ErrDeclined)
	os.Remove(b.recordPath())
	os.Rename(b.recordPath()+".old", b.recordPath())
	want(t, b.start(), "tok")
	if err := b.start().Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	want(t, b.start(), "tok")
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

// TestReplace: whatever fails at a renewal, this process uses the old token, and the store has the old or the new one.
func TestReplace(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		before func(*bench)
		fail   func(*bench)
		heal   func(*bench)
	}{
		"keyring, write":     {func(*bench) {}, func(b *bench) { b.ring.FailCall(1, errors.New("broken")) }, func(*bench) {}},
		"keyring, read-back": {func(*bench) {}, func(b *bench) { b.ring.FailCall(2, errors.New("broken")) }, func(*bench) {}},
		"keyring, locked":    {func(*bench) {}, func(b *bench) { b.ring.Lock() }, func(b *bench) { b.ring.Open() }},
		"file": {func(b *bench) { b.ring.Remove() }, func(b *bench) {
			os.Rename(b.recordPath(), b.recordPath()+".old")
			os.Mkdir(b.recordPath(), 0o700)
		}, func(b *bench) {
			os.Remove(b.recordPath())
			os.Rename(b.recordPath()+".old", b.recordPath())
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			c.before(b)
			v := b.start()
			put(t, v, "old")
			c.fail(b)
			if _, ok := errors.AsType[*token.Error](v.Replace(t.Context(), mustToken(t, "new"))); !ok {
				t.Fatal("Replace did not fail")
			}
			want(t, v, "old")
			c.heal(b)
			if tok, err := b.start().Get(t.Context()); err != nil || tok.Reveal() != "old" && tok.Reveal() != "new" {
				t.Errorf("afterwards the store has neither: %v", err)
			}
			if err := v.Replace(t.Context(), mustToken(t, "new")); err != nil {
				t.Fatal(err)
			}
			want(t, v, "new")
			want(t, b.start(), "new")
		})
	}
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

func TestDelete(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	v := b.start()
	if err := v.Delete(t.Context()); err != nil {
		t.Errorf("Delete of nothing: %v", err)
	}
	put(t, v, "tok")
	b.ring.Lock()
	wantErr(t, v.Delete(t.Context()), token.ErrLocked)
	want(t, v, "tok") // it can be tried again
	b.ring.Open()
	if err := v.Delete(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, v := range []*token.Vault{v, b.start()} {
		_, err := v.Get(t.Context())
		wantErr(t, err, token.ErrAbsent)
	}
	if !b.ring.Token().IsZero() {
		t.Error("the keyring still has it")
	}
	if _, err := os.Stat(b.recordPath()); err == nil {
		t.Error("token.json is still there")
	}
}

// TestKeyringGoneForGood is the way out for a person whose keyring was removed.
func TestKeyringGoneForGood(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	put(t, b.start(), "old")
	b.ring.Remove()
	v := b.start()
	_, err := v.Get(t.Context())
	wantErr(t, err, token.ErrLocked) // it exists, and may come back
	if errors.Is(err, token.ErrUnsupported) {
		t.Errorf("looks like a place that never had a token: %v", err)
	}
	wantErr(t, v.Delete(t.Context()), token.ErrUnsupported)
	put(t, v, "new")
	want(t, b.start(), "new")
}

func TestDeleteTakesTheCopyThatMigrateLeft(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.ring.Remove()
	v := b.start()
	put(t, v, "tok")
	b.ring.Open()
	if err := b.ring.Set(t.Context(), mustToken(t, "tok")); err != nil {
		t.Fatal(err)
	}
	if err := v.Delete(t.Context()); err != nil || !b.ring.Token().IsZero() {
		t.Errorf("a copy stays in the keyring: %v", err)
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

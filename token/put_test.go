package token_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/counterfoil-dev/counterfoil/licensetest"
	"github.com/counterfoil-dev/counterfoil/token"
)

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

// TestDeleteCannotAskTheKeyring: the file goes, and a copy that may be in the keyring is not passed over in silence.
func TestDeleteCannotAskTheKeyring(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil func(*licensetest.Keyring)
		want  error
	}{
		"locked":   {(*licensetest.Keyring).Lock, token.ErrLocked},
		"declined": {(*licensetest.Keyring).Decline, token.ErrDeclined},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.ring.Lock()
			put(t, b.start(), "tok") // in the file
			b.ring.Open()
			if err := b.ring.Set(t.Context(), mustToken(t, "tok")); err != nil { // Migrate was interrupted
				t.Fatal(err)
			}
			c.spoil(b.ring)
			v := b.start()
			wantErr(t, v.Delete(t.Context()), c.want)
			if _, err := os.Stat(b.recordPath()); err == nil {
				t.Error("token.json is still there")
			}
			b.ring.Open()
			if err := v.Delete(t.Context()); err != nil || !b.ring.Token().IsZero() {
				t.Errorf("Delete, when the keyring is open: %v", err)
			}
		})
	}
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

// TestMigrateOfADamagedFile heals nothing: which token would it be?
func TestMigrateOfADamagedFile(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.ring.Remove()
	put(t, b.start(), "tok")
	b.ring.Open()
	os.Truncate(b.recordPath(), 20)
	if _, ok := errors.AsType[*token.Error](b.start().Migrate(t.Context())); !ok || !b.ring.Token().IsZero() {
		t.Error("a damaged file was migrated")
	}
}

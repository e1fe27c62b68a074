package token_test

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/counterfoil-dev/counterfoil/token"
)

// TestBadFiles: what may be wrong with token.json. Reading says what, writing does no harm, and what was there
// survives.
func TestBadFiles(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil  func(t *testing.T, path string)
		get    error
		heals  bool // the next Put works
		unless func() string
	}{
		"truncated": {spoil: func(t *testing.T, path string) {
			text, _ := os.ReadFile(path)
			os.WriteFile(path, text[:len(text)-5], 0o600)
		}, get: token.ErrAbsent, heals: true},
		"empty":     {spoil: func(t *testing.T, path string) { os.Truncate(path, 0) }, get: token.ErrAbsent, heals: true},
		"oversized": {spoil: func(t *testing.T, path string) { os.Truncate(path, 1<<20) }, get: token.ErrAbsent, heals: true},
		"world-readable": {spoil: func(t *testing.T, path string) { os.Chmod(path, 0o644) },
			get: token.ErrDeclined, unless: noModes},
		"symlink": {spoil: func(t *testing.T, path string) {
			os.Rename(path, path+".moved")
			if err := os.Symlink(path+".moved", path); err != nil {
				t.Fatal(err)
			}
		}, get: token.ErrDeclined, unless: noModes},
		"a directory": {spoil: func(t *testing.T, path string) {
			os.Remove(path)
			os.Mkdir(path, 0o700)
		}, get: token.ErrDeclined},
		"someone else's": {spoil: func(t *testing.T, path string) {
			if err := os.Chown(path, 12345, -1); err != nil {
				t.Fatal(err)
			}
		}, get: token.ErrDeclined, unless: notRoot},
		"gone":           {spoil: func(t *testing.T, path string) { os.Remove(path) }, get: token.ErrAbsent, heals: true},
		"directory gone": {spoil: func(t *testing.T, path string) { removeDir(t, filepath.Dir(path)) }, get: token.ErrAbsent, heals: true},
		"directory a file": {spoil: func(t *testing.T, path string) { replaceByFile(t, filepath.Dir(path)) },
			get: token.ErrDeclined, unless: noModes},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if c.unless != nil {
				if reason := c.unless(); reason != "" {
					t.Skip(reason) // .ci/token/files runs this as root and as an ordinary user
				}
			}
			b := newBench(t)
			b.dir = filepath.Join(b.dir, "state")
			b.cfg.Dir = b.dir
			b.ring.Remove()
			put(t, b.start(), "old-token")
			c.spoil(t, b.recordPath())

			v := b.start()
			_, err := v.Get(t.Context())
			wantErr(t, err, c.get)
			if strings.Contains(err.Error(), "old-token") {
				t.Errorf("the error shows the secret: %v", err)
			}
			err = v.Put(t.Context(), mustToken(t, "new"))
			if c.heals {
				if err != nil {
					t.Fatal(err)
				}
				want(t, b.start(), "new")
				kept, _ := filepath.Glob(b.recordPath() + ".damaged-*")
				if gone := strings.Contains(name, "gone"); gone == (len(kept) == 1) {
					t.Errorf("set aside for support: %v", kept)
				}
			} else {
				wantErr(t, err, token.ErrDeclined)
				if strings.Contains(name, "symlink") {
					if text, _ := os.ReadFile(b.recordPath() + ".moved"); !strings.Contains(string(text), "old-token") {
						t.Error("the file behind the link was changed")
					}
				}
			}
			want(t, v, "new")
		})
	}
}

// noModes is for Windows: access lists in place of modes, links that need a privilege, and "not found" for a path
// through a file.
func noModes() string {
	if runtime.GOOS == "windows" {
		return "Windows has no such thing"
	}
	return ""
}

func notRoot() string {
	if os.Geteuid() != 0 {
		return "only root can give files away"
	}
	return ""
}

// removeDir does what os.RemoveAll does, also under Wine.
func removeDir(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		err = errors.Join(err, os.Remove(filepath.Join(dir, e.Name())))
	}
	if err = errors.Join(err, os.Remove(dir)); err != nil {
		t.Fatal(err)
	}
}

func replaceByFile(t *testing.T, dir string) {
	t.Helper()
	removeDir(t, dir)
	if err := os.WriteFile(dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestReadOnlyDirectory(t *testing.T) {
	t.Parallel()
	if os.Geteuid() == 0 || runtime.GOOS == "windows" {
		t.Skip("root may write everywhere") // .ci/token/files runs this as an ordinary user
	}
	b := newBench(t)
	b.ring.Remove()
	put(t, b.start(), "old")
	os.Chmod(b.dir, 0o500)
	t.Cleanup(func() { os.Chmod(b.dir, 0o700) })
	v := b.start()
	wantErr(t, v.Put(t.Context(), mustToken(t, "new")), token.ErrUnsupported)
	want(t, v, "new")
	want(t, b.start(), "old")

	// A keyring needs no directory: what it holds is found without a record.
	os.Chmod(b.dir, 0o700)
	os.Remove(b.recordPath())
	os.Chmod(b.dir, 0o500)
	b.ring.Open()
	put(t, v, "newer")
	want(t, b.start(), "newer")
}

// TestDiskFull needs a directory on a small file system of its own, which .ci/token/files mounts.
func TestDiskFull(t *testing.T) {
	dir := os.Getenv("COUNTERFOIL_SMALL_DISK")
	if dir == "" {
		t.Skip("no small file system given")
	}
	b := newBench(t)
	b.dir, b.cfg.Dir = dir, dir
	b.ring.Remove()
	put(t, b.start(), "old")
	filler, err := os.Create(filepath.Join(dir, "filler"))
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = filler.Write(make([]byte, 512))
	}
	v := b.start()
	wantErr(t, v.Put(t.Context(), mustToken(t, strings.Repeat("n", token.MaxSize))), token.ErrLocked)
	want(t, b.start(), "old")
	filler.Close()
	os.Remove(filler.Name())
	put(t, v, "new")
	want(t, b.start(), "new")
}

func TestDamagedRecordOfAKeyring(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	put(t, b.start(), "tok")
	os.Truncate(b.recordPath(), 10)
	want(t, b.start(), "tok") // the item was not lost
	b.ring.Lock()
	_, err := b.start().Get(t.Context())
	wantErr(t, err, token.ErrLocked)
	for range 2 { // the token in the keyring is not left behind, however often one tries
		v := b.start()
		wantErr(t, v.Put(t.Context(), mustToken(t, "new")), token.ErrLocked)
		want(t, v, "new")
	}
	b.ring.Open()
	put(t, b.start(), "new")
	if kept, _ := filepath.Glob(b.recordPath() + ".damaged-*"); len(kept) != 1 {
		t.Errorf("set aside for support: %v", kept)
	}
	b.ring.Remove()
	_, err = b.start().Get(t.Context())
	wantErr(t, err, token.ErrLocked)
}

// TestRecordOfAKeyringComesLater: where the record could not be written, Status says so, and the next read writes it.
func TestRecordOfAKeyringComesLater(t *testing.T) {
	t.Parallel()
	if reason := noModes(); reason != "" {
		t.Skip(reason) // .ci/token/files runs this
	}
	b := newBench(t)
	if err := b.ring.Set(t.Context(), mustToken(t, "paid")); err != nil {
		t.Fatal(err)
	}
	good := b.cfg.Dir
	b.cfg.Dir = filepath.Join(good, "link") // leads nowhere, so nothing is there, and it cannot be made
	if err := os.Symlink(filepath.Join(good, "no", "where"), b.cfg.Dir); err != nil {
		t.Fatal(err)
	}
	for _, do := range []func(*token.Vault){
		func(v *token.Vault) { want(t, v, "paid") },
		func(v *token.Vault) { put(t, v, "paid") },
	} {
		v := b.start()
		do(v)
		if s := v.Status(t.Context()); s.Err == nil || s.Advice("en") == "" || s.Unsaved {
			t.Errorf("Status: %+v", s)
		}
	}
	b.cfg.Dir = good
	want(t, b.start(), "paid")
	b.ring.Remove() // a session without a keyring
	v := b.start()
	_, err := v.Get(t.Context())
	wantErr(t, err, token.ErrLocked) // and not ErrAbsent
	wantErr(t, v.Put(t.Context(), mustToken(t, "second")), token.ErrUnsupported)
}

func TestFileIsPrivateAndSaysWhatItIs(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.ring.Remove()
	put(t, b.start(), "tok")
	info, err := os.Stat(b.recordPath())
	if err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	text, _ := os.ReadFile(b.recordPath())
	for _, part := range []string{"license of acme-editor on this device, in clear text", "unverschlüsselt", `"store": "file"`} {
		if !strings.Contains(string(text), part) {
			t.Errorf("token.json does not say %q:\n%s", part, text)
		}
	}
}

func TestFromOutside(t *testing.T) {
	t.Parallel()
	write := func(t *testing.T, path, content string) string {
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	const variable = "ACME_EDITOR_LICENSE_TOKEN"
	for name, c := range map[string]struct {
		env  func(t *testing.T, dir string) map[string]string
		kind token.Kind
		err  error
	}{
		"variable": {func(t *testing.T, dir string) map[string]string {
			return map[string]string{variable: " tok\n", variable + "_FILE": "/nonexistent"}
		}, token.KindEnvironment, nil},
		"file": {func(t *testing.T, dir string) map[string]string {
			return map[string]string{variable: "", variable + "_FILE": write(t, dir+"/secret", "tok\r\n")}
		}, token.KindEnvironment, nil},
		"mounted link": {func(t *testing.T, dir string) map[string]string { // as Kubernetes does
			if target := write(t, dir+"/..data", "tok"); noModes() != "" || os.Symlink(target, dir+"/secret") != nil {
				write(t, dir+"/secret", "tok") // links need a privilege on Windows, and more than Wine has
			}
			return map[string]string{variable + "_FILE": dir + "/secret"}
		}, token.KindEnvironment, nil},
		"credential": {func(t *testing.T, dir string) map[string]string {
			write(t, dir+"/acme-editor-license-token", "tok")
			return map[string]string{"CREDENTIALS_DIRECTORY": dir}
		}, token.KindCredentials, nil},
		"another credential": {func(t *testing.T, dir string) map[string]string {
			return map[string]string{"CREDENTIALS_DIRECTORY": dir}
		}, token.KindNone, token.ErrAbsent},
		"no such file": {func(t *testing.T, dir string) map[string]string {
			return map[string]string{variable + "_FILE": dir + "/secret"}
		}, token.KindEnvironment, token.ErrAbsent},
		"empty file": {func(t *testing.T, dir string) map[string]string {
			return map[string]string{variable + "_FILE": write(t, dir+"/secret", "\n")}
		}, token.KindEnvironment, token.ErrInvalid},
		"oversized variable": {func(t *testing.T, dir string) map[string]string {
			return map[string]string{variable: strings.Repeat("a", token.MaxSize+1)}
		}, token.KindEnvironment, token.ErrTooLarge},
		"oversized file": {func(t *testing.T, dir string) map[string]string {
			return map[string]string{variable + "_FILE": write(t, dir+"/secret", strings.Repeat("a", 1<<20))}
		}, token.KindEnvironment, token.ErrTooLarge},
		"padded file": {func(t *testing.T, dir string) map[string]string {
			return map[string]string{variable + "_FILE": write(t, dir+"/secret", "tok"+strings.Repeat("\n", 1<<16))}
		}, token.KindEnvironment, token.ErrTooLarge},
		"not UTF-8": {func(t *testing.T, dir string) map[string]string {
			return map[string]string{variable + "_FILE": write(t, dir+"/secret", "a\xffb")}
		}, token.KindEnvironment, token.ErrInvalid},
		"a directory": {func(t *testing.T, dir string) map[string]string {
			return map[string]string{variable + "_FILE": dir}
		}, token.KindEnvironment, token.ErrInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.env = c.env(t, tempDir(t))
			if c.kind != token.KindNone { // and what is stored here is not looked at
				if err := b.ring.Set(t.Context(), mustToken(t, "in-the-keyring")); err != nil {
					t.Fatal(err)
				}
			}
			calls := b.ring.Calls()
			v := b.start()
			tok, err := v.Get(t.Context())
			if c.err == nil && (err != nil || tok.Reveal() != "tok") {
				t.Fatalf("Get: %v", err)
			}
			if c.err != nil {
				wantErr(t, err, c.err)
			}
			if s := v.Status(t.Context()); s.Store != c.kind {
				t.Errorf("Status: %+v", s)
			}
			if c.kind == token.KindNone {
				return
			}
			wantErr(t, v.Replace(t.Context(), mustToken(t, "new")), token.ErrUnsupported)
			if c.err == nil {
				want(t, v, "tok")
			}
			wantErr(t, v.Put(t.Context(), mustToken(t, "new")), token.ErrUnsupported)
			want(t, v, "new")
			if b.ring.Calls() != calls {
				t.Error("the keyring was asked")
			}
			wantErr(t, v.Delete(t.Context()), token.ErrUnsupported)
		})
	}
}

func TestLanguages(t *testing.T) {
	t.Parallel()
	s := token.Status{Store: token.KindFile}
	for lang, german := range map[string]bool{"de": true, "DE": true, "de-AT": true, "de_CH.UTF-8": true, "den": false, "del-US": false, "": false} {
		if got := s.Protection(lang) == s.Protection("de"); got != german {
			t.Errorf("%q: German %v", lang, got)
		}
	}
}

func TestStatusSpeaksBothLanguages(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.ring.Lock()
	v := b.start()
	put(t, v, "tok")
	s := v.Status(t.Context())
	for _, f := range []func(string) string{s.Protection, s.Reason, token.Status{Keyring: true}.Advice} {
		en, de := f("en"), f("de-AT")
		if en == "" || de == "" || en == de {
			t.Errorf("en %q, de %q", en, de)
		}
	}
	for _, kind := range []token.Kind{token.KindCustom, token.KindEnvironment, token.KindCredentials, token.KindKeyring, token.KindFile} {
		s := token.Status{Store: kind}
		if s.Protection("en") == "" || s.Protection("en") == s.Protection("de") {
			t.Errorf("%s: %q", kind, s.Protection("en"))
		}
	}
	if (token.Status{Unsaved: true}).Advice("en") == "" {
		t.Error("no advice for a token in memory alone")
	}
	stored := token.Status{Store: token.KindKeyring}
	unsaved := stored
	unsaved.Unsaved = true
	if unsaved.Protection("en") == stored.Protection("en") {
		t.Error("a token in memory alone is said to be protected")
	}
}

func TestOutcomesOfSystems(t *testing.T) {
	t.Parallel()
	for code, want := range map[int]error{
		44: token.ErrAbsent, 36: token.ErrLocked, 51: token.ErrDeclined, 128: token.ErrDeclined, 50: token.ErrUnsupported,
		1: token.ErrLocked, 255: token.ErrLocked, -1: token.ErrLocked,
	} {
		if got := token.SecurityOutcome(code); !errors.Is(got, want) {
			t.Errorf("security %d: %v, want %v", code, got, want)
		}
	}
	for code, want := range map[uint32]error{
		1168: token.ErrAbsent, 1312: token.ErrUnsupported, 1783: token.ErrTooLarge, 5: token.ErrDeclined, 1223: token.ErrDeclined,
		87: token.ErrLocked,
	} {
		if got := token.CredentialOutcome(code); !errors.Is(got, want) {
			t.Errorf("Windows %d: %v, want %v", code, got, want)
		}
	}
}

func TestDecodeRecordRefuses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "{}", "null", "[]", `{"store":"cloud"}`, `{"store":"file"}`, `{"store":"file","secret":"a b"}`,
		`{"store":"keyring","secret":"tok"}`, `{"secret":"tok"}`,
	} {
		if r, tok, err := token.DecodeRecord([]byte(text)); err == nil || !tok.IsZero() || strings.Contains(err.Error(), "tok\"") {
			t.Errorf("%s: %v, %v", text, r, err)
		}
	}
}

func FuzzDecodeRecord(f *testing.F) {
	f.Add([]byte(`{"store":"keyring"}`))
	f.Add([]byte(`{"store":"file","secret":"tok","reason":"no_keyring"}`))
	f.Add([]byte(`{"store":"file","secret":""}`))
	f.Add([]byte(`{"store":"keyring","secret":"tok"}`))
	f.Add([]byte(`{"store":"cloud","secret":"tok"}`))
	f.Add([]byte(`{"store":"file","secret":"a\u0000b"}`))
	f.Add([]byte("null"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, tok, err := token.DecodeRecord(b)
		if err != nil {
			if !tok.IsZero() {
				t.Error("a token in spite of an error")
			}
			return
		}
		if (r.Store == token.KindFile) == tok.IsZero() {
			t.Fatalf("store %q, token %v", r.Store, !tok.IsZero())
		}
		again, back, err := token.DecodeRecord(token.EncodeRecord("p", r.Store, r.Reason, tok))
		if err != nil || again.Store != r.Store || again.Reason != r.Reason || !back.Equal(tok) {
			t.Errorf("encoding and decoding again: %v, %v", again, err)
		}
	})
}

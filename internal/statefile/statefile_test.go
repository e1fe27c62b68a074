package statefile

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// tempDir is t.TempDir for Wine too, where os.RemoveAll is not implemented.
func tempDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "statefile-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		var paths []string
		_ = filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
			paths = append(paths, path)
			return err
		})
		for _, path := range slices.Backward(paths) {
			if err := os.Remove(path); err != nil {
				t.Error(err)
			}
		}
	})
	return dir
}

// entries lists what is in the directory of f.
func entries(t *testing.T, f *File) []string {
	t.Helper()
	list, err := os.ReadDir(f.dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range list {
		names = append(names, e.Name())
	}
	return names
}

func mustWrite(t *testing.T, f *File, payload string) {
	t.Helper()
	if err := f.Write([]byte(payload)); err != nil {
		t.Fatal(err)
	}
}

func wantContents(t *testing.T, f *File, want string) {
	t.Helper()
	got, err := f.Read()
	if err != nil || string(got) != want {
		t.Fatalf("Read = %.40q, %v; want %.40q", got, err, want)
	}
}

func wantUnreadable(t *testing.T, err error, f *File) {
	t.Helper()
	if e, ok := errors.AsType[*UnreadableError](err); !ok || e.Path != f.Path() {
		t.Errorf("error = %v; want an UnreadableError for %s", err, f.Path())
	}
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	f := New(filepath.Join(tempDir(t), "a", "b"), "state")
	if _, err := f.Read(); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("Read before Write: %v; want fs.ErrNotExist", err)
	}
	if s, err := f.Stamp(); s != (Stamp{}) || err != nil {
		t.Fatalf("Stamp before Write = %v, %v; want the zero Stamp", s, err)
	}
	if _, err := os.Stat(filepath.Dir(f.dir)); !errors.Is(err, fs.ErrNotExist) {
		t.Fatal("reading created a directory")
	}
	for _, payload := range []string{"one", "", "\x00\n\xff", strings.Repeat("x", MaxSize)} {
		mustWrite(t, f, payload)
		wantContents(t, f, payload)
	}
	if got := entries(t, f); len(got) != 1 {
		t.Errorf("left behind: %v", got)
	}
	if keepsModes {
		for path, want := range map[string]fs.FileMode{f.Path(): 0o600, f.dir: 0o700, filepath.Dir(f.dir): 0o700} {
			if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
				t.Errorf("%s: mode %v, %v; want %v", path, info.Mode(), err, want)
			}
		}
	}
}

func TestTooLargeKeepsTheOld(t *testing.T) {
	t.Parallel()
	f := New(tempDir(t), "state")
	mustWrite(t, f, "old")
	if err := f.Write(make([]byte, MaxSize+1)); err == nil {
		t.Error("Write took more than MaxSize bytes")
	}
	wantContents(t, f, "old")
}

func TestDamage(t *testing.T) {
	t.Parallel()
	whole := encode([]byte("a payload"))
	cases := map[string][]byte{
		"empty":         {},
		"another file":  []byte("[Unit]\nDescription=something else, long enough to hold more than one of our first lines\n"),
		"appended":      append(bytes.Clone(whole), '\n'),
		"newer version": bytes.Replace(whole, []byte("counterfoil 1"), []byte("counterfoil 2"), 1),
		"upper case":    bytes.ToUpper(whole),
		"oversized":     encode(make([]byte, MaxSize+1)),
	}
	for n := range whole {
		cases[fmt.Sprintf("cut at %d", n)] = whole[:n]
		flipped := bytes.Clone(whole)
		flipped[n] ^= 0x20 // the bit of upper and lower case, the most likely one to be read over
		cases[fmt.Sprintf("bit flipped in %d", n)] = flipped
	}
	dir := tempDir(t)
	for name, text := range cases {
		f := New(dir, strings.ReplaceAll(name, " ", "-"))
		if err := os.WriteFile(f.Path(), text, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := f.Read()
		if e, ok := errors.AsType[*DamagedError](err); !ok || e.Path != f.Path() {
			t.Errorf("%s: Read: %v; want a DamagedError", name, err)
		}
	}
}

func TestSetAside(t *testing.T) {
	t.Parallel()
	f := New(tempDir(t), "state")
	if _, err := f.SetAside(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("SetAside of nothing: %v; want fs.ErrNotExist", err)
	}
	for n := range 5 {
		if err := os.WriteFile(f.Path(), fmt.Append(nil, "damaged ", n), 0o600); err != nil {
			t.Fatal(err)
		}
		path, err := f.SetAside()
		if err != nil || path != f.Path()+".damaged-1" {
			t.Fatalf("SetAside = %q, %v", path, err)
		}
	}
	for n, want := range map[int]string{1: "damaged 4", 2: "damaged 3", 3: "damaged 2"} {
		if got, err := os.ReadFile(f.damaged(n)); string(got) != want {
			t.Errorf("damaged-%d holds %q, %v; want %q", n, got, err, want)
		}
	}
	if got := entries(t, f); len(got) != 3 {
		t.Errorf("left: %v; want three set aside and no file", got)
	}
	mustWrite(t, f, "healed")
	if err := f.Remove(); err != nil {
		t.Fatal(err)
	}
	if got := entries(t, f); len(got) != 0 {
		t.Errorf("Remove left %v", got)
	}
	if err := f.Remove(); err != nil {
		t.Errorf("Remove of nothing: %v", err)
	}
}

func TestLeavesOthersAlone(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	directory := New(dir, "directory")
	if err := os.Mkdir(directory.Path(), 0o700); err != nil {
		t.Fatal(err)
	}
	nowhere := New("", "state")
	cases := map[string]*File{"directory": directory, "no directory given": nowhere}
	if keepsModes { // making a link takes privileges on Windows
		target := New(dir, "target")
		mustWrite(t, target, "payload")
		link := New(dir, "link")
		if err := os.Symlink(target.Path(), link.Path()); err != nil {
			t.Fatal(err)
		}
		cases["link"] = link
		cases["link to nothing"] = New(dir, "dangling")
		if err := os.Symlink("nothing", cases["link to nothing"].Path()); err != nil {
			t.Fatal(err)
		}
		cases["below a file"] = New(target.Path(), "state")
	}
	for name, f := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := f.Read()
			wantUnreadable(t, err, f)
			wantUnreadable(t, f.Write([]byte("x")), f)
			wantUnreadable(t, f.Remove(), f)
			_, err = f.SetAside()
			wantUnreadable(t, err, f)
		})
	}
}

func TestSecretRefusesCompany(t *testing.T) {
	t.Parallel()
	if !keepsModes {
		return // permissions say nothing here, as Secret documents
	}
	dir := tempDir(t)
	secret, plain := Secret(dir, "token"), New(dir, "token")
	mustWrite(t, secret, "payload")
	wantContents(t, secret, "payload")
	for _, mode := range []fs.FileMode{0o640, 0o604, 0o620, 0o602} {
		if err := os.Chmod(secret.Path(), mode); err != nil {
			t.Fatal(err)
		}
		_, err := secret.Read()
		wantUnreadable(t, err, secret)
		wantUnreadable(t, secret.Write([]byte("new")), secret)
		wantContents(t, plain, "payload")
	}
}

func TestWriteKeepsReadPermissions(t *testing.T) {
	t.Parallel()
	if !keepsModes {
		return // no permissions to keep
	}
	f := New(tempDir(t), "state")
	mustWrite(t, f, "one")
	if err := os.Chmod(f.Path(), 0o666); err != nil {
		t.Fatal(err)
	}
	mustWrite(t, f, "two")
	if info, err := os.Stat(f.Path()); err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("mode %v, %v; want 0644: reading stays allowed, writing does not", info.Mode(), err)
	}
}

func TestStaleTempsGo(t *testing.T) {
	t.Parallel()
	f := New(tempDir(t), "state")
	now := time.Now()
	for name, age := range map[string]time.Duration{"old": 2 * staleAfter, "future": -2 * staleAfter, "young": 0} {
		path := filepath.Join(f.dir, f.tempPrefix()+name)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, now.Add(-age), now.Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	mustWrite(t, f, "payload")
	if got, want := strings.Join(entries(t, f), " "), f.tempPrefix()+"young state"; got != want {
		t.Errorf("left %q; want %q", got, want)
	}
	if err := f.Remove(); err != nil || len(entries(t, f)) != 0 {
		t.Errorf("Remove: %v, left %v; want nothing", err, entries(t, f))
	}
}

func TestStampNoticesReplacement(t *testing.T) {
	t.Parallel()
	f := New(tempDir(t), "state")
	other := New(f.dir, "state")
	mustWrite(t, f, "one")
	before, err := f.Stamp()
	if err != nil || before == (Stamp{}) {
		t.Fatalf("Stamp = %v, %v", before, err)
	}
	if again, _ := f.Stamp(); again != before {
		t.Error("Stamp differs though nothing changed")
	}
	mustWrite(t, other, "longer")
	if after, _ := f.Stamp(); after == before {
		t.Error("Stamp is the same after a replacement")
	}
	if !keepsModes {
		return // nor are there inodes
	}
	// Within one tick of the file system's clock, and of the same size.
	info, err := os.Stat(f.Path())
	if err != nil {
		t.Fatal(err)
	}
	before, _ = f.Stamp()
	mustWrite(t, other, "larger")
	if err := os.Chtimes(f.Path(), time.Time{}, info.ModTime()); err != nil {
		t.Fatal(err)
	}
	if after, _ := f.Stamp(); after == before {
		t.Error("Stamp is the same after a replacement in the same tick")
	}
}

func TestReadersSeeWholeFiles(t *testing.T) {
	t.Parallel()
	f := New(tempDir(t), "state")
	one, two := strings.Repeat("1", 3000), strings.Repeat("2", 9000)
	mustWrite(t, f, one)
	done := make(chan struct{})
	var readers, writers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			for {
				got, err := New(f.dir, "state").Read()
				if err != nil || string(got) != one && string(got) != two {
					t.Errorf("Read = %d bytes, %v", len(got), err)
					return
				}
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	for _, payload := range []string{one, two} {
		writers.Go(func() {
			for range 25 {
				if err := New(f.dir, "state").Write([]byte(payload)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	writers.Wait()
	close(done)
	readers.Wait()
	if got := entries(t, f); len(got) != 1 {
		t.Errorf("left behind: %v", got)
	}
}

func FuzzDecode(f *testing.F) {
	whole := encode([]byte("payload"))
	for _, seed := range [][]byte{
		nil, whole, whole[:len(whole)-1], whole[:headerSize], encode(nil), []byte(magic + version),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		payload, err := decode(text)
		if err == nil && !bytes.Equal(encode(payload), text) {
			t.Errorf("%q decodes but encodes to something else", text)
		}
		if back, err := decode(encode(text)); len(text) <= MaxSize && (err != nil || !bytes.Equal(back, text)) {
			t.Errorf("%q does not survive: %v", text, err)
		}
	})
}

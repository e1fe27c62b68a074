package statefile

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

const nobody = 65534

// asNobody runs do as an ordinary user: the calling one, or nobody if that is root. Only the thread changes its user,
// and it ends with its goroutine.
func asNobody(t *testing.T, do func()) {
	t.Helper()
	done := make(chan error)
	go func() {
		defer close(done)
		if os.Geteuid() == 0 {
			runtime.LockOSThread()
			_, _, errno := syscall.RawSyscall(syscall.SYS_SETRESUID, ^uintptr(0), nobody, ^uintptr(0))
			if errno != 0 {
				done <- errno
				return
			}
		}
		do()
	}()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

// openDir is a temporary directory that nobody can enter.
func openDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, d := range []string{dir, filepath.Dir(dir)} {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestReadOnlyDirectory(t *testing.T) {
	t.Parallel()
	f := New(openDir(t), "state")
	mustWrite(t, f, "old")
	for path, mode := range map[string]os.FileMode{f.Path(): 0o644, f.dir: 0o555} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	asNobody(t, func() {
		if got, err := f.Read(); err != nil || string(got) != "old" {
			t.Errorf("Read = %q, %v", got, err)
		}
		_, lockErr := f.Lock(context.Background())
		_, asideErr := f.SetAside()
		for op, err := range map[string]error{
			"Write": f.Write([]byte("new")), "Lock": lockErr, "SetAside": asideErr, "Remove": f.Remove(),
		} {
			if !errors.Is(err, ErrReadOnly) || !strings.Contains(err.Error(), f.Path()) {
				t.Errorf("%s: %v; want ErrReadOnly and the path", op, err)
			}
		}
	})
	wantContents(t, f, "old")
}

func TestPrivateFileOfAnotherUser(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		// An ordinary user cannot give files away, but there is one that is private to root everywhere.
		f := New("/etc", "shadow")
		_, err := f.Read()
		wantUnreadable(t, err, f)
		return
	}
	f := New(openDir(t), "state")
	mustWrite(t, f, "root's")
	asNobody(t, func() {
		_, err := f.Read()
		wantUnreadable(t, err, f)
		if e, ok := errors.AsType[*UnreadableError](err); ok && e.Owner != "uid 0" {
			t.Errorf("Owner = %q; want uid 0", e.Owner)
		}
	})
	// Root may read everything, but what belongs to a user is the user's.
	if err := os.Chown(f.Path(), nobody, nobody); err != nil {
		t.Fatal(err)
	}
	_, err := f.Read()
	wantUnreadable(t, err, f)
	wantUnreadable(t, f.Write([]byte("new")), f)
	wantUnreadable(t, f.Remove(), f)
	asNobody(t, func() {
		if got, err := f.Read(); err != nil || string(got) != "root's" {
			t.Errorf("Read by the owner = %q, %v", got, err)
		}
	})
}

func TestOrdinaryUsersTrustRoot(t *testing.T) {
	t.Parallel()
	asNobody(t, func() {
		f := New("/etc", "passwd") // root's and readable: judged by its contents
		_, err := f.Read()
		if _, ok := errors.AsType[*DamagedError](err); !ok {
			t.Errorf("Read: %v; want a DamagedError", err)
		}
	})
	for _, c := range []struct {
		me    int
		owner int64
		want  bool
	}{{1000, 1000, true}, {1000, 0, true}, {1000, 1001, false}, {0, 1000, false}, {0, 0, true}} {
		if got := trusts(c.me, c.owner); got != c.want {
			t.Errorf("trusts(%d, %d) = %v", c.me, c.owner, got)
		}
	}
}

// A pipe in the place of the file must not make anybody wait.
func TestPipe(t *testing.T) {
	t.Parallel()
	f := New(t.TempDir(), "state")
	if err := syscall.Mkfifo(f.Path(), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := f.Read()
	wantUnreadable(t, err, f)
}

// A disk that takes no more bytes in the middle of a write: the old contents stay, and nothing is left behind. The
// limit on file sizes, which holds for a whole process, stands in for the full disk.
func TestNoSpace(t *testing.T) {
	t.Parallel()
	if dir := os.Getenv(childVar); dir != "" {
		signal.Ignore(syscall.SIGXFSZ)
		limit := syscall.Rlimit{Cur: 4096, Max: 4096}
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
			t.Fatal(err)
		}
		if err := New(dir, "state").Write(make([]byte, MaxSize)); !errors.Is(err, syscall.EFBIG) {
			t.Fatalf("Write: %v; want EFBIG", err)
		}
		return
	}
	f := New(t.TempDir(), "state")
	mustWrite(t, f, "old")
	if out, err := child(t, f.dir).CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
	wantContents(t, f, "old")
	if got := entries(t, f); len(got) != 1 {
		t.Errorf("left behind: %v", got)
	}
}

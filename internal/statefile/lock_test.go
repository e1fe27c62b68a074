package statefile

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// A test runs itself in another process, with the directory in this variable.
const childVar = "COUNTERFOIL_STATEFILE_CHILD"

func child(t *testing.T, dir string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), childVar+"="+dir)
	return cmd
}

func mustLock(t *testing.T, f *File) (unlock func()) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	unlock, err := f.Lock(ctx)
	if err != nil {
		t.Error(err)
		return func() {}
	}
	return unlock
}

func wantHeld(t *testing.T, f *File) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := f.Lock(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Lock of a held lock: %v; want the deadline", err)
	}
}

func TestLockExcludes(t *testing.T) {
	t.Parallel()
	f := New(tempDir(t), "state")
	unlock := mustLock(t, f)
	wantHeld(t, f)
	wantHeld(t, New(f.dir, "state"))
	unlock()
	unlock() // harmless
	mustLock(t, New(f.dir, "state"))()

	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := f.Lock(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("Lock with an ended context: %v", err)
	}
	mustLock(t, f)()
}

// Counting in the file itself loses steps unless each reads, adds and writes under the lock.
func TestLockCounts(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	mustWrite(t, New(dir, "state"), "")
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			f := New(dir, "state")
			for range 10 {
				unlock := mustLock(t, f)
				seen, err := f.Read()
				if err == nil {
					err = f.Write(append(seen, '|'))
				}
				if err != nil {
					t.Error(err)
				}
				unlock()
			}
		})
	}
	all.Wait()
	wantContents(t, New(dir, "state"), strings.Repeat("|", 40))
}

func TestLockEndsWithItsProcess(t *testing.T) {
	t.Parallel()
	if dir := os.Getenv(childVar); dir != "" {
		mustLock(t, New(dir, "state"))
		os.Stdout.WriteString("locked\n")
		io.Copy(io.Discard, os.Stdin) // until it is killed, or left alone
		return
	}
	f := New(tempDir(t), "state")
	other := child(t, f.dir)
	in, err := other.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := other.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "locked\n" {
		t.Fatalf("the other process said %q, %v", line, err)
	}
	wantHeld(t, f)
	if err := other.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = other.Wait()
	mustLock(t, f)()
}

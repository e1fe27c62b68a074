// Kill shows that a state file survives kills: a child process that writes without pause is killed at a random moment,
// and what it leaves must be its last finished write or the one it was in. Usage: kill [-n 5000] [-dir DIR]
package main

import (
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/counterfoil-dev/counterfoil/internal/statefile"
)

// The child is this program with a directory in this variable.
const childVar = "COUNTERFOIL_KILL_CHILD"

const (
	name    = "state"
	maxSize = 64 << 10
)

func main() {
	if dir := os.Getenv(childVar); dir != "" {
		fmt.Fprintln(os.Stderr, write(dir)) // returns on failure only
		os.Exit(1)
	}
	kills := flag.Int("n", 5000, "number of kills")
	dir := flag.String("dir", "", "directory for the files (default: a temporary one)")
	flag.Parse()
	if err := run(*kills, *dir); err != nil {
		fmt.Fprintln(os.Stderr, "kill:", err)
		os.Exit(1)
	}
}

func run(kills int, base string) error {
	base, err := os.MkdirTemp(base, "counterfoil-kill-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(base)
	start := time.Now()
	var left, within, finished atomic.Int64
	left.Store(int64(kills))
	errs := make([]error, 4) // workers, each with a file of its own; more than processors, since most time is waiting
	var workers sync.WaitGroup
	for w := range errs {
		workers.Go(func() {
			f := statefile.New(filepath.Join(base, strconv.Itoa(w)), name)
			var number uint64 // of the write that is in the file
			for errs[w] == nil && left.Add(-1) >= 0 {
				var in bool
				if number, in, errs[w] = killOne(f, number); in {
					within.Add(1)
				}
				finished.Add(1)
			}
			if errs[w] == nil {
				errs[w] = tidy(f)
			}
		})
	}
	workers.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	fmt.Printf("%d kills, %d of them within a write: each left the old or the new state (%.0f s)\n",
		finished.Load(), within.Load(), time.Since(start).Seconds())
	if within.Load() < int64(kills)/4 {
		return errors.New("too few kills came within a write to show anything")
	}
	return nil
}

// killOne lets a child write, kills it, and checks what is left.
func killOne(f *statefile.File, number uint64) (now uint64, within bool, err error) {
	self, err := os.Executable()
	if err != nil {
		return 0, false, err
	}
	child := exec.Command(self)
	child.Env = append(os.Environ(), childVar+"="+filepath.Dir(f.Path()))
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		return 0, false, err
	}
	if err := child.Start(); err != nil {
		return 0, false, err
	}
	begun, done := number, number
	var record [8]byte
	for killed := false; ; {
		if _, err := io.ReadFull(out, record[:]); err != nil {
			break // all that it said before it died
		}
		if n := binary.LittleEndian.Uint64(record[:]); n&1 == 0 {
			begun = n >> 1
		} else {
			done = n >> 1
		}
		if !killed { // its first write has begun
			time.Sleep(time.Duration(rand.Int64N(int64(4 * time.Millisecond))))
			_ = child.Process.Kill()
			killed = true
		}
	}
	_ = child.Wait()
	if begun == number {
		return 0, false, errors.New("the child wrote nothing")
	}
	now, err = check(f)
	if err != nil {
		return 0, false, fmt.Errorf("killed in write %d, after %d was done: %w", begun, done, err)
	}
	if now != begun && now != done {
		return 0, false, fmt.Errorf("killed in write %d, after %d was done: found %d", begun, done, now)
	}
	return now, begun != done, nil
}

// check returns the number of the write that is in the file, 0 for none. The dead child's lock must be free.
func check(f *statefile.File) (uint64, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	unlock, err := f.Lock(ctx)
	if err != nil {
		return 0, err
	}
	defer unlock()
	payload, err := f.Read()
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint64(payload), nil
}

// write is the child: under the lock, it writes one state after the other, and says before and after which.
func write(dir string) error {
	f := statefile.New(dir, name)
	number, err := check(f)
	if err != nil {
		return err
	}
	if _, err := f.Lock(context.Background()); err != nil {
		return err
	}
	for {
		number++
		payload := binary.LittleEndian.AppendUint64(nil, number)
		payload = append(payload, make([]byte, rand.IntN(maxSize))...)
		if err := binary.Write(os.Stdout, binary.LittleEndian, number<<1); err != nil {
			return err
		}
		if err := f.Write(payload); err != nil {
			return err
		}
		if err := binary.Write(os.Stdout, binary.LittleEndian, number<<1|1); err != nil {
			return err
		}
	}
}

// tidy makes the leftovers of killed writers old, so that the next write drops them.
func tidy(f *statefile.File) error {
	dir := filepath.Dir(f.Path())
	leftovers, err := filepath.Glob(filepath.Join(dir, "."+name+".tmp-*"))
	if err != nil {
		return err
	}
	old := time.Now().Add(-time.Hour)
	for _, path := range leftovers {
		if err := os.Chtimes(path, old, old); err != nil {
			return err
		}
	}
	if err := f.Write(nil); err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if got := strings.Join(names, " "); got != name+" "+name+".lock" {
		return fmt.Errorf("left in the directory: %s", got)
	}
	return nil
}

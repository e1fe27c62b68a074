package statefile

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"
)

// Waiting for a lock is trying again: no system lets a blocked attempt be cancelled without leaving a thread behind.
const (
	firstPoll = 2 * time.Millisecond
	lastPoll  = 50 * time.Millisecond
)

// Lock waits until it holds the advisory lock, name.lock in the same directory, or ctx ends; then the error has
// ctx.Err() in its chain. It excludes other calls of Lock for the same path, in any process; Read and Write are atomic
// without it. The kernel releases it when the process ends, in whatever way. unlock may be called more than once.
//
// Where this user may not write the directory, no lock can be had: the error has [ErrReadOnly] in its chain.
//
// On AIX and Solaris two Files of one path in one process do not exclude each other. On systems and file systems
// without locks (Plan 9, js, wasip1, some network mounts) nothing is excluded but Lock on the same File.
func (f *File) Lock(ctx context.Context) (unlock func(), err error) {
	path := f.Path() + ".lock"
	if f.dir == "" {
		return nil, &UnreadableError{Path: f.name, Err: errNoDir}
	}
	if ctx.Err() != nil {
		return nil, gaveUp(ctx, path)
	}
	select {
	case f.held <- struct{}{}:
	case <-ctx.Done():
		return nil, gaveUp(ctx, path)
	}
	file, err := f.lockFile(ctx, path)
	if err != nil {
		<-f.held
		return nil, err
	}
	return sync.OnceFunc(func() {
		file.Close() // releases it
		<-f.held
	}), nil
}

func (f *File) lockFile(ctx context.Context, path string) (*os.File, error) {
	if err := makeDir(f.dir); err != nil {
		return nil, failed("lock", path, err)
	}
	file, err := openLock(path)
	if err != nil {
		return nil, failed("lock", path, err)
	}
	for wait := firstPoll; ; wait = min(2*wait, lastPoll) {
		got, err := tryLock(file)
		if err != nil {
			file.Close()
			return nil, failed("lock", path, err)
		}
		if got {
			return file, nil
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			file.Close()
			return nil, gaveUp(ctx, path)
		}
	}
}

func gaveUp(ctx context.Context, path string) error {
	return fmt.Errorf("waiting for the lock %s: %w", path, ctx.Err())
}

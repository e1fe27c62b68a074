//go:build darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd

package statefile

import (
	"errors"
	"os"
	"syscall"
)

// tryLock takes the lock, which belongs to the open file, or reports that another holds it.
func tryLock(file *os.File) (bool, error) {
	for {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case err == nil:
			return true, nil
		case err == syscall.EINTR:
		case err == syscall.EWOULDBLOCK:
			return false, nil
		case errors.Is(err, errors.ErrUnsupported) || err == syscall.ENOLCK:
			return true, nil // a file system without locks
		default:
			return false, err
		}
	}
}

//go:build aix || (solaris && !illumos)

package statefile

import (
	"errors"
	"io"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// tryLock takes the lock, which belongs to the process, or reports that another holds it.
func tryLock(file *os.File) (bool, error) {
	lock := unix.Flock_t{Type: unix.F_WRLCK, Whence: io.SeekStart} // the whole file
	for {
		err := unix.FcntlFlock(file.Fd(), unix.F_SETLK, &lock)
		switch {
		case err == nil:
			return true, nil
		case err == syscall.EINTR:
		case err == syscall.EAGAIN || err == syscall.EACCES:
			return false, nil
		case errors.Is(err, errors.ErrUnsupported) || err == syscall.ENOLCK:
			return true, nil // a file system without locks
		default:
			return false, err
		}
	}
}

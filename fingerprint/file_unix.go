//go:build (linux && !android) || solaris || freebsd || dragonfly

package fingerprint

import (
	"errors"
	"io/fs"

	"golang.org/x/sys/unix"
)

var (
	errNotFile = errors.New("not a file")
	errTooLong = errors.New("longer than it can be")
)

// readFile fills buf with a file and returns the part that it took. A file that does not fit is malformed. Files and
// devices are read, nothing else, and a pipe does not block.
func readFile(root, path string, buf []byte) ([]byte, error) {
	fd, _, err := open(root, path)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	for n := 0; ; {
		if n == len(buf) {
			return nil, fault{Malformed, errTooLong}
		}
		m, err := unix.Read(fd, buf[n:])
		switch {
		case err == unix.EINTR:
		case err != nil:
			return nil, absent(err)
		case m <= 0:
			return buf[:n], nil
		default:
			n += m
		}
	}
}

// readWhole is readFile with a buffer of the file's own size, limit bytes at most.
func readWhole(root, path string, limit int) ([]byte, error) {
	fd, size, err := open(root, path)
	if err != nil {
		return nil, err
	}
	unix.Close(fd)
	if size <= 0 || size > int64(limit) {
		size = int64(limit)
	}
	return readFile(root, path, make([]byte, size+1))
}

// readable reports why a file of up to limit bytes cannot be read, or nil. Where another package reads it, this goes
// before, since that package sets no limit.
func readable(root, path string, limit int64) error {
	fd, size, err := open(root, path)
	if err != nil {
		return err
	}
	unix.Close(fd)
	if size > limit {
		return fault{Malformed, errTooLong}
	}
	return nil
}

// open opens a file or a device for reading, and returns its size; 0 where it has none.
func open(root, path string) (fd int, size int64, err error) {
	for {
		fd, err = openFile(root, path, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK|unix.O_NOCTTY)
		if err != unix.EINTR {
			break
		}
	}
	if err != nil {
		return -1, 0, absent(err)
	}
	var st unix.Stat_t
	err = unix.Fstat(fd, &st)
	if mode := st.Mode & unix.S_IFMT; err == nil && mode != unix.S_IFREG && mode != unix.S_IFCHR {
		err = fault{Malformed, errNotFile}
	}
	if err != nil {
		unix.Close(fd)
		return -1, 0, err
	}
	return fd, st.Size, nil
}

// absent makes what means "there is no such thing" the one error that says so.
func absent(err error) error {
	switch err {
	case unix.ENOTDIR, unix.ENXIO, unix.ENODEV:
		return fs.ErrNotExist
	}
	return err
}

//go:build !android

package fingerprint

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// A start looks at a dozen paths, most of which are not there. To make that cost system calls and nothing else, paths
// go to the kernel from the stack.

// maxPath bounds root and path together. The paths are constants; only a test has a root.
const maxPath = 512

func openFile(root, path string, flags int) (int, error) {
	var buf [maxPath]byte
	if !terminate(&buf, root, path) {
		return -1, unix.ENAMETOOLONG
	}
	at := unix.AT_FDCWD
	fd, _, errno := unix.Syscall6(unix.SYS_OPENAT, uintptr(at), uintptr(unsafe.Pointer(&buf)), uintptr(flags|unix.O_LARGEFILE), 0, 0, 0)
	if errno != 0 {
		return -1, errno
	}
	return int(fd), nil
}

func exists(root, path string) bool {
	var buf [maxPath]byte
	if !terminate(&buf, root, path) {
		return false
	}
	at := unix.AT_FDCWD
	_, _, errno := unix.Syscall(unix.SYS_FACCESSAT, uintptr(at), uintptr(unsafe.Pointer(&buf)), unix.F_OK)
	return errno == 0
}

func readLink(root, path string, target []byte) (int, error) {
	var buf [maxPath]byte
	if !terminate(&buf, root, path) || len(target) == 0 {
		return 0, unix.ENAMETOOLONG
	}
	at := unix.AT_FDCWD
	n, _, errno := unix.Syscall6(unix.SYS_READLINKAT, uintptr(at), uintptr(unsafe.Pointer(&buf)),
		uintptr(unsafe.Pointer(&target[0])), uintptr(len(target)), 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

// modeOf returns the mode of a file or directory, which need not be readable.
func modeOf(root, path string) (uint32, error) {
	fd, err := openFile(root, path, unix.O_PATH|unix.O_CLOEXEC)
	if err != nil {
		return 0, err
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	err = unix.Fstat(fd, &st)
	return st.Mode, err
}

// terminate writes root, path and a NUL into buf.
func terminate(buf *[maxPath]byte, root, path string) bool {
	if len(root)+len(path) >= maxPath {
		return false
	}
	copy(buf[copy(buf[:], root):], path)
	return true
}

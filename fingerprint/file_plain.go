//go:build solaris || freebsd || dragonfly

package fingerprint

import "golang.org/x/sys/unix"

func openFile(root, path string, flags int) (int, error) {
	return unix.Open(root+path, flags, 0)
}

//go:build unix

package statefile

import (
	"errors"
	"io/fs"
	"os"
	"strconv"
	"syscall"
)

// keepsModes says that permission bits mean something here.
const keepsModes = true

// open does not follow a link and does not wait for the other end of a pipe.
func open(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
}

func openLock(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0o600)
}

// ownerOf names the owner, and says whether a file of that owner is ours.
func ownerOf(_ string, info fs.FileInfo) (owner string, ours bool) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return "", false
	}
	return "uid " + strconv.FormatUint(uint64(stat.Uid), 10), trusts(os.Geteuid(), int64(stat.Uid))
}

func trusts(me int, owner int64) bool { return owner == 0 || owner == int64(me) }

func inodeOf(info fs.FileInfo) uint64 {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return uint64(stat.Ino)
	}
	return 0
}

func rename(from, to string) error { return os.Rename(from, to) }

// syncDir makes a rename durable. File systems that have nothing to sync there say EINVAL, or that it is unsupported.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	return nil
}

func isReadOnly(err error) bool { return errors.Is(err, syscall.EROFS) }

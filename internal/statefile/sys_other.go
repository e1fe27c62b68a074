//go:build !unix && !windows

package statefile

import (
	"errors"
	"io/fs"
	"os"
)

// keepsModes says that permission bits mean something here.
const keepsModes = false

func open(path string) (*os.File, error) { return os.Open(path) }

func openLock(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
}

// tryLock succeeds: there are no locks between processes here.
func tryLock(*os.File) (bool, error) { return true, nil }

// ownerOf knows no owners; whoever can open the file may have it.
func ownerOf(string, fs.FileInfo) (owner string, ours bool) { return "", true }

func inodeOf(fs.FileInfo) uint64 { return 0 }

func rename(from, to string) error { return os.Rename(from, to) }

// syncDir tries; there may be no directories to open.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err == nil {
		_ = d.Sync()
		_ = d.Close()
	}
	return nil
}

func isReadOnly(error) bool { return false }

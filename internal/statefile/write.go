package statefile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Writers live for milliseconds. A temporary file that is this old was left by one that was killed.
const staleAfter = 10 * time.Minute

// keepDamaged is how many damaged files are kept.
const keepDamaged = 3

// Write replaces the contents, durably: temporary file, fsync, rename, fsync of the directory (Windows: a replacing,
// write-through move, tried again for up to 2 s while another process holds the file open). When it returns an error,
// the old contents are still there; only after a failed fsync of the directory the new ones are, without being safe
// from a power cut. Permissions are 0600; where New made the File and the file is already readable by group or others,
// it stays so. A file that is not ours is left alone: *UnreadableError.
func (f *File) Write(payload []byte) (err error) {
	defer func() {
		if _, told := errors.AsType[*UnreadableError](err); err != nil && !told {
			err = failed("save", f.Path(), err)
		}
	}()
	if len(payload) > MaxSize {
		return fmt.Errorf("%d bytes are more than the limit of %d", len(payload), MaxSize)
	}
	perm := fs.FileMode(0o600)
	switch info, err := f.inspect(); {
	case err == nil && !f.secret:
		perm |= info.Mode().Perm() & 0o044
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if err := makeDir(f.dir); err != nil {
		return err
	}
	f.removeTemps(staleAfter)
	return f.replace(encode(payload), perm)
}

func (f *File) replace(text []byte, perm fs.FileMode) (err error) {
	temp, err := os.CreateTemp(f.dir, f.tempPrefix()+"*") // 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			temp.Close()
			os.Remove(temp.Name())
		}
	}()
	if err := f.fill(temp, text, perm); err != nil {
		return err
	}
	if err := temp.Close(); err != nil { // first, because Windows does not move open files
		return err
	}
	if err := rename(temp.Name(), f.Path()); err != nil {
		return err
	}
	if err := syncDir(f.dir); err != nil {
		return fmt.Errorf("written, but not yet safe from a power cut: %w", bare(err))
	}
	return nil
}

func (f *File) fill(temp *os.File, text []byte, perm fs.FileMode) error {
	if perm != 0o600 {
		if err := temp.Chmod(perm); err != nil {
			return err
		}
	}
	if f.secret && keepsModes {
		info, err := temp.Stat()
		if err != nil {
			return err
		}
		if info.Mode().Perm()&0o077 != 0 {
			return errors.New("this file system cannot keep it from other users; choose another directory")
		}
	}
	if _, err := temp.Write(text); err != nil {
		return err
	}
	return temp.Sync()
}

// Remove deletes the file, and what killed writers and SetAside left beside it, because that may hold the same
// contents. The lock file stays: another process may be waiting on it. Nothing there is success; a file that is not
// ours is an *UnreadableError.
func (f *File) Remove() error {
	_, err := f.inspect()
	switch {
	case err == nil:
		if err := os.Remove(f.Path()); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return failed("remove", f.Path(), err)
		}
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	var errs []error
	for n := range keepDamaged {
		if err := os.Remove(f.damaged(n + 1)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, failed("remove", f.damaged(n+1), err))
		}
	}
	f.removeTemps(0)
	if err := syncDir(f.dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		errs = append(errs, failed("remove", f.Path(), err))
	}
	return errors.Join(errs...)
}

// SetAside renames the file to name.damaged-1, which it returns; older ones move up to -3, and the oldest is dropped.
// Hold the lock, and Read again under it first: another process may have healed the file meanwhile.
func (f *File) SetAside() (newPath string, err error) {
	if _, err := f.inspect(); err != nil {
		return "", err
	}
	for n := keepDamaged - 1; n > 0; n-- {
		if err := rename(f.damaged(n), f.damaged(n+1)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", failed("set aside", f.damaged(n), err)
		}
	}
	if err := rename(f.Path(), f.damaged(1)); err != nil {
		return "", failed("set aside", f.Path(), err)
	}
	return f.damaged(1), nil
}

func (f *File) damaged(n int) string { return fmt.Sprintf("%s.damaged-%d", f.Path(), n) }

func (f *File) tempPrefix() string { return "." + f.name + ".tmp-" }

// removeTemps drops temporary files that are older than age, or from the future by as much. It is a courtesy: failing
// to drop one harms nothing.
func (f *File) removeTemps(age time.Duration) {
	entries, err := os.ReadDir(f.dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), f.tempPrefix()) {
			continue
		}
		if info, err := e.Info(); err == nil && time.Since(info.ModTime()).Abs() >= age {
			os.Remove(filepath.Join(f.dir, e.Name()))
		}
	}
}

// makeDir creates dir and what is missing above it, each 0700, and makes the new entries durable where it may.
func makeDir(dir string) error {
	err := os.Mkdir(dir, 0o700)
	parent := filepath.Dir(dir)
	if errors.Is(err, fs.ErrNotExist) && parent != dir {
		if err := makeDir(parent); err != nil {
			return err
		}
		err = os.Mkdir(dir, 0o700)
	}
	if err == nil {
		_ = syncDir(parent) // a parent need not be readable; the caller reports what happens in its own directory
		return nil
	}
	// Whatever Mkdir says of one that is there (exists, read-only file system), it will do if it is a directory.
	if info, statErr := os.Stat(dir); statErr == nil && info.IsDir() {
		return nil
	}
	return err
}

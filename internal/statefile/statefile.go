// Package statefile keeps one small file whole: whoever reads it, at any time, from any process, and after any kill or
// power cut, sees the old contents or the new ones, or is told that the file is damaged or not theirs.
//
// A file starts with a line that holds a version and the SHA-256 of the rest, so that a truncated, edited or decayed
// file is noticed. That guards against accidents only; whoever may write the file can also write the sum. What the
// contents permit must be proved by the contents (a signature).
//
// Three cases are kept apart, because they call for different help:
//
//   - absent: fs.ErrNotExist;
//   - [DamagedError]: it is ours and not whole. [File.SetAside] moves it away for support and makes room;
//   - [UnreadableError]: it may be whole, but we may not judge it: another user's, no permission, a symbolic link, a
//     directory. It is never replaced, moved or removed.
//
// A file is ours when its owner is the effective user, or root (on Windows: the Administrators group or the system).
// Root is trusted because root can change our files anyway, and so that an administrator can activate once for all
// users of a machine: chmod the directory to 0755 and the file to 0644, and [File.Write] keeps those read permissions.
// The reverse does not hold: root refuses a file of another user, since by replacing it root would lock that user out.
package statefile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// File is one file in one directory. Its methods may be called from several goroutines, and any number of processes may
// use the same file; those that read, decide and write hold [File.Lock] meanwhile.
type File struct {
	dir, name string
	secret    bool
	held      chan struct{} // capacity 1: full while a Lock of this File is held
}

// New names a file and does nothing else. dir must not be empty; it is created, 0700, by the first Write or Lock.
// Beside the file itself, name.lock, name.damaged-1 to -3 and, briefly, .name.tmp-* may appear in dir.
func New(dir, name string) *File {
	return &File{dir: dir, name: name, held: make(chan struct{}, 1)}
}

// Secret is New for contents that nobody else may read: Read gives an UnreadableError when the permissions let group or
// others in, and Write fails where the file system cannot keep them out. On systems without such permissions (Windows,
// where the access list of the directory is inherited; Plan 9, js, wasip1) it is the same as New.
func Secret(dir, name string) *File {
	f := New(dir, name)
	f.secret = true
	return f
}

// Path is where the file is, or will be.
func (f *File) Path() string { return filepath.Join(f.dir, f.name) }

// Read returns the contents. The error is fs.ErrNotExist where there is no file, a *DamagedError, or an
// *UnreadableError. At most [MaxSize] bytes and the first line are read.
func (f *File) Read() ([]byte, error) {
	if _, err := f.inspect(); err != nil {
		return nil, err
	}
	file, err := open(f.Path())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &fs.PathError{Op: "read", Path: f.Path(), Err: fs.ErrNotExist}
	}
	if err != nil {
		return nil, f.unreadable(err)
	}
	defer file.Close()
	// What was inspected by name may have been replaced since; what is open may not.
	info, err := file.Stat()
	if err != nil {
		return nil, f.unreadable(err)
	}
	if err := f.judge(info); err != nil {
		return nil, err
	}
	text := make([]byte, min(info.Size(), int64(headerSize+MaxSize))+1) // one more shows what is too long, or growing
	n, err := io.ReadFull(file, text)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return nil, f.unreadable(err)
	}
	payload, err := decode(text[:n])
	if err != nil {
		return nil, &DamagedError{Path: f.Path(), Err: err}
	}
	return payload, nil
}

// inspect finds the file by name without opening it: fs.ErrNotExist, an *UnreadableError, or what it is.
func (f *File) inspect() (fs.FileInfo, error) {
	if f.dir == "" {
		return nil, &UnreadableError{Path: f.name, Err: errNoDir}
	}
	info, err := os.Lstat(f.Path())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &fs.PathError{Op: "read", Path: f.Path(), Err: fs.ErrNotExist}
	}
	if err != nil {
		return nil, f.unreadable(err)
	}
	return info, f.judge(info)
}

// judge tells whether a file that was found is one that we may read and replace.
func (f *File) judge(info fs.FileInfo) error {
	var err error
	owner, ours := ownerOf(f.Path(), info)
	switch mode := info.Mode(); {
	case mode&fs.ModeSymlink != 0:
		err = errors.New("it is a symbolic link; put the file itself there")
	case !mode.IsRegular():
		err = errors.New("it is not a regular file")
	case !ours:
		err = errors.New("it belongs to someone else")
	case f.secret && keepsModes && mode.Perm()&0o077 != 0:
		err = fmt.Errorf("others have access to it (mode %04o); allow its owner alone (0600)", mode.Perm())
	default:
		return nil
	}
	return &UnreadableError{Path: f.Path(), Owner: owner, Err: err}
}

// unreadable reports err together with the owner of the file or, where that cannot be seen, of the directory.
func (f *File) unreadable(err error) error {
	for _, path := range []string{f.Path(), f.dir} {
		if info, statErr := os.Lstat(path); statErr == nil {
			owner, _ := ownerOf(path, info)
			return &UnreadableError{Path: f.Path(), Owner: owner, Err: bare(err)}
		}
	}
	return &UnreadableError{Path: f.Path(), Err: bare(err)}
}

// Stamp identifies one version of the file, cheaply: compare with ==. The zero Stamp stands for no file.
type Stamp struct {
	modified int64 // nanoseconds
	size     int64
	inode    uint64 // 0 where there is none to be had cheaply
}

// Stamp tells which version is there now; absent is the zero Stamp and no error. To know when to read again, take the
// stamp before Read. Two replacements within one tick of the file system's clock (15 ms at most) may look like one.
func (f *File) Stamp() (Stamp, error) {
	info, err := os.Lstat(f.Path())
	if errors.Is(err, fs.ErrNotExist) {
		return Stamp{}, nil
	}
	if err != nil {
		return Stamp{}, f.unreadable(err)
	}
	return Stamp{info.ModTime().UnixNano(), info.Size(), inodeOf(info)}, nil
}

package statefile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// ErrReadOnly is in the chain of an error of Write, Lock, SetAside or Remove when this user may not change the
// directory or the file. Reading may still work.
var ErrReadOnly = errors.New("not writable by this user")

var errNoDir = errors.New("no directory was given to keep it in")

// UnreadableError reports a file that may be whole but is not for us to judge or to replace.
type UnreadableError struct {
	Path  string
	Owner string // such as "uid 1000", or a Windows SID; empty where it cannot be seen
	Err   error  // what is in the way
}

func (e *UnreadableError) Error() string {
	if e.Owner == "" {
		return fmt.Sprintf("cannot use %s: %v", e.Path, e.Err)
	}
	return fmt.Sprintf("cannot use %s (owner: %s): %v", e.Path, e.Owner, e.Err)
}

func (e *UnreadableError) Unwrap() error { return e.Err }

// DamagedError reports a file of ours that is not as it was written.
type DamagedError struct {
	Path string
	Err  error // what is wrong with it
}

func (e *DamagedError) Error() string { return fmt.Sprintf("%s is damaged: %v", e.Path, e.Err) }

func (e *DamagedError) Unwrap() error { return e.Err }

// failed reports that op did not work on path: once, whatever temporary names the cause carries.
func failed(op, path string, err error) error {
	err = bare(err)
	if errors.Is(err, fs.ErrPermission) || isReadOnly(err) {
		err = fmt.Errorf("%w: %w", ErrReadOnly, err)
	}
	return &fs.PathError{Op: op, Path: path, Err: err}
}

// bare takes the operation and the path off an error of package os.
func bare(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	if e, ok := errors.AsType[*os.LinkError](err); ok {
		return e.Err
	}
	return err
}

package fingerprint

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// Reason says why a source gives no identifier.
type Reason int

// The reasons. The zero Reason is the vaguest.
const (
	NotPresent  Reason = iota // the device, or the system, has none
	Placeholder               // a value that is the same on many devices
	Permission                // only an administrator may read it
	Malformed                 // damaged, or not what it should be
	Container                 // it is the host's, seen from inside a container
	Unsupported               // this system, or this version, has no way to it
)

var reasonNames = [...]string{"not present", "placeholder", "permission", "malformed", "container", "unsupported"}

// String returns the reason as a word or two, such as "not present".
func (r Reason) String() string {
	if r < 0 || int(r) >= len(reasonNames) {
		return fmt.Sprintf("Reason(%d)", int(r))
	}
	return reasonNames[r]
}

// Error says why one source gives no identifier. It never holds the identifier.
type Error struct {
	Kind   Kind
	Source string // as in [Source]
	Reason Reason
	Err    error // the cause; nil where Reason says it all
}

func (e *Error) Error() string {
	s := string(e.Kind) + ": " + e.Source + ": " + e.Reason.String()
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }

// unavailable is the error of [Read] where nothing is usable.
type unavailable struct{ skipped []Error }

func (e *unavailable) Error() string {
	var b strings.Builder
	b.WriteString(ErrUnavailable.Error())
	for i := range e.skipped {
		b.WriteString([...]string{": ", "; "}[min(i, 1)])
		b.WriteString(e.skipped[i].Error())
	}
	b.WriteString(". ")
	b.WriteString(e.Hint("en"))
	return b.String()
}

func (e *unavailable) Unwrap() []error {
	errs := []error{ErrUnavailable}
	for i := range e.skipped {
		errs = append(errs, &e.skipped[i])
	}
	return errs
}

// fault is an error with its reason, on its way to an [Error].
type fault struct {
	reason Reason
	err    error
}

func (f fault) Error() string { return f.reason.String() + ": " + f.err.Error() }
func (f fault) Unwrap() error { return f.err }

// reasonOf classifies what a reader returned.
func reasonOf(err error) (Reason, error) {
	if f, ok := errors.AsType[fault](err); ok {
		return f.reason, f.err
	}
	switch {
	case errors.Is(err, fs.ErrPermission):
		return Permission, err
	case errors.Is(err, fs.ErrNotExist):
		return NotPresent, err
	case errors.Is(err, errors.ErrUnsupported):
		return Unsupported, err
	}
	return Malformed, err
}

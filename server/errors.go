package server

import (
	"errors"
	"fmt"
)

// Errors that callers branch on. What the rules return wraps them in an [Error].
var (
	ErrNotFound = errors.New("not found")
	ErrExists   = errors.New("exists already")
	ErrInvalid  = errors.New("not valid")
	ErrBusy     = errors.New("busy")       // too many sign-ins at once
	ErrSecret   = errors.New("master key") // the master key is not the one that the database was made with
)

// Error says what failed, on what, and what a person can do about it.
type Error struct {
	Op      string // what was tried, such as "add license"
	Subject string // on what, such as a license's id; never a secret
	Err     error
	Hint    string // what to do next; may be empty
}

func (e *Error) Error() string {
	s := e.Op
	if e.Subject != "" {
		s += " " + e.Subject
	}
	s += ": " + e.Err.Error()
	if e.Hint != "" {
		s += "; " + e.Hint
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }

// invalid makes an error that wraps ErrInvalid.
func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrInvalid, fmt.Sprintf(format, args...))
}

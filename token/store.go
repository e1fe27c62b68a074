package token

import (
	"context"
	"errors"
	"fmt"
)

// The outcomes of an access to a store, besides success.
var (
	// ErrAbsent: the store was asked, and keeps no token.
	ErrAbsent = errors.New("no token is stored")
	// ErrLocked: the store is locked, or failed, or did not answer in time. A token may be in there; ask again later.
	ErrLocked = errors.New("the store is locked or does not answer")
	// ErrDeclined: a person or a policy refused.
	ErrDeclined = errors.New("access to the store was declined")
	// ErrUnsupported: there is no such store here and now, or it cannot be written.
	ErrUnsupported = errors.New("there is no such store here")
)

// Store keeps one token. Its methods may be called from several goroutines.
//
// Errors are told apart with errors.Is: ErrAbsent where nothing is stored, the other sentinels of this package where
// they fit, and anything else for a failure that may pass. A Store that cannot be written returns ErrUnsupported from
// Set and Delete.
//
// A method should return when ctx ends. A [Vault] stops waiting then in any case, and makes no second call while one is
// still under way.
type Store interface {
	// Get returns the token, or ErrAbsent.
	Get(ctx context.Context) (Token, error)
	// Set replaces the token durably: after an error, the old one is still there.
	Set(ctx context.Context, t Token) error
	// Delete removes the token. ErrAbsent is as good as success.
	Delete(ctx context.Context) error
}

// Unlocker is a Store that can be locked, and can ask a person to open it.
type Unlocker interface {
	// Unlock is Get, except that it may ask the person. ErrDeclined when they refuse.
	Unlock(ctx context.Context) (Token, error)
}

// Error is every error of a [Vault].
type Error struct {
	Op    string // "get", "put", "replace", "delete", "unlock", "migrate", "reload"
	Store string // which store, such as "Secret Service" or the path of a file
	Hint  string // what the person can do next, in English; [Status.Advice] has German too
	Err   error  // wraps one of the sentinels of this package wherever one fits

	kind Kind
}

func (e *Error) Error() string {
	s := "token: " + e.Op
	if e.Store != "" {
		s += " (" + e.Store + ")"
	}
	return s + ": " + e.Err.Error()
}

func (e *Error) Unwrap() error { return e.Err }

// as gives err the meaning of a sentinel, and keeps err.
func as(sentinel, err error) error {
	switch {
	case err == nil:
		return sentinel
	case errors.Is(err, sentinel):
		return err
	}
	return fmt.Errorf("%w: %w", sentinel, err)
}

// known reports whether err has one of the meanings of this package.
func known(err error) bool {
	for _, s := range []error{ErrAbsent, ErrLocked, ErrDeclined, ErrUnsupported, ErrTooLarge, ErrInvalid} {
		if errors.Is(err, s) {
			return true
		}
	}
	return false
}

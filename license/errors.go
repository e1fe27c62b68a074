package license

import (
	"errors"
	"time"

	"github.com/counterfoil-dev/counterfoil/lease"
)

// Errors that a caller may branch on with errors.Is. The *[Error] around them says more.
var (
	ErrNotActivated    = errors.New("not activated")
	ErrCodeInvalid     = errors.New("activation code is not valid")
	ErrCredentials     = errors.New("e-mail or password is wrong")
	ErrSeatsUsed       = errors.New("every seat of the license is in use")
	ErrChooseLicense   = errors.New("the account has several licenses")
	ErrRebindLimit     = errors.New("the license has changed devices too often")
	ErrWrongDevice     = errors.New("the license is tied to another device")
	ErrNotUsable       = errors.New("the license cannot be used now")
	ErrUnreachable     = errors.New("the license server cannot be reached")
	ErrStateUnreadable = errors.New("the license's state on this device cannot be used")
	ErrNotStored       = errors.New("activated, but it could not be stored")
)

// Error is every error of this package's operations.
type Error struct {
	Op     string // the operation: "open", "activate", "check", …
	Reason Reason // why, as a stable code
	Err    error  // one of the sentinels above, or what went wrong below
	Hint   string // what the person can do, in English; [Error.Message] has German too

	// Licenses is what the account can claim, with ErrChooseLicense: pass one's id to [Claim.License].
	Licenses []lease.Choice
	// RetryAfter is how long the server asks to wait, if it does.
	RetryAfter time.Duration

	cause error
}

func (e *Error) Error() string {
	s := "license: " + e.Op + ": " + e.Err.Error()
	if e.cause != nil {
		s += ": " + e.cause.Error()
	}
	return s
}

// Unwrap returns Err and the cause below it.
func (e *Error) Unwrap() []error {
	if e.cause != nil {
		return []error{e.Err, e.cause}
	}
	return []error{e.Err}
}

// Message says what happened and what to do, for people: in German if lang begins with "de", otherwise in English.
func (e *Error) Message(lang string) string { return message(e.Reason, languageOf(lang)) }

// Message says an error of this package to people, in German if lang begins with "de", otherwise in English. Of other
// errors it returns the text.
func Message(err error, lang string) string {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Message(lang)
	}
	return err.Error()
}

func fail(op string, r Reason, err, cause error) *Error {
	return &Error{Op: op, Reason: r, Err: err, Hint: hint(r, english), cause: cause}
}

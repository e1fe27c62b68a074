package license

import (
	"errors"
	"strings"
	"time"

	"github.com/counterfoil-dev/counterfoil/lease"
)

// Errors that a caller may branch on with errors.Is. The *[Error] around them says more.
var (
	ErrNotActivated     = errors.New("not activated")                                   // Status, Rebind: activate
	ErrCodeInvalid      = errors.New("activation code is not valid")                    // Activate, OfflineRequest: ask again
	ErrCredentialsWrong = errors.New("e-mail or password is wrong")                     // Activate: ask again
	ErrSeatsUsed        = errors.New("every seat of the license is in use")             // Activate
	ErrChooseLicense    = errors.New("the account does not say which license it means") // Activate: offer Error.Licenses
	ErrRebindLimit      = errors.New("the license has changed devices too often")       // Activate, Rebind
	ErrWrongDevice      = errors.New("the license is tied to another device")           // Status, Import: offer Rebind
	ErrNotUsable        = errors.New("the license is expired, suspended or revoked")    // Status and all that asks the server
	ErrUnreachable      = errors.New("the license server cannot be reached")            // nothing has changed: try again
	ErrStateUnreadable  = errors.New("the license's state on this device cannot be used")
	ErrNotStored        = errors.New("activated, but it could not be stored") // Activate, Rebind: usable until the program ends
)

var (
	errUnwritable = errors.New("the license's state on this device cannot be written")
	errToken      = errors.New("the token of this installation cannot be used")
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
// Where it speaks of a file, a folder, a field or a source, the technical cause that names it follows in parentheses,
// in English.
func (e *Error) Message(lang string) string {
	m := message(e.Reason, languageOf(lang))
	if !namesCause(e.Reason) {
		return m
	}
	cause := e.cause
	if cause == nil {
		cause = e.Err
	}
	return m + " (" + strings.ReplaceAll(cause.Error(), "\n", "; ") + ")"
}

// namesCause reports whether the text of a reason leans on the error that names the thing it speaks of.
func namesCause(r Reason) bool {
	switch r {
	case ReasonConfig, ReasonStateUnreadable, ReasonStateUnwritable, ReasonNoDevice, ReasonNotStored:
		return true
	}
	return false
}

// Message says an error of this package to people, in German if lang begins with "de", otherwise in English. Of other
// errors it returns the text, of nil nothing.
func Message(err error, lang string) string {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Message(lang)
	}
	return err.Error()
}

func fail(op string, r Reason, err, cause error) *Error {
	return &Error{Op: op, Reason: r, Err: err, Hint: hint(r, english), cause: cause}
}

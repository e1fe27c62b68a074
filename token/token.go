// Package token keeps the secret that the license server issued to this installation.
//
// Package license uses it; an application meets it in three places only: [Vault.Status] for a support screen,
// [Vault.Migrate] behind a button, and [Store] when it keeps secrets in a place of its own. A [Vault] looks for the
// token in this order, and the first that is there decides:
//
//  1. the caller's own Store;
//  2. what an administrator supplies: the environment variable <PRODUCT>_LICENSE_TOKEN, the file that
//     <PRODUCT>_LICENSE_TOKEN_FILE names, the systemd credential <product>-license-token. They are read, never written;
//  3. the keyring of the operating system: Secret Service on Linux, NetBSD and OpenBSD, the Credential Manager on
//     Windows, the keychain on macOS;
//  4. a file that only this user may read.
//
// What it refuses to do: it starts no daemon and sets no environment variable. It opens no locked keyring and shows no
// dialog, unless [Vault.Unlock], [Vault.Migrate] or [Vault.Delete] was called, which a person asks for (on macOS any
// access to a locked keychain may ask). It waits no longer than the context allows, except to write a paid activation
// to the file, nor than its own bounds. It never takes "locked", "declined" or "no answer" for "absent", and never
// leaves a stored token behind for another store.
//
// A [Token] prints as [redacted]. Errors are [*Error] values and wrap one of the sentinels of this package. Across
// versions, names of keyring items, of environment variables and the format of token.json stay readable.
package token

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"log/slog"
)

// MaxSize is the largest token, in bytes.
const MaxSize = 2048

// Errors of New.
var (
	ErrInvalid  = errors.New("not a token")
	ErrTooLarge = errors.New("larger than the store can take")
)

const redacted = "[redacted]"

// Token is a secret. The zero Token is none. It prints as [redacted] wherever it is printed or encoded, also within
// other values; only Reveal tells the secret. Tokens are compared with Equal.
type Token struct {
	// A function, because fmt reaches into unexported fields without asking for methods, and prints functions as
	// addresses. It also makes == a compile error, where comparing would tell how much of a guess was right.
	reveal func() string
}

// New wraps a secret: 1 to MaxSize letters, digits and "-._~+/=" (what an Authorization header can carry, RFC 6750
// section 2.1). Otherwise the error is ErrInvalid or ErrTooLarge, and does not contain the secret.
func New(secret string) (Token, error) {
	switch {
	case secret == "":
		return Token{}, fmt.Errorf("%w: it is empty", ErrInvalid)
	case len(secret) > MaxSize:
		return Token{}, fmt.Errorf("%w: %d bytes, %d are allowed", ErrTooLarge, len(secret), MaxSize)
	}
	for i := range len(secret) {
		if !allowed(secret[i]) {
			return Token{}, fmt.Errorf("%w: byte %d is none of the letters, digits and -._~+/= that a token consists of", ErrInvalid, i+1)
		}
	}
	return wrap(secret), nil
}

func allowed(c byte) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return true
	}
	switch c {
	case '-', '.', '_', '~', '+', '/', '=':
		return true
	}
	return false
}

func wrap(secret string) Token { return Token{func() string { return secret }} }

// Reveal returns the secret, to be sent to the server or to be stored. Never log it.
func (t Token) Reveal() string {
	if t.reveal == nil {
		return ""
	}
	return t.reveal()
}

// IsZero reports whether t is no token.
func (t Token) IsZero() bool { return t.reveal == nil }

// Equal compares two tokens in constant time.
func (t Token) Equal(u Token) bool {
	return subtle.ConstantTimeCompare([]byte(t.Reveal()), []byte(u.Reveal())) == 1
}

// Format prints [redacted], whatever the verb.
func (t Token) Format(s fmt.State, _ rune) { io.WriteString(s, redacted) }

// String returns [redacted].
func (t Token) String() string { return redacted }

// MarshalText returns [redacted], so that encoding/json and others write that; New refuses it.
func (t Token) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue returns [redacted].
func (t Token) LogValue() slog.Value { return slog.StringValue(redacted) }

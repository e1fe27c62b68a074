// Package redact holds strings that must not be printed: passwords, activation codes, tokens.
package redact

import (
	"fmt"
	"io"
	"log/slog"
)

// Mark stands where the secret would.
const Mark = "[redacted]"

// String is a secret string that prints as [Mark] under every verb of fmt, in JSON and other text encodings, and in
// slog. The zero String is the empty one. It is not for comparing: == compares identity, not contents.
//
// It guards against accidents. The secret is in memory like any other string, and whoever calls Reveal has it.
type String struct {
	// A pointer, because fmt prints unexported fields of other structs by reflection, without asking methods; so it
	// finds an address.
	secret *string
}

// New wraps a secret.
func New(secret string) String { return String{&secret} }

// Reveal returns the secret.
func (s String) Reveal() string {
	if s.secret == nil {
		return ""
	}
	return *s.secret
}

// IsZero reports whether s is empty.
func (s String) IsZero() bool { return s.Reveal() == "" }

// Format implements fmt.Formatter for every verb.
func (String) Format(w fmt.State, _ rune) { _, _ = io.WriteString(w, Mark) }

// String returns Mark.
func (String) String() string { return Mark }

// MarshalText returns Mark; encoding/json uses it too.
func (String) MarshalText() ([]byte, error) { return []byte(Mark), nil }

// LogValue returns Mark.
func (String) LogValue() slog.Value { return slog.StringValue(Mark) }

package fingerprint

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// The parameters of fp1: the second recommended option of RFC 9106 section 4.
const (
	fp1Passes  = 3
	fp1Memory  = 64 << 10 // KiB
	fp1Lanes   = 4
	fp1Length  = 32 // bytes
	fp1Version = "fp1"
	fp1Text    = len(fp1Version) + 1 + 43 // bytes of the text form
)

// Value is one derived identifier. Values are comparable with == and serve as map keys. The zero Value is none, prints
// as an empty text, and is returned by nothing but a failed [ParseValue].
//
// A server that stores values should store a keyed hash of each, so that a stolen database is worth nothing without
// the key.
type Value struct {
	version string
	sum     [fp1Length]byte
}

// ParseValue reads the text form of a value: "fp1:" and 32 bytes in base64url without padding, 47 characters in all, in
// the one spelling they have. The error never repeats the text.
func ParseValue(s string) (Value, error) {
	rest, ok := strings.CutPrefix(s, fp1Version+":")
	if !ok {
		if version, _, ok := strings.Cut(s, ":"); ok && len(version) > 2 && len(version) <= 8 && version[:2] == "fp" {
			return Value{}, fmt.Errorf("fingerprint: value of unknown version %q; this program knows %s", version, fp1Version)
		}
		return Value{}, errors.New(`fingerprint: value does not begin with "fp1:"`)
	}
	v := Value{version: fp1Version}
	if len(s) != fp1Text {
		return Value{}, fmt.Errorf("fingerprint: value has %d characters, want %d", len(s), fp1Text)
	}
	// The decoder skips line breaks; what it decoded is then too short.
	if n, err := base64.RawURLEncoding.Strict().Decode(v.sum[:], []byte(rest)); err != nil || n != fp1Length {
		return Value{}, errors.New("fingerprint: value is not base64url")
	}
	return v, nil
}

// String returns the text form.
func (v Value) String() string {
	if v.version == "" {
		return ""
	}
	return v.version + ":" + base64.RawURLEncoding.EncodeToString(v.sum[:])
}

// derive is fp1. The salt is unambiguous because neither version nor kind holds a colon.
func derive(product string, k Kind, identity []byte) Value {
	salt := "counterfoil:" + fp1Version + ":" + string(k) + ":" + product
	v := Value{version: fp1Version}
	copy(v.sum[:], argon2.IDKey(identity, []byte(salt), fp1Passes, fp1Memory, fp1Lanes, fp1Length))
	return v
}

// fastTag is SHA-256 over a prefix, the salt and the 16 bytes. Only the salt varies in length.
func fastTag(salt []byte, u uuid) string {
	const prefix = "counterfoil:tag1:"
	var buf [128]byte
	b := append(append(append(buf[:0], prefix...), salt...), u[:]...)
	sum := sha256.Sum256(b)
	return string(base64.RawURLEncoding.AppendEncode(append(b[:0], "tag1:"...), sum[:]))
}

package server

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"log/slog"
	"strconv"
	"strings"

	"github.com/counterfoil-dev/counterfoil/internal/redact"
)

// secretPrefix begins the text of a Secret, so that scanners for leaked secrets can know it.
const secretPrefix = "cfm_"

// Secret is the master key: 256 bits that the database never holds. From it come the pepper of fingerprints and the key
// that signing keys are encrypted under. Whoever has the database alone can neither compare devices nor sign. Lose it,
// and every device must activate again with keys that its program does not know: keep it with the backups, not in them.
// The zero Secret is none.
type Secret struct {
	pepper []byte
	sealer cipher.AEAD
	mark   string
}

// NewSecretText returns a fresh master key as text, for [ParseSecret].
func NewSecretText() string {
	b := make([]byte, 32)
	rand.Read(b) // never fails (crypto/rand)
	return secretPrefix + base64.RawURLEncoding.EncodeToString(b)
}

// ParseSecret reads what NewSecretText wrote; space around it is nothing.
func ParseSecret(text string) (Secret, error) {
	rest, ok := strings.CutPrefix(strings.TrimSpace(text), secretPrefix)
	key, err := base64.RawURLEncoding.Strict().DecodeString(rest)
	if !ok || err != nil || len(key) != 32 {
		return Secret{}, fmt.Errorf("master key: want %s and 32 bytes in base64url without padding (43 characters)", secretPrefix)
	}
	var s Secret
	if s.pepper, err = hkdf.Key(sha256.New, key, nil, "counterfoil pepper v1", 32); err != nil {
		return Secret{}, fmt.Errorf("master key: %w", err)
	}
	seal, err := hkdf.Key(sha256.New, key, nil, "counterfoil signing keys v1", 32)
	if err != nil {
		return Secret{}, fmt.Errorf("master key: %w", err)
	}
	block, err := aes.NewCipher(seal)
	if err != nil {
		return Secret{}, fmt.Errorf("master key: %w", err)
	}
	if s.sealer, err = cipher.NewGCMWithRandomNonce(block); err != nil {
		return Secret{}, fmt.Errorf("master key: %w", err)
	}
	s.mark = s.mac("mark")
	return s, nil
}

// IsZero reports whether s is none.
func (s Secret) IsZero() bool { return s.sealer == nil }

// LogValue keeps a Secret out of logs.
func (Secret) LogValue() slog.Value { return slog.StringValue(redact.Mark) }

// Format keeps a Secret out of messages.
func (Secret) Format(w fmt.State, _ rune) { _, _ = w.Write([]byte(redact.Mark)) }

// mac is HMAC-SHA-256 under the pepper, over parts that cannot run into each other.
func (s Secret) mac(parts ...string) string {
	text := make([]byte, 0, 256)
	for _, p := range parts {
		text = strconv.AppendInt(text, int64(len(p)), 10)
		text = append(text, ':')
		text = append(text, p...)
	}
	h := hmac.New(sha256.New, s.pepper)
	h.Write(text)
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

// print is one fingerprint as the server keeps it.
func (s Secret) print(kind, value string) string { return s.mac("fingerprint", kind, value) }

func (s Secret) prints(sent map[string]string) Prints {
	p := make(Prints, len(sent))
	for kind, v := range sent {
		p[kind] = s.print(kind, v)
	}
	return p
}

// seal encrypts a signing key for the database, bound to its id.
func (s Secret) seal(id string, plain []byte) string {
	return base64.RawURLEncoding.EncodeToString(s.sealer.Seal(nil, nil, plain, []byte(id)))
}

func (s Secret) open(id, sealed string) ([]byte, error) {
	b, err := base64.RawURLEncoding.DecodeString(sealed)
	if err == nil {
		b, err = s.sealer.Open(nil, nil, b, []byte(id))
	}
	if err != nil {
		return nil, fmt.Errorf("signing key %q cannot be decrypted: %w", id, ErrSecret)
	}
	return b, nil
}

// newID returns a prefix and 128 random bits in base64url.
func newID(prefix string) string {
	b := make([]byte, 16)
	rand.Read(b) // never fails (crypto/rand)
	return prefix + base64.RawURLEncoding.EncodeToString(b)
}

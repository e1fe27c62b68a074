package lease

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
)

// Signer makes statements. License servers hold one; applications never do. It is safe for concurrent use if its
// private key is.
type Signer struct {
	id     string
	key    crypto.Signer
	public ed25519.PublicKey
}

// NewSigner returns a Signer for an Ed25519 private key under the given id. Any crypto.Signer will do, so that the key
// can stay in a hardware module.
func NewSigner(id string, key crypto.Signer) (*Signer, error) {
	if err := checkKeyID(id); err != nil {
		return nil, fmt.Errorf("lease: key %.100q: %w", id, err)
	}
	if k, ok := key.(ed25519.PrivateKey); key == nil || ok && len(k) != ed25519.PrivateKeySize {
		return nil, errors.New("lease: no private key")
	}
	public, ok := key.Public().(ed25519.PublicKey)
	if !ok {
		return nil, fmt.Errorf("lease: key %q: want an Ed25519 key, have %T", id, key.Public())
	}
	if len(public) != ed25519.PublicKeySize {
		return nil, fmt.Errorf("lease: key %q: public key of %d bytes, want %d", id, len(public), ed25519.PublicKeySize)
	}
	if why, refused := refusedKey(public); refused {
		return nil, fmt.Errorf("lease: key %q: %s", id, why)
	}
	return &Signer{id: id, key: key, public: public}, nil
}

// PublicKey is the public key in the form that [MustKeySet] takes.
func (s *Signer) PublicKey() string {
	return s.id + ":" + base64.RawURLEncoding.EncodeToString(s.public)
}

// SignLease signs l. It refuses what [KeySet.Verify] would refuse.
func (s *Signer) SignLease(l Lease) (string, error) {
	if err := l.validate(); err != nil {
		return "", fmt.Errorf("lease: cannot sign lease: %w", err)
	}
	return s.sign(TypeLease, l)
}

// SignAnswer signs a. It refuses what [KeySet.Verify] would refuse.
func (s *Signer) SignAnswer(a Answer) (string, error) {
	if err := a.validate(); err != nil {
		return "", fmt.Errorf("lease: cannot sign answer: %w", err)
	}
	return s.sign(TypeAnswer, a)
}

func (s *Signer) sign(typ Type, payload any) (string, error) {
	h, err := json.Marshal(header{Alg: algorithm, Kid: s.id, Typ: typ})
	if err != nil {
		return "", fmt.Errorf("lease: %w", err)
	}
	p, err := json.Marshal(payload)
	if err != nil {
		return "", fmt.Errorf("lease: %w", err)
	}
	input := base64.RawURLEncoding.EncodeToString(h) + "." + base64.RawURLEncoding.EncodeToString(p)
	sig, err := s.key.Sign(rand.Reader, []byte(input), crypto.Hash(0))
	if err != nil {
		return "", fmt.Errorf("lease: sign with key %q: %w", s.id, err)
	}
	if len(sig) != ed25519.SignatureSize {
		return "", fmt.Errorf("lease: sign with key %q: signature of %d bytes, want %d", s.id, len(sig), ed25519.SignatureSize)
	}
	text := input + "." + base64.RawURLEncoding.EncodeToString(sig)
	if len(text) > maxText {
		return "", fmt.Errorf("lease: statement of %d bytes is longer than %d", len(text), maxText)
	}
	return text, nil
}

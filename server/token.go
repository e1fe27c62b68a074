package server

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"strings"
)

// A token is a prefix and 32 bytes in base64url: 224 random bits, then 32 bits of SHA-256 over a tag and them. What is no
// token of ours is told by prefix and sum, without a look into the database.
const (
	tokenPrefix = "cft_"
	tokenRandom = 28
	tokenTag    = "counterfoil token v1:"
)

func newToken() string {
	b := make([]byte, tokenRandom, tokenRandom+4)
	rand.Read(b) // never fails (crypto/rand)
	return tokenPrefix + base64.RawURLEncoding.EncodeToString(append(b, tokenSum(b)...))
}

func tokenSum(random []byte) []byte {
	sum := sha256.Sum256(append([]byte(tokenTag), random...))
	return sum[:4]
}

// HashToken is a token as the server keeps it; ok is false for what never was one.
func HashToken(token string) (hash string, ok bool) {
	rest, ok := strings.CutPrefix(token, tokenPrefix)
	b, err := base64.RawURLEncoding.Strict().DecodeString(rest)
	if !ok || err != nil || len(b) != tokenRandom+4 || string(tokenSum(b[:tokenRandom])) != string(b[tokenRandom:]) {
		return "", false
	}
	return hashText("token", token), true
}

// HashCode is an activation code, in canonical form, as the server keeps it. The 100 random bits of a code need no slow
// hash.
func HashCode(code string) string { return hashText("code", code) }

func hashText(kind, s string) string {
	sum := sha256.Sum256([]byte("counterfoil " + kind + " v1:" + s))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

package wire

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
)

// An activation code is 25 symbols of Crockford's base32 (https://www.crockford.com/base32.html) in five groups:
// 100 random bits, then 25 bits of SHA-256 over a tag and the first 20 symbols. Both sides verify the sum, so that a
// typing mistake is told at once and costs no request.
const (
	codeAlphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	codeRandom   = 20
	codeLength   = 25
	codeGroup    = 5
	codeTag      = "counterfoil code v1:"
)

// NewCode makes an activation code from 100 random bits.
func NewCode() string {
	var b [codeRandom]byte
	rand.Read(b[:]) // never fails (crypto/rand)
	for i, c := range b {
		b[i] = codeAlphabet[c&31]
	}
	return formatCode(string(b[:]) + codeSum(string(b[:])))
}

// ParseCode reads an activation code as a person typed or pasted it and returns its canonical form. It takes lower
// case, hyphens, dashes and spaces anywhere, and O, I and L for 0, 1 and 1. The error tells the person what is wrong
// with it and never repeats it.
func ParseCode(s string) (string, error) {
	if len(s) > 256 {
		return "", errors.New("is far too long")
	}
	var b strings.Builder
	for _, r := range s {
		if 'a' <= r && r <= 'z' { // and no further: the upper case of some letters beyond ASCII is ASCII
			r -= 'a' - 'A'
		}
		switch r {
		case '-', '\u2010', '\u2011', '\u2012', '\u2013', '\u2014', '\u2212', // hyphens, dashes, minus
			' ', '\t', '\r', '\n', '\u00a0', '\u202f', '\u200b', '\ufeff': // spaces, some of no width
			continue
		case 'O':
			r = '0'
		case 'I', 'L':
			r = '1'
		}
		if r >= 0x80 || strings.IndexByte(codeAlphabet, byte(r)) < 0 {
			return "", errors.New("holds a character that no activation code has")
		}
		b.WriteRune(r)
	}
	code := b.String()
	if len(code) != codeLength {
		return "", fmt.Errorf("has %d letters and digits; an activation code has %d", len(code), codeLength)
	}
	if codeSum(code[:codeRandom]) != code[codeRandom:] {
		return "", errors.New("has a typing mistake")
	}
	return formatCode(code), nil
}

func codeSum(random string) string {
	sum := sha256.Sum256([]byte(codeTag + random))
	var b [codeLength - codeRandom]byte
	for i := range b {
		b[i] = codeAlphabet[sum[i]&31]
	}
	return string(b[:])
}

func formatCode(s string) string {
	groups := make([]string, 0, codeLength/codeGroup)
	for i := 0; i < len(s); i += codeGroup {
		groups = append(groups, s[i:i+codeGroup])
	}
	return strings.Join(groups, "-")
}

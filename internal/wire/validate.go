package wire

import (
	"encoding/base64"
	"errors"
	"fmt"
	"unicode"
	"unicode/utf8"

	"github.com/counterfoil-dev/counterfoil/internal/strictjson"
)

func (r *Activation) nonce() string   { return r.Nonce }
func (r *Check) nonce() string        { return r.Nonce }
func (r *Deactivation) nonce() string { return r.Nonce }
func (r *Rebinding) nonce() string    { return r.Nonce }

func (r *Activation) validate() error {
	errs := []error{
		checkRandom("nonce", r.Nonce),
		in("product", CheckProduct(r.Product)),
		checkRandom("installation", r.Installation),
		checkFingerprints("fingerprints", r.Fingerprints),
		CheckLabel(r.Label),
	}
	switch {
	case (r.Code == "") == (r.Account == nil):
		errs = append(errs, errors.New("code, account: want exactly one of them"))
	case r.Account != nil:
		errs = append(errs, r.Account.Validate())
	default:
		if c, err := ParseCode(r.Code); err != nil || c != r.Code {
			errs = append(errs, errors.New("code: not an activation code in canonical form"))
		}
	}
	return errors.Join(errs...)
}

// Validate reports what is wrong with what a person typed, without repeating it.
func (a *Account) Validate() error {
	errs := []error{
		checkText("account: email", a.Email, MaxEmail),
		checkPassword(a.Password),
	}
	if a.License != "" {
		errs = append(errs, checkVisible("account: license", a.License, maxID))
	}
	return errors.Join(errs...)
}

func (r *Check) validate() error {
	errs := []error{
		checkRandom("nonce", r.Nonce),
		in("product", CheckProduct(r.Product)),
		checkFingerprints("fingerprints", r.Fingerprints),
	}
	if r.Pinned != nil {
		errs = append(errs, checkFingerprints("pinned", r.Pinned))
	}
	return errors.Join(append(errs, checkLease(r.Lease))...)
}

func (r *Deactivation) validate() error {
	return errors.Join(checkRandom("nonce", r.Nonce), in("product", CheckProduct(r.Product)), checkLease(r.Lease))
}

func (r *Rebinding) validate() error {
	return errors.Join(
		checkRandom("nonce", r.Nonce),
		in("product", CheckProduct(r.Product)),
		checkRandom("installation", r.Installation),
		checkFingerprints("fingerprints", r.Fingerprints),
	)
}

// in names the field that an error is about.
func in(field string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", field, err)
}

// checkRandom wants 128 bits in base64url without padding, in the one spelling they have.
func checkRandom(field, s string) error {
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || len(b) != 16 || len(s) != 22 {
		return fmt.Errorf("%s: want 16 bytes in base64url without padding (22 characters)", field)
	}
	return nil
}

// CheckProduct wants a product's name: 1 to 64 lower-case letters, digits and hyphens, a letter or digit first. It
// becomes the name of a folder and of a keyring item.
func CheckProduct(s string) error {
	ok := s != "" && len(s) <= maxID && s[0] != '-'
	for _, c := range []byte(s) {
		ok = ok && ('a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-')
	}
	if !ok {
		return errors.New("want 1 to 64 of a-z, 0-9 and -, such as \"acme-editor\"")
	}
	return nil
}

// CheckLabel wants up to MaxLabel bytes of UTF-8 without control characters. Empty is no label.
func CheckLabel(s string) error {
	if s == "" {
		return nil
	}
	return checkText("label", s, MaxLabel)
}

// CheckToken wants what an Authorization header can carry (RFC 6750 section 2.1: b64token), up to MaxToken bytes.
func CheckToken(s string) error {
	ok := s != "" && len(s) <= MaxToken
	for _, c := range []byte(s) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case c == '-', c == '.', c == '_', c == '~', c == '+', c == '/', c == '=':
		default:
			ok = false
		}
	}
	if !ok {
		return fmt.Errorf("token: want 1 to %d letters, digits and \"-._~+/=\"", MaxToken)
	}
	return nil
}

func checkFingerprints(field string, m map[string]string) error {
	if len(m) == 0 || len(m) > maxKinds {
		return fmt.Errorf("%s: want 1 to %d, have %d", field, maxKinds, len(m))
	}
	for kind, v := range m {
		if !strictjson.ValidName(kind) {
			return fmt.Errorf("%s: kind %.80q: want 1 to 64 of a-z, 0-9 and \". _ -\"", field, kind)
		}
		if err := checkVisible(field+": "+kind, v, maxValue); err != nil {
			return err
		}
	}
	return nil
}

// checkLease wants what a compact JWS is made of; whether it is one is for package lease. Empty is none.
func checkLease(s string) error {
	ok := len(s) <= maxLease
	for _, c := range []byte(s) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_', c == '.':
		default:
			ok = false
		}
	}
	if !ok {
		return fmt.Errorf("lease: want up to %d letters, digits and \"-_.\"", maxLease)
	}
	return nil
}

// checkPassword takes any character: what a person chose is theirs.
func checkPassword(s string) error {
	if s == "" || len(s) > MaxPassword || !utf8.ValidString(s) {
		return fmt.Errorf("account: password: want 1 to %d bytes of UTF-8", MaxPassword)
	}
	return nil
}

// checkVisible wants 1 to most ASCII characters from "!" to "~".
func checkVisible(field, s string, most int) error {
	ok := s != "" && len(s) <= most
	for _, c := range []byte(s) {
		ok = ok && ' ' < c && c < 0x7f
	}
	if !ok {
		return fmt.Errorf("%s: want 1 to %d visible ASCII characters", field, most)
	}
	return nil
}

// checkText wants 1 to most bytes of UTF-8 without control characters (category Cc). Go's own idea of printable is
// narrower (it refuses the joiners of Persian names and emoji) and grows with each Unicode version.
func checkText(field, s string, most int) error {
	if s == "" || len(s) > most || !utf8.ValidString(s) {
		return fmt.Errorf("%s: want 1 to %d bytes of UTF-8", field, most)
	}
	for _, r := range s {
		if unicode.IsControl(r) {
			return fmt.Errorf("%s: holds a control character", field)
		}
	}
	return nil
}

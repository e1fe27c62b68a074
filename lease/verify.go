package lease

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/counterfoil-dev/counterfoil/internal/strictjson"
)

// ErrInvalid is wrapped by every error of [KeySet.Verify]: the text is not a statement that one of the keys signed.
var ErrInvalid = errors.New("not a valid signed statement")

// Verified is a statement whose signature, type and form were found good. Only [KeySet.Verify] makes one that holds
// anything; the zero value is a statement that permits nothing.
type Verified struct {
	keyID  string
	lease  Lease
	answer Answer
}

// KeyID is the id of the key that signed.
func (v Verified) KeyID() string { return v.keyID }

// Lease is the statement's content if it was verified as [TypeLease]; otherwise a zero Lease, which permits nothing.
// Its maps are shared: leave them unmodified.
func (v Verified) Lease() Lease { return v.lease }

// Answer is the statement's content if it was verified as [TypeAnswer]; otherwise a zero Answer.
func (v Verified) Answer() Answer { return v.answer }

// header is the JOSE header (RFC 7515 section 4). The algorithm is a constant of this package: a header that names
// another is refused, and none is chosen by it.
type header struct {
	Alg  string `json:"alg"`
	Kid  string `json:"kid"`
	Typ  Type   `json:"typ"`
	Crit any    `json:"crit,omitzero"`
}

const algorithm = "EdDSA" // RFC 8037 section 3.1

// Verify checks that text is a statement of the given type, signed by one of the keys, and well-formed: see
// docs/protocol.md, "Statements". Every error wraps [ErrInvalid]. It says nothing of whether the statement is meant
// for this device or this request, or is still in force.
func (ks KeySet) Verify(typ Type, text string) (Verified, error) {
	v, err := ks.verify(typ, text)
	if err != nil {
		return Verified{}, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return v, nil
}

func (ks KeySet) verify(typ Type, text string) (Verified, error) {
	if len(text) > maxText {
		return Verified{}, fmt.Errorf("longer than %d bytes", maxText)
	}
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return Verified{}, fmt.Errorf("want 3 parts separated by dots, have %d", len(parts))
	}
	var raw [3][]byte
	for i, p := range parts {
		b, err := decode(p)
		if err != nil {
			return Verified{}, fmt.Errorf("part %d: %w", i+1, err)
		}
		raw[i] = b
	}

	var h header
	if err := strictjson.Unmarshal(raw[0], &h); err != nil {
		return Verified{}, fmt.Errorf("header: %w", err)
	}
	if h.Crit != nil {
		return Verified{}, errors.New("header: crit is not supported")
	}
	if h.Alg != algorithm {
		return Verified{}, fmt.Errorf("header: alg %.40q, want %s", h.Alg, algorithm)
	}
	if h.Typ != typ {
		return Verified{}, fmt.Errorf("header: typ %.40q, want %s", h.Typ, typ)
	}
	key, ok := ks.keys[h.Kid]
	if !ok {
		return Verified{}, fmt.Errorf("header: kid %.40q is not one of the pinned keys", h.Kid)
	}
	if !ed25519.Verify(key, []byte(text[:len(parts[0])+1+len(parts[1])]), raw[2]) {
		return Verified{}, fmt.Errorf("signature does not match key %q", h.Kid)
	}

	v := Verified{keyID: h.Kid}
	var err error
	switch typ {
	case TypeLease:
		if err = strictjson.Unmarshal(raw[1], &v.lease); err == nil {
			err = v.lease.validate()
		}
	case TypeAnswer:
		if err = strictjson.Unmarshal(raw[1], &v.answer); err == nil {
			err = v.answer.validate()
		}
	default:
		err = fmt.Errorf("unknown type %.40q", typ)
	}
	if err != nil {
		return Verified{}, fmt.Errorf("payload: %w", err)
	}
	return v, nil
}

// decode reads base64url without padding (RFC 7515 section 2). Even the strict decoder of encoding/base64 passes over
// CR and LF, which would give one signed statement many spellings.
func decode(s string) ([]byte, error) {
	if strings.ContainsAny(s, "\r\n") {
		return nil, errors.New("line break inside base64")
	}
	return base64.RawURLEncoding.Strict().DecodeString(s)
}

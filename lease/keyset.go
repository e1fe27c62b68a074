package lease

import (
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// KeySet holds the Ed25519 public keys whose signatures are accepted, by id. Pin several to rotate them: the next
// release adds the new key, and a later one drops the old. The zero value accepts nothing. A KeySet is immutable and
// safe for concurrent use.
type KeySet struct {
	keys map[string]ed25519.PublicKey
}

// ParseKeySet reads keys in the form that a license server prints: "id:key", where id is 1 to 64 letters, digits or ".
// _ -", and key the 32 bytes of an Ed25519 public key (RFC 8032) in base64url without padding. It reports all that is
// wrong at once. It refuses the published test keys of RFC 8032 and RFC 8037, whose private halves everybody has, and
// keys of small order, for which anybody can sign.
func ParseKeySet(keys ...string) (KeySet, error) {
	if len(keys) == 0 {
		return KeySet{}, errors.New("lease: no keys; pass the ones your license server prints (form: \"id:key\")")
	}
	ks := KeySet{keys: make(map[string]ed25519.PublicKey, len(keys))}
	var errs []error
	for _, s := range keys {
		id, key, err := parseKey(s)
		if err == nil && ks.keys[id] != nil {
			err = errors.New("id stands twice")
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("lease: key %.100q: %w", s, err))
			continue
		}
		ks.keys[id] = key
	}
	if err := errors.Join(errs...); err != nil {
		return KeySet{}, err
	}
	return ks, nil
}

// MustKeySet is [ParseKeySet] for keys written in the program. It panics on an error, as regexp.MustCompile does.
func MustKeySet(keys ...string) KeySet {
	ks, err := ParseKeySet(keys...)
	if err != nil {
		panic(err)
	}
	return ks
}

// IsZero reports whether ks holds no key.
func (ks KeySet) IsZero() bool { return len(ks.keys) == 0 }

func parseKey(s string) (id string, key ed25519.PublicKey, err error) {
	id, text, ok := strings.Cut(s, ":")
	if !ok {
		return "", nil, errors.New("want the form \"id:key\"")
	}
	if err := checkKeyID(id); err != nil {
		return "", nil, err
	}
	b, err := decode(text)
	if err != nil {
		return "", nil, fmt.Errorf("not base64url without padding: %w", err)
	}
	if len(b) != ed25519.PublicKeySize {
		return "", nil, fmt.Errorf("want %d bytes, have %d", ed25519.PublicKeySize, len(b))
	}
	if why, ok := refusedKey(b); ok {
		return "", nil, errors.New(why)
	}
	return id, b, nil
}

func checkKeyID(id string) error {
	if id == "" || len(id) > 64 {
		return errors.New("id: want 1 to 64 characters")
	}
	for _, c := range []byte(id) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '.', c == '_', c == '-':
		default:
			return errors.New("id: only letters, digits and \". _ -\"")
		}
	}
	return nil
}

// refusedKey tells the keys that must not be pinned, and why.
func refusedKey(key []byte) (why string, refused bool) {
	switch hex.EncodeToString(key) {
	case "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", // RFC 8032 section 7.1 test 1, RFC 8037 appendix A
		"3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", // 7.1 test 2
		"fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", // 7.1 test 3
		"278117fc144c72340f67d0f2316e8386ceffbf2b2428c9c51fef7c597f1d426e", // 7.1 test 1024
		"ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf", // 7.1 test SHA(abc), 7.3
		"dfc9425e4f968f7f0c29f0259cf5f9aed6851c2bb4ad8bfb860cfee0ab248292", // 7.2 foo, bar, foo2
		"0f1d1274943b91415889152e893d80e93275a1fc0b65fd71b4b0dda10ad7d772": // 7.2 foo3
		return "is a published test key of RFC 8032 or RFC 8037; its private half is public", true
	}
	// Every encoding of every point of small order, the sign bit aside: the list of libsodium's
	// ge25519_has_small_order, which the tests compute anew from the curve.
	y := append([]byte(nil), key...)
	y[31] &= 0x7f
	switch hex.EncodeToString(y) {
	case "0000000000000000000000000000000000000000000000000000000000000000",
		"0100000000000000000000000000000000000000000000000000000000000000",
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f":
		return "is a point of small order; anybody can sign for it", true
	}
	return "", false
}

package fingerprint

import (
	"bytes"
	"encoding/hex"
	"errors"
)

// uuid is 16 bytes of an identifier, in whichever of its two byte orders they were read.
type uuid [16]byte

// swapped reverses the bytes of the first three fields. SMBIOS 2.6 stores them in little-endian order, systems differ
// in whether they undo that (DSP0134 section 7.2.1).
func (u uuid) swapped() uuid {
	u[0], u[1], u[2], u[3] = u[3], u[2], u[1], u[0]
	u[4], u[5] = u[5], u[4]
	u[6], u[7] = u[7], u[6]
	return u
}

// canonical is the smaller of the two spellings: one machine, one identity, whatever system is booted. It costs one
// bit.
func (u uuid) canonical() uuid {
	if s := u.swapped(); bytes.Compare(s[:], u[:]) < 0 {
		return s
	}
	return u
}

// identity is the form that is hashed: canonical for what systems spell in two ways. The identifier of an installed
// system has one spelling.
func (u uuid) identity(k Kind) uuid {
	if k == BIOSUUID {
		return u.canonical()
	}
	return u
}

// random reports whether u claims to be random: version 4 of the variant of RFC 9562. Dell's service tags can look like
// it.
func (u uuid) random() bool {
	const dell = "DELL"
	swapped := u.swapped()
	return u[6]>>4 == 4 && u[8]>>6 == 2 && string(u[:4]) != dell && string(swapped[:4]) != dell
}

func (u uuid) String() string {
	var b [36]byte
	hex.Encode(b[:8], u[:4])
	hex.Encode(b[9:13], u[4:6])
	hex.Encode(b[14:18], u[6:8])
	hex.Encode(b[19:23], u[8:10])
	hex.Encode(b[24:], u[10:])
	b[8], b[13], b[18], b[23] = '-', '-', '-', '-'
	return string(b[:])
}

var errNoUUID = errors.New("want a UUID, or 32 hexadecimal digits")

// parseUUID reads 8-4-4-4-12 hexadecimal digits, or 32 of them, in upper or lower case.
func parseUUID(b []byte) (u uuid, err error) {
	switch {
	case len(b) == 36 && b[8] == '-' && b[13] == '-' && b[18] == '-' && b[23] == '-':
		var digits [32]byte
		n := copy(digits[:], b[:8])
		n += copy(digits[n:], b[9:13])
		n += copy(digits[n:], b[14:18])
		n += copy(digits[n:], b[19:23])
		copy(digits[n:], b[24:])
		_, err = hex.Decode(u[:], digits[:])
	case len(b) == 32:
		_, err = hex.Decode(u[:], b)
	default:
		return uuid{}, errNoUUID
	}
	if err != nil {
		return uuid{}, errNoUUID // the decoder's error would repeat a character of the identifier
	}
	return u, nil
}

// textUUID reads what a system prints as a UUID: the text of sysfs, kenv, sysctl and the device tree, with line ends
// and trailing NULs, or one of the phrases that mean there is none.
func textUUID(b []byte) (uuid, error) {
	b = bytes.Trim(b, " \t\r\n\x00")
	if len(b) == 0 {
		return uuid{}, fault{NotPresent, errors.New("empty")}
	}
	if saysNone(string(b)) {
		return uuid{}, fault{NotPresent, errors.New("said to be not set")}
	}
	u, err := parseUUID(b)
	if err != nil {
		return uuid{}, fault{Malformed, err}
	}
	return u, nil
}

// parseMachineNumber reads the 12 hexadecimal digits of AIX, and sets them where a UUID has its network address.
func parseMachineNumber(b []byte) (uuid, error) {
	s := trimNUL(b)
	var u uuid
	if len(s) != 12 {
		return uuid{}, fault{Malformed, errors.New("want 12 hexadecimal digits")}
	}
	if _, err := hex.Decode(u[10:], []byte(s)); err != nil {
		return uuid{}, fault{Malformed, errors.New("want 12 hexadecimal digits")}
	}
	return u, nil
}

// trimNUL returns the text before the first NUL, without spaces around it.
func trimNUL(b []byte) string {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		b = b[:i]
	}
	return string(bytes.TrimSpace(b))
}

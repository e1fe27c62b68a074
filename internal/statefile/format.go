package statefile

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// MaxSize is the largest payload, in bytes.
const MaxSize = 256 << 10

// The first line is "counterfoil 1 <64 hex digits>\n"; the payload follows, byte for byte.
const (
	magic      = "counterfoil "
	version    = "1 "
	headerSize = len(magic) + len(version) + 2*sha256.Size + len("\n")
)

func encode(payload []byte) []byte {
	sum := sha256.Sum256(payload)
	text := make([]byte, 0, headerSize+len(payload))
	text = append(text, magic+version...)
	text = hex.AppendEncode(text, sum[:])
	text = append(text, '\n')
	return append(text, payload...)
}

func decode(text []byte) ([]byte, error) {
	if len(text) > headerSize+MaxSize {
		return nil, fmt.Errorf("it holds more than %d bytes", MaxSize)
	}
	if len(text) < headerSize {
		return nil, fmt.Errorf("it ends after %d bytes, within its first line", len(text))
	}
	header, payload := string(text[:headerSize]), text[headerSize:]
	rest, ok := strings.CutPrefix(header, magic)
	if !ok {
		return nil, errors.New("it does not start as files of this library do")
	}
	rest, ok = strings.CutPrefix(rest, version)
	if !ok {
		return nil, errors.New("its format is of another version of this library")
	}
	sum := sha256.Sum256(payload)
	if rest != hex.EncodeToString(sum[:])+"\n" {
		return nil, errors.New("its contents do not match its checksum")
	}
	return payload, nil
}

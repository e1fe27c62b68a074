package fingerprint

import (
	"bytes"
	_ "embed"
	"encoding/hex"
	"errors"
	"strings"
	"sync"
)

// placeholders.tsv lists values that were seen on many devices, each with where that was said. Its columns are kind,
// level ("refused", or "suspect" where one site saw a value twice and a real device may own it), value, source.
//
//go:embed placeholders.tsv
var placeholdersTSV string

// listed holds the built-in list in canonical form, which covers both spellings. It is made once and never changes.
var listed = sync.OnceValue(func() map[Kind]map[uuid]string {
	all := map[Kind]map[uuid]string{BIOSUUID: {}, OSInstall: {}}
	for line := range strings.Lines(placeholdersTSV) {
		f := strings.Split(strings.TrimSpace(line), "\t")
		if len(f) != 4 || f[1] != "refused" || all[Kind(f[0])] == nil {
			continue
		}
		if u, err := parseUUID([]byte(f[2])); err == nil {
			all[Kind(f[0])][u.canonical()] = f[3]
		}
	}
	return all
})

// refuse says why u identifies no device, or nil. Both spellings are tested.
func refuse(k Kind, u uuid) error {
	switch u {
	case uuid{}, allFF: // DSP0134 section 7.2.1: not present, and settable or not
		return fault{NotPresent, errors.New("not set")}
	}
	for _, v := range [...]uuid{u, u.swapped()} {
		if why := structural(v); why != "" {
			return fault{Placeholder, errors.New(why)}
		}
	}
	if _, ok := listed()[k][u.canonical()]; ok {
		return fault{Placeholder, errors.New("a value that many devices have")}
	}
	return nil
}

var allFF = uuid(bytes.Repeat([]byte{0xFF}, 16))

// structural holds the rules that cover most placeholders without a list.
func structural(u uuid) string {
	blank := [6]byte{}
	node := [6]byte(u[10:])
	switch {
	case bytes.Count(u[:], u[:1]) == len(u):
		return "all bytes are equal"
	case bytes.Equal(u[:], []byte{3, 0, 2, 0, 0, 4, 0, 5, 0, 6, 0, 7, 0, 8, 0, 9}):
		return "a template without a network address"
	case bytes.HasPrefix(u[:], []byte("DELL")) && bytes.HasSuffix(u[:], []byte("   ")):
		return "a blank service tag"
	case bytes.Count(u[4:], []byte{0xFF}) == 12:
		return "all but the first field is FF"
	case counting(u):
		return "a counting pattern"
	case u[0]|u[1]|u[2]|u[3] == 0 && (node == blank || node == [6]byte{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}):
		return "zeros without a network address"
	}
	return ""
}

// counting recognizes 00 01 02 … 0f from any start, up or down, and 12345678-1234-….
func counting(u uuid) bool {
	up, down := true, true
	for i := 1; i < len(u); i++ {
		up = up && u[i] == u[i-1]+1
		down = down && u[i] == u[i-1]-1
	}
	return up || down || hex.EncodeToString(u[:6]) == "123456781234"
}

// callerPlaceholder reports constants that mobile systems return instead of an identifier.
func callerPlaceholder(s string) bool {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "null", "(null)", "nil", "<nil>", "undefined", "unknown", "none", "n/a",
		"9774d56d682e549c": // ANDROID_ID of many Android 2.2 devices
		return true
	}
	u, err := parseUUID([]byte(strings.TrimSpace(s)))
	return err == nil && structural(u) != ""
}

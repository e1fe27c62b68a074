package fingerprint

import (
	"bytes"
	_ "embed"
	"encoding/hex"
	"errors"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
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

// saysNone reports the phrases with which firmware and systems say that there is no identifier.
func saysNone(s string) bool {
	switch strings.ToLower(s) {
	case "not set", "not present", "not settable", "not specified", "not", "none":
		return true
	}
	return false
}

// callerPlaceholder reports what mobile systems, firmware and programs give instead of an identifier: phrases, values
// of one repeated character, and the UUIDs and network addresses that many devices have, however they are spelled.
func callerPlaceholder(s string) bool {
	s = strings.Trim(s, " \t\r\n\x00{}()<>[]\"'")
	if !utf8.ValidString(s) {
		return strings.Count(s, s[:1]) == len(s) // bytes that are no text may be an identifier without letters
	}
	s = strings.ToLower(s)
	switch s {
	case "null", "nil", "undefined", "unknown", "uninitialized", "n/a", "not available", "not applicable",
		"to be filled by o.e.m.", "default string", "system serial number",
		"9774d56d682e549c": // ANDROID_ID of many Android 2.2 devices
		return true
	}
	if saysNone(s) || oneCharacter(s) {
		return true
	}
	digits := strings.Map(func(r rune) rune {
		if strings.ContainsRune("{}-:. \x00", r) {
			return -1
		}
		return r
	}, strings.TrimPrefix(s, "urn:uuid:"))
	if digits == "020000000000" { // the network address that Android and iOS give to every application
		return true
	}
	u, err := parseUUID([]byte(digits))
	return err == nil && (refuse(BIOSUUID, u) != nil || refuse(OSInstall, u) != nil)
}

// oneCharacter reports whether the letters and digits of a text are all the same, or there are none.
func oneCharacter(s string) bool {
	var first rune
	for _, r := range s {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsNumber(r):
		case first == 0:
			first = r
		case r != first:
			return false
		}
	}
	return true
}

// Package strictjson decodes JSON where bytes are signed or come from a stranger, without the freedoms of
// encoding/json that let two readers of one text see two different things.
//
// It refuses what encoding/json accepts: a member named twice, a member whose name is not lower-case ASCII
// (encoding/json matches names without regard to case, so that "Code" would stand for "code"), nesting deeper
// than MaxDepth, more than MaxMembers members in one object, invalid UTF-8, half of a surrogate pair (encoding/json
// reads U+FFFD instead), and null. Unknown members are ignored, so that a later version of the protocol can add some.
package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"
)

const (
	// MaxDepth is how deep objects and arrays may nest.
	MaxDepth = 8
	// MaxMembers is how many members an object may have.
	MaxMembers = 512
)

// maxName bounds the length of a member's name.
const maxName = 64

// Unmarshal decodes data, which must be one JSON object, into v. The caller bounds the size of data. After an error, v
// holds something only where a member was of another type than v's.
func Unmarshal(data []byte, v any) error {
	if !utf8.Valid(data) {
		return errors.New("not valid UTF-8")
	}
	if d := bytes.TrimLeft(data, " \t\r\n"); len(d) == 0 || d[0] != '{' {
		return errors.New("not a JSON object")
	}
	if !json.Valid(data) {
		return json.Unmarshal(data, v) // says what is wrong with it, and touches nothing
	}
	if err := check(data); err != nil {
		return err
	}
	return json.Unmarshal(data, v)
}

// check walks over JSON that encoding/json has found well-formed, and finds what it lets pass.
func check(data []byte) error {
	var (
		start [MaxDepth + 1]int  // by depth: where the names of the object begin in names
		array [MaxDepth + 1]bool // by depth: it is an array
		names [][]byte           // of the objects that are open
		depth int
		name  bool // the next string is a member's name
	)
	for i := 0; i < len(data); i++ {
		switch data[i] {
		case '{', '[':
			if depth == MaxDepth {
				return fmt.Errorf("nested deeper than %d", MaxDepth)
			}
			depth++
			array[depth], start[depth] = data[i] == '[', len(names)
			name = !array[depth]
		case '}', ']':
			names = names[:start[depth]]
			depth--
		case ',':
			name = !array[depth]
		case 'n':
			return errors.New("null is not a value here; leave the member out")
		case '"':
			text := str(data[i+1:])
			i += len(text) + 1
			if !name {
				if halfPair(text) {
					return errors.New("half of a surrogate pair")
				}
				continue
			}
			name = false
			if !ValidName(string(text)) { // which excludes escapes, so that a name has one spelling
				return fmt.Errorf("member name %.80q is not lower-case ASCII", text)
			}
			for _, n := range names[start[depth]:] {
				if bytes.Equal(n, text) {
					return fmt.Errorf("member %q stands twice", text)
				}
			}
			if names = append(names, text); len(names)-start[depth] > MaxMembers {
				return fmt.Errorf("more than %d members", MaxMembers)
			}
		}
	}
	return nil
}

// str returns what stands before the closing quote.
func str(data []byte) []byte {
	for i := 0; i < len(data); i++ {
		switch data[i] {
		case '\\':
			i++
		case '"':
			return data[:i]
		}
	}
	return data // not reached: the JSON is well-formed
}

// halfPair reports whether a string escapes half a surrogate pair, such as "\ud83d" without "\ude00" behind it (RFC
// 8259 section 8.2).
func halfPair(text []byte) bool {
	if bytes.IndexByte(text, '\\') < 0 {
		return false
	}
	var high bool // the last thing read was the first half of a pair
	for i := 0; i < len(text); i++ {
		var r uint64
		if text[i] == '\\' {
			i++
			if text[i] == 'u' {
				r, _ = strconv.ParseUint(string(text[i+1:i+5]), 16, 16)
				i += 4
			}
		}
		low := 0xdc00 <= r && r <= 0xdfff
		if high != low {
			return true
		}
		high = 0xd800 <= r && r <= 0xdbff
	}
	return high
}

// ValidName reports whether s can name a member: 1 to 64 lower-case ASCII letters, digits and ". _ -".
func ValidName(s string) bool {
	if s == "" || len(s) > maxName {
		return false
	}
	for _, c := range []byte(s) {
		switch {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '.', c == '_', c == '-':
		default:
			return false
		}
	}
	return true
}

package fingerprint

import (
	"regexp"
	"strings"
	"testing"
)

func TestCallerPlaceholder(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		" ", "-", "\x00\x00", "{}", "()", "0", "0000000000000000", "000000000000000", "xxxxxxxx-xxxx", "XxXx", "\xff\xff\xff",
		"null", "(null)", "<nil>", "undefined", "Unknown", "unknown\x00", "N/A", "None", "\"none\"",
		"Not Set", "not present", "Not Settable", "not specified", "uninitialized", "To Be Filled By O.E.M.", "Default string",
		"9774d56d682e549c", "02:00:00:00:00:00", "02-00-00-00-00-00", "020000000000", "0200.0000.0000",
		"00:00:00:00:00:00", "FF:FF:FF:FF:FF:FF",
		"00000000-0000-0000-0000-000000000000", "{00000000-0000-0000-0000-000000000000}",
		"deadbeef-dead-beef-dead-beefdeadbeef", "DEADBEEFDEADBEEFDEADBEEFDEADBEEF", "{deadbeef-dead-beef-dead-beefdeadbeef}\x00",
		"urn:uuid:deadbeef-dead-beef-dead-beefdeadbeef", "de:ad:be:ef:de:ad:be:ef:de:ad:be:ef:de:ad:be:ef",
		"03000200-0400-0500-0006-000700080009", "00020003-0004-0005-0006-000700080009", "10000000-0000-8000-0040-000000000000",
		"890e2d14-cacd-45d1-ae66-bc80e8bfeb0f", "ebb19c6b226f48fa86a541fd060e8762",
	} {
		if _, err := Read(Config{Product: "p", Caller: s}); err == nil {
			t.Errorf("%q identifies a device", s)
		}
	}
	for _, s := range []string{
		"device 4711", "10", "x7", "serial-0000-0001", "02:00:00:00:00:01", "3f2504e0-4f89-41d3-9a0c-0305e82c3301",
		"{3f2504e0-4f89-41d3-9a0c-0305e82c3301}", "9774d56d682e549d", "nonesuch", "Gerät Ü", "\xff\xfe\xfd", "notset-1",
	} {
		if _, err := Read(Config{Product: "p", Caller: s}); err != nil {
			t.Errorf("%q: %v", s, err)
		}
	}
}

// TestGerman: behind a colon stands a full sentence, which begins with a capital, and there is one word for a role.
func TestGerman(t *testing.T) {
	t.Parallel()
	small := regexp.MustCompile(`: \p{Ll}`)
	for _, k := range kinds {
		for r := range reasonNames {
			e := &Error{Kind: k, Reason: Reason(r)}
			evidence := Evidence{Kind: k, Finding: Unreadable, Skipped: []*Error{e}}
			for _, o := range []Outcome{Unavailable, SameDegraded} {
				for _, s := range []string{e.Hint("de"), Verdict{Outcome: o, Evidence: []Evidence{evidence}}.Message("de")} {
					if s == "" || small.MatchString(s) || strings.Contains(s, "sein Service") || strings.Contains(s, "Verwalter") {
						t.Errorf("%s, %s: %s", k, Reason(r), s)
					}
				}
			}
		}
	}
}

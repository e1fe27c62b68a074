package fingerprint

import (
	"testing"
)

// seeds fails a fuzz target that starts from nothing.
func seeds(f *testing.F, n int) {
	f.Helper()
	if n == 0 {
		f.Fatal("no seeds")
	}
}

func FuzzTables(f *testing.F) {
	var v tableVectors
	load(f, "smbios.json", &v)
	n := 0
	for _, v := range v.Vectors {
		if b := v.Table.bytes(); len(b) < 4096 {
			f.Add([]byte(v.Entry), b)
			n++
		}
	}
	seeds(f, n)
	f.Fuzz(func(t *testing.T, entry, table []byte) {
		s, err := parseTables(entry, table)
		usable(t, BIOSUUID, s.uuid, err)
		if _, err := parseDump(append(entry, table...)); err != nil {
			reasonOf(err)
		}
	})
}

// FuzzWalk spares the fuzzer the checksums.
func FuzzWalk(f *testing.F) {
	var v tableVectors
	load(f, "smbios.json", &v)
	n := 0
	for _, v := range v.Vectors {
		if b := v.Table.bytes(); len(b) < 4096 {
			f.Add(b, uint16(0x0208), 5, false)
			f.Add(b, uint16(0x0204), 0, true)
			n++
		}
	}
	seeds(f, n)
	f.Fuzz(func(t *testing.T, table []byte, version uint16, count int, ends bool) {
		e := entry{version: smbiosVersion(version), length: len(table), count: max(count, 0), ends: ends}
		s, err := e.walk(table)
		usable(t, BIOSUUID, s.uuid, err)
		// What follows a table changes nothing about it.
		again, err2 := e.walk(append(table[:len(table):len(table)], "garbage\x00\x00"...))
		if s != again || (err == nil) != (err2 == nil) {
			t.Errorf("garbage behind the table: %v, %v", again, err2)
		}
		// A table that gives a UUID gives it in either byte order, and one identity.
		if err == nil {
			e.version ^= 0x0208
			if other, err := e.walk(table); err != nil || other.uuid.canonical() != s.uuid.canonical() {
				t.Errorf("another version, another identity: %s, %s", s.uuid, other.uuid)
			}
		}
	})
}

func FuzzRSMB(f *testing.F) {
	var v tableVectors
	load(f, "rsmb.json", &v)
	for _, v := range v.Vectors {
		f.Add(append([]byte(v.Header), v.Table.bytes()...))
	}
	seeds(f, len(v.Vectors))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := parseRSMB(b)
		usable(t, BIOSUUID, s.uuid, err)
	})
}

func FuzzText(f *testing.F) {
	var v struct {
		About   string
		Vectors []struct {
			Name string
			Hex  hexBytes
			expected
		}
	}
	load(f, "text.json", &v)
	for _, v := range v.Vectors {
		f.Add([]byte(v.Hex))
	}
	seeds(f, len(v.Vectors))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, parse := range []func([]byte) (uuid, error){textUUID, parseMachineNumber, parseOSID} {
			u, err := parse(b)
			if err != nil {
				reasonOf(err)
				continue
			}
			if again, err := textUUID([]byte(u.String())); u != again || err != nil {
				t.Errorf("%s does not read back: %v", u, err)
			}
		}
	})
}

func FuzzParseValue(f *testing.F) {
	var v struct {
		About   string
		Vectors []struct {
			Name, Text string
			Sum        hexBytes
			Refused    bool
		}
	}
	load(f, "values.json", &v)
	for _, v := range v.Vectors {
		f.Add(v.Text)
	}
	seeds(f, len(v.Vectors))
	f.Fuzz(func(t *testing.T, s string) {
		if v, err := ParseValue(s); err == nil && v.String() != s {
			t.Errorf("%q reads as %q", s, v)
		}
	})
}

func FuzzCompare(f *testing.F) {
	f.Add("fp1:a", "fp1:b", "", "fp1:b")
	f.Add("fp1:a", "", "fp1:a", "fp2:b")
	f.Fuzz(func(t *testing.T, bios, os, haveBIOS, haveOS string) {
		v := Compare(Set{BIOSUUID: bios, OSInstall: os}, Set{BIOSUUID: haveBIOS, OSInstall: haveOS})
		if v.Same() && !(bios != "" && bios == haveBIOS || os != "" && os == haveOS) {
			t.Errorf("%s without a match", v.Outcome)
		}
	})
}

// usable holds a result of a parser to what its callers rely on: an error with a reason, or a UUID that identifies.
func usable(t *testing.T, k Kind, u uuid, err error) {
	t.Helper()
	if err == nil {
		if why := refuse(k, u); why != nil {
			t.Errorf("%s: %v", u, why)
		}
		return
	}
	if _, ok := err.(fault); !ok {
		t.Errorf("an error without a reason: %v", err)
	}
}

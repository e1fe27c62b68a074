package fingerprint

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"flag"
	"io/fs"
	"os"
	"testing"

	"github.com/counterfoil-dev/counterfoil/testdata"
)

// dumpsDir holds further dumps with an index.json; .ci/fingerprint/boot passes those of the machines that it booted.
var dumpsDir = flag.String("dumps", "", "directory with dumps and their index.json, in addition to those in testdata")

// load reads a file of vectors into v, and fails on members that nobody tests.
func load(t testing.TB, name string, v any) {
	t.Helper()
	b, err := fs.ReadFile(testdata.Files(), "fingerprint/"+name)
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// rsmbIn names what the tests wrote on Windows with -rsmb-out; .ci/fingerprint/wine carries it over.
var rsmbIn = flag.String("rsmb-in", "", "firmware table and fingerprint of a Windows machine, to be derived again here")

// rsmbFile is what goes from one system to the other.
type rsmbFile struct {
	Table []byte
	UUID  string // canonical
	Set   Set
}

type hexBytes []byte

func (h *hexBytes) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	raw, err := hex.DecodeString(s)
	*h = raw
	return err
}

// parts is a table as the vectors spell it.
type parts []struct {
	Hex   hexBytes `json:"hex"`
	Times int      `json:"times"`
}

func (p parts) bytes() []byte {
	var b []byte
	for _, part := range p {
		b = append(b, bytes.Repeat(part.Hex, max(part.Times, 1))...)
	}
	return b
}

// expected is the outcome of a vector: a UUID, or the reason why there is none.
type expected struct {
	UUID   string `json:"uuid"`
	Reason string `json:"reason"`
}

func (want expected) check(t *testing.T, u uuid, err error) {
	t.Helper()
	if want.Reason == "" {
		if err != nil {
			t.Fatalf("error %v, want %s", err, want.UUID)
		}
		if u.String() != want.UUID {
			t.Fatalf("read %s, want %s", u, want.UUID)
		}
		return
	}
	if err == nil {
		t.Fatalf("read %s, want the reason %q", u, want.Reason)
	}
	if reason, _ := reasonOf(err); reason.String() != want.Reason {
		t.Fatalf("reason %q (%v), want %q", reason, err, want.Reason)
	}
}

type tableVectors struct {
	About   string        `json:"about"`
	Vectors []tableVector `json:"vectors"`
}

type tableVector struct {
	Name   string   `json:"name"`
	Entry  hexBytes `json:"entry"`
	Header hexBytes `json:"header"`
	Table  parts    `json:"table"`
	expected
}

func TestTables(t *testing.T) {
	t.Parallel()
	var v tableVectors
	load(t, "smbios.json", &v)
	if len(v.Vectors) < 100 {
		t.Fatalf("%d vectors", len(v.Vectors))
	}
	for _, v := range v.Vectors {
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			s, err := parseTables(v.Entry, v.Table.bytes())
			v.check(t, s.uuid, err)
		})
	}
}

func TestTruncated(t *testing.T) {
	t.Parallel()
	type cut struct {
		Name  string   `json:"name"`
		Entry hexBytes `json:"entry"`
		Table parts    `json:"table"`
		UUID  string   `json:"uuid"`
		From  int      `json:"from"`
	}
	var v struct {
		About   string `json:"about"`
		Tables  []cut  `json:"tables"`
		Entries []cut  `json:"entries"`
	}
	load(t, "truncated.json", &v)
	for _, c := range v.Tables {
		t.Run("table/"+c.Name, func(t *testing.T) {
			t.Parallel()
			table := c.Table.bytes()
			for n := range len(table) + 1 {
				s, err := parseTables(c.Entry, table[:n:n])
				if n >= c.From {
					expected{UUID: c.UUID}.check(t, s.uuid, err)
				} else if reason, _ := reasonOf(err); err == nil || reason != Malformed && reason != NotPresent {
					t.Errorf("%d bytes: %v, %v", n, s.uuid, err)
				}
			}
		})
	}
	for _, c := range v.Entries {
		t.Run("entry/"+c.Name, func(t *testing.T) {
			t.Parallel()
			for n := range len(c.Entry) + 1 {
				s, err := parseTables(c.Entry[:n:n], c.Table.bytes())
				if n >= c.From {
					// Cut off behind what was announced, the entry point is whole.
					if n == len(c.Entry) {
						expected{UUID: c.UUID}.check(t, s.uuid, err)
					}
				} else {
					expected{Reason: "malformed"}.check(t, s.uuid, err)
				}
			}
		})
	}
}

func TestRSMB(t *testing.T) {
	t.Parallel()
	var v tableVectors
	load(t, "rsmb.json", &v)
	for _, v := range v.Vectors {
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			s, err := parseRSMB(append(v.Header, v.Table.bytes()...))
			v.check(t, s.uuid, err)
		})
	}
	if *rsmbIn != "" {
		t.Run("of a Windows machine", func(t *testing.T) {
			t.Parallel()
			sameBytes(t, *rsmbIn)
		})
	}
}

// sameBytes derives the fingerprint of a Windows machine from its table once more: as Windows wraps it, and as Linux
// would have got the same structures, with an entry point beside them.
func sameBytes(t *testing.T, file string) {
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var m rsmbFile
	if err := json.Unmarshal(b, &m); err != nil || len(m.Table) < 8 || m.Set[BIOSUUID] == "" {
		t.Fatalf("%s: %v", file, err)
	}
	s, err := parseRSMB(m.Table)
	expected{UUID: m.UUID}.check(t, s.uuid.canonical(), err)
	anchor := append([]byte("_SM3_\x00\x18"), m.Table[1], m.Table[2], 0, 1, 0)
	anchor = binary.LittleEndian.AppendUint32(anchor, uint32(len(m.Table)-8))
	anchor = binary.LittleEndian.AppendUint64(anchor, 32)
	anchor[5] = -sum(anchor)
	s, err = parseTables(anchor, m.Table[8:])
	expected{UUID: m.UUID}.check(t, s.uuid.canonical(), err)
	d := deviceOf("acme-editor", map[Kind]uuid{BIOSUUID: s.uuid})
	if v := d.Verify(m.Set); v.Outcome != SameDegraded || d.Derive()[BIOSUUID] != m.Set[BIOSUUID] {
		t.Errorf("here it is %v: %s", d.Derive(), v.Outcome)
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	var v struct {
		About   string `json:"about"`
		Vectors []struct {
			Name string   `json:"name"`
			Hex  hexBytes `json:"hex"`
			expected
		} `json:"vectors"`
	}
	load(t, "text.json", &v)
	for _, v := range v.Vectors {
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			u, err := textUUID(v.Hex)
			if err == nil {
				err = refuse(BIOSUUID, u)
			}
			v.check(t, u, err)
		})
	}
}

func TestOSInstall(t *testing.T) {
	t.Parallel()
	var v struct {
		About   string `json:"about"`
		Vectors []struct {
			Name string `json:"name"`
			Text string `json:"text"`
			expected
		} `json:"vectors"`
	}
	load(t, "os-install.json", &v)
	for _, v := range v.Vectors {
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			u, err := parseOSID([]byte(v.Text))
			if err == nil {
				err = refuse(OSInstall, u)
			}
			v.check(t, u, err)
		})
	}
}

func TestMachineNumber(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]expected{
		"00c8c8f54c00":             {UUID: "00000000-0000-0000-0000-00c8c8f54c00"},
		"00C8C8F54C00\x00\x00junk": {UUID: "00000000-0000-0000-0000-00c8c8f54c00"},
		"000000000000":             {Reason: "not present"},
		"ffffffffffff":             {Reason: "placeholder"},
		"":                         {Reason: "malformed"},
		"00c8c8f54c0":              {Reason: "malformed"},
		"00c8c8f54c0g":             {Reason: "malformed"},
	} {
		u, err := parseMachineNumber([]byte(in))
		if err == nil {
			err = refuse(BIOSUUID, u)
		}
		want.check(t, u, err)
	}
}

func TestDumps(t *testing.T) {
	t.Parallel()
	dirs := []fs.FS{}
	sub, err := fs.Sub(testdata.Files(), "fingerprint/dumps")
	if err != nil {
		t.Fatal(err)
	}
	dirs = append(dirs, sub)
	if *dumpsDir != "" {
		dirs = append(dirs, os.DirFS(*dumpsDir))
	}
	derived := map[uuid]string{}
	for _, dir := range dirs {
		b, err := fs.ReadFile(dir, "index.json")
		if err != nil {
			t.Fatal(err)
		}
		var index []struct{ File, About, UUID, Reason, FP1 string }
		if err := json.Unmarshal(b, &index); err != nil || len(index) == 0 {
			t.Fatalf("index with %d dumps: %v", len(index), err)
		}
		for _, d := range index {
			b, err := fs.ReadFile(dir, d.File)
			if err != nil {
				t.Fatal(err)
			}
			s, err := parseDump(b)
			if err == nil {
				s.uuid = s.uuid.canonical()
			}
			expected{d.UUID, d.Reason}.check(t, s.uuid, err)
			if s.vendor == "" || s.product == "" || virtualMachine(s.vendor, s.product) == "" {
				t.Errorf("%s: %q, %q is no known virtual machine", d.File, s.vendor, s.product)
			}
			if err != nil {
				continue
			}
			if derived[s.uuid] == "" {
				derived[s.uuid] = derive("acme-editor", BIOSUUID, s.uuid[:]).String()
			}
			if derived[s.uuid] != d.FP1 {
				t.Errorf("%s: derived %s, want %s", d.File, derived[s.uuid], d.FP1)
			}
		}
	}
}

//go:build !android

package fingerprint

import (
	"bytes"
	"encoding/binary"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/counterfoil-dev/counterfoil/testdata"
)

var (
	dmidecode = flag.String("dmidecode", "", "path of dmidecode 3.4; .ci/fingerprint/dmidecode gives it")
	mutants   = flag.Int("mutants", 4000, "mutated dumps to compare")
)

// differences are those that we want: where dmidecode does otherwise than the Linux kernel, which we follow.
var differences = []struct {
	name    string
	applies func(*entry, []byte) bool
}{
	{"a system structure of 24 bytes has a UUID for the kernel; dmidecode wants 25",
		func(e *entry, dump []byte) bool {
			return slices.Contains(lengthsOf(e, dump, 1), 24)
		}},
	{"a 32-bit entry point without a count: type 127 ends the table for the kernel; dmidecode goes on",
		func(e *entry, dump []byte) bool {
			return e != nil && dump[3] == '_' && e.count == 0 && len(lengthsOf(e, dump, 127)) > 0
		}},
	{"an entry point announced shorter than its standard says is none for the kernel; dmidecode takes it",
		func(e *entry, dump []byte) bool {
			return e == nil && (dump[3] == '_' && dump[5] < 30 || dump[3] == '3' && dump[6] < 24)
		}},
}

// lengthsOf walks as dmidecode does, past type 127, and returns the lengths of the structures of one type.
func lengthsOf(e *entry, dump []byte, kind byte) (lengths []int) {
	if e == nil {
		return nil
	}
	table := dump[32:min(len(dump), 32+e.length)]
	for at, i := 0, 0; at+4 <= len(table) && (e.count == 0 || i < e.count); i++ {
		n := int(table[at+1])
		if table[at] == kind {
			lengths = append(lengths, n)
		}
		if n < 4 || at+n > len(table) {
			break
		}
		end := bytes.Index(table[at+n:], []byte{0, 0})
		if end < 0 {
			break
		}
		at += n + end + 2
	}
	return lengths
}

// TestDmidecode holds the parser against dmidecode on every dump and every table of the vectors, and on mutants of
// them.
func TestDmidecode(t *testing.T) {
	if *dmidecode == "" {
		t.Skip("needs dmidecode: .ci/fingerprint/dmidecode runs it")
	}
	originals := dumpsForOracle(t)
	random := rand.New(rand.NewPCG(3, 4)) // the same mutants on every run
	var (
		work  = make(chan []byte)
		wg    sync.WaitGroup
		mu    sync.Mutex
		named = map[string]int{}
		stats = map[string]int{}
		dir   = t.TempDir()
	)
	for i := range 4 {
		wg.Go(func() {
			file := filepath.Join(dir, fmt.Sprint(i))
			for dump := range work {
				difference, outcome, err := againstOracle(file, dump)
				mu.Lock()
				stats[outcome]++
				if difference != "" {
					named[difference]++
				}
				mu.Unlock()
				if err != nil {
					t.Errorf("%v\n%x", err, dump)
				}
			}
		})
	}
	for _, dump := range originals {
		work <- dump
	}
	for range *mutants {
		work <- mutate(random, originals[random.IntN(len(originals))])
	}
	close(work)
	wg.Wait()
	t.Logf("%d dumps and %d mutants compared: %v", len(originals), *mutants, stats)
	for _, name := range slices.Sorted(maps.Keys(named)) {
		t.Logf("different by intent, %4d times: %s", named[name], name)
	}
	for _, d := range differences {
		if named[d.name] == 0 {
			t.Errorf("a named difference that never occurs: %s", d.name)
		}
	}
	for _, outcome := range []string{"uuid", "none"} {
		if stats[outcome] < len(originals) {
			t.Errorf("%d of the outcome %q: the comparison shows little", stats[outcome], outcome)
		}
	}
}

// dumpsForOracle are the dumps, and the tables of the vectors in the form of a dump.
func dumpsForOracle(t *testing.T) (all [][]byte) {
	files, err := fs.Glob(testdata.Files(), "fingerprint/dumps/*.bin")
	if err != nil || len(files) < 9 {
		t.Fatalf("%d dumps: %v", len(files), err)
	}
	for _, name := range files {
		b, err := fs.ReadFile(testdata.Files(), name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, b)
	}
	var v tableVectors
	load(t, "smbios.json", &v)
	for _, v := range v.Vectors {
		table := v.Table.bytes()
		if len(v.Entry) < 24 || len(table) > 4096 {
			continue // dmidecode reads 32 bytes, zeros behind the entry point
		}
		all = append(all, append(append(v.Entry, make([]byte, 8)...)[:32:32], table...))
	}
	return all
}

// mutate changes bytes of the table, or what the entry point announces, and sets its checksums again.
func mutate(r *rand.Rand, dump []byte) []byte {
	d := bytes.Clone(dump)
	for range 1 + r.IntN(4) {
		at := 32
		if len(d) > 33 {
			at += r.IntN(len(d) - 32)
		}
		switch n := r.IntN(12); {
		case at >= len(d):
		case n < 4:
			d[at] = byte(r.IntN(256))
		case n < 6: // the numbers that mean something
			d[at] = []byte{0, 1, 2, 3, 4, 24, 25, 27, 126, 127, 255}[r.IntN(11)]
		case n == 6: // another system structure
			s := append([]byte{1, byte(20 + r.IntN(8)), 9, 0}, make([]byte, 24)...)
			for i := 4; i < len(s); i++ {
				s[i] = byte(r.IntN(256))
			}
			d = slices.Insert(d, at, append(s[:max(4, min(int(s[1]), len(s)))], 0, 0)...)
		case n == 7: // bytes less
			d = slices.Delete(d, at, min(len(d), at+1+r.IntN(8)))
		case n == 8 && d[3] == '_':
			d[6], d[7] = 2, byte(r.IntN(64))
		case n == 9 && d[3] == '_':
			d[28] = byte(r.IntN(8)) // count
		case n == 10 && d[3] == '_':
			d[5] = byte(28 + r.IntN(6))
		case n == 10 && d[3] == '3':
			d[6] = byte(22 + r.IntN(12))
		default: // the announced length
			length := max(0, len(d)-32-r.IntN(40)+r.IntN(12))
			if d[3] == '3' {
				binary.LittleEndian.PutUint32(d[12:], uint32(length))
			} else {
				binary.LittleEndian.PutUint16(d[22:], uint16(length))
			}
		}
	}
	if d[3] == '3' {
		d[5] -= sum(d[:min(32, int(d[6]))])
	} else {
		d[21] -= sum(d[16:31])
		d[4] -= sum(d[:min(32, int(d[5]))])
	}
	return d
}

// againstOracle compares one dump. It returns the name of the difference, if there is one that we want, and what
// kind of result the two agree on.
func againstOracle(file string, dump []byte) (difference, outcome string, err error) {
	if err := os.WriteFile(file, dump, 0o600); err != nil {
		return "", "", err
	}
	// It fails where there is no entry point; what it printed is its answer.
	out, _ := exec.Command(*dmidecode, "-t", "1", "--from-dump", file).CombinedOutput()
	want, found := uuid{}, false
	for line := range strings.Lines(string(out)) {
		text, ok := strings.CutPrefix(strings.TrimSpace(line), "UUID: ")
		if !ok || found {
			continue
		}
		if u, err := parseUUID([]byte(text)); err == nil && refuse(BIOSUUID, u) == nil {
			want, found = u, true
		}
	}
	s, ours := parseDump(dump)
	outcome = "none"
	if ours == nil {
		outcome = "uuid"
	}
	if (ours == nil) == found && (!found || s.uuid == want) {
		return "", outcome, nil
	}
	var e *entry
	if parsed, err := parseEntry(dump[:32]); err == nil {
		e = &parsed
	}
	for _, d := range differences {
		if d.applies(e, dump) {
			return d.name, outcome, nil
		}
	}
	return "", outcome, fmt.Errorf("have %v (%v), dmidecode has %v (%t):\n%s", s.uuid, ours, want, found, out)
}

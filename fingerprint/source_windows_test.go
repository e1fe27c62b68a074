package fingerprint

import (
	"encoding/json"
	"flag"
	"os"
	"slices"
	"testing"
)

// rsmbOut names a file into which TestWindows writes what it read, for a test on Linux that reads the same bytes.
var rsmbOut = flag.String("rsmb-out", "", "file for the firmware table and the fingerprint of this machine")

// TestWindows reads both kinds for real, on every Windows that has them.
func TestWindows(t *testing.T) {
	t.Parallel()
	b, err := readRSMB()
	if err != nil {
		t.Fatal(err)
	}
	s, err := parseRSMB(b)
	if err != nil {
		t.Fatal(err)
	}
	d, err := Read(Config{Product: "acme-editor"})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(d.Kinds(), []Kind{BIOSUUID, OSInstall}) {
		t.Errorf("kinds %v, %v", d.Kinds(), d.d.skipped)
	}
	if _, ok := d.Tag(make([]byte, 16)); !ok {
		t.Error("MachineGuid has no tag")
	}
	if again, err := readRSMB(); err != nil || !slices.Equal(b, again) {
		t.Errorf("a second look shows another table: %v", err)
	}
	if *rsmbOut == "" {
		return
	}
	out, err := json.Marshal(rsmbFile{b, s.uuid.canonical().String(), d.Derive()})
	if err == nil {
		err = os.WriteFile(*rsmbOut, out, 0o600)
	}
	if err != nil {
		t.Error(err)
	}
}

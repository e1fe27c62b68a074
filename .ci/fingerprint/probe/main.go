// Probe is the program that .ci/fingerprint/strace watches. "probe sources" prints the files that are declared,
// "probe nothing" does nothing, as every Go program does, "probe" goes through a whole run, "probe pin" prints the set
// of an activation, and "probe verify SET" compares one.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/counterfoil-dev/counterfoil/fingerprint"
)

func main() {
	cfg := fingerprint.Config{Product: "acme-editor"}
	if len(os.Args) > 1 && os.Args[1] == "nothing" {
		return
	}
	if len(os.Args) > 1 && os.Args[1] == "sources" {
		sources, err := fingerprint.Sources(cfg)
		if err != nil {
			fail(err)
		}
		for _, s := range sources {
			fmt.Println(strings.ReplaceAll(s.Name, ", ", "\n"))
		}
		return
	}
	device, err := fingerprint.Read(cfg)
	if err != nil {
		fail(err)
	}
	set := device.Derive()
	if len(os.Args) > 1 && os.Args[1] == "pin" {
		if err := json.NewEncoder(os.Stdout).Encode(set); err != nil {
			fail(err)
		}
		return
	}
	if len(os.Args) > 2 && os.Args[1] == "verify" {
		if err := json.Unmarshal([]byte(os.Args[2]), &set); err != nil {
			fail(err)
		}
		fmt.Println(device.Verify(set).Outcome)
		return
	}
	verdict := device.Verify(set)
	_, tagged := device.Tag([]byte("0123456789abcdef"))
	if _, err := fingerprint.Sources(cfg); err != nil {
		fail(err)
	}
	fmt.Println(device.Kinds(), verdict.Outcome, tagged, fingerprint.ReadEnvironment())
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

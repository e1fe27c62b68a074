// Probe is the program that .ci/fingerprint/strace watches. "probe sources" prints the files that are declared,
// "probe nothing" does nothing, as every Go program does, and "probe" goes through a whole run.
package main

import (
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
	if len(os.Args) > 1 {
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

package fingerprint_test

import (
	"fmt"

	"github.com/counterfoil-dev/counterfoil/fingerprint"
)

func Example() {
	// An identifier of the application's own, as on a mobile system. Without Caller the device's sources are read.
	device, err := fingerprint.Read(fingerprint.Config{Product: "acme-editor", Caller: "device 4711"})
	if err != nil {
		fmt.Println(err) // which sources were tried, and what helps
		return
	}
	pinned := device.Derive() // at activation
	verdict := device.Verify(pinned)
	fmt.Println(verdict.Same(), verdict.Message("de"))
	// Output: true Dies ist das aktivierte Gerät.
}

func ExampleCompare() {
	pinned := fingerprint.Set{fingerprint.BIOSUUID: "fp1:a", fingerprint.OSInstall: "fp1:b"}
	readable := fingerprint.Set{fingerprint.BIOSUUID: "fp1:x", fingerprint.OSInstall: "fp1:b"}
	fmt.Println(fingerprint.Compare(pinned, readable).Outcome)
	// Output: copy or new board
}

// Quickstart is a whole program with a license: it activates this device once, confirms the license once a day, and
// asks for an entitlement.
package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"

	"github.com/counterfoil-dev/counterfoil/lease"
	"github.com/counterfoil-dev/counterfoil/license"
)

// keys verify what your license server signs. The server prints its key; this one belongs to nobody.
var keys = lease.MustKeySet("acme-2026:2pe_VN2dYopPrW7hl11zyb7YeiV6Ad4tRhZ4JB5sBXY")

func main() {
	err := run(context.Background(), os.Stdin, license.Config{
		Product: "acme-editor",
		Version: "1.0.0",
		Server:  "https://license.example.com",
		Keys:    keys,
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, license.Message(err, "en")) // what happened, and what to do
		os.Exit(1)
	}
}

func run(ctx context.Context, in io.Reader, cfg license.Config) error {
	lic, err := license.Open(cfg)
	if err != nil {
		return err
	}
	if lic.Status().NeedsActivation() {
		fmt.Print("Activation code: ")
		code, err := bufio.NewReader(in).ReadString('\n')
		if err != nil {
			return err
		}
		if err := lic.Activate(ctx, license.Code(code)); err != nil { // or license.Account(email, password)
			return err
		}
	}
	st := lic.Check(ctx) // once a day over the network, otherwise at once; never fails for want of a network
	if !st.Usable() {
		return st.Err() // says why, and what to do
	}
	fmt.Println(st.Message("en"))
	if st.Has("export.pdf") { // false whenever the license is not usable
		fmt.Println("PDF export is included.")
	}
	return nil
}

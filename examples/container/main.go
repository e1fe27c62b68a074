// Container is a program in a container, where nothing identifies the device and there is no keyring. The administrator
// supplies both:
//
//	ACME_DEVICE                        the identity: the same at every start, another for each replica, such as the
//	                                   name of a pod in a StatefulSet
//	ACME_EDITOR_LICENSE_TOKEN_FILE     the file of a mounted secret with the token, or
//	ACME_EDITOR_LICENSE_TOKEN          the token itself
//
// The token comes from activating that identity once, anywhere:
//
//	go run ./examples/activation activate -device acme-0 -state ./acme-0 …
//
// Where there is no keyring it is the member "secret" of ./acme-0/token.json afterwards. The container's file system
// may be empty at each start: token and identity bring the license back with one check.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/counterfoil-dev/counterfoil/lease"
	"github.com/counterfoil-dev/counterfoil/license"
)

// keys verify what your license server signs. The server prints its key; this one belongs to nobody.
var keys = lease.MustKeySet("acme-2026:2pe_VN2dYopPrW7hl11zyb7YeiV6Ad4tRhZ4JB5sBXY")

func main() {
	err := run(context.Background(), license.Config{
		Product: "acme-editor",
		Version: "1.0.0",
		Server:  "https://license.example.com",
		Keys:    keys,
		Device:  os.Getenv("ACME_DEVICE"),
		Dir:     filepath.Join(os.TempDir(), "acme-editor"),
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, license.Message(err, "en"))
		os.Exit(1)
	}
}

var errNoDevice = errors.New("ACME_DEVICE is not set; it must be the same at every start and different for each replica")

func run(ctx context.Context, cfg license.Config) error {
	if cfg.Device == "" { // else the identity of the image would count, which every replica shares
		return errNoDevice
	}
	lic, err := license.Open(cfg)
	if err != nil {
		return err
	}
	st := lic.Check(ctx)
	if !st.Usable() {
		return st.Err()
	}
	fmt.Println(st.Message("en"))
	return nil
}

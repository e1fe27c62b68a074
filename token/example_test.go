package token_test

import (
	"context"
	"fmt"
	"os"

	"github.com/counterfoil-dev/counterfoil/licensetest"
	"github.com/counterfoil-dev/counterfoil/token"
)

// What a support screen shows. An application gets its Vault from package license, as lic.Token().
func ExampleVault_Status() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	// A keyring of the test's own; leave Store out to use the one of the operating system.
	vault := token.Open(token.Config{Product: "acme-editor", Dir: dir, Store: new(licensetest.Keyring)})

	secret, err := token.New("the-secret-that-the-server-issued")
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := vault.Put(context.Background(), secret); err != nil {
		fmt.Println(err) // and the activation works until the program ends
	}
	fmt.Println(secret)
	fmt.Println(vault.Status(context.Background()).Protection("en"))
	// Output:
	// [redacted]
	// The application keeps the token itself, in a place of its choice.
}

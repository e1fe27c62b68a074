package main

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/counterfoil-dev/counterfoil/license"
	"github.com/counterfoil-dev/counterfoil/licensetest"
)

// Not parallel: the environment belongs to the whole process.
func TestRun(t *testing.T) {
	srv := licensetest.NewServer(licensetest.Config{})
	sold := srv.AddLicense(licensetest.License{Seats: 1})
	container := func(device string) license.Config { // with an empty file system
		return license.Config{
			Product: "acme-editor", Server: srv.URL(), Keys: srv.Keys(), HTTPClient: srv.Client(), Device: device, Dir: t.TempDir(),
		}
	}

	// The administrator activates once.
	keyring := new(licensetest.Keyring)
	admin := container("acme-0")
	admin.TokenStore = keyring
	lic, err := license.Open(admin)
	if err != nil {
		t.Fatal(err)
	}
	if err := lic.Activate(t.Context(), license.Code(sold.Code)); err != nil {
		t.Fatal(err)
	}
	secret, err := keyring.Get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(secret.Reveal()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}

	t.Setenv("ACME_EDITOR_LICENSE_TOKEN_FILE", file)
	for range 2 { // each start is the first
		if err := run(t.Context(), container("acme-0")); err != nil {
			t.Fatalf("with the token: %v", err)
		}
	}
	if n := sold.Seats(); n != 1 {
		t.Errorf("%d seats, want 1", n)
	}
	if err := run(t.Context(), container("acme-1")); err == nil {
		t.Error("another replica runs with the same token")
	}
	if err := run(t.Context(), container("")); !errors.Is(err, errNoDevice) {
		t.Errorf("without an identity: %v, want errNoDevice", err)
	}
}

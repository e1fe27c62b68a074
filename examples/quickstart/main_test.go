package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/counterfoil-dev/counterfoil/lease"
	"github.com/counterfoil-dev/counterfoil/license"
	"github.com/counterfoil-dev/counterfoil/licensetest"
)

func TestRun(t *testing.T) {
	t.Parallel()
	srv := licensetest.NewServer(licensetest.Config{})
	bought := srv.AddLicense(licensetest.License{Entitlements: map[string]lease.Entitlement{"export.pdf": {}}, Seats: 1})
	cfg := license.Config{
		Product: "acme-editor", Server: srv.URL(), Keys: srv.Keys(), HTTPClient: srv.Client(),
		Dir: t.TempDir(), Device: "quickstart-test", TokenStore: new(licensetest.Keyring),
	}

	if err := run(t.Context(), strings.NewReader("no code at all\n"), cfg); !errors.Is(err, license.ErrCodeInvalid) {
		t.Fatalf("with a mistyped code: %v, want ErrCodeInvalid", err)
	}
	if err := run(t.Context(), strings.NewReader(bought.Code+"\n"), cfg); err != nil {
		t.Fatalf("first start: %v", err)
	}
	if err := run(t.Context(), strings.NewReader(""), cfg); err != nil {
		t.Fatalf("second start, which must not ask for a code: %v", err)
	}
	if n := bought.Seats(); n != 1 {
		t.Errorf("%d seats in use, want 1", n)
	}
}

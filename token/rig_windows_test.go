//go:build rig

package token_test

// What .ci/token/windows shows in the Credential Manager, each step in a process of its own.

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/counterfoil-dev/counterfoil/licensetest"
	"github.com/counterfoil-dev/counterfoil/token"
)

const rigToken = "rig-token-0123456789.abcdefghijklmnopqrstuvwxyz_ABCDEFGHIJKLMNOPQRSTUVWXYZ"

func TestRigWindows(t *testing.T) {
	v := token.Open(token.Config{Product: "acme-editor", Dir: os.Getenv("COUNTERFOIL_RIG_DIR")})
	begin := time.Now()
	switch step := os.Getenv("COUNTERFOIL_RIG_STEP"); step {
	case "store":
		put(t, v, rigToken)
	case "read":
		want(t, v, rigToken)
	case "delete":
		if err := v.Delete(t.Context()); err != nil {
			t.Fatal(err)
		}
		_, err := v.Get(t.Context())
		wantErr(t, err, token.ErrAbsent)
	case "absent":
		_, err := v.Get(t.Context())
		wantErr(t, err, token.ErrAbsent)
	default:
		t.Fatalf("no such step: %q", step)
	}
	t.Logf("%s: after %v, %+v", os.Getenv("COUNTERFOIL_RIG_STEP"), time.Since(begin).Round(time.Microsecond), v.Status(t.Context()))
}

func TestRigWindowsLimit(t *testing.T) {
	ring, name := token.SystemKeyring("acme-editor limit", "token")
	for size, want := range map[int]error{2560: nil, 2561: token.ErrTooLarge} {
		err := ring.Set(t.Context(), token.Wrap(strings.Repeat("x", size)))
		if !errors.Is(err, want) {
			t.Errorf("%s, %d bytes: %v, want %v", name, size, err, want)
		}
		t.Logf("%s, %d bytes: %v", name, size, err)
	}
	if err := ring.Delete(t.Context()); err != nil {
		t.Error(err)
	}
	licensetest.TestTokenStore(t, func() token.Store {
		ring, _ := token.SystemKeyring("acme-editor conformance", "token")
		return ring
	})
}

package licensetest_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/counterfoil-dev/counterfoil/licensetest"
	"github.com/counterfoil-dev/counterfoil/token"
)

func TestKeyringConforms(t *testing.T) {
	t.Parallel()
	k := new(licensetest.Keyring)
	licensetest.TestTokenStore(t, func() token.Store { return k })
}

func TestKeyringMisbehaves(t *testing.T) {
	t.Parallel()
	secret := func(n int) token.Token {
		tok, err := token.New(strings.Repeat("x", n))
		if err != nil {
			t.Fatal(err)
		}
		return tok
	}
	k := &licensetest.Keyring{Limit: 10}
	get := func(want error) {
		t.Helper()
		if _, err := k.Get(t.Context()); !errors.Is(err, want) {
			t.Fatalf("Get: %v, want %v", err, want)
		}
	}
	if err := k.Set(t.Context(), secret(11)); !errors.Is(err, token.ErrTooLarge) {
		t.Errorf("Set of 11 bytes: %v", err)
	}
	if err := k.Set(t.Context(), secret(10)); err != nil {
		t.Fatal(err)
	}
	k.Lock()
	get(token.ErrLocked)
	if _, err := k.Unlock(t.Context()); err != nil {
		t.Errorf("Unlock: %v", err)
	}
	get(nil)
	k.Decline()
	get(token.ErrDeclined)
	if _, err := k.Unlock(t.Context()); !errors.Is(err, token.ErrDeclined) {
		t.Errorf("Unlock: %v", err)
	}
	k.Remove()
	get(token.ErrUnsupported)
	k.Open()
	broken := errors.New("broken")
	k.FailCall(2, broken)
	get(nil)
	get(broken)
	get(nil)

	release := k.Hang()
	calls := k.Calls()
	done := make(chan error, 1)
	go func() {
		_, err := k.Get(t.Context())
		done <- err
	}()
	for k.Calls() == calls { // until the call has begun
		select {
		case err := <-done:
			t.Fatalf("Get returned from a keyring that hangs: %v", err)
		default:
		}
	}
	release()
	release()
	if err := <-done; err != nil {
		t.Errorf("Get after release: %v", err)
	}
	get(nil)
}

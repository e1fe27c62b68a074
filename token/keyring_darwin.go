//go:build darwin && !ios

package token

import (
	"context"
	"errors"
	"io/fs"
	"os/exec"

	"github.com/zalando/go-keyring"
)

// keychain keeps the token in the login keychain by /usr/bin/security, which go-keyring runs with the secret on its
// standard input. The item belongs to that program, so whatever runs as this user can read it through it, without a
// question. A locked keychain makes security ask for its password or, where no dialog can be shown, exit with 36.
type keychain struct{ service, account string }

func systemKeyring(service, account string) (Store, string) {
	return keychain{service, account}, ringMacOS
}

func (k keychain) Get(context.Context) (Token, error) {
	secret, err := keyring.Get(k.service, k.account)
	if err != nil {
		return Token{}, ofKeyring(err)
	}
	return New(secret)
}

func (k keychain) Set(_ context.Context, t Token) error {
	return ofKeyring(keyring.Set(k.service, k.account, t.Reveal()))
}

func (k keychain) Delete(context.Context) error {
	return ofKeyring(keyring.Delete(k.service, k.account))
}

func ofKeyring(err error) error {
	switch exit, exited := errors.AsType[*exec.ExitError](err); {
	case err == nil:
		return nil
	case errors.Is(err, keyring.ErrNotFound):
		return ErrAbsent
	case errors.Is(err, keyring.ErrSetDataTooBig):
		return as(ErrTooLarge, err)
	case exited:
		return as(securityOutcome(exit.ExitCode()), err)
	case errors.Is(err, fs.ErrNotExist):
		return as(ErrUnsupported, err)
	}
	return as(ErrLocked, err)
}

package token

import (
	"context"
	"errors"
	"syscall"

	"github.com/zalando/go-keyring"
)

// credentialManager keeps the token as a generic credential of this user on this machine, encrypted by the system
// (DPAPI) under the user's logon. Its calls return in milliseconds and show no dialog.
type credentialManager struct{ service, account string }

func systemKeyring(service, account string) (Store, string) {
	return credentialManager{service, account}, ringWindows
}

func (c credentialManager) Get(context.Context) (Token, error) {
	secret, err := keyring.Get(c.service, c.account)
	if err != nil {
		return Token{}, ofKeyring(err)
	}
	return New(secret)
}

func (c credentialManager) Set(_ context.Context, t Token) error {
	return ofKeyring(keyring.Set(c.service, c.account, t.Reveal()))
}

func (c credentialManager) Delete(context.Context) error {
	return ofKeyring(keyring.Delete(c.service, c.account))
}

func ofKeyring(err error) error {
	switch code, coded := errors.AsType[syscall.Errno](err); {
	case err == nil:
		return nil
	case errors.Is(err, keyring.ErrNotFound):
		return ErrAbsent
	case errors.Is(err, keyring.ErrSetDataTooBig):
		return as(ErrTooLarge, err)
	case coded:
		return as(credentialOutcome(uint32(code)), err)
	}
	return as(ErrLocked, err)
}

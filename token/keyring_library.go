//go:build windows || (darwin && !ios)

package token

import (
	"context"
	"errors"

	"github.com/zalando/go-keyring"
)

// libraryKeyring keeps the token by go-keyring, in what the system calls its own. What errors mean differs per system:
// outcomeOf.
type libraryKeyring struct{ service, account string }

func (k libraryKeyring) Get(context.Context) (Token, error) {
	secret, err := keyring.Get(k.service, k.account)
	if err != nil {
		return Token{}, ofKeyring(err)
	}
	return New(secret)
}

func (k libraryKeyring) Set(_ context.Context, t Token) error {
	return ofKeyring(keyring.Set(k.service, k.account, t.Reveal()))
}

func (k libraryKeyring) Delete(context.Context) error {
	return ofKeyring(keyring.Delete(k.service, k.account))
}

func ofKeyring(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, keyring.ErrNotFound):
		return ErrAbsent
	case errors.Is(err, keyring.ErrSetDataTooBig):
		return as(ErrTooLarge, err)
	}
	return as(outcomeOf(err), err)
}

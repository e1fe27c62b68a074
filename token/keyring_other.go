//go:build !linux && !netbsd && !openbsd && !windows && (!darwin || ios)

package token

import (
	"context"
	"errors"
)

// FreeBSD and DragonFly have Secret Service too, but its clients need cgo there.
func systemKeyring(string, string) (Store, string) { return noKeyring{}, "keyring" }

// noKeyring stands for the keyring where there is none that can be used.
type noKeyring struct{}

var errNoKeyring = errors.New("no keyring is supported on this system")

func (noKeyring) Get(context.Context) (Token, error) {
	return Token{}, as(ErrUnsupported, errNoKeyring)
}
func (noKeyring) Set(context.Context, Token) error { return as(ErrUnsupported, errNoKeyring) }
func (noKeyring) Delete(context.Context) error     { return as(ErrUnsupported, errNoKeyring) }
func (noKeyring) Probe(context.Context) error      { return as(ErrUnsupported, errNoKeyring) }

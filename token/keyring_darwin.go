//go:build darwin && !ios

package token

import (
	"errors"
	"io/fs"
	"os/exec"
)

// systemKeyring is the login keychain, through /usr/bin/security, which go-keyring runs with the secret on its standard
// input. The item belongs to that program, so whatever runs as this user can read it through it, without a question. A
// locked keychain makes security ask for its password or, where no dialog can be shown, exit with 36.
func systemKeyring(service, account string) (Store, string) {
	return libraryKeyring{service, account}, ringMacOS
}

func outcomeOf(err error) error {
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return securityOutcome(exit.ExitCode())
	}
	if errors.Is(err, fs.ErrNotExist) {
		return ErrUnsupported
	}
	return ErrLocked
}

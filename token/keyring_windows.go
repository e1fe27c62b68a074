package token

import (
	"errors"
	"syscall"
)

// systemKeyring is the Credential Manager: a generic credential of this user on this machine, encrypted by the system
// (DPAPI) under the user's logon. Its calls return in milliseconds and show no dialog.
func systemKeyring(service, account string) (Store, string) {
	return libraryKeyring{service, account}, ringWindows
}

func outcomeOf(err error) error {
	if code, ok := errors.AsType[syscall.Errno](err); ok {
		return credentialOutcome(uint32(code))
	}
	return ErrLocked
}

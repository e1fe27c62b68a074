//go:build netbsd || openbsd

package fingerprint

import (
	"io/fs"

	"golang.org/x/sys/unix"
)

// system reads from NetBSD or OpenBSD. Neither has an identifier of the installed system that machineid could read.
type system struct {
	container      string
	containerKnown bool
}

func (*system) origins() []origin {
	return []origin{{BIOSUUID, "sysctl " + systemUUID, biosReads, func(*system) (uuid, error) {
		s, err := unix.Sysctl(systemUUID)
		switch err {
		case nil:
			return textUUID([]byte(s))
		case unix.ENOENT, unix.EOPNOTSUPP:
			return uuid{}, fs.ErrNotExist
		}
		return uuid{}, err
	}}}
}

func (*system) probes() []probe {
	return []probe{{"sysctl " + systemVendor + ", " + systemProduct, vendorReads}}
}

func (*system) detectContainer() string { return "" }

func (*system) vendor() (vendor, product string) {
	vendor, _ = unix.Sysctl(systemVendor)
	product, _ = unix.Sysctl(systemProduct)
	return vendor, product
}

// randomInstall: there is no such identifier.
const randomInstall = false

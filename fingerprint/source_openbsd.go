package fingerprint

import (
	"io/fs"

	"golang.org/x/sys/unix"
)

// system reads from OpenBSD. It has no identifier of the installed system that machineid could read.
type system struct {
	container      string
	containerKnown bool
}

const systemUUID = "hw.uuid"

// origins: hw.uuid is open to every user. OpenBSD never swaps the bytes, and says "Not Set" where all are FF.
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
	return []probe{{"sysctl hw.vendor, hw.product", vendorReads}}
}

func (*system) detectContainer() string { return "" }

func (*system) vendor() (vendor, product string) {
	vendor, _ = unix.Sysctl("hw.vendor")
	product, _ = unix.Sysctl("hw.product")
	return vendor, product
}

// randomInstall: there is no such identifier.
const randomInstall = false

var systemHints = hints{}

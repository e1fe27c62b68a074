package fingerprint

import (
	"io/fs"

	"golang.org/x/sys/unix"
)

// system reads from NetBSD. It has no identifier of the installed system that machineid could read.
type system struct {
	container      string
	containerKnown bool
}

const systemUUID = "machdep.dmi.system-uuid"

// origins: only root may read machdep.dmi.system-uuid. NetBSD always swaps the bytes, and filters nothing.
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
	return []probe{{"sysctl machdep.dmi.system-vendor, machdep.dmi.system-product", vendorReads}}
}

func (*system) detectContainer() string { return "" }

func (*system) vendor() (vendor, product string) {
	vendor, _ = unix.Sysctl("machdep.dmi.system-vendor")
	product, _ = unix.Sysctl("machdep.dmi.system-product")
	return vendor, product
}

// randomInstall: there is no such identifier.
const randomInstall = false

var systemHints = hints{permission: text{
	"NetBSD shows it to root alone: run the program as root, or let the application supply an identifier.",
	"NetBSD zeigt sie nur root: Starten Sie das Programm als root, oder die Anwendung gibt eine eigene Kennung mit.",
}}

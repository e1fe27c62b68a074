//go:build !ios

package fingerprint

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// system reads from macOS. There is one identifier: machineid's would be the same one, asked of a program that it
// starts by its bare name.
type system struct {
	container      string
	containerKnown bool
}

// origins names gethostuuid(2), which returns IOPlatformUUID. On Intel Macs that is a SHA-1 over the SMBIOS UUID, on
// Apple silicon one over the number of the chip. x/sys deprecates calls by number in favor of libSystem, which Go
// reaches by cgo or by linkname into package syscall alone; this call has kept its number since Mac OS X 10.5, and
// where it fails, the source is absent.
func (*system) origins() []origin {
	return []origin{{BIOSUUID, "gethostuuid(2)", text{
		"IOPlatformUUID, the identifier of the Mac's hardware",
		"IOPlatformUUID, die Kennung der Hardware des Macs",
	}, func(*system) (uuid, error) {
		var u uuid
		var wait unix.Timespec // ask, don't wait
		_, _, errno := unix.Syscall(unix.SYS_GETHOSTUUID, uintptr(unsafe.Pointer(&u)), uintptr(unsafe.Pointer(&wait)), 0)
		if errno != 0 {
			return uuid{}, errno
		}
		return u, nil
	}}}
}

func (*system) probes() []probe         { return []probe{{"sysctl hw.model", vendorReads}} }
func (*system) detectContainer() string { return "" }

func (*system) vendor() (vendor, product string) {
	product, _ = unix.Sysctl("hw.model") // "VirtualMac2,1", "VMware7,1", "Parallels-…"
	if len(product) > 10 && product[:10] == "VirtualMac" {
		product = "Apple Virtualization"
	}
	return "", product
}

// randomInstall: there is no such identifier.
const randomInstall = false

var systemHints hints

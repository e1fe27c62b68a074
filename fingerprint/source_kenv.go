//go:build freebsd || dragonfly

package fingerprint

import (
	"unsafe"

	"github.com/denisbrodbeck/machineid"
	"golang.org/x/sys/unix"
)

// system reads from FreeBSD or DragonFly.
type system struct {
	container      string
	containerKnown bool
}

const (
	hostID  = "/etc/hostid"
	kenvGet = 0 // KENV_GET of sys/kenv.h
)

func (*system) origins() []origin {
	return []origin{
		{BIOSUUID, "kenv smbios.system.uuid", biosReads, func(*system) (uuid, error) {
			b, err := kenv("smbios.system.uuid")
			if err != nil {
				return uuid{}, err
			}
			return textUUID(b)
		}},
		{OSInstall, hostID, osReads, (*system).hostID},
	}
}

// kenv reads a variable of the kernel's environment, which the loader fills. It is open to every user.
func kenv(name string) ([]byte, error) {
	p, err := unix.BytePtrFromString(name)
	if err != nil {
		return nil, err
	}
	var buf [128]byte // KENV_MVALLEN
	n, _, errno := unix.Syscall6(unix.SYS_KENV, kenvGet, uintptr(unsafe.Pointer(p)), uintptr(unsafe.Pointer(&buf)), uintptr(len(buf)), 0, 0)
	if errno != 0 {
		return nil, errno
	}
	return buf[:min(int(n), len(buf))], nil
}

// hostID asks machineid only where its first choice can be read: its second starts a program.
func (*system) hostID() (uuid, error) {
	if err := readable("", hostID, 128); err != nil {
		return uuid{}, err
	}
	id, err := machineid.ID()
	if err != nil {
		return uuid{}, fault{Malformed, err}
	}
	return parseOSID([]byte(id))
}

func (*system) probes() []probe {
	return []probe{
		{"sysctl security.jail.jailed", containerReads},
		{"kenv smbios.system.maker, smbios.system.product", vendorReads},
	}
}

// detectContainer sees jails; kenv shows the host's variables there.
func (*system) detectContainer() string {
	if n, err := unix.SysctlUint32("security.jail.jailed"); err == nil && n == 1 {
		return "jail"
	}
	return ""
}

func (*system) vendor() (vendor, product string) {
	v, _ := kenv("smbios.system.maker")
	p, _ := kenv("smbios.system.product")
	return trimNUL(v), trimNUL(p)
}

// randomInstall: rc.d/hostid takes the BIOS UUID where there is one.
const randomInstall = false

var systemHints = hints{newID: text{
	"An administrator can create /etc/hostid with \"service hostid start\" and \"service hostid_save start\".",
	"Ein Administrator kann /etc/hostid mit „service hostid start“ und „service hostid_save start“ anlegen.",
}}

package fingerprint

import (
	"errors"
	"io/fs"
	"unsafe"

	"github.com/denisbrodbeck/machineid"
	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/registry"
)

// system reads from Windows.
type system struct {
	container      string
	containerKnown bool
}

const (
	firmwareTable = "kernel32 GetSystemFirmwareTable(RSMB)"
	machineGUID   = `HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Cryptography MachineGuid`
	control       = `SYSTEM\CurrentControlSet\Control`
)

func (*system) origins() []origin {
	return []origin{
		{BIOSUUID, firmwareTable, biosReads, func(*system) (uuid, error) {
			b, err := readRSMB()
			if err != nil {
				return uuid{}, err
			}
			s, err := parseRSMB(b)
			return s.uuid, err
		}},
		{OSInstall, machineGUID, osReads, func(*system) (uuid, error) {
			id, err := machineid.ID()
			if err != nil {
				// machineid drops the cause; the registry gives it again.
				return uuid{}, registryError()
			}
			return parseOSID([]byte(id))
		}},
	}
}

// readRSMB reads the SMBIOS table, again with more room where it grew in between.
func readRSMB() ([]byte, error) {
	const rsmb = 'R'<<24 | 'S'<<16 | 'M'<<8 | 'B'
	proc := windows.NewLazySystemDLL("kernel32.dll").NewProc("GetSystemFirmwareTable")
	if proc.Find() != nil {
		return nil, errors.ErrUnsupported
	}
	var b []byte
	for range 4 {
		var p *byte
		if len(b) > 0 {
			p = &b[0]
		}
		n, _, err := proc.Call(rsmb, 0, uintptr(unsafe.Pointer(p)), uintptr(len(b)))
		switch {
		case n == 0 && errors.Is(err, windows.ERROR_INVALID_FUNCTION): // no such provider
			return nil, fs.ErrNotExist
		case n == 0:
			return nil, fault{NotPresent, err}
		case n > maxTable+8:
			return nil, fault{Malformed, errors.New("table longer than it can be")}
		case int(n) <= len(b):
			return b[:n], nil
		}
		b = make([]byte, n)
	}
	return nil, fault{Malformed, errors.New("table that grows with every look at it")}
}

func registryError() error {
	k, err := registry.OpenKey(registry.LOCAL_MACHINE, `SOFTWARE\Microsoft\Cryptography`, registry.QUERY_VALUE|registry.WOW64_64KEY)
	if err != nil {
		return err
	}
	defer k.Close()
	if _, _, err = k.GetStringValue("MachineGuid"); err != nil {
		return err
	}
	return fs.ErrNotExist
}

func (*system) probes() []probe {
	return []probe{
		{`HKEY_LOCAL_MACHINE\` + control + " ContainerType", containerReads},
		{firmwareTable, vendorReads},
	}
}

// detectContainer asks for what Windows Server sets in its containers; a process container sees the host's table.
func (*system) detectContainer() string {
	k, err := registry.OpenKey(registry.LOCAL_MACHINE, control, registry.QUERY_VALUE)
	if err != nil {
		return ""
	}
	defer k.Close()
	if _, _, err := k.GetIntegerValue("ContainerType"); err != nil {
		return ""
	}
	return "windows"
}

func (*system) vendor() (vendor, product string) {
	b, err := readRSMB()
	if err != nil {
		return "", ""
	}
	s, _ := parseRSMB(b)
	return s.vendor, s.product
}

// randomInstall: Windows' setup makes a random MachineGuid.
const randomInstall = true

var systemHints = hints{
	permission: text{
		"Every user of Windows may read it; a security product or a sandbox stands between.",
		"Unter Windows darf sie jeder Benutzer lesen; ein Sicherheitsprogramm oder eine Sandbox steht dazwischen.",
	},
	newID: text{
		"Windows creates MachineGuid when it is installed; an image has to be generalized with sysprep before it is copied.",
		"Windows legt MachineGuid bei der Installation an; ein Abbild muss vor dem Kopieren mit sysprep verallgemeinert werden.",
	},
}

package fingerprint

import "golang.org/x/sys/unix"

// system reads from AIX, which has no SMBIOS.
type system struct {
	container      string
	containerKnown bool
}

func (*system) origins() []origin {
	return []origin{{BIOSUUID, "uname machine", text{
		"the machine number that uname -m shows; all partitions of a machine share it",
		"die Maschinennummer, die uname -m zeigt; alle Partitionen einer Maschine haben dieselbe",
	}, func(*system) (uuid, error) {
		var name unix.Utsname
		if err := unix.Uname(&name); err != nil {
			return uuid{}, err
		}
		return parseMachineNumber(name.Machine[:])
	}}}
}

func (*system) probes() []probe                  { return nil }
func (*system) detectContainer() string          { return "" }
func (*system) vendor() (vendor, product string) { return "", "" }

// randomInstall: there is no such identifier.
const randomInstall = false

var systemHints hints

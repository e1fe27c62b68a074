package fingerprint

import "github.com/denisbrodbeck/machineid"

// system reads from illumos or Solaris.
type system struct {
	container      string
	containerKnown bool
}

const (
	smbiosDevice = "/dev/smbios"
	hostID       = "/etc/hostid"
)

func (*system) origins() []origin {
	return []origin{
		{BIOSUUID, smbiosDevice, biosReads, func(*system) (uuid, error) {
			s, err := readSMBIOS()
			return s.uuid, err
		}},
		{OSInstall, hostID, osReads, (*system).hostID},
	}
}

// readSMBIOS reads the device that every user may read in the global zone: the entry point, then the table.
func readSMBIOS() (systemTable, error) {
	b, err := readWhole("", smbiosDevice, maxTable)
	if err != nil {
		return systemTable{}, err
	}
	return parseDump(b)
}

// hostID asks machineid only where its first choice can be read: its second starts a program. Where the file holds 32
// bits in Solaris' own disguise, they are no identifier.
func (*system) hostID() (uuid, error) {
	if err := readable("", hostID, 1024); err != nil {
		return uuid{}, err
	}
	id, err := machineid.ID()
	if err != nil {
		return uuid{}, fault{Malformed, err}
	}
	return parseOSID([]byte(id))
}

func (*system) probes() []probe         { return []probe{{smbiosDevice, vendorReads}} }
func (*system) detectContainer() string { return "" } // a zone has no /dev/smbios

func (*system) vendor() (vendor, product string) {
	s, _ := readSMBIOS()
	return s.vendor, s.product
}

// randomInstall: a hostid has 32 bits and follows the hardware.
const randomInstall = false

var systemHints hints

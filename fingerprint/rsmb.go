package fingerprint

import (
	"encoding/binary"
	"fmt"
)

// parseRSMB reads RawSMBIOSData, which Windows' GetSystemFirmwareTable returns: calling method, major and minor
// version, DMI revision, and the length of the table that follows. The length is bounded by what was returned.
func parseRSMB(b []byte) (systemTable, error) {
	if len(b) < 8 {
		return systemTable{}, fault{Malformed, fmt.Errorf("firmware table of %d bytes has no header", len(b))}
	}
	e := entry{
		version: (smbiosVersion(b[1])<<8 | smbiosVersion(b[2])).fixed(),
		length:  int(min(binary.LittleEndian.Uint32(b[4:]), maxTable)),
		ends:    b[1] >= 3, // below, Windows has a length like the 32-bit entry point, and drops its count
	}
	return e.walk(b[8:])
}

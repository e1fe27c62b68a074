package fingerprint

import (
	"bytes"
	"errors"
)

// parseOSID checks the identifier of an installed system as machineid returns it: 32 hexadecimal digits or a UUID.
// "uninitialized" is what systemd writes into an image before its first boot.
func parseOSID(b []byte) (uuid, error) {
	b = bytes.Trim(b, " \t\r\n\x00")
	switch string(b) {
	case "":
		return uuid{}, fault{NotPresent, errors.New("empty")}
	case "uninitialized":
		return uuid{}, fault{NotPresent, errors.New("not initialized before the first boot")}
	}
	if len(b) == 38 && b[0] == '{' && b[37] == '}' {
		b = b[1:37]
	}
	u, err := parseUUID(b)
	if err != nil {
		return uuid{}, fault{Malformed, err}
	}
	return u, nil
}

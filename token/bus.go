//go:build linux || netbsd || openbsd

package token

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/godbus/dbus/v5"
)

// busAddress finds the session bus without starting anything. Of what DBUS_SESSION_BUS_ADDRESS names, only Unix
// sockets remain: "autolaunch:" and "unixexec:" start programs, and "tcp:" would carry the secret in clear. Where it
// names nothing, it is $XDG_RUNTIME_DIR/bus, if that is a socket of this user, as for libdbus and sd-bus. Empty: no
// bus.
//
// The format is that of the D-Bus Specification, "Server Addresses".
func busAddress(getenv func(string) string) string {
	given := getenv("DBUS_SESSION_BUS_ADDRESS")
	if given != "" && !strings.HasPrefix(given, "autolaunch:") {
		var sockets []string
		for a := range strings.SplitSeq(given, ";") {
			if strings.HasPrefix(a, "unix:") {
				sockets = append(sockets, a)
			}
		}
		return strings.Join(sockets, ";")
	}
	dir := getenv("XDG_RUNTIME_DIR")
	if !filepath.IsAbs(dir) {
		return ""
	}
	path := filepath.Join(dir, "bus")
	info, err := os.Stat(path)
	if err != nil || info.Mode().Type() != os.ModeSocket {
		return ""
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); !ok || int64(stat.Uid) != int64(os.Geteuid()) {
		return ""
	}
	return "unix:path=" + dbus.EscapeBusAddressValue(path)
}

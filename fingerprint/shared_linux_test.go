//go:build !android

package fingerprint

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// asUser calls do with the file permissions of an ordinary user, who is not the owner of the fixtures where the tests
// run as root. Otherwise what is closed to others is closed to their owner, too.
func asUser(t *testing.T, sys system, modes map[string]os.FileMode, do func()) {
	t.Helper()
	if os.Geteuid() == 0 {
		runtime.LockOSThread() // a thread has file permissions of its own
		defer runtime.UnlockOSThread()
		if err := unix.Setfsuid(65534); err != nil {
			t.Fatal(err)
		}
		defer unix.Setfsuid(0)
		do()
		return
	}
	for path, mode := range modes {
		mode &= 0o007
		mode |= mode << 6
		if err := os.Chmod(sys.root+path, mode); err != nil {
			t.Fatal(err)
		}
		defer os.Chmod(sys.root+path, 0o755)
	}
	do()
}

// plain is the set of a device without the slow hash.
func plain(d *Device) Set {
	set := Set{}
	for _, k := range d.Kinds() {
		set[k] = "fp1:" + d.find(k).uuid().String()
	}
	return set
}

// TestShared reads the same system as root and as a user, whatever is closed to users: each finds the same device, and
// of one kind the same identifier or none.
func TestShared(t *testing.T) {
	t.Parallel()
	machineIDs := map[string]string{dbusMachineID: otherID, etcMachineID: plainID}
	uuids := map[string]string{productUUID: testUUID, hypervisor: otherUUID, deviceTree: otherUUID, etcMachineID: plainID}
	other := mustUUID(t, otherID).String()
	for _, c := range []struct {
		name               string
		files              map[string]string
		modes              map[string]os.FileMode
		bios, os           string // as root
		userBIOS, userOS   string
		biosWhy, osInstall Reason // why the user has none
	}{
		{name: "all open", files: machineIDs, os: other, userOS: other},
		{name: "the first machine-id closed", files: machineIDs, modes: map[string]os.FileMode{dbusMachineID: 0o400},
			os: testMachineID, userOS: testMachineID},
		{name: "the first machine-id for a group", files: machineIDs, modes: map[string]os.FileMode{dbusMachineID: 0o440},
			os: testMachineID, userOS: testMachineID},
		{name: "its directory closed", files: machineIDs, modes: map[string]os.FileMode{dbusDirectory: 0o700},
			os: testMachineID, userOS: testMachineID},
		{name: "a directory further up closed", files: machineIDs, modes: map[string]os.FileMode{"/var/lib": 0o700},
			os: other, osInstall: Permission},
		{name: "the only machine-id closed", files: map[string]string{dbusMachineID: otherID}, modes: map[string]os.FileMode{dbusMachineID: 0o400},
			os: other, osInstall: Permission},
		{name: "the second machine-id closed", files: machineIDs, modes: map[string]os.FileMode{etcMachineID: 0o400}, os: other, userOS: other},
		{name: "both machine-ids closed", files: machineIDs, modes: map[string]os.FileMode{dbusMachineID: 0o400, etcMachineID: 0o400},
			os: testMachineID, osInstall: Permission},
		{name: "closed, and nothing in it", files: map[string]string{dbusMachineID: "", etcMachineID: plainID},
			modes: map[string]os.FileMode{dbusMachineID: 0o400}, os: testMachineID, userOS: testMachineID},
		{name: "closed, and the second damaged", files: map[string]string{dbusMachineID: otherID, etcMachineID: "localhost"},
			modes: map[string]os.FileMode{dbusMachineID: 0o400}, osInstall: Malformed},
		{name: "product_uuid closed", files: uuids, modes: map[string]os.FileMode{productUUID: 0o400},
			bios: canonicalUUID, os: testMachineID, userOS: testMachineID, biosWhy: Permission},
		{name: "product_uuid absent", files: map[string]string{hypervisor: testUUID, etcMachineID: plainID},
			bios: canonicalUUID, os: testMachineID, userBIOS: canonicalUUID, userOS: testMachineID},
		{name: "the tables closed", files: merged(tables(t, "q35-64bit.bin"), map[string]string{hypervisor: otherUUID, etcMachineID: plainID}),
			modes: map[string]os.FileMode{entryPoint: 0o400, structureTable: 0o400}, bios: canonicalUUID, os: testMachineID, userOS: testMachineID, biosWhy: Permission},
		{name: "sysfs closed", files: uuids, modes: map[string]os.FileMode{"/sys": 0o700},
			bios: canonicalUUID, os: testMachineID, userOS: testMachineID, biosWhy: Permission},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			sys := tree(t, c.files)
			if err := os.Chmod(filepath.Dir(sys.root), 0o755); err != nil { // of all the tests' directories the one for their user alone
				t.Fatal(err)
			}
			for path, mode := range c.modes {
				if err := os.Chmod(sys.root+path, mode); err != nil {
					t.Fatal(err)
				}
				defer os.Chmod(sys.root+path, 0o755)
			}
			want := func(who string, d *Device, k Kind, id string) {
				t.Helper()
				if s := d.find(k); (s != nil) != (id != "") || s != nil && s.uuid() != mustUUID(t, id) {
					t.Errorf("%s: %s is not %q", who, k, id)
				}
			}
			cfg := Config{Product: "acme-editor"}
			root, _ := read(cfg, sys)
			want("root", root, BIOSUUID, c.bios)
			want("root", root, OSInstall, c.os)
			boundedRoot := sys.bounded(sys.everybodys(dbusDirectory, dbusMachineID))
			var user *Device
			var err error
			var list []Source
			var boundedUser bool
			asUser(t, sys, c.modes, func() {
				user, err = read(cfg, sys)
				list, _ = sources(cfg, sys)
				boundedUser = sys.bounded(sys.everybodys(dbusDirectory, dbusMachineID))
			})
			want("user", user, BIOSUUID, c.userBIOS)
			want("user", user, OSInstall, c.userOS)
			var used []Kind
			for _, s := range list {
				if s.Used {
					used = append(used, s.Kind)
				}
			}
			if fmt.Sprint(used) != fmt.Sprint(user.Kinds()) {
				t.Errorf("the user's sources use %v, the device has %v", used, user.Kinds())
			}
			for k, want := range map[Kind]Reason{BIOSUUID: c.biosWhy, OSInstall: c.osInstall} {
				if user.find(k) != nil {
					continue
				}
				why := []*Error{errorOf(err, k)}
				if user != nil {
					why = user.whyNot(k)
				}
				if got, _ := (Evidence{Skipped: why}).reason(); got != want {
					t.Errorf("%s: %s, want %s", k, got, want)
				}
			}
			// machineid takes the first file that the process can read: it may be asked only where that is the right one.
			asked := func(who string, bounded bool, id string, first bool) {
				if taken := map[bool]string{true: otherID, false: plainID}[first]; bounded && c.files[dbusMachineID] == otherID && c.files[etcMachineID] == plainID && mustUUID(t, taken).String() != id {
					t.Errorf("%s: machineid would be asked, and take %s, not %q", who, taken, id)
				}
			}
			asked("root", boundedRoot, c.os, true)
			asked("user", boundedUser, c.userOS, c.modes[dbusMachineID] == 0 && c.modes[dbusDirectory] == 0 && c.modes["/var/lib"] == 0)
			if user != nil && root != nil {
				pinned, found := plain(root), plain(user)
				if v := Compare(pinned, found); !v.Same() {
					t.Errorf("pinned by root, verified by a user: %s", v.Outcome)
				}
				if v := Compare(found, pinned); !v.Same() {
					t.Errorf("pinned by a user, verified by root: %s", v.Outcome)
				}
			}
		})
	}
}

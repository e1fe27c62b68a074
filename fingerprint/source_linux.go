//go:build !android

package fingerprint

import (
	"bytes"
	"strings"

	"github.com/denisbrodbeck/machineid"
	"golang.org/x/sys/unix"
)

// system reads from a Linux system. A root other than the empty one is a tree of fixtures.
type system struct {
	root string

	container      string
	containerKnown bool
}

// The places where identifiers are read.
const (
	productUUID    = "/sys/class/dmi/id/product_uuid"
	entryPoint     = "/sys/firmware/dmi/tables/smbios_entry_point"
	structureTable = "/sys/firmware/dmi/tables/DMI"
	deviceTree     = "/proc/device-tree/vm,uuid"
	hypervisor     = "/sys/hypervisor/uuid"
	dbusDirectory  = "/var/lib/dbus"
	dbusMachineID  = dbusDirectory + "/machine-id"
	etcMachineID   = "/etc/machine-id"
)

// origins lists product_uuid before the tables because Docker masks /sys/firmware.
func (*system) origins() []origin { return linuxOrigins[:] }

var linuxOrigins = [...]origin{
	{BIOSUUID, productUUID, biosReads, func(sys *system) (uuid, error) { return sys.textFile(productUUID) }},
	{BIOSUUID, entryPoint + ", " + structureTable, biosReads, (*system).tables},
	{BIOSUUID, deviceTree, biosReads, func(sys *system) (uuid, error) { return sys.textFile(deviceTree) }},
	{BIOSUUID, hypervisor, biosReads, func(sys *system) (uuid, error) { return sys.textFile(hypervisor) }},
	{OSInstall, dbusMachineID + ", " + etcMachineID, osReads, (*system).machineID},
}

func (sys *system) textFile(path string) (uuid, error) {
	var buf [128]byte
	b, err := readFile(sys.root, path, buf[:])
	if err != nil {
		return uuid{}, err
	}
	return textUUID(b)
}

func (sys *system) tables() (uuid, error) {
	var buf [64]byte
	anchor, err := readFile(sys.root, entryPoint, buf[:])
	if err != nil {
		return uuid{}, err
	}
	table, err := readWhole(sys.root, structureTable, maxTable)
	if err != nil {
		return uuid{}, err
	}
	s, err := parseTables(anchor, table)
	return s.uuid, err
}

// maxMachineID bounds the size of a machine-id file; it has 33 bytes.
const maxMachineID = 128

// machineID gives root and every user the same answer, or the one of them none.
//
// Of the two files the first counts that holds an identifier. Only where the first file is absent, empty or not
// initialized, for everybody, does the second count; what this process alone may not read, and what is damaged, is the
// answer. The one exception: a first file whose mode, or whose directory's mode, keeps users out is passed over by all
// who can read the second, root included, since that one they share. Were it each process's own first readable file,
// root would pin one identifier and users would read the other.
//
// machineid takes the first of the two files that it can read, whatever is in it and however long it is. So it is
// asked only where that is the right file and a small one; otherwise each is read here.
func (sys *system) machineID() (uuid, error) {
	everybodys := sys.everybodys(dbusDirectory, dbusMachineID)
	if sys.root == "" && sys.bounded(everybodys) {
		if id, err := machineid.ID(); err == nil {
			if u, err := parseOSID([]byte(id)); err == nil {
				return u, nil
			}
		}
	}
	u, err := sys.readMachineID(dbusMachineID)
	if everybodys && !notPresent(err) {
		return u, err
	}
	v, err2 := sys.readMachineID(etcMachineID)
	if notPresent(err2) { // of the two, the file that is there says more than the one that is not
		return u, err
	}
	return v, err2
}

// bounded reports whether the file that machineid will take is a small one, and the one that counts. It passes over the
// first only where that cannot be opened.
func (sys *system) bounded(everybodys bool) bool {
	switch err := readable(sys.root, dbusMachineID, maxMachineID); {
	case err == nil:
		return everybodys
	case everybodys && !notPresent(err):
		return false
	}
	return readable(sys.root, etcMachineID, maxMachineID) == nil
}

// everybodys reports whether the modes let every user read a file in a directory. What is not there keeps nobody out,
// and what cannot be looked at is not said to: that is not a matter of modes, or of a directory further up.
func (sys *system) everybodys(directory, path string) bool {
	if mode, err := modeOf(sys.root, directory); err == nil && mode&unix.S_IXOTH == 0 {
		return false
	}
	mode, err := modeOf(sys.root, path)
	return err != nil || mode&unix.S_IROTH != 0
}

func notPresent(err error) bool {
	reason, _ := reasonOf(err)
	return err != nil && reason == NotPresent
}

func (sys *system) readMachineID(path string) (uuid, error) {
	var buf [maxMachineID]byte
	b, err := readFile(sys.root, path, buf[:])
	if err != nil {
		return uuid{}, err
	}
	return parseOSID(b)
}

// probes lists what detectContainer and vendor look at.
func (*system) probes() []probe {
	var list []probe
	for _, p := range containerFiles {
		list = append(list, probe{p.path, containerReads})
	}
	return append(list,
		probe{pidNamespace, containerReads}, probe{osRelease, containerReads},
		probe{sysVendor, vendorReads}, probe{productName, vendorReads})
}

const (
	pidNamespace = "/proc/self/ns/pid"
	osRelease    = "/proc/sys/kernel/osrelease"
	sysVendor    = "/sys/class/dmi/id/sys_vendor"
	productName  = "/sys/class/dmi/id/product_name"
)

// containerFiles exist in a container of that name. The sockets /dev/lxd/sock and /dev/incus/sock are not among them:
// virtual machines have them, too.
var containerFiles = [...]struct{ path, name string }{
	{"/.dockerenv", "docker"},
	{"/run/.containerenv", "podman"},
	{"/run/systemd/container", "systemd"},
	{"/run/host/container-manager", "systemd"},
	{"/var/run/secrets/kubernetes.io/serviceaccount", "kubernetes"},
	{"/dev/.lxc-boot-id", "lxc"},
}

// initialPIDNamespace is a constant of the kernel (PROC_PID_INIT_INO in include/linux/proc_ns.h).
const initialPIDNamespace = "pid:[4026531836]"

// detectContainer looks for what container managers leave behind, and last for a process namespace of its own, which
// every one of them makes. /proc/1/environ, which systemd trusts most, is closed to users.
func (sys *system) detectContainer() string {
	for i := range containerFiles {
		if exists(sys.root, containerFiles[i].path) {
			return containerFiles[i].name
		}
	}
	var buf [128]byte
	if b, err := readFile(sys.root, osRelease, buf[:]); err == nil && bytes.Contains(bytes.ToLower(b), []byte("microsoft")) {
		return "wsl"
	}
	if n, err := readLink(sys.root, pidNamespace, buf[:]); err == nil && string(buf[:n]) != initialPIDNamespace {
		return "process namespace"
	}
	return ""
}

func (sys *system) vendor() (vendor, product string) {
	var buf [256]byte
	if b, err := readFile(sys.root, sysVendor, buf[:]); err == nil {
		vendor = strings.TrimSpace(string(b))
	}
	if b, err := readFile(sys.root, productName, buf[:]); err == nil {
		product = strings.TrimSpace(string(b))
	}
	return vendor, product
}

// randomInstall: systemd makes a random machine-id. In a KVM guest it takes the guest's UUID, which hypervisors draw at
// random, and which Tag compares where it can be read.
const randomInstall = true

var systemHints = hints{
	permission: text{
		"An administrator can let a group read it: put the line \"z /sys/devices/virtual/dmi/id/product_uuid 0440 root GROUP\" " +
			"into /etc/tmpfiles.d/product-uuid.conf and run \"systemd-tmpfiles --create product-uuid.conf\". " +
			"Every member of GROUP, and every program they run, can then identify this device. " +
			"Without it, the identifier of the operating system stands in.",
		"Ein Administrator kann einer Gruppe Leserecht geben: Er trägt die Zeile „z /sys/devices/virtual/dmi/id/product_uuid 0440 root GRUPPE“ " +
			"in /etc/tmpfiles.d/product-uuid.conf ein und führt „systemd-tmpfiles --create product-uuid.conf“ aus. " +
			"Dann kann jedes Mitglied der GRUPPE und jedes Programm, das es startet, dieses Gerät identifizieren. " +
			"Ohne das tritt die Kennung des Betriebssystems an ihre Stelle.",
	},
	newID: text{
		"An administrator can create an identifier of this installation with \"systemd-machine-id-setup\" (or \"dbus-uuidgen --ensure=/etc/machine-id\"), after removing what is in /etc/machine-id and /var/lib/dbus/machine-id.",
		"Ein Administrator kann mit „systemd-machine-id-setup“ (oder „dbus-uuidgen --ensure=/etc/machine-id“) eine Kennung für diese Installation anlegen, nachdem der Inhalt von /etc/machine-id und /var/lib/dbus/machine-id entfernt ist.",
	},
}

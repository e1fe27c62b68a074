//go:build !android

package fingerprint

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/counterfoil-dev/counterfoil/testdata"
	"golang.org/x/sys/unix"
)

// tree is a system made of fixtures: by path, the content of a file.
func tree(t testing.TB, files map[string]string) system {
	t.Helper()
	root := t.TempDir()
	for path, content := range files {
		path = filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return system{root: root}
}

// tables are the two files that the kernel makes of a dump.
func tables(t testing.TB, name string) map[string]string {
	t.Helper()
	b, err := fs.ReadFile(testdata.Files(), "fingerprint/dumps/"+name)
	if err != nil {
		t.Fatal(err)
	}
	n := 31
	if strings.HasPrefix(string(b), "_SM3_") {
		n = 24
	}
	return map[string]string{entryPoint: string(b[:n]), structureTable: string(b[32:])}
}

func merged(sets ...map[string]string) map[string]string {
	all := map[string]string{}
	for _, s := range sets {
		for k, v := range s {
			all[k] = v
		}
	}
	return all
}

const (
	canonicalUUID = "0e6b1b2f-1c8a-5e4d-9f60-718293a4b5c6" // of testUUID
	otherUUID     = "79669e7c-2574-de40-944b-e07fc1f90ae7" // canonical
	otherID       = "5d3a9c11e7b24f06a8d94c2b7e6f1035"
	plainID       = "b6e31c0a5d0f4a7c9e2d8f1a3b5c7d9e" // testMachineID
	template      = "03000200-0400-0500-0006-000700080009\n"
)

func TestLinux(t *testing.T) {
	t.Parallel()
	q35, old, blank := tables(t, "q35-64bit.bin"), tables(t, "pc-1.4.bin"), tables(t, "placeholder.bin")
	for _, c := range []struct {
		name     string
		files    map[string]string
		cfg      Config
		bios, os string            // what identifies
		reasons  map[string]Reason // by source, why skipped
	}{
		{name: "all there", files: merged(q35, map[string]string{productUUID: testUUID + "\n", etcMachineID: plainID + "\n"}),
			bios: canonicalUUID, os: testMachineID},
		{name: "the first source counts", files: merged(q35, map[string]string{productUUID: otherUUID, hypervisor: template}), bios: otherUUID},
		{name: "swapped by the kernel", files: map[string]string{productUUID: canonicalUUID + "\n"}, bios: canonicalUUID},
		{name: "upper case", files: map[string]string{productUUID: strings.ToUpper(testUUID) + "\n"}, bios: canonicalUUID},
		{name: "only the tables", files: q35, bios: canonicalUUID, reasons: map[string]Reason{productUUID: NotPresent}},
		{name: "tables below 2.6", files: old, bios: canonicalUUID},
		{name: "tables without their entry point", files: map[string]string{structureTable: q35[structureTable], etcMachineID: plainID},
			os: testMachineID, reasons: map[string]Reason{entryPoint + ", " + structureTable: NotPresent}},
		{name: "placeholder, then another source", files: merged(blank, map[string]string{productUUID: template, hypervisor: testUUID + "\n"}),
			bios: canonicalUUID, reasons: map[string]Reason{productUUID: Placeholder, entryPoint + ", " + structureTable: Placeholder, deviceTree: NotPresent}},
		{name: "placeholders everywhere", files: merged(blank, map[string]string{productUUID: template, dbusMachineID: plainID}),
			os: testMachineID, reasons: map[string]Reason{productUUID: Placeholder, entryPoint + ", " + structureTable: Placeholder}},
		{name: "device tree", files: map[string]string{deviceTree: testUUID + "\x00"}, bios: canonicalUUID},
		{name: "hypervisor", files: map[string]string{hypervisor: testUUID + "\n"}, bios: canonicalUUID},
		{name: "Xen's dom0", files: map[string]string{hypervisor: "00000000-0000-0000-0000-000000000000\n", etcMachineID: plainID},
			os: testMachineID, reasons: map[string]Reason{hypervisor: NotPresent}},
		{name: "refused by the application", files: map[string]string{productUUID: testUUID + "\n", etcMachineID: plainID},
			cfg: Config{Placeholders: []string{canonicalUUID}}, os: testMachineID, reasons: map[string]Reason{productUUID: Placeholder}},
		{name: "installation refused by the application", files: map[string]string{productUUID: testUUID, etcMachineID: plainID},
			cfg: Config{Placeholders: []string{plainID}}, bios: canonicalUUID,
			reasons: map[string]Reason{dbusMachineID + ", " + etcMachineID: Placeholder}},
		{name: "garbage", files: map[string]string{productUUID: "To be filled by O.E.M.\n", etcMachineID: plainID},
			os: testMachineID, reasons: map[string]Reason{productUUID: Malformed}},
		{name: "far too long", files: map[string]string{productUUID: strings.Repeat("a", 1<<20), etcMachineID: plainID},
			os: testMachineID, reasons: map[string]Reason{productUUID: Malformed}},
		{name: "dbus before etc", files: map[string]string{dbusMachineID: plainID, etcMachineID: otherID}, os: testMachineID},
		{name: "dbus empty", files: map[string]string{dbusMachineID: "", etcMachineID: plainID}, os: testMachineID},
		{name: "dbus uninitialized", files: map[string]string{dbusMachineID: "uninitialized\n", etcMachineID: plainID}, os: testMachineID},
		{name: "dbus malformed", files: map[string]string{dbusMachineID: "localhost\n", etcMachineID: plainID, productUUID: testUUID},
			bios: canonicalUUID, reasons: map[string]Reason{dbusMachineID + ", " + etcMachineID: Malformed}},
		{name: "Docker without its tables, allowed", files: map[string]string{"/.dockerenv": "", deviceTree: testUUID},
			cfg: Config{AllowContainer: true}, bios: canonicalUUID, reasons: map[string]Reason{productUUID: NotPresent, entryPoint + ", " + structureTable: NotPresent}},
		{name: "Docker", files: map[string]string{"/.dockerenv": "", productUUID: testUUID, etcMachineID: plainID},
			os: testMachineID, reasons: map[string]Reason{productUUID: Container}},
		{name: "Docker, allowed", files: map[string]string{"/.dockerenv": "", productUUID: testUUID, etcMachineID: plainID},
			cfg: Config{AllowContainer: true}, bios: canonicalUUID, os: testMachineID},
		{name: "Podman", files: map[string]string{"/run/.containerenv": "", productUUID: testUUID}, reasons: map[string]Reason{productUUID: Container}},
		{name: "nspawn", files: map[string]string{"/run/systemd/container": "systemd-nspawn", productUUID: testUUID}, reasons: map[string]Reason{productUUID: Container}},
		{name: "WSL", files: map[string]string{osRelease: "5.15.90.1-microsoft-standard-WSL2\n", productUUID: testUUID}, reasons: map[string]Reason{productUUID: Container}},
		{name: "nothing", reasons: map[string]Reason{productUUID: NotPresent, hypervisor: NotPresent, dbusMachineID + ", " + etcMachineID: NotPresent}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.cfg.Product = "acme-editor"
			sys := tree(t, c.files)
			d, err := read(c.cfg, sys)
			var kinds []Kind
			for k, want := range map[Kind]string{BIOSUUID: c.bios, OSInstall: c.os} {
				if want == "" {
					continue
				}
				kinds = append(kinds, k)
				if id := d.find(k); id == nil || id.uuid() != mustUUID(t, want) {
					t.Errorf("%s is not %s (%v)", k, want, err)
				}
			}
			slices.SortFunc(kinds, func(a, b Kind) int { return rank(a) - rank(b) })
			if !slices.Equal(d.Kinds(), kinds) || (len(kinds) == 0) != errors.Is(err, ErrUnavailable) {
				t.Errorf("kinds %v, %v", d.Kinds(), err)
			}
			list, err := sources(c.cfg, sys)
			if err != nil {
				t.Fatal(err)
			}
			tried := map[string]Reason{}
			for _, s := range list {
				if s.Err != nil {
					tried[s.Name] = s.Err.Reason
				}
				if id, ok := s.Reveal(); ok && s.Used && id != map[Kind]string{BIOSUUID: c.bios, OSInstall: c.os}[s.Kind] {
					t.Errorf("%s reveals %s", s.Name, id)
				}
			}
			for source, want := range c.reasons {
				if got, ok := tried[source]; !ok || got != want {
					t.Errorf("%s: %s (%t), want %s", source, got, ok, want)
				}
			}
		})
	}
}

// TestMachineIDFiles puts everything in the place of the file that a file system has to offer.
func TestMachineIDFiles(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		put  func(path string) error
		want Reason
	}{
		{"absent", func(string) error { return nil }, NotPresent},
		{"empty", func(p string) error { return os.WriteFile(p, nil, 0o644) }, NotPresent},
		{"a directory", func(p string) error { return os.Mkdir(p, 0o755) }, Malformed},
		{"a pipe that nobody writes", func(p string) error { return unix.Mkfifo(p, 0o644) }, Malformed},
		{"1 GiB", func(p string) error {
			return errors.Join(os.WriteFile(p, []byte(plainID+"\n"), 0o644), os.Truncate(p, 1<<30))
		}, Malformed},
		{"a link to nowhere", func(p string) error { return os.Symlink("nowhere", p) }, NotPresent},
		{"a link to itself", func(p string) error { return os.Symlink(filepath.Base(p), p) }, Malformed},
		{"a device that never ends", func(p string) error { return os.Symlink("/dev/zero", p) }, Malformed},
		{"masked", func(p string) error { return os.Symlink("/dev/null", p) }, NotPresent},
		{"zeros", func(p string) error { return os.WriteFile(p, []byte(strings.Repeat("0", 32)), 0o644) }, NotPresent},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for _, path := range []string{etcMachineID, dbusMachineID} {
				sys := tree(t, nil)
				if err := os.MkdirAll(filepath.Dir(sys.root+path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := c.put(sys.root + path); err != nil {
					t.Fatal(err)
				}
				d, err := read(Config{Product: "acme-editor"}, sys)
				e := errorOf(err, OSInstall)
				if d != nil || !errors.Is(err, ErrUnavailable) || e == nil || e.Reason != c.want || e.Hint("en") == "" {
					t.Errorf("%s: %v, %v", path, d, err)
				}
			}
		})
	}
}

// errorOf finds the error of one kind in that of Read.
func errorOf(err error, k Kind) *Error {
	u, ok := errors.AsType[*unavailable](err)
	if !ok {
		return nil
	}
	for i := range u.skipped {
		if u.skipped[i].Kind == k {
			return &u.skipped[i]
		}
	}
	return nil
}

func TestContainers(t *testing.T) {
	t.Parallel()
	link := func(target string) system {
		sys := tree(t, nil)
		if err := errors.Join(os.MkdirAll(filepath.Dir(sys.root+pidNamespace), 0o755), os.Symlink(target, sys.root+pidNamespace)); err != nil {
			t.Fatal(err)
		}
		return sys
	}
	for _, c := range []struct {
		sys  system
		want string
	}{
		{tree(t, nil), ""},
		{link(initialPIDNamespace), ""},
		{link("pid:[4026532198]"), "process namespace"},
		{tree(t, map[string]string{"/.dockerenv": ""}), "docker"},
		{tree(t, map[string]string{"/var/run/secrets/kubernetes.io/serviceaccount/token": ""}), "kubernetes"},
		{tree(t, map[string]string{osRelease: "6.1.0-56-cloud-amd64\n"}), ""},
		{tree(t, map[string]string{"/dev/lxd/sock": "", "/dev/incus/sock": "", sysVendor: "QEMU\n"}), ""}, // a virtual machine's
	} {
		if got := c.sys.inContainer(); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
	sys := tree(t, map[string]string{sysVendor: "QEMU\n", productName: "Standard PC\n"})
	if got := sys.virtualMachine(); got != "qemu" {
		t.Errorf("virtual machine %q", got)
	}
}

// TestRootAndUser is one machine, activated by one of the two and verified by the other.
func TestRootAndUser(t *testing.T) {
	t.Parallel()
	id := map[string]string{etcMachineID: plainID}
	root, err1 := read(Config{Product: "acme-editor"}, tree(t, merged(id, map[string]string{productUUID: testUUID})))
	user, err2 := read(Config{Product: "acme-editor"}, tree(t, id)) // to whom it is absent
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	if v := user.Verify(root.Derive()); v.Outcome != SameDegraded {
		t.Errorf("activated by root: %s", v.Outcome)
	}
	v := root.Verify(user.Derive())
	if v.Outcome != Same || !slices.ContainsFunc(v.Evidence, func(e Evidence) bool { return e.Kind == BIOSUUID && e.Finding == NotPinned }) {
		t.Errorf("activated by a user: %+v", v)
	}
}

//go:build linux

// Init is the first and only program of a virtual machine that .ci/fingerprint/boot starts: it reads the device as root
// and as an unprivileged user, says what it found in lines of JSON on the console, and ends the machine.
package main

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"

	"github.com/counterfoil-dev/counterfoil/fingerprint"
)

const (
	product = "acme-editor"
	nobody  = 65534
	pinned  = "/run/pinned.json"
	dmiID   = "/sys/devices/virtual/dmi/id/product_uuid"
)

// report is one line on the console, behind the marker that the host looks for.
type report struct {
	Step     string                  // "root", "user", "group", "tables", "end"
	Error    string                  `json:",omitempty"`
	Reasons  map[string]string       `json:",omitempty"` // by source, why it was skipped
	Revealed map[string]string       `json:",omitempty"` // by source, as root
	Set      fingerprint.Set         `json:",omitempty"`
	Outcome  string                  `json:",omitempty"`
	License  string                  `json:",omitempty"` // "usable", or why not
	Hint     string                  `json:",omitempty"`
	Kernel   string                  `json:",omitempty"` // product_uuid
	Entry    string                  `json:",omitempty"` // smbios_entry_point, base64
	Table    string                  `json:",omitempty"` // DMI, base64
	Where    fingerprint.Environment `json:",omitzero"`
}

func say(r report) {
	b, err := json.Marshal(r)
	if err != nil {
		b = []byte(err.Error())
	}
	fmt.Printf("\ncounterfoil: %s\n", b)
}

func main() {
	if len(os.Args) > 1 {
		say(asUser(os.Args[1]))
		return
	}
	// Whatever goes wrong, the machine has to end.
	defer syscall.Reboot(syscall.LINUX_REBOOT_CMD_RESTART)
	if err := mount(); err != nil {
		say(report{Step: "end", Error: err.Error()})
		return
	}
	say(tables())
	say(asRoot())
	say(again("user"))
	// What the hint tells an administrator to do, done.
	if err := errors.Join(os.Chmod(dmiID, 0o440), os.Chown(dmiID, 0, nobody)); err == nil {
		say(again("group"))
	}
	say(report{Step: "end"})
}

func mount() error {
	for _, m := range [...]struct{ kind, path string }{{"proc", "/proc"}, {"sysfs", "/sys"}, {"devtmpfs", "/dev"}, {"tmpfs", "/run"}} {
		if err := syscall.Mount(m.kind, m.path, m.kind, 0, ""); err != nil {
			return fmt.Errorf("mount %s: %w", m.path, err)
		}
	}
	return nil
}

func tables() report {
	text, _ := os.ReadFile(dmiID)
	entry, _ := os.ReadFile("/sys/firmware/dmi/tables/smbios_entry_point")
	table, _ := os.ReadFile("/sys/firmware/dmi/tables/DMI")
	return report{
		Step: "tables", Kernel: strings.TrimSpace(string(text)),
		Entry: base64.StdEncoding.EncodeToString(entry), Table: base64.StdEncoding.EncodeToString(table),
	}
}

// asRoot pins the set that an activation would pin.
func asRoot() report {
	r := look("root")
	r.Where = fingerprint.ReadEnvironment()
	device, err := fingerprint.Read(fingerprint.Config{Product: product})
	if err != nil {
		r.Error = err.Error()
		return r
	}
	r.Set = device.Derive()
	b, err := json.Marshal(r.Set)
	if err == nil {
		err = os.WriteFile(pinned, b, 0o644)
	}
	if err != nil {
		r.Error = err.Error()
	}
	r.License = usable(activate())
	return r
}

func usable(err error) string {
	if err != nil {
		return err.Error()
	}
	return "usable"
}

// again starts this program as the unprivileged user, and waits for it.
func again(step string) report {
	cmd := exec.Command("/init", step)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	if err := cmd.Run(); err != nil {
		return report{Step: step, Error: err.Error()}
	}
	return report{Step: step + " done"}
}

// asUser verifies what root pinned.
func asUser(step string) report {
	r := look(step)
	device, err := fingerprint.Read(fingerprint.Config{Product: product})
	if err != nil {
		r.Error = err.Error()
		return r
	}
	var set fingerprint.Set
	b, err := os.ReadFile(pinned)
	if err == nil {
		err = json.Unmarshal(b, &set)
	}
	if err != nil {
		r.Error = err.Error()
		return r
	}
	v := device.Verify(set)
	r.Set, r.Outcome = v.Readable, v.Outcome.String()
	if step == "user" {
		r.License = usable(verify())
	}
	return r
}

func look(step string) report {
	r := report{Step: step, Reasons: map[string]string{}, Revealed: map[string]string{}}
	sources, err := fingerprint.Sources(fingerprint.Config{Product: product})
	if err != nil {
		r.Error = err.Error()
		return r
	}
	for _, s := range sources {
		switch id, ok := s.Reveal(); {
		case ok:
			r.Revealed[s.Name] = id
		case s.Err != nil:
			r.Reasons[s.Name] = s.Err.Reason.String()
			if s.Err.Reason == fingerprint.Permission && r.Hint == "" {
				r.Hint = s.Hint("en")
			}
		}
	}
	return r
}

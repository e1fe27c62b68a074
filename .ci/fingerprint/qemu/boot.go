package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// bootTimeout is for a machine that hangs; one that does not takes some seconds.
const bootTimeout = 5 * time.Minute

const firmware = "/usr/share/OVMF/OVMF_CODE_4M.fd"

// report is what .ci/fingerprint/init prints.
type report struct {
	Step     string
	Error    string
	Reasons  map[string]string
	Revealed map[string]string
	Set      map[string]string
	Outcome  string
	License  string
	Hint     string
	Kernel   string
	Entry    string
	Table    string
	Where    struct{ Container, VirtualMachine string }
}

// result is what one machine gave.
type result struct {
	tables, root, user, group report
	took                      time.Duration
	err                       error
}

func (m *machine) arguments() []string {
	args := append([]string{"-accel", "tcg", "-cpu", "max", "-m", "512", "-nographic", "-nodefaults", "-no-reboot"}, m.args...)
	if m.uuid != "" {
		args = append(args, "-smbios", "type=1,uuid="+m.uuid)
	}
	if m.name == "ovmf" {
		args = append(args, "-drive", "if=pflash,format=raw,readonly=on,file="+firmware)
	}
	return args
}

func (m *machine) about() string {
	about := "qemu-system-x86_64 " + strings.Join(m.args, " ")
	if m.uuid != "" {
		about += " -smbios type=1,uuid=" + m.uuid
	}
	if m.name == "ovmf" {
		about += ", OVMF"
	}
	return about
}

// boot starts the machine with a kernel, and reads its console.
func (m *machine) boot(kernel, initrd, dir string) (r result) {
	ctx, cancel := context.WithTimeout(context.Background(), bootTimeout)
	defer cancel()
	args := append(m.arguments(), "-serial", "stdio", "-kernel", kernel, "-initrd", initrd,
		"-append", "console=ttyS0 quiet panic=-1 reboot=t")
	cmd := exec.CommandContext(ctx, "qemu-system-x86_64", args...)
	began := time.Now()
	out, err := cmd.CombinedOutput()
	r.took = time.Since(began)
	ended := false
	for line := range bytes.Lines(out) {
		_, text, ok := bytes.Cut(line, []byte("counterfoil: "))
		if !ok {
			continue
		}
		var rep report
		if err := json.Unmarshal(text, &rep); err != nil {
			r.err = fmt.Errorf("line on the console: %w", err)
			return r
		}
		switch rep.Step {
		case "tables":
			r.tables = rep
		case "root":
			r.root = rep
		case "user":
			r.user = rep
		case "group":
			r.group = rep
		case "end":
			ended = rep.Error == ""
		}
	}
	if !ended {
		r.err = fmt.Errorf("did not end well (%v); console:\n%s", err, out[max(0, len(out)-3000):])
		return r
	}
	r.err = m.saveBooted(&r, dir)
	return r
}

func (m *machine) saveBooted(r *result, dir string) error {
	entry, err1 := base64.StdEncoding.DecodeString(r.tables.Entry)
	table, err2 := base64.StdEncoding.DecodeString(r.tables.Table)
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	return writeDump(filepath.Join(dir, m.name+".bin"), entry, table)
}

// check holds what a booted machine said against its row.
func (m *machine) check(r *result, same string) error {
	var errs []error
	want := func(what, got, want string) {
		if got != want {
			errs = append(errs, fmt.Errorf("%s: have %q, want %q", what, got, want))
		}
	}
	const tables = "/sys/firmware/dmi/tables/smbios_entry_point, /sys/firmware/dmi/tables/DMI"
	const product = "/sys/class/dmi/id/product_uuid"
	for _, rep := range []report{r.root, r.user} {
		want(rep.Step+": error", rep.Error, "")
		want(rep.Step+": license", rep.License, "usable")
	}
	want("environment: container", r.root.Where.Container, "")
	want("environment: virtual machine", r.root.Where.VirtualMachine, "qemu")
	if m.reason != "" {
		want("root: tables", r.root.Reasons[tables], m.reason)
		want("root: product_uuid", r.root.Reasons[product], m.reason)
		want("root: kinds", kinds(r.root.Set), "os-install")
		want("user: outcome", r.user.Outcome, "same")
		want("user: kinds", kinds(r.user.Set), "os-install")
		return errors.Join(errs...)
	}
	want("kernel's product_uuid", r.tables.Kernel, m.uuid)
	want("root: product_uuid", r.root.Revealed[product], otherSpell)
	want("root: tables", r.root.Revealed[tables], otherSpell)
	want("root: kinds", kinds(r.root.Set), "bios-uuid os-install")
	want("root: fingerprint", r.root.Set["bios-uuid"], same)
	want("user: product_uuid", r.user.Reasons[product], "permission")
	want("user: tables", r.user.Reasons[tables], "permission")
	want("user: outcome", r.user.Outcome, "same, degraded")
	want("user: kinds", kinds(r.user.Set), "os-install")
	want("user: fingerprint", r.user.Set["os-install"], r.root.Set["os-install"])
	if !strings.Contains(r.user.Hint, "tmpfiles.d") {
		errs = append(errs, fmt.Errorf("user: the hint does not tell what to do: %q", r.user.Hint))
	}
	want("group: outcome", r.group.Outcome, "same")
	want("group: fingerprint", r.group.Set["bios-uuid"], same)
	return errors.Join(errs...)
}

func kinds(set map[string]string) string {
	return strings.Join(slices.Sorted(maps.Keys(set)), " ")
}

// line is the row as a person reads it.
func (m *machine) line(r *result) string {
	if m.old {
		return fmt.Sprintf("%-12s tables taken from memory in %.1f s", m.name, r.took.Seconds())
	}
	return fmt.Sprintf("%-12s root: %-22s license %s; uid 65534: %-15s license %s; in its group: %-6s %.1f s",
		m.name, kinds(r.root.Set), r.root.License, r.user.Outcome, r.user.License, r.group.Outcome, r.took.Seconds())
}

// writeDump writes an entry point and a table as "dmidecode --dump-bin" does: the table at offset 32, and the entry
// point saying so.
func writeDump(path string, entry, table []byte) error {
	out := make([]byte, 32, 32+len(table))
	if copy(out, entry) < 24 {
		return fmt.Errorf("entry point of %d bytes", len(entry))
	}
	switch {
	case bytes.HasPrefix(out, []byte("_SM3_")):
		copy(out[16:24], []byte{32, 0, 0, 0, 0, 0, 0, 0})
		fix(out[:out[6]], 5)
	case bytes.HasPrefix(out, []byte("_SM_")):
		copy(out[24:28], []byte{32, 0, 0, 0})
		fix(out[16:31], 5)
		fix(out[:out[5]], 4)
	default:
		return errors.New("no entry point")
	}
	return os.WriteFile(path, append(out, table...), 0o644)
}

// fix sets the checksum at b[at].
func fix(b []byte, at int) {
	b[at] = 0
	var sum byte
	for _, c := range b {
		sum += c
	}
	b[at] = -sum
}

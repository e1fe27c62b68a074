// Qemu boots virtual machines whose firmware tables are known, with .ci/fingerprint/init as their only program, and
// holds what package fingerprint found in them against what it has to find.
//
// Usage: qemu KERNEL INIT DIR. The tables of every machine are left in DIR as dumps that dmidecode reads, with an
// index.json that the tests of package fingerprint read.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
)

const (
	systemUUID  = "2f1b6b0e-8a1c-4d5e-9f60-718293a4b5c6"
	otherSpell  = "0e6b1b2f-1c8a-5e4d-9f60-718293a4b5c6" // bytes 0-3, 4-5, 6-7 reversed; the smaller, so the canonical one
	template    = "03000200-0400-0500-0006-000700080009"
	allFF       = "ffffffff-ffff-ffff-ffff-ffffffffffff"
	machineID   = "b6e31c0a5d0f4a7c9e2d8f1a3b5c7d9e"
	machineUUID = "b6e31c0a-5d0f-4a7c-9e2d-8f1a3b5c7d9e"
)

// machine is one row of the matrix.
type machine struct {
	name   string
	args   []string
	uuid   string // given to -smbios; "": none
	reason string // why it is no identity; "": it is one
	old    bool   // does not boot a current kernel: its tables are taken out of its memory
}

var machines = []machine{
	{name: "pc-32bit", args: []string{"-machine", "pc,smbios-entry-point-type=32"}, uuid: systemUUID},
	{name: "q35-64bit", args: []string{"-machine", "q35,smbios-entry-point-type=64"}, uuid: systemUUID},
	{name: "ovmf", args: []string{"-machine", "q35"}, uuid: systemUUID},
	{name: "no-uuid", args: []string{"-machine", "pc"}, reason: "not present"},
	{name: "all-ff", args: []string{"-machine", "q35"}, uuid: allFF, reason: "not present"},
	{name: "placeholder", args: []string{"-machine", "q35,smbios-entry-point-type=64"}, uuid: template, reason: "placeholder"},
	{name: "pc-1.4", args: []string{"-machine", "pc-i440fx-1.4"}, uuid: systemUUID, old: true},
	{name: "pc-2.0", args: []string{"-machine", "pc-i440fx-2.0"}, uuid: systemUUID, old: true},
	{name: "pc-2.0-placeholder", args: []string{"-machine", "pc-i440fx-2.0"}, uuid: template, reason: "placeholder", old: true},
}

// dump is one entry of index.json.
type dump struct {
	File   string `json:"file"`
	About  string `json:"about"`
	UUID   string `json:"uuid,omitempty"`   // canonical
	Reason string `json:"reason,omitempty"` // why there is none
	FP1    string `json:"fp1,omitempty"`    // the value of kind bios-uuid for the product acme-editor
}

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: qemu KERNEL INIT DIR")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, "FAIL:", err)
		os.Exit(1)
	}
}

func run(kernel, init, dir string) error {
	program, err := os.ReadFile(init)
	if err != nil {
		return err
	}
	var a archive
	for _, d := range []string{"proc", "sys", "dev", "run", "etc"} {
		a.add(d, modeDir|0o755, nil)
	}
	a.add("etc/machine-id", modeFile|0o444, []byte(machineID+"\n"))
	a.add("init", modeFile|0o755, program)
	initrd := filepath.Join(dir, "initrd")
	if err := os.WriteFile(initrd, a.end(), 0o600); err != nil {
		return err
	}

	var (
		results = make([]result, len(machines))
		wg      sync.WaitGroup
		slots   = make(chan struct{}, 2)
	)
	for i, m := range machines {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			if m.old {
				results[i] = m.pick(dir)
			} else {
				results[i] = m.boot(kernel, initrd, dir)
			}
		})
	}
	wg.Wait()
	return judge(results, dir)
}

// judge holds each machine against its row, and all that have the same UUID against each other.
func judge(results []result, dir string) error {
	var errs []error
	var index []dump
	same := ""
	for i := range results {
		if fp := results[i].root.Set["bios-uuid"]; fp != "" && same == "" {
			same = fp
		}
	}
	if same == "" {
		errs = append(errs, errors.New("no machine has a fingerprint of kind bios-uuid"))
	}
	for i, m := range machines {
		r := &results[i]
		err := r.err
		if err == nil && !m.old {
			err = m.check(r, same)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", m.name, err))
		}
		d := dump{File: m.name + ".bin", About: m.about(), Reason: m.reason}
		if m.reason == "" {
			d.UUID, d.FP1 = otherSpell, same
		}
		index = append(index, d)
		fmt.Println(m.line(r))
	}
	b, err := json.MarshalIndent(index, "", "  ")
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "index.json"), append(b, '\n'), 0o644)
	}
	return errors.Join(append(errs, err)...)
}

// Package fingerprint says which device this is, for one product and in one direction only.
//
// Most applications never call it: package license reads, pins and compares the fingerprint for them. Use it directly
// to show a person what identifies their device ([Sources]), or on a server to check what devices send
// ([ParseValue], [Compare]).
//
//	device, err := fingerprint.Read(fingerprint.Config{Product: "acme-editor"})
//	if err != nil { return err } // says which sources were tried and what an administrator can do
//	pinned := device.Derive()    // once, at activation: {"bios-uuid": "fp1:…", "os-install": "fp1:…"}
//	…
//	verdict := device.Verify(pinned)
//	if !verdict.Same() { fmt.Println(verdict.Message("en")) }
//
// A fingerprint is a [Set]: one value per [Kind] of source. The values are derived with Argon2id, salted by version,
// kind and product, so that two vendors cannot compare what they hold. What a value still reveals to somebody who can
// guess its source is calculated in docs/threat-model.md; nothing here claims more.
//
// The package refuses to invent an identity. Placeholders that firmware makers left in, damaged tables, files without
// permission, and the host's identifiers seen from inside a container are absent, each with a typed [Error] that says
// why and what helps. It starts no process, opens no connection, consults no environment variable, and hashes no text
// of a tool: identifiers are 16 bytes in a canonical form that does not depend on the system that is booted.
//
// Values of version fp1 will be derived and compared by every later version of this package; the vectors in
// testdata/fingerprint fix them.
package fingerprint

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
)

// Kind names a kind of source. One value per kind identifies the device.
type Kind string

// The kinds of source, in the order in which they are listed everywhere.
const (
	// BIOSUUID is the system UUID of the SMBIOS table; on Macs IOPlatformUUID, on AIX the machine number. It belongs
	// to the main board and survives a new installation of the operating system.
	BIOSUUID Kind = "bios-uuid"

	// OSInstall is the identifier of the installed operating system: machine-id on Linux, MachineGuid on Windows,
	// hostid on FreeBSD. It survives changes of the hardware and is copied with the disk.
	OSInstall Kind = "os-install"

	// Caller is what the application supplied. It decides alone: with it, nothing of the device is read.
	Caller Kind = "caller"
)

// kinds is the stable order.
var kinds = [...]Kind{BIOSUUID, OSInstall, Caller}

// ErrUnavailable means that no source of this device can be read. It is not a statement about which device this is.
var ErrUnavailable = errors.New("no identifier of this device can be read")

// Set is a fingerprint: by kind, a derived value such as "fp1:…" (see [ParseValue]).
type Set map[Kind]string

// Config says for which product, and with what leave. Product is required.
type Config struct {
	// Product salts every value, so that the fingerprints of two products cannot be compared. 1 to 64 bytes.
	Product string

	// Caller is an identifier that the application supplies, where the package finds none (mobile systems) or none
	// that is the device's own (containers): any string that stays the same on one device and differs between
	// devices, up to 4096 bytes. It is hashed, never parsed. Empty: the device's own sources are read. Switching
	// between the two later makes every device an unknown one, so decide before the first release.
	Caller string `json:"-" xml:"-" yaml:"-"`

	// AllowContainer lets the BIOS UUID count inside a container, where it is the host's and shared with every other
	// container there. Default: it is refused. The identifier of the installed system is read in either case.
	AllowContainer bool

	// Placeholders are further values that identify nothing, as UUIDs or 32 hex digits, in addition to the built-in
	// list; the byte order does not matter.
	Placeholders []string
}

// Read reads the sources: a few files or system calls, no slow hash. Where several sources give the same kind, the
// first usable one counts; none behind one that only an administrator may read, so that administrators and users do
// not read different identifiers.
//
// The error wraps [ErrUnavailable] where no source is usable, and then holds an [Error] for each; every other error is
// a mistake in cfg.
func Read(cfg Config) (*Device, error) {
	return read(cfg, system{})
}

func read(cfg Config, sys system) (*Device, error) {
	refused, err := cfg.check()
	if err != nil {
		return nil, err
	}
	d := newDevice(cfg.Product)
	if cfg.Caller != "" {
		d.add(Caller, callerIdentity(cfg.Caller))
		return d, nil
	}
	sources := sys.origins()
	var done settled
	for i := range sources {
		o := &sources[i]
		if done[rank(o.kind)] {
			continue
		}
		id, err, ok := sys.identify(o, &cfg, refused)
		done.add(o.kind, err.Reason, ok)
		if !ok {
			if d.d.skipped == nil {
				d.d.skipped = make([]Error, 0, len(sources))
			}
			d.d.skipped = append(d.d.skipped, err)
			continue
		}
		d.add(o.kind, id[:])
	}
	if len(d.Kinds()) == 0 {
		return nil, &unavailable{d.d.skipped}
	}
	return d, nil
}

// String shows the configuration without the identifier in it.
func (c Config) String() string {
	caller := ""
	if c.Caller != "" {
		caller = "[redacted]"
	}
	return fmt.Sprintf("fingerprint.Config{Product: %q, Caller: %q, AllowContainer: %t, Placeholders: %d}",
		c.Product, caller, c.AllowContainer, len(c.Placeholders))
}

// Format prints what String returns, whatever the verb.
func (c Config) Format(f fmt.State, _ rune) { io.WriteString(f, c.String()) }

// LogValue logs what String returns.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }

package fingerprint

import (
	"crypto/sha256"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
)

// Device holds the identifiers that could be read, each with the value that is derived from it. It never changes after
// [Read], is safe for concurrent use, and a *Device prints as redacted. A nil one is one of which nothing can be read.
type Device struct{ d *device }

type device struct {
	product     string
	identifiers [len(kinds)]identifier // by rank
	skipped     []Error                // of each source that gave nothing
}

// identifier gives access to a raw identifier, or is nil. What it gives lives in a closure, where neither fmt nor
// reflection finds it.
type identifier func() *secret

// secret is one raw identifier, in its canonical form.
type secret struct {
	raw    [sha256.Size]byte
	length int

	derive sync.Once
	value  Value
}

func newDevice(product string) *Device {
	both := &struct {
		Device
		device
	}{device: device{product: product}}
	both.d = &both.device
	return &both.Device
}

func (d *Device) add(k Kind, raw []byte) {
	s := &secret{}
	s.length = copy(s.raw[:], raw)
	d.d.identifiers[rank(k)] = func() *secret { return s }
}

func (d *Device) find(k Kind) *secret {
	if r := rank(k); d != nil && d.d != nil && r < len(kinds) && d.d.identifiers[r] != nil {
		return d.d.identifiers[r]()
	}
	return nil
}

// uuid is the identifier of a kind that has 16 bytes.
func (s *secret) uuid() uuid { return uuid(s.raw[:len(uuid{})]) }

func (d *Device) derive(k Kind, s *secret) string {
	s.derive.Do(func() { s.value = derive(d.d.product, k, s.raw[:s.length]) })
	return s.value.String()
}

// Kinds lists what is readable now, in a stable order. It is fast.
func (d *Device) Kinds() []Kind {
	var found []Kind
	for _, k := range kinds {
		if d.find(k) != nil {
			found = append(found, k)
		}
	}
	return found
}

// Derive returns the set of the given kinds that are readable; of all that are readable, if none is given.
//
// Each kind costs about a tenth of a second, 64 MiB of memory and up to four goroutines, which end before it returns:
// once for a Device, however often and from however many goroutines Derive and Verify are called.
func (d *Device) Derive(of ...Kind) Set {
	set := Set{}
	for _, k := range kinds {
		if s := d.find(k); s != nil && (len(of) == 0 || slices.Contains(of, k)) {
			set[k] = d.derive(k, s)
		}
	}
	return set
}

// Verify compares the device with a pinned set by the rules of [Compare], and adds to the evidence why a pinned kind
// could not be read. It costs what [Device.Derive] costs for the pinned kinds.
func (d *Device) Verify(pinned Set) Verdict {
	readable, strange := Set{}, map[Kind]*Error{}
	for k, s := range pinned {
		// A value that this package cannot derive says nothing about the device: it must not look different.
		if _, err := ParseValue(s); err != nil {
			strange[k] = &Error{Kind: k, Source: "pinned", Reason: Unsupported, Err: err}
		} else {
			maps.Copy(readable, d.Derive(k))
		}
	}
	v := Compare(pinned, readable)
	for i := range v.Evidence {
		switch e := &v.Evidence[i]; {
		case e.Finding != Unreadable:
		case strange[e.Kind] != nil:
			e.Skipped = []*Error{strange[e.Kind]}
		default:
			e.Skipped = d.whyNot(e.Kind)
		}
	}
	at := 0 // kinds that were not pinned stand among the others, in the order of kinds
	for _, k := range kinds {
		switch _, ok := pinned[k]; {
		case ok:
			at++
		case d.find(k) != nil:
			v.Evidence = slices.Insert(v.Evidence, at, Evidence{Kind: k, Finding: NotPinned})
			at++
		}
	}
	return v
}

// whyNot lists the errors of the sources of one kind.
func (d *Device) whyNot(k Kind) []*Error {
	var why []*Error
	if d != nil && d.d != nil {
		for i := range d.d.skipped {
			if e := &d.d.skipped[i]; e.Kind == k {
				why = append(why, e)
			}
		}
	}
	switch {
	case why != nil:
	case d.find(Caller) != nil:
		e := supplanted(k, "this device")
		why = []*Error{&e}
	default:
		why = []*Error{{Kind: k, Source: "this device", Reason: NotPresent}}
	}
	return why
}

// Tag returns a fast salted tag of the os-install identifier alone, with which a file that was copied to another
// device is noticed without the slow hash. The salt is random and belongs to the file, 16 bytes or more.
//
// ok is false where there is no such identifier, and where it is not random by construction (122 bits of a version 4
// UUID, RFC 9562 section 5.4, that the system made for itself): of a value that can be guessed, such as a BIOS UUID, a
// fast tag would undo the slow hash. So it is false on FreeBSD, which copies the one into the other, and for a short
// salt.
func (d *Device) Tag(salt []byte) (tag string, ok bool) {
	s := d.find(OSInstall)
	if s == nil || len(salt) < 16 || !randomInstall || !s.uuid().random() {
		return "", false
	}
	if bios := d.find(BIOSUUID); bios != nil && bios.uuid() == s.uuid().canonical() {
		return "", false
	}
	return fastTag(salt, s.uuid()), true
}

// String says which kinds were read, never what they are.
func (d *Device) String() string {
	var b strings.Builder
	b.WriteString("fingerprint.Device{")
	for i, k := range d.Kinds() {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%s: [redacted]", k)
	}
	b.WriteString("}")
	return b.String()
}

// Format prints what String returns, whatever the verb.
func (d *Device) Format(f fmt.State, _ rune) { io.WriteString(f, d.String()) }

// LogValue logs what String returns.
func (d *Device) LogValue() slog.Value { return slog.StringValue(d.String()) }

// MarshalText gives what String returns. There is nothing to unmarshal: a device is read.
func (d *Device) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

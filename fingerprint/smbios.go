package fingerprint

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
)

// maxTable bounds a structure table: the announced length of a 2.x table is at most 64 KiB, and no 3.x table of a
// megabyte is known.
const maxTable = 1 << 20

// systemTable describes a machine as its SMBIOS table does (DSP0134 section 7.2).
type systemTable struct {
	uuid            uuid // spelled as the table's version says; text that others show agrees with it
	vendor, product string
}

// smbiosVersion is major<<8 | minor.
type smbiosVersion uint16

// fixed undoes what some firmware writes instead of its version, as the Linux kernel does
// (drivers/firmware/dmi_scan.c).
func (v smbiosVersion) fixed() smbiosVersion {
	switch v {
	case 0x021F, 0x0221: // 2.31, 2.33
		return 0x0203
	case 0x0233: // 2.51
		return 0x0206
	}
	return v
}

// entry is what an entry point announces.
type entry struct {
	version smbiosVersion
	length  int    // of the table, in bytes
	count   int    // structures; 0: not announced
	ends    bool   // type 127 ends the table
	address uint64 // of the table
}

// parseTables reads the system UUID out of an entry point and the structure table that it announces. The table may be
// longer than announced (the rest is ignored) or shorter (what there is counts).
func parseTables(anchor, table []byte) (systemTable, error) {
	e, err := parseEntry(anchor)
	if err != nil {
		return systemTable{}, fault{Malformed, err}
	}
	return e.walk(table)
}

// parseDump reads an entry point and, at the offset that it announces as an address, the table. illumos' /dev/smbios
// and the dumps of dmidecode have this form.
func parseDump(b []byte) (systemTable, error) {
	anchor := b[:min(len(b), 32)]
	e, err := parseEntry(anchor)
	if err != nil {
		return systemTable{}, fault{Malformed, err}
	}
	if e.address > uint64(len(b)) {
		return systemTable{}, fault{Malformed, errors.New("table behind the end")}
	}
	return e.walk(b[e.address:])
}

// parseEntry reads an entry point: 64-bit (DSP0134 section 5.2.2), 32-bit (5.2.1), or the bare intermediate anchor of
// SMBIOS 2.0. The announced lengths 0x1E and 0x20 of the 32-bit one occur on real machines.
func parseEntry(b []byte) (entry, error) {
	switch {
	case bytes.HasPrefix(b, []byte("_SM3_")):
		if len(b) < 24 {
			return entry{}, fmt.Errorf("entry point of %d bytes, want 24", len(b))
		}
		if n := int(b[6]); n < 24 || n > 32 || n > len(b) || sum(b[:n]) != 0 {
			return entry{}, errors.New("checksum of the 64-bit entry point")
		}
		e := entry{version: smbiosVersion(b[7])<<8 | smbiosVersion(b[8]), ends: true}
		e.length = int(min(binary.LittleEndian.Uint32(b[12:]), maxTable))
		e.address = binary.LittleEndian.Uint64(b[16:])
		return e, nil
	case bytes.HasPrefix(b, []byte("_SM_")):
		if len(b) < 30 {
			return entry{}, fmt.Errorf("entry point of %d bytes, want 31", len(b))
		}
		if n := int(b[5]); n < 30 || n > 32 || n > len(b) || sum(b[:n]) != 0 {
			return entry{}, errors.New("checksum of the 32-bit entry point")
		}
		e, err := parseIntermediate(b[16:])
		e.version = smbiosVersion(b[6])<<8 | smbiosVersion(b[7])
		e.version = e.version.fixed()
		return e, err
	case bytes.HasPrefix(b, []byte("_DMI_")):
		return parseIntermediate(b)
	}
	return entry{}, errors.New("no entry point")
}

// parseIntermediate reads the second half of a 32-bit entry point. Where the entry point was announced with 0x1E bytes,
// its last byte, the BCD revision, is missing, and the checksum over 15 bytes cannot be known.
func parseIntermediate(b []byte) (entry, error) {
	if len(b) < 14 || !bytes.HasPrefix(b, []byte("_DMI_")) {
		return entry{}, errors.New("no intermediate anchor")
	}
	if len(b) >= 15 && sum(b[:15]) != 0 {
		return entry{}, errors.New("checksum of the intermediate anchor")
	}
	e := entry{
		length:  int(binary.LittleEndian.Uint16(b[6:])),
		count:   int(binary.LittleEndian.Uint16(b[12:])),
		address: uint64(binary.LittleEndian.Uint32(b[8:])),
	}
	if len(b) >= 15 {
		e.version = smbiosVersion(b[14]>>4)<<8 | smbiosVersion(b[14]&0xF)
	}
	e.ends = e.count == 0 // as the Linux kernel does: without a count, something has to end the table
	return e, nil
}

// walk goes through the structures to the first system structure (type 1) with a usable UUID. A broken structure ends
// the walk, since nothing says where the next one begins; what stood before it counts.
func (e entry) walk(table []byte) (systemTable, error) {
	table = table[:min(len(table), e.length)]
	var (
		found  systemTable
		absent error // why the first system structure has no usable UUID
		at     int
	)
	for i := 0; (e.count == 0 || i < e.count) && at+4 <= len(table); i++ {
		kind, length := table[at], int(table[at+1])
		if length < 4 {
			return found, broken(absent, "structure %d at offset %d has the length %d", i, at, length)
		}
		if at+length > len(table) {
			return found, broken(absent, "structure %d at offset %d reaches past the end", i, at)
		}
		n := bytes.Index(table[at+length:], []byte{0, 0})
		if n < 0 {
			return found, broken(absent, "strings of structure %d at offset %d have no end", i, at)
		}
		formatted, strings := table[at:at+length], table[at+length:at+length+n]
		at += length + n + 2
		switch kind {
		case 1:
			s, err := e.system(formatted, strings)
			if err == nil {
				return s, nil
			}
			if absent == nil {
				found, absent = s, err
			}
		case 127:
			if e.ends {
				return found, orMissing(absent)
			}
		}
	}
	return found, orMissing(absent)
}

// system reads one system structure.
func (e entry) system(formatted, strings []byte) (systemTable, error) {
	var s systemTable
	if len(formatted) >= 6 {
		s.vendor, s.product = smbiosString(strings, formatted[4]), smbiosString(strings, formatted[5])
	}
	if len(formatted) < 24 {
		return s, fault{NotPresent, fmt.Errorf("system structure of %d bytes has no UUID (SMBIOS 2.0)", len(formatted))}
	}
	s.uuid = uuid(formatted[8:24])
	if e.version >= 0x0206 {
		s.uuid = s.uuid.swapped()
	}
	return s, refuse(BIOSUUID, s.uuid)
}

// smbiosString returns the n-th string of a string set (from 1), as far as it is printable ASCII; it is only ever
// compared with the names of vendors.
func smbiosString(set []byte, n byte) string {
	for ; n > 1; n-- {
		i := bytes.IndexByte(set, 0)
		if i < 0 {
			return ""
		}
		set = set[i+1:]
	}
	if n == 0 {
		return ""
	}
	if i := bytes.IndexByte(set, 0); i >= 0 {
		set = set[:i]
	}
	for _, c := range set {
		if c < ' ' || c > '~' {
			return ""
		}
	}
	return string(bytes.TrimSpace(set[:min(len(set), 64)]))
}

// broken is the error of a table that ends in rubble: the reason found before it, if any.
func broken(absent error, format string, args ...any) error {
	if absent != nil {
		return absent
	}
	return fault{Malformed, fmt.Errorf(format, args...)}
}

func orMissing(absent error) error {
	if absent != nil {
		return absent
	}
	return fault{NotPresent, errors.New("table without a system structure")}
}

func sum(b []byte) (s byte) {
	for _, c := range b {
		s += c
	}
	return s
}

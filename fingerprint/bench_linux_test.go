//go:build !android

package fingerprint

import (
	"os"
	"testing"
)

// The benchmarks come in pairs, which .ci/fingerprint/bench divides.

// BenchmarkRead reads the BIOS UUID and brings it into the canonical form.
func BenchmarkRead(b *testing.B) {
	sys := tree(b, map[string]string{productUUID: testUUID + "\n"})
	b.ReportAllocs()
	for b.Loop() {
		u, err := sys.textFile(productUUID)
		if err != nil || u.canonical() == (uuid{}) {
			b.Fatal(err)
		}
	}
}

// BenchmarkReadBare reads the same file.
func BenchmarkReadBare(b *testing.B) {
	sys := tree(b, map[string]string{productUUID: testUUID + "\n"})
	for b.Loop() {
		if _, err := os.ReadFile(sys.root + productUUID); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkReadTables does it with the structure table.
func BenchmarkReadTables(b *testing.B) {
	sys := tree(b, tables(b, "q35-64bit.bin"))
	b.ReportAllocs()
	for b.Loop() {
		u, err := sys.tables()
		if err != nil || u.canonical() == (uuid{}) {
			b.Fatal(err)
		}
	}
}

// BenchmarkReadTablesBare reads the same files.
func BenchmarkReadTablesBare(b *testing.B) {
	sys := tree(b, tables(b, "q35-64bit.bin"))
	for b.Loop() {
		for _, path := range [...]string{entryPoint, structureTable} {
			if _, err := os.ReadFile(sys.root + path); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// startFiles is what a start reads as root.
var startFiles = map[string]string{productUUID: testUUID + "\n", dbusMachineID: plainID + "\n"}

// BenchmarkStart is the comparison at start: the device is read, and its tag compared with the stored one.
func BenchmarkStart(b *testing.B) { benchmarkStart(b, startFiles) }

// BenchmarkStartUser is the same for a user who cannot read the BIOS UUID and tries every source of it.
func BenchmarkStartUser(b *testing.B) {
	benchmarkStart(b, map[string]string{dbusMachineID: plainID + "\n"})
}

func benchmarkStart(b *testing.B, files map[string]string) {
	sys := tree(b, files)
	salt := []byte("0123456789abcdef")
	d, err := read(Config{Product: "acme-editor"}, sys)
	if err != nil {
		b.Fatal(err)
	}
	stored, ok := d.Tag(salt)
	if !ok {
		b.Fatal("no tag")
	}
	b.ReportAllocs()
	for b.Loop() {
		d, err := read(Config{Product: "acme-editor"}, sys)
		if err != nil {
			b.Fatal(err)
		}
		if tag, _ := d.Tag(salt); tag != stored {
			b.Fatal("another tag")
		}
	}
}

// BenchmarkStartHere is the same on the system that runs the benchmark, with machineid's own way to the file.
func BenchmarkStartHere(b *testing.B) {
	salt := []byte("0123456789abcdef")
	b.ReportAllocs()
	for b.Loop() {
		d, err := Read(Config{Product: "acme-editor"})
		if err != nil {
			b.Fatal(err)
		}
		d.Tag(salt)
	}
}

// BenchmarkStartBare reads the files of BenchmarkStart.
func BenchmarkStartBare(b *testing.B) {
	sys := tree(b, startFiles)
	for b.Loop() {
		for path := range startFiles {
			if _, err := os.ReadFile(sys.root + path); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// BenchmarkStartUserBare reads the one file of BenchmarkStartUser, and tries the others.
func BenchmarkStartUserBare(b *testing.B) {
	sys := tree(b, map[string]string{dbusMachineID: plainID + "\n"})
	for b.Loop() {
		for _, path := range [...]string{productUUID, entryPoint, deviceTree, hypervisor, dbusMachineID} {
			os.ReadFile(sys.root + path)
		}
	}
}

// BenchmarkStartHereBare tries to read what BenchmarkStartHere does.
func BenchmarkStartHereBare(b *testing.B) {
	for b.Loop() {
		for _, path := range [...]string{productUUID, entryPoint, deviceTree, hypervisor, dbusMachineID} {
			os.ReadFile(path)
		}
	}
}

// BenchmarkDerive is one Argon2id.
func BenchmarkDerive(b *testing.B) {
	u := mustUUID(b, testMachineID)
	b.ReportAllocs()
	for b.Loop() {
		derive("acme-editor", OSInstall, u[:])
	}
}

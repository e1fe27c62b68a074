package license

import (
	"crypto/ed25519"
	"crypto/sha256"
	"os"
	"testing"
	"time"

	"github.com/counterfoil-dev/counterfoil/fingerprint"
	"github.com/counterfoil-dev/counterfoil/lease"
	"github.com/counterfoil-dev/counterfoil/licensetest"
)

// activatedConfig activates the real device that the benchmark runs on and returns the configuration it is opened with.
func activatedConfig(b *testing.B) Config {
	b.Helper()
	srv := licensetest.NewServer(licensetest.Config{})
	record := srv.AddLicense(licensetest.License{
		Product: product, Edition: "pro", Entitlements: map[string]lease.Entitlement{"export.pdf": {}},
	})
	cfg := Config{Product: product, Server: srv.URL(), Keys: srv.Keys(), Dir: b.TempDir(), TokenStore: &memory{}, HTTPClient: srv.Client()}
	if _, err := fingerprint.Read(fingerprint.Config{Product: product}); err != nil {
		cfg.Device = "a build machine without identifiers"
	}
	c, err := Open(cfg)
	if err != nil {
		b.Fatal(err)
	}
	if err := c.Activate(b.Context(), Code(record.Code)); err != nil {
		b.Fatal(err)
	}
	return cfg
}

func opened(b *testing.B) *Client {
	b.Helper()
	c, err := Open(activatedConfig(b))
	if err != nil {
		b.Fatal(err)
	}
	return c
}

func BenchmarkStatusFloor(b *testing.B) { // time.Now
	for b.Loop() {
		_ = time.Now()
	}
}

func BenchmarkStatus(b *testing.B) {
	c := opened(b)
	b.ReportAllocs()
	for b.Loop() {
		if !c.Status().Usable() {
			b.Fatal("not usable")
		}
	}
}

func BenchmarkHas(b *testing.B) {
	c := opened(b)
	b.ReportAllocs()
	for b.Loop() {
		if !c.Status().Has("export.pdf") {
			b.Fatal("not held")
		}
	}
}

// BenchmarkOpenFloor is what no implementation can avoid: one Ed25519 verification, and reading the state file and the
// system's identifier.
func BenchmarkOpenFloor(b *testing.B) {
	cfg := activatedConfig(b)
	c, err := Open(cfg)
	if err != nil {
		b.Fatal(err)
	}
	state := c.file.Path()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		b.Fatal(err)
	}
	message := []byte(c.rec.Lease)
	sig := ed25519.Sign(private, message)
	for b.Loop() {
		data, err := os.ReadFile(state)
		if err != nil {
			b.Fatal(err)
		}
		_ = sha256.Sum256(data)
		_, _ = os.ReadFile("/etc/machine-id")
		if !ed25519.Verify(public, message, sig) {
			b.Fatal("signature")
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	cfg := activatedConfig(b)
	b.ReportAllocs()
	for b.Loop() {
		c, err := Open(cfg)
		if err != nil || !c.Status().Usable() {
			b.Fatal(err)
		}
	}
}

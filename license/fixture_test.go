package license

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/counterfoil-dev/counterfoil/fingerprint"
	"github.com/counterfoil-dev/counterfoil/lease"
	"github.com/counterfoil-dev/counterfoil/licensetest"
	"github.com/counterfoil-dev/counterfoil/token"
)

const product = "acme-editor"

// noon is a time in the middle of a UTC day.
var noon = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

// machine is a device without the slow hash: its sources by kind.
type machine struct {
	mu      sync.Mutex
	sources map[fingerprint.Kind]string
	verdict int // calls of Verify
}

func newMachine(bios, os string) *machine {
	return &machine{sources: map[fingerprint.Kind]string{fingerprint.BIOSUUID: bios, fingerprint.OSInstall: os}}
}

// without returns the same machine as a process sees it that cannot read the given kinds.
func (m *machine) without(kinds ...fingerprint.Kind) *machine {
	n := &machine{sources: maps.Clone(m.sources)}
	for _, k := range kinds {
		delete(n.sources, k)
	}
	return n
}

// read is how a Client comes to it.
func (m *machine) read() (device, error) { return m, nil }

func fakePrint(kind fingerprint.Kind, source string) string {
	sum := sha256.Sum256([]byte(string(kind) + ":" + source))
	return "fp1:" + base64.RawURLEncoding.EncodeToString(sum[:])
}

func (m *machine) Derive(kinds ...fingerprint.Kind) fingerprint.Set {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := fingerprint.Set{}
	for k, v := range m.sources {
		s[k] = fakePrint(k, v)
	}
	return s
}

func (m *machine) Verify(pinned fingerprint.Set) fingerprint.Verdict {
	m.mu.Lock()
	m.verdict++
	m.mu.Unlock()
	return fingerprint.Compare(pinned, m.Derive())
}

func (m *machine) Tag(salt []byte) (string, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	v, ok := m.sources[fingerprint.OSInstall]
	sum := sha256.Sum256(append([]byte(v), salt...))
	return hex.EncodeToString(sum[:]), ok
}

// memory is a token store of one installation, which outlives its Client.
type memory struct {
	mu     sync.Mutex
	held   token.Token
	getErr error
	setErr error
	sets   int
	gets   int
}

func (s *memory) Get(context.Context) (token.Token, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gets++
	if s.getErr != nil {
		return token.Token{}, s.getErr
	}
	if s.held.IsZero() {
		return token.Token{}, token.ErrAbsent
	}
	return s.held, nil
}

func (s *memory) Set(_ context.Context, t token.Token) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sets++
	if s.setErr != nil {
		return s.setErr
	}
	s.held = t
	return nil
}

func (s *memory) Delete(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held = token.Token{}
	return nil
}

// bench is one installation on one device, with its server and its clock.
type bench struct {
	*testing.T
	srv     *licensetest.Server
	clock   *licensetest.Clock
	machine *machine
	store   *memory
	dir     string
	record  *licensetest.Record
}

func newBench(t *testing.T) *bench {
	t.Helper()
	clock := licensetest.NewClock(noon)
	srv := licensetest.NewServer(licensetest.Config{Now: clock.Now})
	t.Cleanup(srv.Close)
	return &bench{
		T: t, srv: srv, clock: clock, machine: newMachine("board-1", "system-1"), store: &memory{}, dir: t.TempDir(),
		record: srv.AddLicense(licensetest.License{
			Product: product, Edition: "pro", Seats: 1,
			Entitlements: map[string]lease.Entitlement{"export.pdf": {}, "projects": {Limit: new(int64(5))}},
		}),
	}
}

// another returns a second device beside b's, with a state of its own.
func (b *bench) another() *bench {
	b.Helper()
	n := *b
	n.machine, n.store, n.dir = newMachine("board-2", "system-2"), &memory{}, b.TempDir()
	return &n
}

func (b *bench) config() Config {
	return Config{
		Product: product, Version: "1.2.3", Server: b.srv.URL(), Keys: b.srv.Keys(), Dir: b.dir, TokenStore: b.store,
		HTTPClient: b.srv.Client(), Now: b.clock.Now, readDevice: func() (device, error) { return b.machine, nil },
	}
}

// open starts the application anew.
func (b *bench) open() *Client {
	b.Helper()
	c, err := Open(b.config())
	if err != nil {
		b.Fatal(err)
	}
	return c
}

// activated starts the application and activates it.
func (b *bench) activated() *Client {
	b.Helper()
	c := b.open()
	if err := c.Activate(b.Context(), Code(b.record.Code)); err != nil {
		b.Fatal(err)
	}
	return c
}

func (b *bench) want(c *Client, s State, r Reason) {
	b.Helper()
	if st := c.Status(); st.State != s || st.Reason != r {
		b.Fatalf("state %v (%s), want %v (%s); check: %v", st.State, st.Reason, s, r, st.CheckErr())
	}
}

// checks counts the requests for a check so far.
func (b *bench) checks() int { return b.srv.Count("/v1/checks") }

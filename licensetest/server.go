package licensetest

import (
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/counterfoil-dev/counterfoil/lease"
)

// Config of a [Server]. Its zero value is the one to use.
type Config struct {
	Now         func() time.Time // the server's clock; default: time.Now, in a synctest bubble the bubble's time
	LeaseTime   time.Duration    // how long leases run; default: 14 days
	OfflineTime time.Duration    // how long leases against offline requests run; default: 180 days
}

// Server is a license server in memory: the whole of protocol v1, the vendor's side of it, and every way to fail that
// we know of. It needs no network: it is an http.RoundTripper, and [Server.Client] uses it as that, also inside a
// testing/synctest bubble. It is an http.Handler too, and [Server.Start] listens with it on loopback.
//
// A Server is safe for concurrent use. Unless started, it owns nothing that must be closed.
type Server struct {
	cfg Config

	mu       sync.Mutex // never held while waiting or calling out, but for Config.Now
	book     book
	skew     time.Duration
	keys     lease.KeySet
	public   []string // every key so far, the signing one last
	signer   *lease.Signer
	impostor *lease.Signer // same key id, another key
	faults   []Fault
	requests []Request
	last     map[string]reply // the last good reply by path

	listening sync.Mutex // guards the fields below
	addr      string     // kept, so that a restarted server is found where it was
	socket    *socket
	client    *http.Client
}

// NewServer returns a Server with a fresh signing key and no licenses. It starts nothing.
func NewServer(cfg Config) *Server {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.LeaseTime == 0 {
		cfg.LeaseTime = 14 * 24 * time.Hour
	}
	if cfg.OfflineTime == 0 {
		cfg.OfflineTime = 180 * 24 * time.Hour
	}
	s := &Server{cfg: cfg, book: newBook(), last: make(map[string]reply)}
	s.RotateKey()
	return s
}

// Keys returns the keys to pin: every one that this server has signed with.
func (s *Server) Keys() lease.KeySet {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.keys
}

// PublicKey returns the key that the server signs with, in the form that [lease.MustKeySet] takes.
func (s *Server) PublicKey() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.signer.PublicKey()
}

// RotateKey makes the server sign with a new key from now on, and returns its public half. Applications that pinned
// [Server.Keys] before do not accept it.
func (s *Server) RotateKey() (publicKey string) {
	id := "test-" + random(6)
	signer, impostor := newSigner(id), newSigner(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.signer, s.impostor = signer, impostor
	s.public = append(s.public, signer.PublicKey())
	s.keys = lease.MustKeySet(s.public...)
	return signer.PublicKey()
}

func newSigner(id string) *lease.Signer {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		panic(err) // crypto/rand never fails
	}
	s, err := lease.NewSigner(id, key)
	if err != nil {
		panic(err) // the id is ours
	}
	return s
}

// Skew makes the server's clock wrong by d.
func (s *Server) Skew(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.skew = d
}

func (s *Server) now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.clock()
}

// clock is the server's time. The caller holds s.mu.
func (s *Server) clock() time.Time { return s.cfg.Now().Add(s.skew) }

// URL returns the address to configure: that of the listener after [Server.Start], before it https://license.test,
// which only [Server.Client] reaches.
func (s *Server) URL() string {
	s.listening.Lock()
	defer s.listening.Unlock()
	if s.addr == "" {
		return "https://license.test"
	}
	return "http://" + s.addr
}

// Client returns a client for [Server.URL]: one that calls the server without a network, or after [Server.Start] a
// real one.
func (s *Server) Client() *http.Client {
	s.listening.Lock()
	defer s.listening.Unlock()
	if s.client == nil {
		return &http.Client{Transport: s}
	}
	return s.client
}

// Start listens on a free port of the loopback interface, with plain HTTP, until [Server.Close]. Started again after
// that, the server comes back on the same port. It does nothing while the server listens.
func (s *Server) Start() error {
	s.listening.Lock()
	defer s.listening.Unlock()
	if s.socket != nil {
		return nil
	}
	addr := s.addr
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("licensetest: cannot listen on loopback: %w", err)
	}
	s.addr = l.Addr().String()
	s.socket = serve(l, s)
	if s.client == nil {
		s.client = &http.Client{Transport: &http.Transport{ForceAttemptHTTP2: true}}
	}
	return nil
}

// Close stops listening, breaks open connections, and waits for every goroutine of the listener. Licenses, seats and
// tokens stay. It does nothing unless the server listens.
func (s *Server) Close() {
	s.listening.Lock()
	defer s.listening.Unlock()
	if s.socket == nil {
		return
	}
	s.socket.close()
	s.socket = nil
	s.client.CloseIdleConnections()
}

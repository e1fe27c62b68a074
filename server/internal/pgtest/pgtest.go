// Package pgtest runs a PostgreSQL for tests: a cluster of its own in a temporary folder, on a Unix socket, as an
// unprivileged user.
package pgtest

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
)

// RequireEnv names the variable that makes a missing PostgreSQL a failure. The rigs in .ci set it.
const RequireEnv = "COUNTERFOIL_REQUIRE_POSTGRES"

// Server is a running PostgreSQL.
type Server struct {
	dir    string
	cred   *syscall.SysProcAttr
	mu     sync.Mutex
	number int
}

// Main runs the tests of a package with a Server that starts when the first test asks for it, and stops at the end. It
// returns what os.Exit wants.
func (s *Server) Main(m *testing.M) int {
	defer s.Stop()
	return m.Run()
}

// URL returns the address of a fresh, empty database. Where no PostgreSQL is installed the test is skipped, unless
// RequireEnv is set.
func (s *Server) URL(t testing.TB) string {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := exec.LookPath("initdb"); err != nil {
		if os.Getenv(RequireEnv) != "" {
			t.Fatalf("%s is set, but there is no PostgreSQL: %v", RequireEnv, err)
		}
		t.Skip("no PostgreSQL here; the rigs in .ci run this test")
	}
	if s.dir == "" {
		if err := s.start(); err != nil {
			t.Fatal(err)
		}
	}
	s.number++
	name := fmt.Sprintf("t%d", s.number)
	db, err := sql.Open("pgx", s.url("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(context.WithoutCancel(t.Context()), "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	return s.url(name)
}

func (s *Server) url(database string) string {
	q := url.Values{"host": {s.dir}, "user": {"postgres"}}
	return "postgres:///" + database + "?" + q.Encode()
}

// start makes and starts a cluster.
func (s *Server) start() error {
	dir, err := os.MkdirTemp("/tmp", "pgtest") // socket paths must be short
	if err != nil {
		return err
	}
	if s.cred, err = unprivileged(dir); err != nil {
		return err
	}
	s.dir = dir
	if err := s.run("initdb", "-D", filepath.Join(dir, "data"), "-U", "postgres", "-A", "trust", "-N", "-E", "UTF8", "--locale=C"); err != nil {
		return err
	}
	return s.Start()
}

// Start starts the cluster again after Stop or Crash.
func (s *Server) Start(options ...string) error {
	o := append([]string{"-c listen_addresses=", "-c unix_socket_directories=" + s.dir, "-c max_connections=200"}, options...)
	return s.run("pg_ctl", "-D", filepath.Join(s.dir, "data"), "-w", "-t", "60", "-l", filepath.Join(s.dir, "log"), "-o", strings.Join(o, " "), "start")
}

// Crash stops the cluster at once, as a crash does.
func (s *Server) Crash() error {
	return s.run("pg_ctl", "-D", filepath.Join(s.dir, "data"), "-w", "-m", "immediate", "stop")
}

// Stop stops the cluster, if it runs, and removes it.
func (s *Server) Stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dir == "" {
		return
	}
	_ = s.Crash()
	_ = os.RemoveAll(s.dir)
	s.dir = ""
}

func (s *Server) run(name string, args ...string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, name, args...)
	c.Dir = s.dir
	c.SysProcAttr = s.cred
	c.Env = append(os.Environ(), "LC_ALL=C")
	// No pipes: the cluster would keep them open.
	log, err := os.CreateTemp(s.dir, "run")
	if err != nil {
		return err
	}
	defer log.Close()
	c.Stdout, c.Stderr = log, log
	if err := c.Run(); err != nil {
		text, _ := os.ReadFile(log.Name())
		return fmt.Errorf("%s: %w: %s", name, err, text)
	}
	return nil
}

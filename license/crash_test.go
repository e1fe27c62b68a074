package license

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/counterfoil-dev/counterfoil/lease"
	"github.com/counterfoil-dev/counterfoil/licensetest"
	"github.com/counterfoil-dev/counterfoil/token"
)

// fileStore keeps a token where a killed process leaves it.
type fileStore struct{ path string }

func (s fileStore) Get(context.Context) (token.Token, error) {
	b, err := os.ReadFile(s.path)
	if errors.Is(err, os.ErrNotExist) {
		return token.Token{}, token.ErrAbsent
	} else if err != nil {
		return token.Token{}, err
	}
	return token.New(string(b))
}

func (s fileStore) Set(_ context.Context, t token.Token) error {
	if err := os.WriteFile(s.path+".new", []byte(t.Reveal()), 0o600); err != nil {
		return err
	}
	return os.Rename(s.path+".new", s.path)
}

func (s fileStore) Delete(context.Context) error { return os.Remove(s.path) }

const childEnv = "COUNTERFOIL_TEST_CHILD" // server, key, folder and code, a line each

// TestMain lets the test binary stand in for an application that is killed while it activates.
func TestMain(m *testing.M) {
	if os.Getenv(childEnv) == "" {
		os.Exit(m.Run())
	}
	in := bufio.NewScanner(os.Stdin)
	var arg [4]string
	for i := range arg {
		in.Scan()
		arg[i] = in.Text()
	}
	c, err := Open(childConfig(arg[0], arg[1], arg[2]))
	if err == nil {
		err = c.Activate(context.Background(), Code(arg[3]))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func childConfig(server, key, dir string) Config {
	return Config{
		Product: product, Server: server, Keys: lease.MustKeySet(key), Dir: dir,
		TokenStore: fileStore{filepath.Join(dir, "token")}, readDevice: newMachine("board-1", "system-1").read,
	}
}

// killer hands requests to the server and says when one came and when its answer went out.
type killer struct {
	http.Handler
	arrived, answered func()
}

func (k *killer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	k.arrived()
	k.Handler.ServeHTTP(w, r)
	k.answered()
}

// Killed at whatever point between sending an activation and storing what came back, a device that activates again
// holds one seat.
func TestKilledWhileActivating(t *testing.T) {
	t.Parallel()
	srv := licensetest.NewServer(licensetest.Config{})
	for i := range 24 {
		record := srv.AddLicense(licensetest.License{Product: product, Seats: 1})
		var child atomic.Pointer[os.Process]
		kill := func() {
			if p := child.Load(); p != nil {
				p.Kill()
			}
		}
		k := &killer{Handler: srv, arrived: func() {}, answered: func() {}}
		switch {
		case i == 0: // before the server does anything
			k.arrived = kill
		case i == 1: // when the seat is taken and the answer lost
			k.answered = kill
		default: // anywhere behind that
			k.answered = func() { time.AfterFunc(time.Duration(rand.N(6000))*time.Microsecond, kill) }
		}
		front := licensetest.NewServer(licensetest.Config{})
		front.Fail(licensetest.Handle(k))
		if err := front.Start(); err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), childEnv+"=1")
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		child.Store(cmd.Process)
		fmt.Fprintf(in, "%s\n%s\n%s\n%s\n", front.URL(), srv.PublicKey(), dir, record.Code)
		in.Close()
		waitErr := cmd.Wait()
		front.Heal()
		front.Close()

		cfg := childConfig("https://license.test", srv.PublicKey(), dir)
		cfg.HTTPClient = srv.Client()
		c, err := Open(cfg)
		if err != nil {
			t.Fatalf("kill %d (%v): %v", i, waitErr, err)
		}
		before := c.Status()
		healed := c.Check(t.Context())
		if err := c.Activate(t.Context(), Code(record.Code)); err != nil {
			t.Fatalf("kill %d (%v), state %v, then %v: %v", i, waitErr, before.State, healed.State, err)
		}
		if !c.Status().Usable() || record.Seats() != 1 {
			t.Fatalf("kill %d: %v with %d seats", i, c.Status().State, record.Seats())
		}
	}
}

// interrupted ends the context on the way to the server, or when the answer is there.
type interrupted struct {
	next   http.RoundTripper
	cancel atomic.Pointer[context.CancelFunc]
	before bool
}

func (i *interrupted) RoundTrip(r *http.Request) (*http.Response, error) {
	cancel := *i.cancel.Load()
	if i.before {
		cancel()
		return nil, context.Canceled
	}
	resp, err := i.next.RoundTrip(r)
	cancel()
	return resp, err
}

func TestContextEnds(t *testing.T) {
	t.Parallel()
	ops := map[string]func(ctx context.Context, b *bench, c *Client) error{
		"activate": func(ctx context.Context, b *bench, c *Client) error { return c.Activate(ctx, Code(b.record.Code)) },
		"check": func(ctx context.Context, b *bench, c *Client) error {
			b.clock.Advance(dayLong)
			return c.Check(ctx).CheckErr()
		},
		"rebind":     func(ctx context.Context, b *bench, c *Client) error { return c.Rebind(ctx) },
		"deactivate": func(ctx context.Context, b *bench, c *Client) error { return c.Deactivate(ctx) },
	}
	for name, op := range ops {
		for point := range 3 {
			t.Run(fmt.Sprintf("%s at %d", name, point), func(t *testing.T) {
				t.Parallel()
				b := newBench(t)
				if name != "activate" {
					b.activated()
				}
				i := &interrupted{next: b.srv.Client().Transport, before: point == 1}
				cfg := b.config()
				cfg.HTTPClient = &http.Client{Transport: i}
				c, err := Open(cfg)
				if err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithCancel(t.Context())
				i.cancel.Store(&cancel)
				if point == 0 {
					cancel()
				}
				err = op(ctx, b, c) // it may have come through or not; nothing may be lost either way
				cancel()
				if (name == "check" || name == "rebind") && !(c.Status().Usable() && b.open().Status().Usable()) {
					t.Fatalf("an interrupted call took the license away: %v", err)
				}
				if point == 0 && name != "check" && !errors.Is(err, context.Canceled) {
					t.Fatal(err)
				}

				i.next, i.before = b.srv.Client().Transport, false
				nop := context.CancelFunc(func() {})
				i.cancel.Store(&nop)
				if err := c.Activate(t.Context(), Code(b.record.Code)); err != nil {
					t.Fatal(err)
				}
				if !c.Status().Usable() || b.record.Seats() != 1 {
					t.Fatal(c.Status().State, b.record.Seats())
				}
			})
		}
	}
}

func TestTwoActivateAtOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var wg sync.WaitGroup
	clients := []*Client{b.open(), b.open(), b.open(), b.open()}
	for _, c := range clients {
		wg.Go(func() {
			if err := c.Activate(t.Context(), Code(b.record.Code)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if b.record.Seats() != 1 || len(b.record.Activations()) != 1 {
		t.Fatalf("%d seats, %d activations", b.record.Seats(), len(b.record.Activations()))
	}
	b.clock.Advance(dayLong)
	for _, c := range clients { // several processes share one check
		wg.Go(func() {
			if st := c.Check(t.Context()); st.State != Active {
				t.Error(st.State, st.CheckErr())
			}
		})
	}
	wg.Wait()
	if b.checks() != 1 {
		t.Fatalf("%d checks for one day", b.checks())
	}
}

func TestAnotherProcessDeactivates(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	c, other := b.activated(), b.open()
	if err := other.Deactivate(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.Check(t.Context())
	b.want(c, NotActivated, ReasonNone)
}

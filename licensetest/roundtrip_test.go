package licensetest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/counterfoil-dev/counterfoil/internal/wire"
)

// newProbe is a client of the fake, where it stands.
func newProbe(t *testing.T, s *Server) *probe {
	t.Helper()
	return &probe{T: t, target: fakeTarget(s, nil)}
}

func post(ctx context.Context, t *testing.T, s *Server, path string, body string) (*http.Response, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL()+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return s.Client().Do(r)
}

// What arrives and what comes back is the same with a network and without.
func TestRoundTripIsLikeASocket(t *testing.T) {
	t.Parallel()
	clock := NewClock(time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC))
	memory, socket := NewServer(Config{Now: clock.Now}), NewServer(Config{Now: clock.Now})
	start(t, socket)
	for _, c := range []struct {
		name, method, path, body string
		header                   http.Header
	}{
		{"plain", http.MethodPost, wire.PathChecks, "{}", nil},
		{"headers", http.MethodPost, wire.PathChecks, "{}", http.Header{
			"User-Agent": {"counterfoil/1"}, "Accept-Encoding": {"identity"}, "X-More": {"1", "2"},
		}},
		{"no agent", http.MethodPost, wire.PathRebindings, "{}", http.Header{"User-Agent": {""}}},
		{"empty body", http.MethodPost, wire.PathChecks, "", nil},
		{"get", http.MethodGet, wire.PathChecks, "", nil},
		{"unknown path", http.MethodPost, "/nowhere", "{}", nil},
		{"too large", http.MethodPost, wire.PathActivations, strings.Repeat(" ", wire.MaxRequest+1), nil},
	} {
		var heads []http.Header
		var bodies []string
		for _, s := range []*Server{memory, socket} {
			r, err := http.NewRequest(c.method, s.URL()+c.path, strings.NewReader(c.body))
			if err != nil {
				t.Fatal(err)
			}
			maps.Copy(r.Header, c.header)
			resp, err := s.Client().Do(r)
			if err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			b, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			resp.Body.Close()
			heads, bodies = append(heads, resp.Header), append(bodies, resp.Status+resp.Proto+string(b))
		}
		equal(t, c.name+": response", heads[0], heads[1])
		if bodies[0] != bodies[1] {
			t.Errorf("%s: want %q, have %q", c.name, bodies[1], bodies[0])
		}
		x, y := last(memory), last(socket)
		equal(t, c.name+": request", x.Header, y.Header)
		if x.Method != y.Method || x.Path != y.Path || !bytes.Equal(x.Body, y.Body) ||
			x.Status != y.Status || x.Code != y.Code || !x.Time.Equal(y.Time) {
			t.Errorf("%s: want log %+v, have %+v", c.name, y, x)
		}
		if "https://"+x.Host != memory.URL() || "http://"+y.Host != socket.URL() {
			t.Errorf("%s: hosts %q and %q", c.name, x.Host, y.Host)
		}
	}
}

func last(s *Server) Request {
	list := s.Requests()
	return list[len(list)-1]
}

func equal(t *testing.T, what string, memory, socket http.Header) {
	t.Helper()
	socket.Del("Connection") // of the connection, not of the exchange
	if !maps.EqualFunc(memory, socket, slices.Equal) {
		t.Errorf("%s: want header %v, have %v", what, socket, memory)
	}
}

func TestRoundTripEndsWithContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := NewServer(Config{})
		s.Fail(Slow(time.Hour))
		begin := time.Now()
		cause := errors.New("enough")
		ctx, cancel := context.WithTimeoutCause(t.Context(), 10*time.Second, cause)
		defer cancel()
		if _, err := post(ctx, t, s, wire.PathChecks, "{}"); !errors.Is(err, cause) {
			t.Errorf("want the context's cause, have %v", err)
		}
		if d := time.Since(begin); d != 10*time.Second {
			t.Errorf("it took %s, want 10s", d)
		}
		if s.Count(wire.PathChecks) != 1 {
			t.Error("a slow server must have read the request")
		}

		// The same by the client's own timeout.
		c := s.Client()
		c.Timeout = 5 * time.Second
		_, err := c.Post(s.URL()+wire.PathChecks, wire.TypeJSON, strings.NewReader("{}"))
		if timeout, ok := errors.AsType[interface {
			error
			Timeout() bool
		}](err); !ok || !timeout.Timeout() {
			t.Errorf("want a timeout, have %v", err)
		}

		// An ended context sends nothing.
		if _, err := post(ctx, t, s, wire.PathChecks, "{}"); !errors.Is(err, cause) {
			t.Errorf("want the context's cause, have %v", err)
		}
		if s.Count(wire.PathChecks) != 2 {
			t.Error("a request of an ended context must not arrive")
		}

		// It ends the reading of a body too.
		s.Heal()
		ctx, cancel = context.WithCancel(t.Context())
		resp, err := post(ctx, t, s, wire.PathChecks, "{}")
		if err != nil {
			t.Fatal(err)
		}
		cancel()
		if _, err := io.ReadAll(resp.Body); !errors.Is(err, context.Canceled) {
			t.Errorf("want the body's reading to end with the context, have %v", err)
		}
		resp.Body.Close()
		if _, err := resp.Body.Read(make([]byte, 1)); !errors.Is(err, http.ErrBodyReadAfterClose) {
			t.Errorf("want an error for reading a closed body, have %v", err)
		}
	})
}

// tracked is a body that says whether it was closed.
type tracked struct {
	io.Reader
	closed bool
}

func (b *tracked) Close() error {
	b.closed = true
	return nil
}

// A transport closes the body in every case and leaves the request as it was (http.RoundTripper).
func TestRoundTripContract(t *testing.T) {
	t.Parallel()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range []struct {
		name string
		ctx  context.Context
		url  string
		body io.Reader
		ok   bool
	}{
		{"good", t.Context(), "https://any.example/v1/checks", strings.NewReader("{}"), true},
		{"scheme", t.Context(), "ftp://any.example/", strings.NewReader("{}"), false},
		{"no host", t.Context(), "https:///v1/checks", strings.NewReader("{}"), false},
		{"broken body", t.Context(), "https://any.example/v1/checks", broken{}, false},
		{"ended", ended, "https://any.example/v1/checks", strings.NewReader("{}"), false},
	} {
		s := NewServer(Config{})
		body := &tracked{Reader: c.body}
		r, err := http.NewRequestWithContext(c.ctx, http.MethodPost, c.url, body)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := s.RoundTrip(r)
		if (err == nil) != c.ok || (resp != nil) != c.ok {
			t.Errorf("%s: response %v, error %v", c.name, resp, err)
		}
		if !body.closed {
			t.Errorf("%s: the body is not closed", c.name)
		}
		if len(r.Header) != 0 {
			t.Errorf("%s: the request was changed: %v", c.name, r.Header)
		}
		if c.ok && s.Requests()[0].Host != "any.example" {
			t.Errorf("%s: logged host %q", c.name, s.Requests()[0].Host)
		}
	}
}

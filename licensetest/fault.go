package licensetest

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/counterfoil-dev/counterfoil/internal/wire"
	"github.com/counterfoil-dev/counterfoil/lease"
)

// Fault is one way for a server, or for what stands between, to fail. [Server.Fail] arms it, for every request until
// [Server.Heal] unless it is narrowed:
//
//	srv.Fail(licensetest.CaptivePortal())                       // from now on
//	srv.Fail(licensetest.Status(503).Times(2))                  // the next two requests
//	srv.Fail(licensetest.LostAnswer().On("/v1/activations"))    // this path only
//	srv.Fail(licensetest.Truncated().After(1).Times(1))         // the second request only
//
// The zero Fault does nothing, and takes its turn with it.
type Fault struct {
	script
	path  string
	skip  int
	times int // 0: without end
}

// script is what happens to one request.
type script struct {
	handler  http.Handler // answers in the server's place
	drop     bool         // the connection breaks before the server reads the request
	lose     bool         // the connection breaks when the server has done its work
	delay    time.Duration
	cut      bool // half of the body
	replay   bool // the last answer once more
	impostor bool // signed with another key
	alter    func(*lease.Answer, *lease.Lease)
	refuse   *refusal
}

type refusal struct {
	code     wire.Code
	after    time.Duration
	unsigned bool
}

// On narrows the fault to a path, such as "/v1/checks".
func (f Fault) On(path string) Fault { f.path = path; return f }

// Times narrows the fault to n requests. 0 is without end.
func (f Fault) Times(n int) Fault { f.times = n; return f }

// After lets n requests pass first.
func (f Fault) After(n int) Fault { f.skip = n; return f }

// Fail arms faults. Of several that fit a request, the one armed first strikes.
func (s *Server) Fail(faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, faults...)
}

// Heal disarms all faults.
func (s *Server) Heal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// strike finds what happens to a request to path. The caller holds s.mu.
func (s *Server) strike(path string) script {
	for i := range s.faults {
		f := &s.faults[i]
		if f.path != "" && f.path != path {
			continue
		}
		if f.skip > 0 {
			f.skip--
			continue
		}
		sc := f.script
		if f.times--; f.times == 0 {
			s.faults = slices.Delete(s.faults, i, i+1)
		}
		return sc
	}
	return script{}
}

// Unreachable refuses the connection.
func Unreachable() Fault { return Fault{script: script{drop: true}} }

// LostAnswer lets the server do its work and breaks the connection before the answer.
func LostAnswer() Fault { return Fault{script: script{lose: true}} }

// Slow lets the server do its work at once; the answer comes d later, unless the request's context ends first.
func Slow(d time.Duration) Fault { return Fault{script: script{delay: d}} }

// Truncated breaks the connection in the middle of the answer.
func Truncated() Fault { return Fault{script: script{cut: true}} }

// CaptivePortal is the sign-in page of a hotel: status 200, HTML.
func CaptivePortal() Fault {
	return page(http.StatusOK, "<!DOCTYPE html><title>Welcome</title><p>Please accept our terms to go online.")
}

// Status is a proxy's page with that HTTP status, such as 404 or 502.
func Status(code int) Fault {
	return page(code, fmt.Sprintf("<!DOCTYPE html><title>%d %s</title>", code, http.StatusText(code)))
}

// Huge is 10 MiB with status 200.
func Huge() Fault {
	return Handle(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", wire.TypeJSON)
		chunk := make([]byte, 1<<20)
		for i := range chunk {
			chunk[i] = ' '
		}
		for range 10 {
			w.Write(chunk)
		}
	}))
}

// Redirect is a redirection to url, with status 307: one that would carry method and body along.
func Redirect(url string) Fault {
	return Handle(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", url)
		w.WriteHeader(http.StatusTemporaryRedirect)
	}))
}

// RetryAfter is status 503 from a proxy with that Retry-After header, sensible ("120") or not ("99999999999999999999").
func RetryAfter(value string) Fault {
	return Handle(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", value)
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
}

func page(code int, html string) Fault {
	return Handle(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(code)
		w.Write([]byte(html))
	}))
}

// Handle lets h answer in the server's place. The server does nothing with the request.
func Handle(h http.Handler) Fault { return Fault{script: script{handler: h}} }

// WrongSignature signs with another key under the id of the right one.
func WrongSignature() Fault { return Fault{script: script{impostor: true}} }

// Replayed gives the answer to the previous request at that path once more. The server does nothing with the request.
// If there was none, the answer has another nonce than the request.
func Replayed() Fault { return Fault{script: script{replay: true}} }

// OtherRequest signs an answer with the right nonce to another request.
func OtherRequest() Fault {
	return Alter(func(a *lease.Answer, _ *lease.Lease) { a.Request = random(32) })
}

// OtherDevice signs an answer to this request, with the lease of another device.
func OtherDevice() Fault {
	return Alter(func(_ *lease.Answer, l *lease.Lease) {
		if l == nil {
			return
		}
		l.Activation = "act_" + random(16)
		set := make(map[string]string, len(l.Fingerprints))
		for kind := range l.Fingerprints {
			set[kind] = "fp1:" + random(32)
		}
		l.Fingerprints = set
	})
}

// Alter changes what the server is about to sign. The lease is nil where the answer has none. If f sets the answer's
// Lease, that text goes out in place of the lease. What [lease.Signer] refuses to sign becomes an unsigned status 500.
func Alter(f func(*lease.Answer, *lease.Lease)) Fault { return Fault{script: script{alter: f}} }

// Refuse is a signed refusal with any code of docs/protocol.md, such as "rate_limited" or "busy", or one that does not
// exist yet. The server does nothing else with the request. A retryAfter of 0 says nothing of when to try again; the
// most that an answer can say is 2^31-1 seconds.
func Refuse(code string, retryAfter time.Duration) Fault {
	return Fault{script: script{refuse: &refusal{code: wire.Code(code), after: retryAfter}}}
}

// Unsigned is a refusal without the signed statement.
func Unsigned(code string) Fault {
	return Fault{script: script{refuse: &refusal{code: wire.Code(code), unsigned: true}}}
}

package licensetest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/counterfoil-dev/counterfoil/internal/wire"
	"github.com/counterfoil-dev/counterfoil/lease"
)

// mutant is the fake server, broken in one way. The functions run under the server's mutex.
type mutant struct {
	fails  string // the cases that must notice, at least
	before func(*Server, *mutantRequest)
	sign   func(*mutantRequest, *lease.Answer, *lease.Lease)
	after  func(*mutantRequest, *reply)
	target func(*Server, *Target)
}

type mutantRequest struct {
	*http.Request
	path string
	body []byte
	n    int // counts requests
}

func (r *mutantRequest) token() string { return bearer(r.Header) }

const mutantVariable = "COUNTERFOIL_LICENSETEST_MUTANT"

// TestMutants sees every case of the suite fail once: against a server that breaks the case's rule. The suite fails a
// test, so it runs in a child process.
func TestMutants(t *testing.T) {
	t.Parallel()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	unseen := make(map[string]bool)
	for group, cases := range map[string][]conformanceCase{
		"activation": activationCases(), "account": accountCases(), "check": checkCases(), "token": tokenCases(),
		"deactivation": deactivationCases(), "rebinding": rebindingCases(), "offline": offlineCases(), "http": httpCases(),
		"clock": clockCases(),
	} {
		for _, c := range cases {
			unseen[group+"/"+c.name] = true
		}
	}
	for name, m := range mutants() {
		for _, f := range strings.Fields(m.fails) {
			delete(unseen, f)
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			var groups, cases []string
			for _, f := range strings.Fields(m.fails) {
				group, name, _ := strings.Cut(f, "/")
				groups, cases = append(groups, group), append(cases, name)
			}
			run := "-test.run=^TestMutant$/^(" + strings.Join(groups, "|") + ")$/^(" + strings.Join(cases, "|") + ")$"
			cmd := exec.CommandContext(ctx, exe, run)
			cmd.Env = append(os.Environ(), mutantVariable+"="+name)
			out, err := cmd.CombinedOutput()
			if _, failed := errors.AsType[*exec.ExitError](err); !failed {
				t.Fatalf("the suite passes this server (%v)", err)
			}
			for _, f := range strings.Fields(m.fails) {
				if !bytes.Contains(out, []byte("--- FAIL: TestMutant/"+f+" ")) {
					t.Errorf("case %s passes this server:\n%.3000s", f, out)
				}
			}
		})
	}
	for name := range unseen {
		t.Errorf("case %s: no mutant shows that it can fail", name)
	}
}

// TestMutant is the child of TestMutants. By itself it tests nothing.
func TestMutant(t *testing.T) {
	m, ok := mutants()[os.Getenv(mutantVariable)]
	if !ok {
		return
	}
	clock := NewClock(time.Now())
	s := NewServer(Config{Now: clock.Now})
	target := fakeTarget(s, clock)
	n := 0
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		n++
		mr := &mutantRequest{Request: r, path: r.URL.Path, body: body, n: n}
		hash := wire.Hash(r.Method, r.URL.Path, body)
		if m.before != nil {
			m.before(s, mr)
		}
		p := reply{header: make(http.Header)}
		s.process(&p, s.clock(), mr.Request, mr.body, script{alter: func(a *lease.Answer, l *lease.Lease) {
			a.Request = hash
			if m.sign != nil {
				m.sign(mr, a, l)
			}
		}})
		if m.after != nil {
			m.after(mr, &p)
		}
		p.send(w)
	}))
	t.Cleanup(web.Close)
	target.URL, target.Client = web.URL, web.Client()
	if m.target != nil {
		m.target(s, &target)
	}
	TestServer(t, target)
}

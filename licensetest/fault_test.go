package licensetest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/counterfoil-dev/counterfoil/internal/wire"
	"github.com/counterfoil-dev/counterfoil/lease"
)

// attempt is one activation as the network shows it: no verification.
type attempt struct {
	status int
	header http.Header
	body   []byte
	err    error
	signed error        // why the answer cannot be trusted
	answer lease.Answer // if it can
	lease  lease.Lease
	sent   *wire.Activation
	hash   string
}

func (p *probe) attempt(code string) (a attempt) {
	p.Helper()
	a.sent = p.device("acme-editor").activation(code)
	body, err := wire.Encode(a.sent)
	if err != nil {
		p.Fatal(err)
	}
	a.hash = wire.Hash(http.MethodPost, wire.PathActivations, body)
	r, err := http.NewRequestWithContext(p.Context(), http.MethodPost, p.target.URL+wire.PathActivations, bytes.NewReader(body))
	if err != nil {
		p.Fatal(err)
	}
	c := *p.target.Client
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := c.Do(r)
	if err != nil {
		a.err = err
		return a
	}
	defer resp.Body.Close()
	a.status, a.header = resp.StatusCode, resp.Header
	if a.body, a.err = io.ReadAll(resp.Body); a.err != nil {
		return a
	}
	text, err := wire.Statement(a.body)
	if err != nil {
		a.signed = err
		return a
	}
	v, err := p.target.Keys.Verify(lease.TypeAnswer, text)
	a.answer, a.signed = v.Answer(), err
	if v, err := p.target.Keys.Verify(lease.TypeLease, a.answer.Lease); err == nil {
		a.lease = v.Lease()
	}
	return a
}

func (a attempt) good() bool {
	return a.err == nil && a.signed == nil && a.status == http.StatusOK && a.answer.Nonce == a.sent.Nonce &&
		a.answer.Request == a.hash && a.lease.Fingerprints[kindBIOS] == a.sent.Fingerprints[kindBIOS]
}

// Each fault shows what it says, with a network and without, and takes a seat only where it says so.
func TestFaults(t *testing.T) {
	t.Parallel()
	html := func(status int) func(attempt) bool {
		return func(a attempt) bool {
			return a.status == status && a.header.Get("Content-Type") == "text/html; charset=utf-8" && a.signed != nil
		}
	}
	for name, c := range map[string]struct {
		fault Fault
		shows func(attempt) bool
		seats int
	}{
		"nothing":     {Fault{}, attempt.good, 1},
		"unreachable": {Unreachable(), func(a attempt) bool { return a.err != nil && a.status == 0 }, 0},
		"lost answer": {LostAnswer(), func(a attempt) bool { return errors.Is(a.err, io.EOF) && a.status == 0 }, 1},
		"truncated":   {Truncated(), func(a attempt) bool { return errors.Is(a.err, io.ErrUnexpectedEOF) && a.status == 200 }, 1},
		"portal":      {CaptivePortal(), html(200), 0},
		"404":         {Status(404), html(404), 0},
		"502":         {Status(502), html(502), 0},
		"huge":        {Huge(), func(a attempt) bool { return a.status == 200 && len(a.body) == 10<<20 }, 0},
		"redirect": {Redirect("https://evil.example/x"), func(a attempt) bool {
			return a.status == 307 && a.header.Get("Location") == "https://evil.example/x"
		}, 0},
		"retry after": {RetryAfter("99999999999999999999"), func(a attempt) bool {
			return a.status == 503 && a.header.Get("Retry-After") == "99999999999999999999"
		}, 0},
		"signature": {WrongSignature(), func(a attempt) bool { return a.status == 200 && errors.Is(a.signed, lease.ErrInvalid) }, 1},
		"replayed": {Replayed(), func(a attempt) bool {
			return a.signed == nil && a.answer.Nonce != a.sent.Nonce && a.answer.Request == a.hash
		}, 1},
		"other request": {OtherRequest(), func(a attempt) bool {
			return a.signed == nil && a.answer.Nonce == a.sent.Nonce && a.answer.Request != a.hash && a.lease.Activation != ""
		}, 1},
		"other device": {OtherDevice(), func(a attempt) bool {
			return a.signed == nil && a.answer.Request == a.hash && a.lease.Fingerprints[kindBIOS] != "" &&
				a.lease.Fingerprints[kindBIOS] != a.sent.Fingerprints[kindBIOS]
		}, 1},
		"refuse": {Refuse("rate_limited", 90*time.Second), func(a attempt) bool {
			return a.status == 429 && a.answer.Code == "rate_limited" && a.answer.RetryAfter == 90 &&
				a.answer.Request == a.hash && a.header.Get("Retry-After") == "90"
		}, 0},
		"refuse with a new code": {Refuse("sold_out", 0), func(a attempt) bool {
			return a.status == 400 && a.answer.Code == "sold_out" && a.answer.Request == a.hash && a.header.Get("Retry-After") == ""
		}, 0},
		"unsigned": {Unsigned("revoked"), func(a attempt) bool {
			var doc wire.Problem
			return json.Unmarshal(a.body, &doc) == nil && a.status == 403 && doc.Code == wire.Revoked && doc.Statement == "" && a.signed != nil
		}, 0},
		"alter": {Alter(func(a *lease.Answer, l *lease.Lease) { l.Edition, a.Token = "changed", "" }), func(a attempt) bool {
			return a.lease.Edition == "changed" && a.answer.Token == ""
		}, 1},
		"alter lease text": {Alter(func(a *lease.Answer, _ *lease.Lease) { a.Lease = "e30.e30.e30" }), func(a attempt) bool {
			return a.signed == nil && a.answer.Lease == "e30.e30.e30"
		}, 1},
		"alter to nonsense": {Alter(func(_ *lease.Answer, l *lease.Lease) { l.LeaseEnd = 1 }), func(a attempt) bool {
			return a.status == 500 && a.signed != nil
		}, 1},
		"handle": {Handle(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			w.WriteHeader(len(body) + 200)
		})), func(a attempt) bool { b, _ := wire.Encode(a.sent); return a.status == len(b)+200 }, 0},
	} {
		for _, network := range []string{"socket", "memory"} {
			t.Run(name+"/"+network, func(t *testing.T) {
				t.Parallel()
				s := NewServer(Config{})
				if network == "socket" {
					start(t, s)
				}
				p := newProbe(t, s)
				rec := s.AddLicense(License{})
				s.Fail(c.fault)
				a := p.attempt(rec.Code)
				if !c.shows(a) {
					t.Errorf("have %+v, body %.300q", a, a.body)
				}
				if rec.Seats() != c.seats {
					t.Errorf("want %d seats, have %d", c.seats, rec.Seats())
				}
				log := last(s)
				if len(s.Requests()) != 1 || log.Status != a.status || log.Code != a.answer.Code && a.signed == nil && a.err == nil {
					t.Errorf("the log has %d requests, the last %+v", len(s.Requests()), log)
				}
				s.Heal()
				if a := p.attempt(rec.Code); !a.good() {
					t.Errorf("healed: %+v", a)
				}
			})
		}
	}
}

func TestReplayedIsTheAnswerBefore(t *testing.T) {
	t.Parallel()
	s := NewServer(Config{})
	p, rec := newProbe(t, s), s.AddLicense(License{})
	first := p.attempt(rec.Code)
	s.Fail(Replayed())
	for range 2 {
		if again := p.attempt(rec.Code); !bytes.Equal(again.body, first.body) || again.status != first.status {
			t.Errorf("want %s, have %s", first.body, again.body)
		}
	}
	if rec.Seats() != 1 {
		t.Error("the server must not have seen the replayed requests")
	}
}

func TestFaultsTakeTurns(t *testing.T) {
	t.Parallel()
	s := NewServer(Config{})
	p, rec := newProbe(t, s), s.AddLicense(License{})
	s.Fail(
		Status(500).On("/v1/checks"),
		Status(501).After(1).Times(2),
		Status(502).Times(1),
	)
	var have []int
	for range 5 {
		have = append(have, p.attempt(rec.Code).status)
	}
	if want := [5]int{502, 501, 501, 200, 200}; [5]int(have) != want {
		t.Errorf("want %v, have %v", want, have)
	}
	resp, err := post(t.Context(), t, s, "/v1/checks", "{}")
	if err != nil || resp.StatusCode != 500 {
		t.Errorf("want 500 for checks, have %v, %v", resp, err)
	}
}

// A slow server has done its work when the client waits.
func TestSlow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := NewServer(Config{})
		p, rec := newProbe(t, s), s.AddLicense(License{})
		s.Fail(Slow(3 * time.Second))
		begin := time.Now()
		if a := p.attempt(rec.Code); !a.good() || time.Since(begin) != 3*time.Second {
			t.Errorf("after %s: %+v", time.Since(begin), a)
		}
	})
}

package httpd

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/counterfoil-dev/counterfoil/internal/wire"
	"github.com/counterfoil-dev/counterfoil/lease"
	"github.com/counterfoil-dev/counterfoil/server"
	"github.com/counterfoil-dev/counterfoil/server/sqlstore"
)

// newDesk is a desk on a new SQLite file, with one license for the code.
func newDesk(t testing.TB) (desk *server.Desk, code string) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	db, err := sqlstore.Open(ctx, sqlstore.Config{URL: filepath.Join(t.TempDir(), "test.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	secret, err := server.ParseSecret(server.NewSecretText())
	if err != nil {
		t.Fatal(err)
	}
	cfg := server.Config{Store: db, Secret: secret}
	vendor, err := server.NewVendor(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := vendor.PutProduct(ctx, server.Product{Name: "acme-editor"}); err != nil {
		t.Fatal(err)
	}
	sold, err := vendor.Sell(ctx, server.Terms{Product: "acme-editor", Kind: lease.KindSingle}, 1, "")
	if err != nil {
		t.Fatal(err)
	}
	if desk, err = server.NewDesk(ctx, cfg); err != nil {
		t.Fatal(err)
	}
	return desk, sold[0].Code
}

func newHandler(t testing.TB, cfg Config) http.Handler {
	t.Helper()
	h, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func post(path, body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Content-Type", wire.TypeJSON)
	return r
}

func do(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// problem checks that a response is a good problem document and returns it.
func problem(t testing.TB, w *httptest.ResponseRecorder) (doc wire.Problem) {
	t.Helper()
	if got := w.Header().Get("Content-Type"); got != wire.TypeProblem {
		t.Errorf("status %d: Content-Type %q", w.Code, got)
	}
	if w.Header().Get("Cache-Control") != "no-store" {
		t.Error("may be cached")
	}
	if err := json.Unmarshal(w.Body.Bytes(), &doc); err != nil || doc.Status != w.Code || doc.Title == "" || doc.Type == "" {
		t.Errorf("status %d: no good problem document: %s", w.Code, w.Body)
	}
	return doc
}

func valid(t testing.TB, r wire.Request) string {
	t.Helper()
	b, err := wire.Encode(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func check() *wire.Check {
	return &wire.Check{Nonce: wire.NewNonce(), Product: "acme-editor", Fingerprints: map[string]string{"os-install": "fp1:x"}}
}

func TestBadRequests(t *testing.T) {
	t.Parallel()
	desk, _ := newDesk(t)
	h := newHandler(t, Config{Desk: desk, Rate: -1})
	good := valid(t, check())
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	z.Write(make([]byte, 100<<20)) // a bomb
	z.Close()
	for name, c := range map[string]struct {
		request *http.Request
		status  int
		signed  bool
	}{
		"unknown path":       {post("/v1/checks/", good), 404, false},
		"dots":               {post("/v1/../v1/checks", good), 404, false},
		"double slash":       {post("//v1/checks", good), 404, false},
		"query":              {post("/v1/checks?token=x", good), 404, false},
		"other version":      {post("/v2/checks", good), 404, false},
		"GET":                {httptest.NewRequest("GET", "/v1/checks", nil), 405, false},
		"odd method":         {httptest.NewRequest("BREW", "/v1/checks", nil), 405, false},
		"POST to health":     {post("/healthz", ""), 405, false},
		"text":               {typed(post("/v1/checks", good), "text/plain"), 415, false},
		"no type":            {typed(post("/v1/checks", good), ""), 415, false},
		"form":               {typed(post("/v1/checks", good), "application/x-www-form-urlencoded"), 415, false},
		"gzip":               {encoded(post("/v1/checks", zipped.String()), "gzip"), 415, false},
		"gzip, not said":     {post("/v1/checks", zipped.String()), 413, false},
		"too large":          {post("/v1/checks", good+strings.Repeat(" ", wire.MaxRequest)), 413, false},
		"too large, chunked": {chunked(post("/v1/checks", good+strings.Repeat(" ", wire.MaxRequest))), 413, false},
		"empty":              {post("/v1/checks", ""), 400, false},
		"no object":          {post("/v1/checks", "[]"), 400, false},
		"no nonce":           {post("/v1/checks", `{"product":"acme-editor"}`), 400, false},
		"two values":         {post("/v1/checks", good+good), 400, false},
		"member twice":       {post("/v1/checks", strings.Replace(good, "{", `{"product":"acme-editor",`, 1)), 400, false},
		"case variant":       {post("/v1/checks", strings.Replace(good, `"product"`, `"Product"`, 1)), 400, false},
		"invalid UTF-8":      {post("/v1/checks", strings.Replace(good, "acme", "ac\xffme", 1)), 400, false},
		"null":               {post("/v1/checks", strings.Replace(good, `"acme-editor"`, `null`, 1)), 400, false},
		"deep":               {post("/v1/checks", strings.Replace(good, "{", `{"x":`+strings.Repeat("[", 1000)+strings.Repeat("]", 1000)+",", 1)), 400, false},
		"wrong value":        {post("/v1/checks", strings.Replace(good, `acme-editor`, `Acme Editor`, 1)), 400, true},
		"wrong type":         {post("/v1/checks", strings.Replace(good, `"acme-editor"`, `7`, 1)), 400, true},
		"no token":           {post("/v1/checks", good), 401, true},
		"unknown member":     {post("/v1/checks", strings.Replace(good, "{", `{"later":1,`, 1)), 401, true},
		"parameter":          {typed(post("/v1/checks", good), "application/json; charset=utf-8"), 401, true},
		"never a token":      {bearing(post("/v1/checks", good), "cft_nonsense"), 401, true},
		"basic":              {header(post("/v1/checks", good), "Authorization", "Basic eA=="), 401, true},
	} {
		w := do(h, c.request)
		doc := problem(t, w)
		if w.Code != c.status || (doc.Statement != "") != c.signed {
			t.Errorf("%s: status %d signed %t, want %d %t: %s", name, w.Code, doc.Statement != "", c.status, c.signed, w.Body)
		}
		if (w.Code == 401) != (w.Header().Get("WWW-Authenticate") == "Bearer") || (w.Code == 405) != (w.Header().Get("Allow") != "") {
			t.Errorf("%s: status %d with headers %v", name, w.Code, w.Header())
		}
	}
}

func header(r *http.Request, name, value string) *http.Request {
	r.Header.Set(name, value)
	return r
}

func typed(r *http.Request, media string) *http.Request { return header(r, "Content-Type", media) }
func encoded(r *http.Request, coding string) *http.Request {
	return header(r, "Content-Encoding", coding)
}
func bearing(r *http.Request, token string) *http.Request {
	return header(r, "Authorization", "Bearer "+token)
}

func chunked(r *http.Request) *http.Request {
	r.ContentLength = -1
	r.Body = io.NopCloser(r.Body)
	return r
}

// brokenDesk fails every request, with what was sent in its errors, or panics with it.
type brokenDesk struct {
	Desk
	panics bool
}

func (b brokenDesk) fail(req server.Request, in any) error {
	text, _ := json.Marshal(in)
	if b.panics {
		panic(string(text) + req.Token)
	}
	return errors.New("database is locked")
}

func (b brokenDesk) Activate(_ context.Context, req server.Request, r *wire.Activation) (server.Reply, error) {
	return server.Reply{}, b.fail(req, r)
}

func (b brokenDesk) Check(_ context.Context, req server.Request, r *wire.Check) (server.Reply, error) {
	return server.Reply{}, b.fail(req, r)
}

func (b brokenDesk) Ready(context.Context) error { return errors.New("database is locked") }

// TestFailures: a server out of order says so without a signature and without a word of what was sent; its log holds no
// secret either.
func TestFailures(t *testing.T) {
	t.Parallel()
	for _, panics := range []bool{false, true} {
		var log bytes.Buffer
		h := newHandler(t, Config{Desk: brokenDesk{panics: panics}, Log: slog.New(slog.NewTextHandler(&log, nil)), Rate: -1})
		const password = "canary-password"
		code := wire.NewCode()
		token := "cft_canary-token"
		a := &wire.Activation{Nonce: wire.NewNonce(), Product: "acme-editor", Installation: wire.NewInstallation(), Fingerprints: map[string]string{"os-install": "canary-print"}}
		b := *a
		a.Code = code
		b.Account = &wire.Account{Email: "canary@example.com", Password: password}
		for _, r := range []*http.Request{
			post(wire.PathActivations, valid(t, a)), post(wire.PathActivations, valid(t, &b)),
			bearing(post(wire.PathChecks, valid(t, check())), token), httptest.NewRequest("GET", "/readyz", nil),
		} {
			w := do(h, header(r, "X-Canary", "canary-header"))
			if doc := problem(t, w); doc.Statement != "" || w.Code < 500 {
				t.Errorf("%s: status %d, statement %q", r.URL, w.Code, doc.Statement)
			}
			for _, where := range []string{w.Body.String(), log.String()} {
				if strings.Contains(where, "canary") || strings.Contains(where, code) {
					t.Errorf("%s: a secret in %q", r.URL, where)
				}
			}
		}
		if !strings.Contains(log.String(), wire.PathActivations) {
			t.Errorf("the log does not say what failed: %q", log.String())
		}
	}
}

func TestHealth(t *testing.T) {
	t.Parallel()
	desk, _ := newDesk(t)
	h := newHandler(t, Config{Desk: desk})
	for _, path := range []string{"/healthz", "/readyz", "/openapi.json"} {
		if w := do(h, httptest.NewRequest("GET", path, nil)); w.Code != 200 || !json.Valid(w.Body.Bytes()) {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}

// TestRate: an address prefix that asks too often is told when to come back, in a signed answer; others are served.
func TestRate(t *testing.T) {
	t.Parallel()
	desk, _ := newDesk(t)
	h := newHandler(t, Config{Desk: desk, Rate: 5, Proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}})
	from := func(remote, forwarded string) int {
		r := post(wire.PathChecks, valid(t, check()))
		r.RemoteAddr = remote
		if forwarded != "" {
			r.Header.Set("X-Forwarded-For", forwarded)
		}
		w := do(h, r)
		if w.Code == http.StatusTooManyRequests {
			after, err := strconv.Atoi(w.Header().Get("Retry-After"))
			if doc := problem(t, w); doc.Statement == "" || err != nil || after < 1 {
				t.Errorf("429 with Retry-After %q and statement %q", w.Header().Get("Retry-After"), doc.Statement)
			}
		}
		return w.Code
	}
	exhaust := func(remote, forwarded string) {
		t.Helper()
		for range 1000 {
			if from(remote, forwarded) == http.StatusTooManyRequests {
				return
			}
		}
		t.Errorf("%s for %q: no limit", remote, forwarded)
	}
	exhaust("192.0.2.1:1000", "")
	for _, c := range []struct {
		remote, forwarded string
		limited           bool
	}{
		{"192.0.2.1:2000", "", true},                     // another port
		{"192.0.2.1:2000", "198.51.100.7", true},         // no proxy of ours: what it claims is nothing
		{"192.0.2.2:1000", "", false},                    // another address
		{"10.1.1.1:1000", "192.0.2.1", true},             // through our proxy
		{"10.1.1.1:1000", "192.0.2.9, 192.0.2.1", true},  // what the client itself put in front counts for nothing
		{"10.1.1.1:1000", "192.0.2.1, 192.0.2.9", false}, // the other way round
		{"10.1.1.1:1000", "192.0.2.1, 10.2.2.2", true},   // through two of ours
		{"10.1.1.1:1000", "nonsense", false},             // the proxy itself
		{"[::ffff:192.0.2.1]:3000", "", true},            // the same address in IPv6
		{"[2001:db8::1]:1", "", false},                   // a network of its own
	} {
		if code := from(c.remote, c.forwarded); (code == http.StatusTooManyRequests) != c.limited {
			t.Errorf("%s for %q: status %d", c.remote, c.forwarded, code)
		}
	}
	exhaust("[2001:db8::1]:1", "")
	if code := from("[2001:db8:0:ff::2]:1", ""); code != http.StatusTooManyRequests {
		t.Errorf("the same /56: status %d", code)
	}
	if code := from("[2001:db8:0:100::2]:1", ""); code == http.StatusTooManyRequests {
		t.Errorf("another /56: status %d", code)
	}
}

// TestRateRefills: an allowance comes back with time, and is forgotten when it is full.
func TestRateRefills(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(10)
		p := netip.MustParsePrefix("192.0.2.1/32")
		for range 100 {
			if l.wait(p, 1) > 0 {
				t.Fatal("limited within the burst")
			}
		}
		if d := l.wait(p, 10); d <= 0 || d > time.Second {
			t.Errorf("wait %s", d)
		}
		time.Sleep(time.Second)
		if d := l.wait(p, 10); d > 0 {
			t.Errorf("wait %s after a second", d)
		}
		time.Sleep(3 * generation)
		l.wait(netip.MustParsePrefix("192.0.2.2/32"), 1)
		time.Sleep(2 * generation)
		l.wait(netip.MustParsePrefix("192.0.2.3/32"), 1)
		if len(l.now)+len(l.old) > 2 {
			t.Errorf("%d prefixes remembered", len(l.now)+len(l.old))
		}
	})
}

// TestWrongCodes: ten thousand wrong codes a minute from one address get nowhere, and cost the database nothing.
func TestWrongCodes(t *testing.T) {
	t.Parallel()
	desk, code := newDesk(t)
	h := newHandler(t, Config{Desk: desk})
	activation := func(code string) *http.Request {
		return post(wire.PathActivations, valid(t, &wire.Activation{Nonce: wire.NewNonce(), Product: "acme-editor",
			Installation: wire.NewInstallation(), Fingerprints: map[string]string{"os-install": "fp1:x"}, Code: code}))
	}
	counts := make(map[int]int)
	for range 10_000 {
		counts[do(h, activation(wire.NewCode())).Code]++
	}
	if counts[403] > 500 || counts[403]+counts[429] != 10_000 {
		t.Errorf("statuses %v", counts)
	}
	r := activation(code)
	r.RemoteAddr = "198.51.100.1:1"
	if w := do(h, r); w.Code != 200 {
		t.Errorf("somebody else meanwhile: %d %s", w.Code, w.Body)
	}
}

package apiclient

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/counterfoil-dev/counterfoil/internal/wire"
)

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func respond(status int, header http.Header, body string) *http.Response {
	if header == nil {
		header = http.Header{}
	}
	return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body))}
}

// script answers the n-th request with the n-th reply, and the last one from then on.
func script(t *testing.T, replies ...func() (*http.Response, error)) (*Client, *atomic.Int32) {
	t.Helper()
	var n atomic.Int32
	c, err := New("https://license.example/base/", &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		if r.URL.Path != "/base/v1/checks" {
			t.Errorf("path %s", r.URL.Path)
		}
		i := int(n.Add(1)) - 1
		return replies[min(i, len(replies)-1)]()
	})})
	if err != nil {
		t.Fatal(err)
	}
	return c, &n
}

const signed = `{"statement":"a.b.c"}`

func status(code int, h http.Header, body string) func() (*http.Response, error) {
	return func() (*http.Response, error) { return respond(code, h, body), nil }
}

func broken() (*http.Response, error) { return nil, errors.New("no route to host") }

func cutOff() (*http.Response, error) {
	r := respond(200, nil, "")
	r.Body = io.NopCloser(io.MultiReader(strings.NewReader(`{"stat`), failing{}))
	return r, nil
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func retryIn(v string) http.Header { return http.Header{"Retry-After": {v}} }

func TestRetries(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		replies []func() (*http.Response, error)
		tries   int // asked for
		sent    int
		ok      bool
		after   time.Duration
		most    time.Duration // the call may take
	}{
		{"answer", []func() (*http.Response, error){status(200, nil, signed)}, 2, 1, true, 0, 0},
		{"signed refusal is not retried", []func() (*http.Response, error){status(503, retryIn("1"), signed)}, 5, 1, true, 0, 0},
		{"connection, then answer", []func() (*http.Response, error){broken, status(200, nil, signed)}, 2, 2, true, 0, 2 * time.Second},
		{"connection twice", []func() (*http.Response, error){broken}, 2, 2, false, 0, 2 * time.Second},
		{"one try only", []func() (*http.Response, error){broken}, 1, 1, false, 0, 0},
		{"no tries counts as one", []func() (*http.Response, error){broken}, 0, 1, false, 0, 0},
		{"503, then answer", []func() (*http.Response, error){status(503, nil, "<html>"), status(200, nil, signed)}, 2, 2, true, 0, 2 * time.Second},
		{"retry-after is waited for", []func() (*http.Response, error){status(503, retryIn("50"), ""), status(200, nil, signed)}, 2, 2, true, 0, 51 * time.Second},
		{"a long one ends the call", []func() (*http.Response, error){status(503, retryIn("3600"), "")}, 5, 1, false, time.Hour, 0},
		{"an absurd one is clamped", []func() (*http.Response, error){status(429, retryIn("99999999999999999999999"), "")}, 5, 1, false, 24 * time.Hour, 0},
		{"a negative one is none", []func() (*http.Response, error){status(503, retryIn("-5"), ""), status(200, nil, signed)}, 2, 2, true, 0, 2 * time.Second},
		{"captive portal", []func() (*http.Response, error){status(200, nil, "<html>")}, 5, 1, false, 0, 0},
		{"404", []func() (*http.Response, error){status(404, nil, "{}")}, 5, 1, false, 0, 0},
		{"500", []func() (*http.Response, error){status(500, nil, "{}")}, 5, 1, false, 0, 0},
		{"redirect", []func() (*http.Response, error){status(302, http.Header{"Location": {"https://evil.example"}}, "")}, 5, 1, false, 0, 0},
		{"cut off", []func() (*http.Response, error){cutOff, status(200, nil, signed)}, 2, 2, true, 0, 2 * time.Second},
		{"too long", []func() (*http.Response, error){status(200, nil, strings.Repeat("x", wire.MaxResponse+1))}, 1, 1, false, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client, n := script(t, c.replies...)
				began := time.Now()
				r, err := client.Post(t.Context(), Request{Path: wire.PathChecks, Body: []byte("{}"), Tries: c.tries})
				if (err == nil) != c.ok || r.Tries != c.sent || int(n.Load()) != c.sent || r.RetryAfter != c.after {
					t.Fatalf("%+v, %v after %d requests", r, err, n.Load())
				}
				if took := time.Since(began); took > c.most {
					t.Fatalf("took %v", took)
				}
			})
		})
	}
}

func TestContextEndsBetweenTries(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, n := script(t, status(503, retryIn("60"), ""))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		r, err := client.Post(ctx, Request{Path: wire.PathChecks, Body: []byte("{}"), Tries: 3})
		if err == nil || n.Load() != 1 || r.Tries != 1 {
			t.Fatalf("%+v, %v", r, err)
		}
	})
}

// Every try sends the same bytes and headers, and nothing but what docs/protocol.md declares.
func TestWhatIsSent(t *testing.T) {
	t.Parallel()
	var seen []http.Header
	var bodies []string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		seen, bodies = append(seen, r.Header.Clone()), append(bodies, string(b))
		if len(seen) == 1 {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		http.SetCookie(w, &http.Cookie{Name: "track", Value: "me"})
		io.WriteString(w, signed)
	}))
	defer srv.Close()
	jar := &recordingJar{}
	given := &http.Client{Jar: jar}
	c, err := New(srv.URL, given)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Post(t.Context(), Request{Path: wire.PathChecks, Body: []byte(`{"a":1}`), Token: "cft_x", Tries: 2}); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"Content-Type": "application/json", "Content-Length": "7", "Accept": "application/json, application/problem+json",
		"Accept-Encoding": "identity", "User-Agent": "counterfoil/1", "Authorization": "Bearer cft_x",
	}
	for i, h := range seen {
		h.Del("Connection")
		if bodies[i] != `{"a":1}` || len(h) != len(want) {
			t.Errorf("request %d: %v %s", i, h, bodies[i])
		}
		for k, v := range want {
			if h.Get(k) != v {
				t.Errorf("request %d: %s is %q", i, k, h.Get(k))
			}
		}
	}
	if jar.used || given.CheckRedirect != nil || given.Timeout != 0 {
		t.Error("cookies were kept, or the caller's client was changed")
	}
}

type recordingJar struct {
	http.CookieJar
	used bool
}

// A certificate that is wrong stays wrong: one request, and no plain-text fallback.
func TestUntrustedCertificate(t *testing.T) {
	t.Parallel()
	var n atomic.Int32
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { n.Add(1) }))
	srv.Config.ErrorLog = nil
	srv.StartTLS()
	defer srv.Close()
	c, err := New(srv.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	r, err := c.Post(t.Context(), Request{Path: wire.PathChecks, Body: []byte("{}"), Token: "cft_secret", Tries: 5})
	if err == nil || n.Load() != 0 || r.Tries != 1 {
		t.Fatalf("%v after %d tries", err, r.Tries)
	}
	if strings.Contains(err.Error(), "cft_secret") {
		t.Fatal("the error holds the token")
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	for in, want := range map[string]time.Duration{
		"": 0, "0": 0, "120": 2 * time.Minute, "-1": 0, "1e9": 0, "99999999999999999999": 24 * time.Hour, "18446744073709551615": 24 * time.Hour,
		"Tue, 10 Mar 2026 12:00:30 GMT": 30 * time.Second, "Tue, 10 Mar 2020 12:00:30 GMT": 0, "Tue, 10 Mar 2099 12:00:30 GMT": 24 * time.Hour,
		"soon": 0,
	} {
		if got := retryAfter(in, now); got != want {
			t.Errorf("%q: %v, want %v", in, got, want)
		}
	}
}

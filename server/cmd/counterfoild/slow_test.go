package main

import (
	"bytes"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// TestSlowClients: whoever sends nothing, too little, too slowly, or does not take the answer loses the connection, and
// holds nobody up meanwhile.
func TestSlowClients(t *testing.T) {
	t.Parallel()
	const bound = 300 * time.Millisecond
	answer := bytes.Repeat([]byte("x"), 64<<20) // more than sockets buffer
	srv := httptest.NewUnstartedServer(nil)
	srv.Config = newServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			panic(http.ErrAbortHandler)
		}
		if r.URL.Path == "/large" {
			w.Write(answer)
		}
	}), slog.New(slog.DiscardHandler), patience{header: bound, read: bound, write: bound, idle: bound})
	srv.StartTLS()
	t.Cleanup(srv.Close)
	addr := srv.Listener.Addr().String()

	drip := func(first, each string) func(*testing.T, net.Conn) {
		return func(t *testing.T, c net.Conn) {
			if _, err := io.WriteString(c, first); err != nil {
				t.Fatal(err)
			}
			tick := time.NewTicker(bound / 10)
			defer tick.Stop()
			for range tick.C {
				if _, err := io.WriteString(c, each); err != nil {
					return // what was wanted
				}
			}
		}
	}
	wait := func(_ *testing.T, c net.Conn) {
		_, _ = io.Copy(io.Discard, c) // until the server closes
	}
	say := func(text string) func(*testing.T, net.Conn) {
		return func(t *testing.T, c net.Conn) {
			if _, err := io.WriteString(c, text); err != nil {
				t.Fatal(err)
			}
			wait(t, c)
		}
	}
	for name, test := range map[string]struct {
		plain bool // no TLS
		do    func(*testing.T, net.Conn)
	}{
		"no handshake":        {true, wait},
		"slow handshake":      {true, drip("\x16\x03\x01\x02\x00", "\x01")},
		"nothing":             {false, wait},
		"half a header":       {false, say("POST /v1/checks HTTP/1.1\r\nHost: x\r\n")},
		"slow header":         {false, drip("POST /v1/checks HTTP/1.1\r\nHost: x\r\n", "X-A: b\r\n")},
		"half a body":         {false, say("POST /v1/checks HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{")},
		"slow body":           {false, drip("POST /v1/checks HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n", "{")},
		"slow chunks":         {false, drip("POST /v1/checks HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\n{\r\n")},
		"idle":                {false, say("GET / HTTP/1.1\r\nHost: x\r\n\r\n")},
		"header without end":  {false, drip("GET / HTTP/1.1\r\nHost: x\r\nX-A: "+strings.Repeat("a", maxHeader), "a")},
		"answer is not taken": {false, drip("GET /large HTTP/1.1\r\nHost: x\r\n\r\n", "GET /large HTTP/1.1\r\nHost: x\r\n\r\n")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := net.Dial("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if !test.plain {
				c = tls.Client(c, &tls.Config{RootCAs: srv.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs, ServerName: "example.com"})
			}
			const late = 20 * time.Second // far beyond the bound, for a busy machine
			if err := c.SetDeadline(time.Now().Add(late)); err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			test.do(t, c)
			if took := time.Since(start); took >= late {
				t.Errorf("held on to a connection for %v", took)
			}
			resp, err := srv.Client().Get(srv.URL)
			if err != nil {
				t.Fatal("others are held up:", err)
			}
			resp.Body.Close()
		})
	}
}

// TestPatience: the server itself has all the bounds.
func TestPatience(t *testing.T) {
	t.Parallel()
	p := patient()
	for name, d := range map[string]time.Duration{"header": p.header, "read": p.read, "write": p.write, "idle": p.idle} {
		if d <= 0 || d > 2*time.Minute {
			t.Errorf("%s: %v", name, d)
		}
	}
	if p.header > p.read || p.read > p.write {
		t.Errorf("bounds that end others: %+v", p)
	}
}

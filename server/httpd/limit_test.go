package httpd

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/time/rate"
)

// TestForwarded: an address in X-Forwarded-For counts in each form that proxies write.
func TestForwarded(t *testing.T) {
	t.Parallel()
	plain, mapped := netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::ffff:10.0.0.0/104")
	for _, c := range []struct {
		proxies netip.Prefix
		header  string
		want    string
	}{
		{plain, "203.0.113.9", "203.0.113.9/32"},
		{plain, "203.0.113.9:4711", "203.0.113.9/32"},
		{plain, "2001:db8::1", "2001:db8::/56"},
		{plain, "[2001:db8::1]", "2001:db8::/56"},
		{plain, "[2001:db8::1]:4711", "2001:db8::/56"},
		{plain, "198.51.100.1, 203.0.113.9:4711, 10.0.0.2:80", "203.0.113.9/32"},
		{plain, "unknown", "10.0.0.1/32"},
		{mapped, "203.0.113.9", "203.0.113.9/32"},
		{netip.MustParsePrefix("192.0.2.0/24"), "203.0.113.9", "10.0.0.1/32"},
	} {
		h := &handler{cfg: Config{Proxies: []netip.Prefix{c.proxies}}}
		r := &http.Request{RemoteAddr: "10.0.0.1:99", Header: http.Header{"X-Forwarded-For": {c.header}}}
		if have := h.prefix(r).String(); have != c.want {
			t.Errorf("%q behind %v: have %s, want %s", c.header, c.proxies, have, c.want)
		}
	}
}

// TestCrowd: who was heard of a minute ago keeps their allowance in a crowd, and memory stays bounded.
func TestCrowd(t *testing.T) {
	t.Parallel()
	l := newLimiter(50)
	payer := netip.MustParsePrefix("198.51.100.7/32")
	if l.wait(payer, 1) > 0 {
		t.Fatal("the first request waits")
	}
	l.mu.Lock()
	l.old, l.now, l.turned = l.now, make(map[netip.Prefix]*rate.Limiter), time.Now()
	l.mu.Unlock()
	crowd := func(i int) netip.Prefix {
		return netip.PrefixFrom(netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, byte(i >> 16), byte(i >> 8), byte(i)}), 56)
	}
	waits := 0
	for i := range maxPrefixes + 1000 {
		if l.wait(crowd(i), 1) > 0 {
			waits++
		}
	}
	if d := l.wait(payer, 1); d > 0 || waits == 0 {
		t.Errorf("the payer waits %v; %d of the crowd wait", d, waits)
	}
	for i := range 2 * maxPrefixes {
		l.old[crowd(1<<20+i)] = l.rest
		l.of(crowd(1<<20 + i))
	}
	if len(l.now) > 2*maxPrefixes {
		t.Errorf("%d prefixes are kept", len(l.now))
	}
}

// TestFirstRead: what a request says of its length reserves little.
func TestFirstRead(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest(http.MethodPost, "/", io.NopCloser(bytes.NewReader([]byte("{}"))))
	r.ContentLength = 60_000
	body, status := read(httptest.NewRecorder(), r)
	if status != http.StatusOK || string(body) != "{}" || cap(body) > 2*firstRead {
		t.Errorf("status %d, body %q in %d bytes", status, body, cap(body))
	}
}

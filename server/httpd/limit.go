package httpd

import (
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// limiter counts requests by address prefix, in memory. Prefixes not heard of for a minute are forgotten; more than
// maxPrefixes new ones in that time share one allowance, so that memory stays bounded.
type limiter struct {
	rate rate.Limit

	mu       sync.Mutex
	turned   time.Time
	now, old map[netip.Prefix]*rate.Limiter
	rest     *rate.Limiter
}

const (
	maxPrefixes  = 50_000
	burstSeconds = 10
	generation   = time.Minute
)

func newLimiter(perSecond float64) *limiter {
	l := &limiter{rate: rate.Limit(perSecond), now: make(map[netip.Prefix]*rate.Limiter)}
	l.rest = l.fresh()
	return l
}

func (l *limiter) fresh() *rate.Limiter {
	return rate.NewLimiter(l.rate, max(10, int(float64(l.rate)*burstSeconds)))
}

// wait takes cost from the allowance of a prefix, or says how long to wait.
func (l *limiter) wait(p netip.Prefix, cost int) time.Duration {
	if l.rate < 0 {
		return 0
	}
	r := l.of(p).ReserveN(time.Now(), cost)
	if d := r.Delay(); d > 0 {
		r.Cancel()
		return d
	}
	return 0
}

func (l *limiter) of(p netip.Prefix) *rate.Limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now := time.Now(); now.Sub(l.turned) > generation {
		l.turned, l.old, l.now = now, l.now, make(map[netip.Prefix]*rate.Limiter)
	}
	if one := l.now[p]; one != nil {
		return one
	}
	// Who was here in the last minute keeps their allowance, whatever crowd has come since.
	one := l.old[p]
	switch {
	case one == nil && len(l.now) >= maxPrefixes, len(l.now) >= 2*maxPrefixes:
		return l.rest
	case one == nil:
		one = l.fresh()
	}
	l.now[p] = one
	return one
}

// prefix is the network that a request came from: the peer's, or what trusted proxies say, counted from the right.
func (h *handler) prefix(r *http.Request) netip.Prefix {
	addr := peer(r.RemoteAddr)
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && h.trusts(addr); i-- {
		next := hop(strings.TrimSpace(hops[i]))
		if !next.IsValid() {
			break
		}
		addr = next
	}
	bits := 32
	if addr.Is6() {
		bits = 56 // what one customer of a provider commonly gets
	}
	p, err := addr.Prefix(bits)
	if err != nil {
		return netip.Prefix{} // all that have no address share one allowance
	}
	return p
}

func (h *handler) trusts(a netip.Addr) bool {
	for _, p := range h.cfg.Proxies {
		if base := p.Addr(); base.Is4In6() && p.Bits() >= 96 {
			p = netip.PrefixFrom(base.Unmap(), p.Bits()-96)
		}
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// hop reads an address of X-Forwarded-For, which some proxies write with a port or in brackets. The zero Addr is none.
func hop(s string) netip.Addr {
	if a, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(s, "["), "]")); err == nil {
		return a.Unmap().WithZone("")
	}
	return peer(s)
}

func peer(remote string) netip.Addr {
	ap, err := netip.ParseAddrPort(remote)
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap().WithZone("")
}

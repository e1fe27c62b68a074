package license

import (
	"net/http"
	"os"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/counterfoil-dev/counterfoil/internal/statefile"
	"github.com/counterfoil-dev/counterfoil/licensetest"
)

// How many requests a check may make, by what was tried before.
func TestTries(t *testing.T) {
	t.Parallel()
	const today, now = 100, 100*day + 12*60*60
	const backoff, hold = int64(maxBackoff / time.Second), int64(maxHold / time.Second)
	for _, c := range []struct {
		name             string
		a                attempts
		tries, insisting int
	}{
		{"never tried", attempts{}, 2, 2},
		{"the day before", attempts{Day: today - 1, Count: 8, Failures: 9, Next: now + 60}, 2, 2},
		{"a day ahead, by a clock set back", attempts{Day: today + 1, Count: 8, Next: now + 60}, 2, 2},
		{"after one", attempts{Day: today, Count: 1}, 1, 1},
		{"the last one", attempts{Day: today, Count: 7}, 1, 1},
		{"none left", attempts{Day: today, Count: 8}, 0, 0},
		{"more than allowed", attempts{Day: today, Count: 99}, 0, 0},
		{"back-off", attempts{Day: today, Count: 2, Next: now + 1}, 0, 1},
		{"back-off without a request", attempts{Day: today, Next: now + 1}, 0, 2},
		{"back-off over", attempts{Day: today, Count: 2, Next: now}, 1, 1},
		{"longer than any back-off", attempts{Day: today, Count: 2, Next: now + 2*backoff + 1}, 1, 1},
		{"held", attempts{Day: today, Count: 2, Hold: now + 1}, 0, 0},
		{"held since the day before", attempts{Day: today - 1, Count: 2, Hold: now + 1}, 0, 0},
		{"hold over", attempts{Day: today, Count: 2, Hold: now}, 1, 1},
		{"longer than any hold", attempts{Day: today, Count: 2, Hold: now + hold + 1}, 1, 1},
	} {
		if got := c.a.tries(now, false); got != c.tries {
			t.Errorf("%s: %d tries, want %d", c.name, got, c.tries)
		}
		if got := c.a.tries(now, true); got != c.insisting {
			t.Errorf("%s, insisting: %d tries, want %d", c.name, got, c.insisting)
		}
	}
}

// What one check leaves behind for the next.
func TestAttemptsOverDays(t *testing.T) {
	t.Parallel()
	const now = 100*day + 12*60*60
	a := attempts{}
	a.reserve(now, 2)
	a.hold(now, 0)
	a.hold(now, -5)
	if want := (attempts{Day: 100, Count: 2}); a != want {
		t.Errorf("reserved: %+v", a)
	}
	a.hold(now, 3600)
	a.failed(now, 0)
	if a.Count != 2 || a.Failures != 1 || a.Hold != now+3600 {
		t.Errorf("failed: %+v", a)
	}
	next := a
	next.reserve(now+day, 1)
	if want := (attempts{Day: 101, Count: 1, Hold: now + 3600}); next != want {
		t.Errorf("reserved on the next day: %+v", next)
	}
	next = a
	next.failed(now+day, 0)
	if next.Day != 101 || next.Count != 0 || next.Failures != 1 {
		t.Errorf("failed on the next day: %+v", next)
	}
	a.hold(now, 1<<31-1)
	if a.Hold != now+day {
		t.Errorf("held for %d s", a.Hold-now)
	}
	same, other := a, a
	same.settled(100)
	other.settled(101)
	if same != (attempts{Day: 100, Count: 2}) || other != (attempts{Day: 101}) {
		t.Errorf("settled: %+v, %+v", same, other)
	}
}

// 15 minutes, doubling up to 6 hours, each spread over [0.75, 1.25] of itself.
func TestBackoff(t *testing.T) {
	t.Parallel()
	const now = 100 * day
	want := firstBackoff
	for failures := range 12 {
		waits := make([]float64, 2000)
		for i := range waits {
			a := attempts{Day: 100, Failures: failures}
			a.failed(now, 0)
			waits[i] = float64(a.Next-now) / want.Seconds()
		}
		low, high := slices.Min(waits), slices.Max(waits)
		if low < 0.75-0.01 || low > 0.8 || high > 1.25 || high < 1.2 {
			t.Errorf("after %d failures the wait is %.2f to %.2f of %v", failures, low, high, want)
		}
		want = min(2*want, maxBackoff)
	}
}

// A header that anybody on the way can send lengthens a back-off, and not beyond what back-off alone may reach.
func TestUnsignedRetryAfterIsBounded(t *testing.T) {
	t.Parallel()
	const now = 100 * day
	for after, want := range map[time.Duration]time.Duration{
		-time.Hour: 0, time.Hour: time.Hour, maxBackoff: maxBackoff, 24 * time.Hour: maxBackoff, 1<<63 - 1: maxBackoff,
	} {
		a := attempts{}
		a.failed(now, after)
		got := time.Duration(a.Next-now) * time.Second
		if want > 0 && got != want || got > 2*firstBackoff && want == 0 || a.Hold != 0 {
			t.Errorf("%v: waits for %v", after, got)
		}
	}
}

// Nobody who asks once a minute, licensed or not, gets more than 8 requests a day out of the door.
func TestEightRequestsADay(t *testing.T) {
	t.Parallel()
	for name, d := range map[string]time.Duration{"grace": dayLong / 2, "lapsed": 20*dayLong + dayLong/2} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				c := b.activated()
				b.srv.Fail(licensetest.Unreachable())
				b.clock.Advance(d) // midnight
				for n := range 3 {
					before := b.checks()
					for range 24 * 10 {
						c.Check(t.Context())
						b.clock.Advance(6 * time.Minute)
					}
					sent := b.checks() - before
					if sent > maxRequests || sent < 4 || name == "lapsed" && sent != maxRequests {
						t.Errorf("day %d: %d requests", n, sent)
					}
				}
			})
		})
	}
}

// Who asks with a signature to be left alone is, also on the next day, and whoever insists.
func TestSignedRetryAfterHoldsAcrossDays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.activated()
		b.clock.Set(noon.Add(15*dayLong + 10*time.Hour)) // 22:00, lapsed: every check insists
		b.srv.Fail(licensetest.Refuse("busy", 20*time.Hour))
		b.open().Check(t.Context())
		b.srv.Heal()
		n := b.checks()
		for range 19 {
			b.clock.Advance(time.Hour)
			c := b.open()
			c.Check(t.Context())
			b.want(c, Lapsed, ReasonLeaseEnded)
		}
		if b.checks() != n {
			t.Fatalf("%d requests while the server asked for none", b.checks()-n)
		}
		b.clock.Advance(time.Hour)
		c := b.open()
		c.Check(t.Context())
		b.want(c, Active, ReasonConfirmed)
	})
}

// What a hotel's portal sends costs neither the next day its try nor the person who insists.
func TestUnsignedRetryAfterEndsWithTheDay(t *testing.T) {
	t.Parallel()
	for name, d := range map[string]time.Duration{"next day": dayLong + 10*time.Hour, "insisting": 15 * dayLong} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				b.activated()
				b.clock.Advance(d)
				b.srv.Fail(licensetest.RetryAfter("86400"))
				b.open().Check(t.Context())
				b.srv.Heal()
				b.clock.Advance(3 * time.Hour)
				c := b.open()
				c.Check(t.Context())
				b.want(c, Active, ReasonConfirmed)
			})
		})
	}
}

// roundTrip is a function as an http.RoundTripper.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// A process that is killed while it waits for the answer must not get its tries again at the next start.
func TestTriesAreCountedBeforeTheyAreMade(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.activated()
	b.clock.Advance(dayLong)
	counted := -1
	cfg := b.config()
	cfg.HTTPClient = &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		data, err := statefile.New(b.dir, stateName).Read()
		if err != nil {
			return nil, err
		}
		stored, err := decodeRecord(data)
		if err != nil {
			return nil, err
		}
		counted = stored.Attempts.on(dayOf(b.clock.Now().Unix())).Count
		return b.srv.RoundTrip(r)
	})}
	c, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	c.Check(t.Context())
	b.want(c, Active, ReasonConfirmed)
	if counted != firstTries {
		t.Fatalf("%d tries are stored while the first is under way", counted)
	}
	if stored := b.open().rec.Attempts.Count; stored != 1 {
		t.Fatalf("%d tries are stored for the one that was needed", stored)
	}
}

// Devices draw from the whole range, evenly.
func TestJitterIsEven(t *testing.T) {
	t.Parallel()
	var quarter [4]int
	for range 10000 {
		j := drawJitter()
		if j < 0 || j > maxJitter {
			t.Fatalf("%d s", j)
		}
		quarter[min(j*4/maxJitter, 3)]++
	}
	for i, n := range quarter {
		if n < 2000 {
			t.Errorf("%d of 10000 in quarter %d", n, i)
		}
	}
}

// A record that a check or an import made is spread like one that was activated.
func TestEveryRecordHasJitter(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(b *bench) *Client{
		"activated": (*bench).activated,
		"imported":  (*bench).activatedOffline,
		"healed": func(b *bench) *Client {
			c := b.activated()
			if err := os.WriteFile(c.file.Path(), nil, 0o600); err != nil {
				b.Fatal(err)
			}
			c = b.open()
			c.Check(b.Context())
			return c
		},
	} {
		drawn := map[int64]bool{}
		for range 4 { // one alone may draw 0
			drawn[start(newBench(t)).rec.Jitter] = true
		}
		if len(drawn) == 1 {
			t.Errorf("%s: the same jitter each time: %v", name, drawn)
		}
	}
}

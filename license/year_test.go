package license

import (
	"context"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/counterfoil-dev/counterfoil/licensetest"
)

// counted notes the time of every request that leaves the device.
type counted struct {
	next http.RoundTripper
	mu   sync.Mutex
	days map[int64]int
}

func (r *counted) RoundTrip(req *http.Request) (*http.Response, error) {
	r.mu.Lock()
	r.days[dayOf(time.Now().Unix())]++
	r.mu.Unlock()
	return r.next.RoundTrip(req)
}

// skewed is a device's clock: the true time, and what somebody, or a laptop's sleep, did to it.
type skewed struct {
	mu sync.Mutex
	by time.Duration
}

func (s *skewed) Now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Now().Add(s.by)
}

func (s *skewed) add(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.by += d
}

// year plays 365 days of a person who uses the software on most days, restarts it now and then, and lets it run. Each
// day gets what the caller makes of it.
type year struct {
	*bench
	rand    *rand.Rand
	net     *counted
	clock   *skewed
	used    map[int64]bool
	offline map[int64]bool
	changes map[int64]int
}

func play(t *testing.T, seed uint64, day func(y *year, n int)) *year {
	y := &year{rand: rand.New(rand.NewPCG(seed, 1)), clock: &skewed{},
		used: map[int64]bool{}, offline: map[int64]bool{}, changes: map[int64]int{}}
	srv := licensetest.NewServer(licensetest.Config{})
	y.bench = &bench{T: t, srv: srv, machine: newMachine("board-1", "system-1"), store: &memory{}, dir: t.TempDir(),
		record: srv.AddLicense(licensetest.License{Product: product, Seats: 1})}
	y.net = &counted{next: srv, days: map[int64]int{}}
	c := y.start()
	if err := c.Activate(t.Context(), Code(y.record.Code)); err != nil {
		t.Fatal(err)
	}
	clear(y.net.days)
	for n := 1; n <= 365; n++ {
		time.Sleep(time.Until(time.Unix((dayOf(time.Now().Unix())+1)*24*60*60, 0)))
		day(y, n)
	}
	if y.record.Seats() != 1 {
		t.Fatalf("%d seats after a year", y.record.Seats())
	}
	return y
}

// today is the true UTC day.
func today() int64 { return dayOf(time.Now().Unix()) }

// start starts the application.
func (y *year) start() *Client {
	c, err := Open(Config{Product: product, Server: y.srv.URL(), Keys: y.srv.Keys(), Dir: y.dir, TokenStore: y.store,
		HTTPClient: &http.Client{Transport: y.net}, Now: y.clock.Now, readDevice: y.machine.read})
	if err != nil {
		y.Fatal(err)
	}
	return c
}

// work starts the application, checks as the quick start does, and runs for a while.
func (y *year) work(d time.Duration) {
	c := y.start()
	y.used[today()] = true
	c.Check(y.Context())
	ctx, cancel := context.WithCancel(y.Context())
	var wg sync.WaitGroup
	wg.Go(func() { c.Run(ctx) })
	time.Sleep(d)
	cancel()
	wg.Wait()
}

func (y *year) hours(from, to int) time.Duration {
	return time.Duration(from)*time.Hour + time.Duration(y.rand.Int64N(int64(to-from)*int64(time.Hour)))
}

// judge holds every day's requests against the budget.
func (y *year) judge() {
	var total, most int
	for d, n := range y.net.days {
		total += n
		most = max(most, n)
		limit := 1
		if y.offline[d] {
			limit = maxRequests
		}
		if y.changes[d] > 0 || y.changes[d-1] > 0 { // each change of the clock may look like a new day
			limit = maxRequests
		}
		if n > limit {
			y.Errorf("day %d: %d requests, offline %v, %d changes of the clock", d, n, y.offline[d], y.changes[d])
		}
	}
	for d := range y.used {
		if y.net.days[d] == 0 && y.changes[d] == 0 && y.changes[d-1] == 0 && y.changes[d-2] == 0 {
			y.Errorf("day %d was used and nothing was tried", d)
		}
	}
	y.Logf("%d days of use, %d requests, at most %d on a day", len(y.used), total, most)
}

func TestYearOfUse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		outage := 0
		y := play(t, 1, func(y *year, n int) {
			switch {
			case n%40 == 0:
				outage = 1 + y.rand.IntN(16)
				y.srv.Fail(licensetest.Unreachable())
			case n%55 == 0:
				outage = 1
				y.srv.Fail(licensetest.Status(503))
			}
			y.offline[today()] = outage > 0
			if y.rand.IntN(5) > 0 { // a day off now and then
				time.Sleep(y.hours(0, 9))
				for range 1 + y.rand.IntN(3) {
					y.work(y.hours(0, 5))
				}
			}
			if outage--; outage == 0 {
				time.Sleep(time.Until(time.Unix((today()+1)*24*60*60, 0)) - time.Minute)
				y.srv.Heal()
			}
		})
		y.judge()
		y.srv.Heal()
		time.Sleep(24 * time.Hour)
		c := y.start()
		c.Check(t.Context())
		if st := c.Status(); st.State != Active {
			t.Fatal(st.State, st.CheckErr())
		}
	})
}

// A program that is never stopped, over a year with outages: the turn of the day is spread, and no day goes without a
// try.
func TestYearOfRunning(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var c *Client
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		y := play(t, 2, func(y *year, n int) {
			if c == nil {
				c = y.start()
				wg.Go(func() { c.Run(ctx) })
			}
			y.used[today()] = true
			if n%30 == 0 {
				y.srv.Fail(licensetest.CaptivePortal())
				y.offline[today()] = true
			}
			time.Sleep(23*time.Hour + 58*time.Minute)
			y.srv.Heal()
		})
		cancel()
		wg.Wait()
		y.judge()
	})
}

// Sleep and clocks that are set forth and back: the day's limit holds, nothing is lost, and it heals.
func TestYearOfWrongClocks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		y := play(t, 3, func(y *year, n int) {
			if n%7 == 0 {
				y.clock.add(time.Duration(y.rand.IntN(20)-10) * 24 * time.Hour)
				y.changes[today()]++
			}
			if n%50 == 0 {
				y.clock.add(time.Duration(y.rand.IntN(20)-10) * 365 * 24 * time.Hour)
				y.changes[today()]++
			}
			time.Sleep(y.hours(6, 9))
			y.work(y.hours(3, 8))
			c := y.start()
			c.Check(t.Context())
			if st := c.Status(); !st.Usable() {
				t.Errorf("day %d: %v, %v", n, st.State, st.CheckErr())
			}
		})
		y.judge()
	})
}

package license

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/counterfoil-dev/counterfoil/internal/statefile"
	"github.com/counterfoil-dev/counterfoil/licensetest"
)

// running activates a device that lives by the bubble's clock and keeps its license with Run until the test ends.
func running(t *testing.T, cfg Config, code string, jitter int64) *Client {
	t.Helper()
	c, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Activate(t.Context(), Code(code)); err != nil {
		t.Fatal(err)
	}
	c.rec.Jitter = jitter
	if err := c.save(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { c.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		wg.Wait()
	})
	return c
}

// bubbled is a server, and the configuration of a device, that live by the bubble's clock.
func bubbled(t *testing.T) (*licensetest.Server, string, Config) {
	t.Helper()
	srv := licensetest.NewServer(licensetest.Config{})
	return srv, srv.AddLicense(licensetest.License{Product: product}).Code, Config{
		Product: product, Server: srv.URL(), Keys: srv.Keys(), Dir: t.TempDir(), TokenStore: &memory{},
		HTTPClient: srv.Client(), readDevice: newMachine("board-1", "system-1").read,
	}
}

func midnight() time.Time { return time.Unix((today()+1)*day, 0) }

// After a day on which the server was down, all of which every device tried in vain, they do not all come at midnight.
func TestTurnOfTheDayIsSpreadAfterAnOutage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv, code, cfg := bubbled(t)
		var mu sync.Mutex
		asked := map[int][]time.Time{}
		const devices = 8
		jitter := func(i int) int64 { return int64(i+1) * maxJitter / devices }
		time.Sleep(time.Until(midnight()) - time.Minute)
		for i := range devices {
			cfg.Dir, cfg.TokenStore = t.TempDir(), &memory{}
			cfg.readDevice = newMachine(fmt.Sprint("board-", i), fmt.Sprint("system-", i)).read
			cfg.HTTPClient = &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
				mu.Lock()
				asked[i] = append(asked[i], time.Now())
				mu.Unlock()
				return srv.RoundTrip(r)
			})}
			running(t, cfg, code, jitter(i))
		}
		time.Sleep(time.Until(midnight()))
		srv.Fail(licensetest.Unreachable())
		turn := midnight()
		time.Sleep(time.Until(turn) - time.Second)
		synctest.Wait()
		srv.Heal()
		mu.Lock()
		clear(asked)
		mu.Unlock()
		time.Sleep(3 * time.Hour)
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		for i := range devices {
			earliest := turn.Add(time.Duration(jitter(i)) * time.Second)
			if len(asked[i]) != 1 || asked[i][0].Before(earliest) || asked[i][0].After(earliest.Add(2*tick)) {
				t.Errorf("device %d asked at %v, want %v", i, asked[i], earliest)
			}
		}
	})
}

// A laptop that slept through its lease: the timers stood, the calendar did not, and nobody waits for the jitter while
// the program cannot be used.
func TestRunDoesNotWaitWhileNotUsable(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, code, cfg := bubbled(t)
		clock := &skewed{}
		cfg.Now = clock.Now
		c := running(t, cfg, code, maxJitter-100)
		time.Sleep(90 * time.Second)
		clock.add(15 * dayLong)
		if c.Status().Usable() {
			t.Fatal(c.Status().State)
		}
		time.Sleep(2 * tick)
		if st := c.Status(); st.State != Active {
			t.Fatal(st.State, st.CheckErr())
		}
	})
}

// While the server is there, a program that runs sees no grace, however late in the spread its check is.
func TestRunNeverShowsGraceWhileOnline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, code, cfg := bubbled(t)
		c := running(t, cfg, code, maxJitter-60)
		c.OnChange(func(s Status) { t.Errorf("%v: %v", time.Now(), s.State) })
		time.Sleep(4 * dayLong)
	})
}

// A program that runs on a device that is not the lease's writes its state seldom, not with every look at the clock.
func TestRunSparesTheDisk(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.activated()
		b.machine = newMachine("board-9", "system-9")
		b.srv.Fail(licensetest.Unreachable())
		c := b.open()
		writes, last, since := 0, statefile.Stamp{}, int64(0)
		for range 600 {
			b.clock.Advance(time.Minute)
			since = c.step(t.Context(), since)
			if c.stamp != last {
				writes++
				last = c.stamp
			}
		}
		if writes > 50 || b.machine.verdict > 20 {
			t.Fatalf("%d writes and %d comparisons in ten hours", writes, b.machine.verdict)
		}
	})
}

// stuck is a network that swallows requests.
func (b *bench) stuck() (c *Client, sent *int) {
	b.Helper()
	sent = new(int)
	cfg := b.config()
	cfg.HTTPClient = &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		*sent++
		<-r.Context().Done()
		return nil, r.Context().Err()
	})}
	c, err := Open(cfg)
	if err != nil {
		b.Fatal(err)
	}
	return c, sent
}

// A program that gives each check little time must not spend the day's tries within a second.
func TestDeadlineCountsAsAFailure(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.activated()
		b.clock.Advance(dayLong)
		c, sent := b.stuck()
		for range 20 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			c.Check(ctx)
			cancel()
		}
		if a := c.rec.Attempts; *sent != 1 || a.Count != 1 || a.Failures != 1 {
			t.Fatalf("%d sent, %+v", *sent, a)
		}
		b.clock.Advance(time.Hour) // the network is back
		c = b.open()
		c.Check(t.Context())
		b.want(c, Active, ReasonConfirmed)
	})
}

// Who ends the program while it checks says nothing of the network: the next start tries at once.
func TestCancelIsNoFailure(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.activated()
		b.clock.Advance(dayLong)
		c, sent := b.stuck()
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		c.Check(ctx)
		if a := c.rec.Attempts; *sent != 1 || a.Count != 1 || a.Failures != 0 || a.Next != 0 {
			t.Fatalf("%d sent, %+v", *sent, a)
		}
		c = b.open()
		c.Check(t.Context())
		b.want(c, Active, ReasonConfirmed)
	})
}

// Whoever listens is told the latest state last, also if another goroutine brings it while one is being told.
func TestListenersAreToldInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		c := b.activated()
		var mu sync.Mutex
		told := map[string][]State{}
		goOn := make(chan struct{})
		held := sync.OnceFunc(func() { <-goOn })
		for _, name := range []string{"a", "b"} {
			c.OnChange(func(s Status) {
				mu.Lock()
				told[name] = append(told[name], s.State)
				mu.Unlock()
				held()
			})
		}
		b.clock.Advance(dayLong)
		go c.notify() // as Run does: Grace
		synctest.Wait()
		c.Check(t.Context())
		close(goOn)
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		for name, states := range told {
			if len(states) != 2 || states[0] != Grace || states[1] != Active {
				t.Errorf("%s was told %v", name, states)
			}
		}
		if len(told) != 2 {
			t.Error(told)
		}
	})
}

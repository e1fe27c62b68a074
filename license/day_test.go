package license

import (
	"math/rand/v2"
	"testing"
	"time"
)

// A day of 10 million devices, simulated with the schedule of this package and without its Client: when each of them sends
// a check. Each simulated device stands for crowdScale.
const (
	crowdScale = 50
	crowdSize  = 10_000_000 / crowdScale
	crowdSlot  = 5 * 60 // seconds by which requests are counted
)

// crowd is what arrives at the server, or would if it were not away.
type crowd struct {
	slots    [2 * day / crowdSlot]int // requests, by time since the UTC day began; retries within one check included
	answered int
}

// An hour's outage in the morning of the second of the four time zones: Los Angeles, New York, Berlin, Singapore.
const (
	outageStart = 13*60*60 + 30*60
	outageEnd   = outageStart + 60*60
)

// starts is when an application is started, in seconds of the UTC day: 70% between 08:00 and 10:00 local, the others at
// any time.
func starts(r *rand.Rand) int64 {
	if r.IntN(10) >= 7 {
		return r.Int64N(day)
	}
	zone := [...]int64{-8, -5, 1, 8}[r.IntN(4)] * 60 * 60
	return (8*60*60 + r.Int64N(2*60*60) - zone + day) % day
}

// send plays one device: an application that is started, makes its check so much later, as Run does, and looks once a
// minute from then on, until it has an answer.
func (c *crowd) send(start, jitter int64, outage bool) {
	now := start + jitter
	if dayOf(now) != dayOf(start) { // Run spreads each turn of the day anew
		now = dayOf(now)*day + jitter
	}
	for a := (attempts{}); now < int64(len(c.slots))*crowdSlot; now += seconds(tick) {
		tries := a.tries(now, false)
		switch {
		case tries == 0:
			continue
		case !outage || now < outageStart || now >= outageEnd:
			c.slots[now/crowdSlot]++
			c.answered++
			return
		}
		a.reserve(now, tries)
		c.slots[now/crowdSlot] += tries
		a.failed(now, 0)
	}
}

// peak is the busiest slot, in requests a second of all devices.
func (c *crowd) peak() (highest float64) {
	for _, n := range c.slots {
		highest = max(highest, float64(n)*crowdScale/crowdSlot)
	}
	return highest
}

// drain is how long after the outage requests stay above what is usual by a tenth, and how high they go.
func (c *crowd) drain(usual float64) (long time.Duration, highest float64) {
	for i := outageEnd / crowdSlot; i < len(c.slots); i++ {
		rate := float64(c.slots[i]) * crowdScale / crowdSlot
		if rate > 1.1*usual {
			long = time.Duration((i+1)*crowdSlot-outageEnd) * time.Second
		}
		highest = max(highest, rate)
	}
	return long, highest
}

// TestDayOfTenMillion: with Run the busiest time of the day is at most four times the mean; an outage of an hour makes
// neither a storm nor a device that stays without an answer.
func TestDayOfTenMillion(t *testing.T) {
	t.Parallel()
	const mean = 10_000_000.0 / day
	now := func() int64 { return 0 }
	for _, way := range []struct {
		name   string
		starts func(*rand.Rand) int64
		jitter func() int64
		most   float64 // times the mean; 0: not promised
	}{
		{"Run", starts, drawJitter, 4},
		{"Check", starts, now, 0},
		{"Run, every device through the turn of the day", func(*rand.Rand) int64 { return 0 }, drawJitter, 0},
	} {
		var plain, broken crowd
		for _, c := range []*crowd{&plain, &broken} {
			r := rand.New(rand.NewPCG(1, 2))
			for range crowdSize {
				c.send(way.starts(r), way.jitter(), c == &broken)
			}
			if c.answered != crowdSize {
				t.Errorf("%s: %d of %d devices got an answer", way.name, c.answered, crowdSize)
			}
		}
		peak := plain.peak()
		long, highest := broken.drain(peak)
		t.Logf("%s: mean %.0f requests/s, peak %.0f, peak/mean %.1f; after an hour's outage at most %.0f, above the usual peak for %v",
			way.name, mean, peak, peak/mean, highest, long)
		if way.most > 0 && peak > way.most*mean {
			t.Errorf("%s: peak %.0f/s is more than %.0f times the mean", way.name, peak, way.most)
		}
		if way.most > 0 && highest > 2*way.most*mean {
			t.Errorf("%s: %.0f/s after an outage", way.name, highest)
		}
	}
}

package license

import (
	"math/rand/v2"
	"time"
)

const (
	maxRequests   = 8 // a UTC day, the transport's retries counted
	firstTries    = 2 // of the day's first check; a later one makes a single try, to spread the 8 over the day
	firstBackoff  = 15 * time.Minute
	maxBackoff    = 6 * time.Hour
	maxRetryAfter = 24 * time.Hour
)

// attempts counts a day's requests.
type attempts struct {
	Day      int64 `json:"day"`            // UTC day
	Count    int   `json:"count"`          // requests that left the device, or may have
	Failures int   `json:"failures"`       // checks in a row that brought no answer
	Next     int64 `json:"next,omitempty"` // Unix seconds; not before, within the same day
	Hold     int64 `json:"hold,omitempty"` // Unix seconds; not before, whatever the day: somebody asked so
}

// on returns the counter for the given day: a new day starts afresh, so that no day of use goes without a try.
func (a attempts) on(today int64) attempts {
	if a.Day == today {
		return a
	}
	return attempts{Day: today, Hold: a.Hold}
}

// tries says how many requests a check may make now; 0 if it has to wait. While the license is not usable, insist
// passes over the back-off, so that a person who mended the network or paid the renewal need not wait for it.
func (a attempts) tries(now int64, insist bool) int {
	a = a.on(dayOf(now))
	waiting := func(until int64, most time.Duration) bool {
		return now < until && until-now <= seconds(most) // further ahead, the clock has been set back
	}
	if waiting(a.Hold, maxRetryAfter) || waiting(a.Next, 2*maxBackoff) && !insist {
		return 0
	}
	if a.Count == 0 {
		return firstTries
	}
	return min(1, max(maxRequests-a.Count, 0))
}

// reserve counts requests before they are made: a process killed in the middle must not get them again.
func (a *attempts) reserve(now int64, tries int) {
	*a = a.on(dayOf(now))
	a.Count += tries
}

// failed notes that no answer came, and when to try again: 15 min, doubling, at most 6 h, each uniform in [0.75,
// 1.25] of itself.
func (a *attempts) failed(now int64, retryAfter time.Duration) {
	wait := min(firstBackoff<<min(a.Failures, 8), maxBackoff)
	wait = wait*3/4 + rand.N(wait/2+1)
	a.Failures++
	a.Next = now + seconds(wait)
	a.Hold = 0
	if retryAfter > 0 {
		a.Hold = now + seconds(min(retryAfter, maxRetryAfter))
	}
}

// settled notes that an answer came on the given day.
func (a *attempts) settled(today int64) {
	*a = attempts{Day: today, Count: a.on(today).Count}
}

// due reports whether a check is to be made at all: on each UTC day once.
func (r *record) due(now int64) bool { return dayOf(now) > dayOf(r.Answered) }

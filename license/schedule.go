package license

import (
	"math/rand/v2"
	"time"
)

const (
	maxRequests  = 8 // a UTC day, the transport's retries counted
	firstTries   = 2 // of the day's first check; a later one makes a single try, to spread the 8 over the day
	firstBackoff = 15 * time.Minute
	maxBackoff   = 6 * time.Hour
	maxHold      = 24 * time.Hour
)

// attempts counts a day's requests.
type attempts struct {
	Day      int64 `json:"day"`            // UTC day
	Count    int   `json:"count"`          // requests that left the device, or may have
	Failures int   `json:"failures"`       // checks in a row that brought no answer
	Next     int64 `json:"next,omitempty"` // Unix seconds; not before, within the same day
	Hold     int64 `json:"hold,omitempty"` // Unix seconds; not before, whatever the day: the server asked so
}

// on returns the counter of the given day; a new day starts at zero, so that every day of use has a try.
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
	if waiting(a.Hold, maxHold) || waiting(a.Next, 2*maxBackoff) && !insist {
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
// 1.25] of itself. A longer Retry-After counts, up to 6 h and within the day: it is not signed, and anybody on the way
// can send it.
func (a *attempts) failed(now int64, retryAfter time.Duration) {
	*a = a.on(dayOf(now))
	wait := min(firstBackoff<<min(a.Failures, 8), maxBackoff)
	wait = wait*3/4 + rand.N(wait/2+1)
	a.Failures++
	a.Next = now + seconds(max(wait, min(retryAfter, maxBackoff)))
}

// hold notes that the server itself asks to be left alone for some seconds, at most a day.
func (a *attempts) hold(now int64, forSeconds int) {
	if forSeconds > 0 {
		a.Hold = now + min(int64(forSeconds), seconds(maxHold))
	}
}

// settled notes that an answer came on the given day.
func (a *attempts) settled(today int64) {
	*a = attempts{Day: today, Count: a.on(today).Count}
}

// due reports whether a check is to be made at all: on each UTC day once.
func (r *record) due(now int64) bool { return dayOf(now) > dayOf(r.Answered) }

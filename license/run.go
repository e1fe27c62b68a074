package license

import (
	"context"
	"time"
)

// tick is how often Run looks at the clock. Long waits are made of short ones, since a laptop that sleeps stops the
// timers and not the calendar.
const tick = time.Minute

// Run keeps the license of a long-running program: it makes the day's check, delayed by up to two hours so that not
// every device asks at the turn of the day, repeats it after failures, and notices changes that time or other processes
// bring, for [Client.OnChange]. It blocks until ctx ends and returns its cause. Start it in a goroutine, once; a
// program that may run for less than two hours calls [Client.Check] at its start as well.
func (c *Client) Run(ctx context.Context) error {
	timer := time.NewTimer(tick)
	defer timer.Stop()
	var since int64 // when the check was first seen to be due; 0: it is not
	for {
		since = c.step(ctx, since)
		c.notify()
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-timer.C:
			timer.Reset(tick)
		}
	}
}

// step does what is to be done now and returns since when a check is due.
func (c *Client) step(ctx context.Context, since int64) int64 {
	select {
	case <-c.turn:
	case <-ctx.Done():
		return since
	}
	now := c.now()
	state := c.Status().State
	due := c.rec.due(now) || state == ClockRolledBack
	pressing := state != Active && state != Grace
	jitter := c.rec.Jitter
	c.turn <- struct{}{}

	if !due {
		since = 0
	} else if since == 0 || dayOf(since) != dayOf(now) { // each turn of the day is spread, also after a day without answer
		since = now
	}
	u := sendNothing
	if due && (now >= since+jitter || pressing) {
		u = ifDue
	}
	c.check(ctx, u)
	return since
}

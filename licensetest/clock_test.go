package licensetest

import (
	"testing"
	"time"
)

func TestClock(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	c := NewClock(start)
	c.Advance(36 * time.Hour)
	c.Advance(-12 * time.Hour)
	if want := start.Add(24 * time.Hour); !c.Now().Equal(want) {
		t.Errorf("want %v, have %v", want, c.Now())
	}
	c.Set(start.AddDate(-10, 0, 0))
	if want := start.AddDate(-10, 0, 0); !c.Now().Equal(want) {
		t.Errorf("want %v, have %v", want, c.Now())
	}
}

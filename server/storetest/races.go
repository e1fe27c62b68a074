package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/counterfoil-dev/counterfoil/server"
)

var errStop = errors.New("stop")

func rollback(s *suite) {
	err := s.store.Update(s.Context(), func(tx server.Tx) error {
		return errors.Join(tx.InitMeta(s.Context(), "a", "1"), errStop)
	})
	if err := wants("update", err, errStop); err != nil {
		s.Fatal(err)
	}
	s.view(func(ctx context.Context, tx server.Tx) error {
		_, err := tx.Meta(ctx, "a")
		return wants("rolled back", err, server.ErrNotFound)
	})
}

// panics: a panic of a rule rolls back and leaves the store usable.
func panics(s *suite) {
	func() {
		defer func() {
			if recover() == nil {
				s.Error("the panic was swallowed")
			}
		}()
		_ = s.store.Update(s.Context(), func(tx server.Tx) error {
			if err := tx.InitMeta(s.Context(), "a", "1"); err != nil {
				return err
			}
			panic("a mistake in a rule")
		})
	}()
	s.update(func(ctx context.Context, tx server.Tx) error {
		_, err := tx.Meta(ctx, "a")
		return wants("rolled back", err, server.ErrNotFound)
	})
}

func readOnly(s *suite) {
	err := s.store.View(s.Context(), func(tx server.Tx) error { return tx.InitMeta(s.Context(), "a", "1") })
	if err == nil {
		s.Fatal("a view wrote")
	}
	s.view(func(ctx context.Context, tx server.Tx) error {
		_, err := tx.Meta(ctx, "a")
		return wants("written by a view", err, server.ErrNotFound)
	})
}

func canceled(s *suite) {
	ctx, cancel := context.WithCancel(s.Context())
	cancel()
	if err := s.store.Update(ctx, func(tx server.Tx) error { return tx.InitMeta(ctx, "a", "1") }); !errors.Is(err, context.Canceled) {
		s.Fatalf("update with a canceled context: %v", err)
	}
	s.update(func(ctx context.Context, tx server.Tx) error { return tx.InitMeta(ctx, "a", "1") })
}

// together runs f n times at once and fails the part for each error.
func (s *suite) together(n int, f func(i int) error) {
	s.Helper()
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() {
			if err := f(i); err != nil {
				s.Error(err)
			}
		})
	}
	group.Wait()
}

// mixed: of many updates at once some fail, some panic, some are canceled; what was reported done is there, and nothing of
// what failed.
func mixed(s *suite) {
	const n = 120
	var canceled [n]bool
	s.together(n, func(i int) (err error) {
		name := fmt.Sprint(i)
		ctx, cancel := context.WithCancel(s.Context())
		defer cancel()
		if i%4 == 3 {
			go cancel()
		}
		if i%4 == 2 {
			defer func() {
				if recover() == nil {
					err = errors.New("no panic")
				}
			}()
		}
		err = s.store.Update(ctx, func(tx server.Tx) error {
			if err := tx.InitMeta(s.Context(), name, "x"); err != nil {
				return err
			}
			switch i % 4 {
			case 1:
				return errStop
			case 2:
				panic("a mistake in a rule")
			}
			return nil
		})
		switch {
		case i%4 == 1:
			return wants("failing", err, errStop)
		case i%4 == 3 && err != nil:
			canceled[i] = true
			return wants("canceled", err, context.Canceled)
		}
		return err
	})
	s.view(func(ctx context.Context, tx server.Tx) error {
		for i := range n {
			if canceled[i] { // the commit may have been under way: nobody was told that it is there, and repeating is harmless
				continue
			}
			want := i%4 == 0 || i%4 == 3
			if _, err := tx.Meta(ctx, fmt.Sprint(i)); (err == nil) != want {
				return fmt.Errorf("update %d: want it there: %t, have %v", i, want, err)
			}
		}
		return nil
	})
}

// seatsRace: of many that want a seat at once, as many get one as there are.
func seatsRace(s *suite) {
	const seats = 7
	s.sold(seats)
	var taken atomic.Int64
	s.together(100, func(int) error {
		var ok bool
		err := s.store.Update(s.Context(), func(tx server.Tx) (err error) {
			ok, err = tx.TakeSeat(s.Context(), "lic_1")
			return err
		})
		if ok {
			taken.Add(1)
		}
		return err
	})
	equal(s, "seats taken", taken.Load(), seats)
	s.together(seats+1, func(int) error {
		return s.store.Update(s.Context(), func(tx server.Tx) error { return tx.FreeSeat(s.Context(), "lic_1") })
	})
	s.view(func(ctx context.Context, tx server.Tx) error {
		l, err := tx.License(ctx, "lic_1")
		equal(s, "used after all were freed, and one more", l.Used, 0)
		return err
	})
}

// lock: what is read after LockLicense holds until the transaction ends.
func lock(s *suite) {
	s.sold(1)
	const n = 60
	s.together(n, func(int) error {
		return s.store.Update(s.Context(), func(tx server.Tx) error {
			l, err := tx.LockLicense(s.Context(), "lic_1")
			if err != nil {
				return err
			}
			l.Granted++
			return tx.PutLicense(s.Context(), l)
		})
	})
	s.view(func(ctx context.Context, tx server.Tx) error {
		l, err := tx.License(ctx, "lic_1")
		equal(s, "granted", l.Granted, 3+n)
		equal(s, "revision", l.Revision, 7+n)
		return err
	})
}

func charge(s *suite) {
	const interval, burst = 10, 3
	const year = int64(365 * 24 * time.Hour)
	take := func(now int64) (wait int64) {
		s.Helper()
		s.update(func(ctx context.Context, tx server.Tx) (err error) {
			wait, err = tx.Charge(ctx, "k", now, interval, burst)
			return err
		})
		return wait
	}
	for i, step := range []struct{ now, wait int64 }{
		{1000, 0}, {1000, 0}, {1000, 0}, {1000, 10}, {1004, 6}, // the burst, then none
		{1010, 0}, {1010, 10}, // one more each interval
		{5000, 0}, {5000, 0}, {5000, 0}, {5000, 10}, // full again
		{4990, 20}, {5010, 0}, // a clock a little behind changes nothing
		{year, 0}, {year, 0}, {year, 0}, {year, 10}, {6000, 0}, {6000, 0}, {6000, 0}, {6000, 10}, // one set back by a year does
	} {
		if wait := take(step.now); wait != step.wait {
			s.Fatalf("step %d at %d: have wait %d, want %d", i, step.now, wait, step.wait)
		}
	}
}

// chargeRace: of 400 at once, as many pass as the burst allows.
func chargeRace(s *suite) {
	var passed atomic.Int64
	s.together(400, func(int) error {
		var wait int64
		err := s.store.Update(s.Context(), func(tx server.Tx) (err error) {
			wait, err = tx.Charge(s.Context(), "k", 1000, 1_000_000, 5)
			return err
		})
		if wait == 0 && err == nil {
			passed.Add(1)
		}
		return err
	})
	equal(s, "passed", passed.Load(), 5)
}

// firstStartRace: of many that set a value at once, one wins, and all see it.
func firstStartRace(s *suite) {
	var mu sync.Mutex
	seen := make(map[string]bool)
	s.together(20, func(i int) error {
		var v string
		err := s.store.Update(s.Context(), func(tx server.Tx) (err error) {
			err = errors.Join(tx.InitMeta(s.Context(), "secret", fmt.Sprint(i)),
				tx.InitKey(s.Context(), server.SealedKey{ID: "k1", Public: fmt.Sprint(i)}))
			if err == nil {
				v, err = tx.Meta(s.Context(), "secret")
			}
			return err
		})
		mu.Lock()
		defer mu.Unlock()
		seen[v] = true
		return err
	})
	if len(seen) != 1 {
		s.Fatalf("several first values: %v", seen)
	}
	s.view(func(ctx context.Context, tx server.Tx) error {
		keys, err := tx.Keys(ctx)
		if len(keys) != 1 {
			s.Fatalf("%d first keys", len(keys))
		}
		return err
	})
}

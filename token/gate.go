package token

import (
	"context"
	"errors"
	"time"
)

// Bounds on one access to a store, besides the caller's context. A read or a write on an unlocked store takes
// milliseconds; what takes seconds waits for a person or hangs. Two minutes is long enough to find a password.
const (
	readBound   = 5 * time.Second
	writeBound  = 10 * time.Second
	personBound = 2 * time.Minute
	putBound    = 15 * time.Second // a write to the keyring that hangs, and then the file
	probeBound  = time.Second
)

var errBusy = errors.New("an earlier call has not returned")

// gate lets one call at a time through to a store and stops waiting when it should. A call that hangs keeps the gate
// shut, so that there is never more than one goroutine behind it.
type gate struct {
	store Store
	slot  chan struct{} // capacity 1: full while a call is under way
	late  Token         // what a read brought after nobody waited any more; owned by the holder of slot
}

func newGate(s Store) *gate { return &gate{store: s, slot: make(chan struct{}, 1)} }

func (g *gate) get(ctx context.Context, bound time.Duration) (Token, error) {
	return g.read(ctx, bound, g.store.Get)
}

// unlock is get, with leave to ask the person where the store can.
func (g *gate) unlock(ctx context.Context) (Token, error) {
	if u, ok := g.store.(Unlocker); ok {
		return g.read(ctx, personBound, u.Unlock)
	}
	return g.get(ctx, personBound)
}

func (g *gate) read(ctx context.Context, bound time.Duration, call func(context.Context) (Token, error)) (Token, error) {
	var got Token
	err := g.do(ctx, bound, func(ctx context.Context) (err error) {
		if got, g.late = g.late, (Token{}); !got.IsZero() {
			return nil
		}
		got, err = call(ctx)
		if err == nil && got.IsZero() {
			err = ErrAbsent
		}
		return err
	}, func() { g.late = got })
	if err != nil {
		return Token{}, err
	}
	return got, nil
}

// set writes t and reads it back.
func (g *gate) set(ctx context.Context, t Token) error { return g.write(ctx, t, g.store.Set) }

// setAsking is set, with leave to ask the person where the store can confirm single writes.
func (g *gate) setAsking(ctx context.Context, t Token) error {
	if a, ok := g.store.(interface {
		SetAsking(context.Context, Token) error
	}); ok {
		return g.write(ctx, t, a.SetAsking)
	}
	return g.set(ctx, t)
}

func (g *gate) write(ctx context.Context, t Token, call func(context.Context, Token) error) error {
	return g.do(ctx, writeBound, func(ctx context.Context) error {
		g.late = Token{}
		if err := call(ctx, t); err != nil {
			return err
		}
		back, err := g.store.Get(ctx)
		if errors.Is(err, ErrAbsent) || err == nil && !back.Equal(t) {
			return as(ErrLocked, errors.New("it did not keep what was written"))
		}
		return err
	}, nil)
}

func (g *gate) delete(ctx context.Context) error {
	err := g.do(ctx, personBound, func(ctx context.Context) error {
		g.late = Token{}
		return g.store.Delete(ctx)
	}, nil)
	if errors.Is(err, ErrAbsent) {
		return nil
	}
	return err
}

// probe asks a store that can tell whether it would work now. A busy gate answers for it.
func (g *gate) probe(ctx context.Context) error {
	p, ok := g.store.(interface{ Probe(context.Context) error })
	if !ok {
		return nil
	}
	return g.do(ctx, probeBound, p.Probe, nil)
}

// idle reports whether no call is under way.
func (g *gate) idle() bool { return len(g.slot) == 0 }

// do runs call on a goroutine of its own, which keeps the slot until call returns. Where the context or the bound ends
// first, the error is ErrLocked; if call succeeds after that, late runs, still within the slot.
func (g *gate) do(ctx context.Context, bound time.Duration, call func(context.Context) error, late func()) error {
	ctx, cancel := context.WithTimeout(ctx, bound)
	defer cancel()
	if ctx.Err() != nil {
		return as(ErrLocked, ctx.Err())
	}
	select {
	case g.slot <- struct{}{}:
	case <-ctx.Done():
		return as(ErrLocked, errors.Join(errBusy, ctx.Err()))
	}
	done := make(chan error)
	go func() {
		defer func() { <-g.slot }()
		err := call(ctx)
		select {
		case done <- err:
		case <-ctx.Done(): // also when do has returned
			if err == nil && late != nil {
				late()
			}
		}
	}()
	select {
	case err := <-done:
		if err != nil && ctx.Err() != nil && !known(err) {
			return as(ErrLocked, err)
		}
		return err
	case <-ctx.Done():
		return as(ErrLocked, ctx.Err())
	}
}

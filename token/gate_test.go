package token_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/counterfoil-dev/counterfoil/token"
)

// TestHang: a keyring that does not answer costs each call its bound, blocks nothing else and piles up nothing.
func TestHang(t *testing.T) {
	t.Parallel()
	dir := tempDir(t) // outside the bubble: its clean-up outlives it
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.dir, b.cfg.Dir = dir, dir
		put(t, b.start(), "tok")
		release := b.ring.Hang()
		calls := b.ring.Calls()
		v := b.start()

		begin := time.Now()
		_, err := v.Get(t.Context())
		wantErr(t, err, token.ErrLocked) // and not ErrAbsent
		if d := time.Since(begin); d != 5*time.Second {
			t.Errorf("Get returned after %v", d)
		}
		for range 50 {
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			begin := time.Now()
			_, err := v.Get(ctx)
			wantErr(t, err, token.ErrLocked)
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Fatalf("the error hides the context's: %v", err)
			}
			if d := time.Since(begin); d != 100*time.Millisecond {
				t.Fatalf("Get returned after %v", d)
			}
			cancel()
		}
		if n := b.ring.Calls() - calls; n != 1 {
			t.Errorf("%d calls reached the keyring that hangs, each with a goroutine", n)
		}

		begin = time.Now()
		s := v.Status(t.Context())
		if time.Since(begin) != 0 || s.Store != token.KindKeyring || !errors.Is(s.Err, token.ErrLocked) || s.Advice("de") == "" {
			t.Errorf("Status took %v: %+v", time.Since(begin), s)
		}

		// The answer comes after all, and is not asked for a second time.
		release()
		synctest.Wait()
		want(t, v, "tok")
		if n := b.ring.Calls() - calls; n != 1 {
			t.Errorf("%d calls, want 1", n)
		}
	})
}

func TestHangAtActivation(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.dir, b.cfg.Dir = dir, dir
		release := b.ring.Hang()
		v := b.start()
		begin := time.Now()
		put(t, v, "tok") // a new token: into the file
		if d := time.Since(begin); d != 10*time.Second {
			t.Errorf("Put returned after %v", d)
		}
		want(t, v, "tok")
		want(t, b.start(), "tok")
		begin = time.Now()
		if s := v.Status(t.Context()); s.Store != token.KindFile || s.Keyring || time.Since(begin) != 0 {
			t.Errorf("Status: %+v", s)
		}
		release()
	})
}

// TestContextEndsDuringActivation: a network that took long must not cost the activation.
func TestContextEndsDuringActivation(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.dir, b.cfg.Dir = dir, dir
		release := b.ring.Hang()
		defer release()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		v := b.start()
		if err := v.Put(ctx, mustToken(t, "tok")); err != nil {
			t.Fatal(err)
		}
		want(t, b.start(), "tok")

		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if err := v.Put(ended, mustToken(t, "new")); err != nil {
			t.Fatal(err)
		}
		want(t, v, "new")
		want(t, b.start(), "new")
	})
}

// TestPutDuringADialog: a person who is in no hurry must not cost the activation either.
func TestPutDuringADialog(t *testing.T) {
	t.Parallel()
	for name, ask := range map[string]func(*token.Vault, context.Context){
		"unlock": func(v *token.Vault, ctx context.Context) { v.Unlock(ctx) },
		"delete": func(v *token.Vault, ctx context.Context) { v.Delete(ctx) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := tempDir(t)
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				b.dir, b.cfg.Dir = dir, dir
				v := b.start()
				release := b.ring.Hang()
				var all sync.WaitGroup
				all.Go(func() { ask(v, t.Context()) })
				synctest.Wait()
				begin := time.Now()
				put(t, v, "paid")
				if d := time.Since(begin); d > 15*time.Second {
					t.Errorf("Put returned after %v", d)
				}
				release()
				all.Wait()
				want(t, v, "paid")
				want(t, b.start(), "paid")
			})
		})
	}
}

// TestLateEnd: what began before a Put and ends after it does not undo what Put holds.
func TestLateEnd(t *testing.T) {
	t.Parallel()
	for name, late := range map[string]func(*token.Vault, context.Context) error{
		"replace": func(v *token.Vault, ctx context.Context) error {
			tok, _ := token.New("renewed")
			return v.Replace(ctx, tok)
		},
		"delete": func(v *token.Vault, ctx context.Context) error { return v.Delete(ctx) },
		"unlock": func(v *token.Vault, ctx context.Context) error { _, err := v.Unlock(ctx); return err },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := tempDir(t)
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				b.dir, b.cfg.Dir = dir, dir
				v := b.start()
				put(t, v, "old")
				release := b.ring.Hang()
				done := make(chan error, 1)
				go func() { done <- late(v, t.Context()) }()
				synctest.Wait()
				ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
				defer cancel()
				begin := time.Now()
				err := v.Put(ctx, mustToken(t, "paid"))
				wantErr(t, err, token.ErrLocked)
				if e, _ := errors.AsType[*token.Error](err); e.Store != "Secret Service" {
					t.Errorf("Put blames %s", e.Store)
				}
				if d := time.Since(begin); d != 50*time.Millisecond {
					t.Errorf("Put returned after %v", d)
				}
				release()
				if err := <-done; err != nil {
					t.Errorf("%s: %v", name, err)
				}
				want(t, v, "paid")
			})
		})
	}
}

func TestGetDuringUnlock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.cfg.Dir = ""
		release := b.ring.Hang()
		v := b.start()
		begin := time.Now()
		done := make(chan error, 1)
		go func() {
			_, err := v.Unlock(t.Context())
			done <- err
		}()
		synctest.Wait()
		_, err := v.Get(t.Context())
		wantErr(t, err, token.ErrLocked)
		if d := time.Since(begin); d != 5*time.Second {
			t.Errorf("Get returned after %v", d)
		}
		wantErr(t, <-done, token.ErrLocked)
		if d := time.Since(begin); d != 2*time.Minute {
			t.Errorf("Unlock returned after %v", d)
		}
		release()
	})
}

// TestPutDuringGet: a slow read of the old token does not displace the new one, which is nowhere but in memory.
func TestPutDuringGet(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.cfg.Store, b.cfg.Dir = b.ring, ""
		put(t, b.start(), "old")
		v := b.start()
		release := b.ring.Hang()
		read := make(chan token.Token, 1)
		go func() {
			tok, _ := v.Get(t.Context())
			read <- tok
		}()
		synctest.Wait()
		written := make(chan error, 1)
		b.ring.FailCall(1, errors.New("broken"))
		go func() { written <- v.Put(t.Context(), mustToken(t, "new")) }()
		synctest.Wait()
		release()
		if tok := <-read; tok.Reveal() != "new" {
			t.Errorf("Get returned the old token after Put began")
		}
		if err := <-written; err == nil {
			t.Error("Put did not fail")
		}
		want(t, v, "new")
		want(t, b.start(), "old")
	})
}

// TestGetWithATokenWaitsForNothing, not even for a person.
func TestGetWithATokenWaitsForNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.cfg.Dir = ""
		v := b.start()
		put(t, v, "tok")
		release := b.ring.Hang()
		var all sync.WaitGroup
		all.Go(func() { v.Unlock(t.Context()) })
		synctest.Wait()
		begin := time.Now()
		want(t, v, "tok")
		if d := time.Since(begin); d != 0 {
			t.Errorf("Get returned after %v", d)
		}
		release()
		all.Wait()
	})
}

package licensetest

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/counterfoil-dev/counterfoil/token"
)

// TestTokenStore is the conformance suite for a [token.Store] of your own. open returns it anew, as a new process
// would; all that it returns share one place, which must be empty, unlocked and used by nobody else, and which is empty
// again at the end.
func TestTokenStore(t *testing.T, open func() token.Store) {
	t.Helper()
	ctx := t.Context()
	first, second := storeToken(t, "first"), storeToken(t, "second")
	largest := storeToken(t, strings.Repeat("x", token.MaxSize))

	absent := func(when string) {
		t.Helper()
		if tok, err := open().Get(ctx); !errors.Is(err, token.ErrAbsent) || !tok.IsZero() {
			t.Fatalf("%s: Get: a token %v, error %v, want none and ErrAbsent", when, !tok.IsZero(), err)
		}
	}
	set := func(tok token.Token) {
		t.Helper()
		if err := open().Set(ctx, tok); err != nil {
			t.Fatalf("Set: %v", err)
		}
		if back, err := open().Get(ctx); err != nil || !back.Equal(tok) {
			t.Fatalf("Get after Set: not what was set, error %v", err)
		}
	}
	absent("at first")
	set(first)
	set(second)
	set(largest)

	s := open()
	var all sync.WaitGroup
	for range 4 {
		for _, tok := range []token.Token{first, second} {
			all.Go(func() {
				if err := s.Set(ctx, tok); err != nil {
					t.Errorf("Set at once with others: %v", err)
				}
			})
		}
		all.Go(func() {
			got, err := s.Get(ctx)
			if err != nil || !got.Equal(first) && !got.Equal(second) && !got.Equal(largest) {
				t.Errorf("Get at once with Set: none of the tokens, error %v", err)
			}
		})
	}
	all.Wait()

	if err := open().Delete(ctx); err != nil {
		t.Fatalf("Delete: %v", err)
	}
	absent("after Delete")
	if err := open().Delete(ctx); err != nil && !errors.Is(err, token.ErrAbsent) {
		t.Errorf("Delete of nothing: %v, want nil or ErrAbsent", err)
	}
}

func storeToken(t *testing.T, secret string) token.Token {
	t.Helper()
	tok, err := token.New(secret)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

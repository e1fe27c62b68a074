package licensetest

import (
	"context"
	"fmt"
	"sync"

	"github.com/counterfoil-dev/counterfoil/token"
)

var (
	_ token.Store    = (*Keyring)(nil)
	_ token.Unlocker = (*Keyring)(nil)
)

// Keyring is a [token.Store] and [token.Unlocker] in memory that behaves as badly as it is told to. The zero Keyring
// is empty and works. Each test makes its own, so that tests run in parallel; nothing is switched for the whole
// process. All methods may be called at any time from any goroutine.
type Keyring struct {
	// Limit is the largest secret it takes, in bytes. No system's is below token.MaxSize, so only a test that wants
	// token.ErrTooLarge sets it. Default: 0, no limit.
	Limit int

	mu      sync.Mutex
	token   token.Token
	calls   int
	fail    map[int]error // by number of the call
	refusal error         // of every call: ErrLocked, ErrDeclined, ErrUnsupported
	unlock  error         // what Unlock returns while locked; nil opens it
	hang    chan struct{} // closed: go on
}

// Lock makes every call return [token.ErrLocked], until Unlock, which stands for the person who types the password, or
// Open.
func (k *Keyring) Lock() { k.refuse(token.ErrLocked, nil) }

// Decline is Lock with a person who dismisses the dialog: Unlock returns [token.ErrDeclined], and so does every other
// call.
func (k *Keyring) Decline() { k.refuse(token.ErrDeclined, token.ErrDeclined) }

// Remove makes every call return [token.ErrUnsupported], as if no keyring were installed.
func (k *Keyring) Remove() { k.refuse(token.ErrUnsupported, token.ErrUnsupported) }

// Open ends Lock, Decline and Remove.
func (k *Keyring) Open() { k.refuse(nil, nil) }

func (k *Keyring) refuse(refusal, unlock error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.refusal, k.unlock = refusal, unlock
}

// Hang makes every call that starts from now on wait for release, deaf to its context, as calls of an operating system
// are. What was asked is then done. Call release before the test ends: no goroutine is left then.
func (k *Keyring) Hang() (release func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	hang := make(chan struct{})
	k.hang = hang
	return sync.OnceFunc(func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		close(hang)
		if k.hang == hang {
			k.hang = nil
		}
	})
}

// FailCall makes the n-th call from now on (1 is the next) return err and do nothing.
func (k *Keyring) FailCall(n int, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.fail == nil {
		k.fail = make(map[int]error)
	}
	k.fail[k.calls+n] = err
}

// Calls is how many calls there were, with those that failed or still hang.
func (k *Keyring) Calls() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.calls
}

// Token returns what is stored, past every lock; the zero Token if nothing is.
func (k *Keyring) Token() token.Token {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.token
}

// Get implements [token.Store].
func (k *Keyring) Get(context.Context) (token.Token, error) {
	n, end := k.begin()
	defer end()
	if err := k.outcome(n); err != nil {
		return token.Token{}, err
	}
	return k.stored()
}

// Set implements [token.Store].
func (k *Keyring) Set(_ context.Context, t token.Token) error {
	n, end := k.begin()
	defer end()
	if err := k.outcome(n); err != nil {
		return err
	}
	if size := len(t.Reveal()); k.Limit > 0 && size > k.Limit {
		return fmt.Errorf("%w: %d bytes, the limit is %d", token.ErrTooLarge, size, k.Limit)
	}
	k.token = t
	return nil
}

// Delete implements [token.Store].
func (k *Keyring) Delete(context.Context) error {
	n, end := k.begin()
	defer end()
	if err := k.outcome(n); err != nil {
		return err
	}
	if k.token.IsZero() {
		return token.ErrAbsent
	}
	k.token = token.Token{}
	return nil
}

// Unlock implements [token.Unlocker].
func (k *Keyring) Unlock(context.Context) (token.Token, error) {
	n, end := k.begin()
	defer end()
	if k.unlock == nil {
		k.refusal = nil
	}
	if err := k.outcome(n); err != nil {
		return token.Token{}, err
	}
	return k.stored()
}

func (k *Keyring) stored() (token.Token, error) {
	if k.token.IsZero() {
		return token.Token{}, token.ErrAbsent
	}
	return k.token, nil
}

// begin numbers a call, waits while calls hang, and returns with mu held; end releases it.
func (k *Keyring) begin() (n int, end func()) {
	k.mu.Lock()
	k.calls++
	n = k.calls
	if hang := k.hang; hang != nil {
		k.mu.Unlock()
		<-hang
		k.mu.Lock()
	}
	return n, k.mu.Unlock
}

// outcome is what happens to call n, if not what was asked.
func (k *Keyring) outcome(n int) error {
	if err, ok := k.fail[n]; ok {
		delete(k.fail, n)
		return err
	}
	return k.refusal
}

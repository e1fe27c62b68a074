package token

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/counterfoil-dev/counterfoil/internal/statefile"
)

// Config says what Open looks after.
type Config struct {
	Product string // required: names the keyring item, the environment variables, the systemd credential
	Dir     string // for token.json; empty: no file, and the keyring alone

	// Store replaces the keyring and the file, and what an administrator supplies is not looked at. Default: nil.
	Store Store
	// RequireKeyring forbids the file for new tokens. One that is there already is still read, so that Migrate can move
	// it. It does not concern Store, nor what an administrator supplies.
	RequireKeyring bool
	// Account names the item within the product's keyring items: installations of one product under one user that must
	// not share a token (each with a Dir of its own) need different ones. Default: "token". It is stored in clear.
	Account string
}

// Vault keeps this installation's token in the best store there is. Its methods may be called from several goroutines,
// and several processes may use the same Config.
//
// A Vault asks a store at most once for a token and remembers it. All calls end with their context, and at the latest
// after 5 seconds for a read and 15 for a write; those that may ask a person (Unlock, Migrate, Delete) after two
// minutes. A store that hangs blocks further calls until their bounds, nothing else.
type Vault struct {
	product string
	strict  bool
	custom  *gate           // the caller's store, or nil
	keyring *gate           // of the operating system
	ring    string          // what the keyring is called here
	file    *statefile.File // token.json, or nil
	getenv  func(string) string

	busy chan struct{} // capacity 1: held by a method that reads or writes stores

	mu      sync.Mutex
	held    Token // what Get returns without asking, if any
	unsaved bool  // held is in memory alone
	home    Kind  // the store that this process knows to hold the token of this installation, held or an older one
	last    error // outcome of the latest access: nil, or an *Error
	refused bool  // the person declined to unlock the keyring, and has not opened it since
}

// Open returns a Vault. It does no I/O.
func Open(cfg Config) *Vault {
	if cfg.Account == "" {
		cfg.Account = "token"
	}
	// Whoever lists the keyring sees this name and the account: never put a code or an address into them.
	ring, name := systemKeyring(cfg.Product+" license", cfg.Account)
	return open(cfg, ring, name, os.Getenv)
}

func open(cfg Config, ring Store, name string, getenv func(string) string) *Vault {
	v := &Vault{
		product: cfg.Product,
		strict:  cfg.RequireKeyring,
		keyring: newGate(ring),
		ring:    name,
		getenv:  getenv,
		busy:    make(chan struct{}, 1),
	}
	if cfg.Store != nil {
		v.custom = newGate(cfg.Store)
	}
	if cfg.Dir != "" {
		v.file = statefile.Secret(cfg.Dir, recordName)
	}
	return v
}

// Get returns the token. The first success is remembered; absence and failures are not, since another process may
// activate and a keyring may be unlocked. It shows no dialog (see the package comment for macOS): a locked keyring is
// ErrLocked, and Unlock opens it.
func (v *Vault) Get(ctx context.Context) (Token, error) {
	if t, ok := v.remembered(); ok {
		return t, nil
	}
	ctx, release, err := v.enter(ctx, readBound)
	if err != nil {
		return Token{}, v.fail("get", place{}, err)
	}
	defer release()
	if t, ok := v.remembered(); ok {
		return t, nil
	}
	return v.load(ctx, "get", false)
}

// Unlock opens the store, with leave to ask the person, and reads the token again: for what a person does, before an
// activation, or with a button beside the hint of ErrLocked. ErrDeclined when they refuse, ErrAbsent when there is no
// token yet. After another error Get returns what it returned before.
func (v *Vault) Unlock(ctx context.Context) (Token, error) {
	return v.again(ctx, "unlock", personBound, true)
}

// Reload is Get without memory: after the server said that it does not know the token, because another process may
// have stored a new one. A token that could not be stored is kept, and after an error other than ErrAbsent, so is the
// old one.
func (v *Vault) Reload(ctx context.Context) (Token, error) {
	if t, unsaved, _ := v.memory(); unsaved {
		return t, nil
	}
	return v.again(ctx, "reload", readBound, false)
}

func (v *Vault) again(ctx context.Context, op string, bound time.Duration, ask bool) (Token, error) {
	ctx, release, err := v.enter(ctx, bound)
	if err != nil {
		return Token{}, v.fail(op, place{}, err)
	}
	defer release()
	t, err := v.load(ctx, op, ask)
	if errors.Is(err, ErrAbsent) {
		v.mu.Lock()
		if !v.unsaved {
			v.held, v.home = Token{}, KindNone
		}
		v.mu.Unlock()
	}
	return t, err
}

// load reads the token from the store that has it, and remembers it.
func (v *Vault) load(ctx context.Context, op string, ask bool) (Token, error) {
	if v.custom != nil {
		return v.loadFrom(ctx, v.custom, place{kind: KindCustom}, op, ask)
	}
	if e, ok := externalOf(v.product, v.getenv); ok {
		t, err := e.Get(ctx)
		return v.loaded(op, place{kind: e.kind, at: e.place}, t, err)
	}
	r, t, damage := v.readRecord()
	switch {
	case damage != nil && untouchable(damage):
		return v.loaded(op, v.inFile(), Token{}, as(ErrDeclined, damage))
	case r.Store == KindFile:
		return v.loaded(op, v.inFile(), t, nil)
	}
	// Without a record the keyring is asked all the same: the record may have been lost, the item not.
	t, err := v.loadFrom(ctx, v.keyring, v.inKeyring(), op, ask)
	switch {
	case err == nil:
	case damage != nil && (errors.Is(err, ErrAbsent) || errors.Is(err, ErrUnsupported)):
		return v.loaded(op, v.inFile(), Token{}, as(ErrAbsent, damage))
	case !errors.Is(err, ErrUnsupported):
	case r.Store == KindKeyring:
		return v.loaded(op, v.inKeyring(), Token{}, fmt.Errorf("%w: %w: %v", ErrLocked, errElsewhere, err))
	default:
		return v.loaded(op, place{}, Token{}, ErrAbsent)
	}
	return t, err
}

// errElsewhere: the token exists, and the keyring that has it does not, here and now. That is not ErrUnsupported, or
// the caller would take it for a place that never had a token.
var errElsewhere = errors.New("the keyring that holds it is missing in this session")

func (v *Vault) loadFrom(ctx context.Context, g *gate, p place, op string, ask bool) (Token, error) {
	if ask {
		t, err := g.unlock(ctx)
		v.answered(err)
		return v.loaded(op, p, t, err)
	}
	t, err := g.get(ctx, readBound)
	return v.loaded(op, p, t, err)
}

// loaded remembers what came of a read, unless Put brought a newer token meanwhile.
func (v *Vault) loaded(op string, p place, t Token, err error) (Token, error) {
	if err != nil {
		return Token{}, v.fail(op, p, err)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.home, v.last = p.kind, nil
	if !v.unsaved {
		v.held = t
	}
	return v.held, nil
}

func (v *Vault) remembered() (Token, bool) {
	t, _, _ := v.memory()
	return t, !t.IsZero()
}

// answered notes what a person said when asked to unlock a store.
func (v *Vault) answered(err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	switch {
	case errors.Is(err, ErrDeclined):
		v.refused = true
	case err == nil || errors.Is(err, ErrAbsent):
		v.refused = false
	}
}

// stored makes t, which a store has taken, what Get returns. No token: there is none any more.
func (v *Vault) stored(t Token, home Kind) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.held, v.unsaved, v.home, v.last = t, false, home, nil
}

// memory returns the token in memory, whether it is there alone, and the store that has it or an older one.
func (v *Vault) memory() (t Token, unsaved bool, home Kind) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.held, v.unsaved, v.home
}

// fail makes the *Error of an operation, and remembers it for Status.
func (v *Vault) fail(op string, p place, err error) error {
	e := &Error{Op: op, Store: p.name(), Hint: advice(p.kind, err).en, Err: err, kind: p.kind}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.last = e
	return e
}

// enter waits for the other methods of this Vault.
func (v *Vault) enter(ctx context.Context, bound time.Duration) (context.Context, func(), error) {
	ctx, cancel := context.WithTimeout(ctx, bound)
	if ctx.Err() != nil {
		cancel()
		return nil, nil, as(ErrLocked, ctx.Err())
	}
	select {
	case v.busy <- struct{}{}:
		return ctx, func() { <-v.busy; cancel() }, nil
	case <-ctx.Done():
		cancel()
		return nil, nil, as(ErrLocked, errors.Join(errBusy, ctx.Err()))
	}
}

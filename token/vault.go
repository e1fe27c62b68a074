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
// A Vault asks a store at most once for a token and remembers it. All calls end with their context, except that Put still
// writes the file, and at the latest after 5 seconds for a read and 15 for a write (Put: 30, when others write all the
// while); those that may ask a person (Unlock, Migrate, Delete) after two minutes. A store that hangs, or a person who
// is in no hurry, blocks further calls until their bounds, nothing else.
type Vault struct {
	product string
	strict  bool
	custom  *gate           // the caller's store, or nil
	keyring *gate           // of the operating system
	ring    string          // what the keyring is called here
	file    *statefile.File // token.json, or nil
	getenv  func(string) string

	busy chan struct{} // capacity 1: held by a method that reads or writes stores, never while a person is asked to unlock

	mu      sync.Mutex
	held    Token // what Get returns without asking, if any
	version int   // counts the changes of held by Put, Replace and Delete: a call that ends late must not undo a later one
	unsaved bool  // held is in memory alone
	home    Kind  // the store that this process knows to hold the token of this installation, held or an older one
	last    error // outcome of the latest access: nil, or an *Error; also that token.json could not be written
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
	defer release()
	if err != nil {
		return Token{}, v.fail("get", place{}, err)
	}
	if t, ok := v.remembered(); ok {
		return t, nil
	}
	return v.load(ctx, "get", false)
}

// Unlock opens the store, with leave to ask the person, and reads the token again: for what a person does, before an
// activation, or with a button beside the hint of ErrLocked. A token that Put could not store is stored then, and an
// error says that this failed. ErrDeclined when they refuse, ErrAbsent when there is no token yet. After another error
// Get returns what it returned before.
func (v *Vault) Unlock(ctx context.Context) (Token, error) {
	ctx, cancel := context.WithTimeout(ctx, personBound)
	defer cancel()
	version := v.current()
	// Without entering: other methods need not wait for a person, and the gate lets one call at a time through.
	t, err := v.load(ctx, "unlock", true)
	absent := errors.Is(err, ErrAbsent)
	if err != nil && !absent {
		return Token{}, err
	}
	ctx, release, enterErr := v.enter(ctx, personBound)
	defer release()
	if enterErr != nil {
		return Token{}, v.fail("unlock", place{}, enterErr)
	}
	if held, unsaved, _ := v.memory(); unsaved && !v.Supplied() {
		if err := v.save(ctx, "unlock", held, v.current()); err != nil {
			return Token{}, err
		}
		return held, nil
	}
	if absent {
		v.forget(version)
	}
	return t, err
}

// Reload is Get without memory: after the server said that it does not know the token, because another process may
// have stored a new one. A token that could not be stored is kept, and after an error other than ErrAbsent, so is the
// old one.
func (v *Vault) Reload(ctx context.Context) (Token, error) {
	if t, unsaved, _ := v.memory(); unsaved {
		return t, nil
	}
	ctx, release, err := v.enter(ctx, readBound)
	defer release()
	if err != nil {
		return Token{}, v.fail("reload", place{}, err)
	}
	version := v.current()
	t, err := v.load(ctx, "reload", false)
	if errors.Is(err, ErrAbsent) {
		v.forget(version)
	}
	return t, err
}

// forget is for a store that was found empty, unless memory has changed since that version.
func (v *Vault) forget(version int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.version == version && !v.unsaved {
		v.held, v.home = Token{}, KindNone
	}
}

// load reads the token from the store that has it, and remembers it.
func (v *Vault) load(ctx context.Context, op string, ask bool) (Token, error) {
	version := v.current()
	if v.custom != nil {
		return v.loadFrom(ctx, v.custom, place{kind: KindCustom}, op, ask)
	}
	if e, ok := externalOf(v.product, v.getenv); ok {
		t, err := e.Get(ctx)
		return v.loaded(op, place{kind: e.kind, at: e.place}, t, version, err)
	}
	r, t, damage := v.readRecord()
	switch {
	case damage != nil && untouchable(damage):
		return v.loaded(op, v.inFile(), Token{}, version, as(ErrDeclined, damage))
	case r.Store == KindFile:
		return v.loaded(op, v.inFile(), t, version, nil)
	}
	// Without a record the keyring is asked all the same: the record may have been lost, the item not.
	t, err := v.loadFrom(ctx, v.keyring, v.inKeyring(), op, ask)
	switch {
	case err == nil:
		if r.Store == KindNone && damage == nil {
			v.recordFound(ctx, op)
		}
	case damage != nil && (errors.Is(err, ErrAbsent) || errors.Is(err, ErrUnsupported)):
		return v.loaded(op, v.inFile(), Token{}, version, as(ErrAbsent, damage))
	case !errors.Is(err, ErrUnsupported):
	case r.Store == KindKeyring:
		return v.loaded(op, v.inKeyring(), Token{}, version, fmt.Errorf("%w: %w: %v", ErrLocked, errElsewhere, err))
	default:
		return v.loaded(op, place{}, Token{}, version, ErrAbsent)
	}
	return t, err
}

// errElsewhere: the token exists, and the keyring that has it does not, here and now. That is not ErrUnsupported, or
// the caller would take it for a place that never had a token.
var errElsewhere = errors.New("the keyring that holds it is missing in this session")

func (v *Vault) loadFrom(ctx context.Context, g *gate, p place, op string, ask bool) (Token, error) {
	version := v.current()
	if ask {
		t, err := g.unlock(ctx)
		v.answered(err)
		return v.loaded(op, p, t, version, err)
	}
	t, err := g.get(ctx, readBound)
	return v.loaded(op, p, t, version, err)
}

// loaded remembers what came of a read that began at that version. Where memory has changed since, that is newer.
func (v *Vault) loaded(op string, p place, t Token, version int, err error) (Token, error) {
	if err != nil {
		return Token{}, v.fail(op, p, err)
	}
	v.mu.Lock()
	if v.version == version {
		v.home, v.last = p.kind, nil
		if !v.unsaved {
			v.held = t
		}
	}
	t = v.held
	v.mu.Unlock()
	if t.IsZero() { // Delete ended meanwhile
		return Token{}, v.fail(op, p, ErrAbsent)
	}
	return t, nil
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

// stored makes t, which a store has taken, what Get returns, unless memory has changed since that version. No token:
// there is none any more.
func (v *Vault) stored(t Token, home Kind, version int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.home, v.last = home, nil
	if v.version == version {
		v.held, v.unsaved = t, false
		v.version++
	}
}

func (v *Vault) current() (version int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.version
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

// enter waits for the other methods of this Vault. The context that it returns has the bound, and has ended where there
// is an error.
func (v *Vault) enter(ctx context.Context, bound time.Duration) (context.Context, func(), error) {
	ctx, cancel := context.WithTimeout(ctx, bound)
	if ctx.Err() != nil {
		return ctx, cancel, as(ErrLocked, ctx.Err())
	}
	select {
	case v.busy <- struct{}{}:
		return ctx, func() { <-v.busy; cancel() }, nil
	case <-ctx.Done():
		return ctx, cancel, as(ErrLocked, errors.Join(errBusy, ctx.Err()))
	}
}

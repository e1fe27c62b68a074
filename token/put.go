package token

import (
	"context"
	"errors"
	"fmt"

	"github.com/counterfoil-dev/counterfoil/internal/statefile"
)

// Put keeps a token that the server issued at activation: from now on Get returns it, in this process, whatever
// happens. Then it is written and read back. An error says that this failed: the activation works until the program
// ends, the token that was stored before is still there, and the Hint tells what to do.
//
// A token that is the first goes into the keyring, or, where the keyring is missing, locked or too small, into the
// file. A later one goes where the one before it is. When the person declined to unlock the keyring, it is not put
// into the file instead: the error is ErrDeclined.
//
// The file is written even if ctx ends meanwhile, because a paid activation would be lost otherwise.
func (v *Vault) Put(ctx context.Context, t Token) error {
	if t.IsZero() {
		return v.fail("put", place{}, ErrInvalid)
	}
	v.hold(t)
	ctx, release, err := v.enter(ctx, putBound)
	if err != nil {
		return v.fail("put", place{}, err)
	}
	defer release()
	v.hold(t) // again, because another Put may have ended meanwhile
	return v.save(ctx, "put", t)
}

func (v *Vault) hold(t Token) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.held, v.unsaved = t, true
}

// Replace keeps a token that replaces a valid one at the server's demand: Get returns it only after it was written and
// read back. After an error Get returns the old one, and the store holds either. Where the store cannot be written,
// the error is ErrUnsupported and nothing changes.
func (v *Vault) Replace(ctx context.Context, t Token) error {
	if t.IsZero() {
		return v.fail("replace", place{}, ErrInvalid)
	}
	ctx, release, err := v.enter(ctx, putBound)
	if err != nil {
		return v.fail("replace", place{}, err)
	}
	defer release()
	return v.save(ctx, "replace", t)
}

// save stores t, reads it back and remembers it.
func (v *Vault) save(ctx context.Context, op string, t Token) error {
	if v.custom != nil {
		return v.saved(op, place{kind: KindCustom}, t, v.custom.set(ctx, t))
	}
	if e, ok := externalOf(v.product, v.getenv); ok {
		return v.fail(op, place{kind: e.kind, at: e.place}, as(ErrUnsupported, errReadOnly))
	}
	unlock, err := v.lock(ctx)
	if err != nil {
		return v.fail(op, v.inFile(), err)
	}
	defer unlock()

	r, _, damage := v.readRecord()
	if damage != nil {
		if untouchable(damage) {
			return v.fail(op, v.inFile(), as(ErrDeclined, damage))
		}
		// What cannot be set aside cannot be replaced either, and the write below says so.
		_, _ = v.file.SetAside()
	}
	home := r.Store
	if _, _, before := v.memory(); home == KindNone && before == KindKeyring {
		home = before // the record was lost
	}
	if home == KindFile && !v.strict {
		return v.saved(op, v.inFile(), t, v.writeFile(t, r.Reason))
	}
	err = v.keyring.set(ctx, t)
	switch {
	case err == nil:
		return v.saved(op, v.inKeyring(), t, v.recordKeyring(r))
	case errors.Is(err, ErrLocked) && v.hasRefused():
		return v.fail(op, v.inKeyring(), as(ErrDeclined, err))
	case home != KindNone, v.strict, v.file == nil, errors.Is(err, ErrDeclined):
		return v.fail(op, v.inKeyring(), err)
	}
	if fileErr := v.writeFile(t, reasonOf(err)); fileErr != nil {
		return v.fail(op, v.inFile(), fmt.Errorf("%w (before that, %s: %v)", fileErr, v.ring, err))
	}
	return v.saved(op, v.inFile(), t, nil)
}

func (v *Vault) saved(op string, p place, t Token, err error) error {
	if err != nil {
		return v.fail(op, p, err)
	}
	v.stored(t, p.kind)
	return nil
}

var errReadOnly = errors.New("it is supplied from outside and only read here")

// writeFile puts t into token.json and reads it back.
func (v *Vault) writeFile(t Token, reason string) error {
	if err := v.file.Write(encodeRecord(v.product, KindFile, reason, t)); err != nil {
		return ofRecord(err)
	}
	_, back, err := v.readRecord()
	if err != nil || !back.Equal(t) {
		return as(ErrLocked, errors.Join(errors.New("it did not keep what was written"), err))
	}
	return nil
}

// recordKeyring makes token.json say that the token is in the keyring. That it cannot be written matters only where it
// says otherwise: without a record the keyring is asked all the same.
func (v *Vault) recordKeyring(r record) error {
	if v.file == nil || r.Store == KindKeyring {
		return nil
	}
	err := v.file.Write(encodeRecord(v.product, KindKeyring, "", Token{}))
	if err != nil && r.Store == KindFile {
		return ofRecord(err)
	}
	return nil
}

func ofRecord(err error) error {
	switch {
	case errors.Is(err, statefile.ErrReadOnly):
		return as(ErrUnsupported, err)
	case untouchable(err):
		return as(ErrDeclined, err)
	}
	return as(ErrLocked, err)
}

// lock keeps other processes from changing token.json. Where there is no place for a lock there is none for the file
// either, and the keyring needs none.
func (v *Vault) lock(ctx context.Context) (unlock func(), err error) {
	if v.file == nil {
		return func() {}, nil
	}
	unlock, err = v.file.Lock(ctx)
	switch {
	case err == nil:
		return unlock, nil
	case ctx.Err() != nil:
		return nil, as(ErrLocked, err)
	}
	return func() {}, nil
}

func (v *Vault) hasRefused() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.refused
}

// Delete removes the token, after deactivation or when a person wants to be forgotten, from the keyring and from the
// file. After an error Get still returns it, except: where the token is in a keyring that does not exist here any
// more, the rest goes, the error is ErrUnsupported, and activating again starts anew. What an administrator supplies
// cannot be removed: ErrUnsupported, too.
func (v *Vault) Delete(ctx context.Context) error {
	ctx, release, err := v.enter(ctx, personBound)
	if err != nil {
		return v.fail("delete", place{}, err)
	}
	defer release()
	if v.custom != nil {
		if err := v.custom.delete(ctx); err != nil {
			return v.fail("delete", place{kind: KindCustom}, err)
		}
		v.stored(Token{}, KindNone)
		return nil
	}
	unlock, err := v.lock(ctx)
	if err != nil {
		return v.fail("delete", v.inFile(), err)
	}
	defer unlock()
	r, _, damage := v.readRecord()
	if untouchable(damage) {
		return v.fail("delete", v.inFile(), as(ErrDeclined, damage))
	}
	_, _, home := v.memory()
	inRing := r.Store == KindKeyring || home == KindKeyring
	// Tried in any case: an interrupted Migrate, or a write that took too long, may have left a copy there.
	ringErr := v.keyring.delete(ctx)
	if ringErr != nil && inRing && !errors.Is(ringErr, ErrUnsupported) {
		return v.fail("delete", v.inKeyring(), ringErr)
	}
	if v.file != nil {
		if err := v.file.Remove(); err != nil {
			return v.fail("delete", v.inFile(), ofRecord(err))
		}
	}
	v.stored(Token{}, KindNone)
	if ringErr != nil && inRing {
		return v.fail("delete", v.inKeyring(), ringErr)
	}
	if e, ok := externalOf(v.product, v.getenv); ok {
		return v.fail("delete", place{kind: e.kind, at: e.place}, as(ErrUnsupported, errReadOnly))
	}
	return nil
}

// Migrate moves the token from the file into the keyring, asking the person to unlock it if need be. It also stores a
// token that Put could not store. Nothing to move is success; after an error the token is where it was.
func (v *Vault) Migrate(ctx context.Context) error {
	ctx, release, err := v.enter(ctx, personBound)
	if err != nil {
		return v.fail("migrate", place{}, err)
	}
	defer release()
	if _, ok := externalOf(v.product, v.getenv); ok || v.custom != nil {
		return nil
	}
	if _, t, err := v.movable(); err != nil || t.IsZero() {
		return err
	}
	// Before the lock: other processes need not wait for a person.
	_, err = v.keyring.unlock(ctx)
	v.answered(err)
	if err != nil && !errors.Is(err, ErrAbsent) {
		return v.fail("migrate", v.inKeyring(), err)
	}
	unlock, err := v.lock(ctx)
	if err != nil {
		return v.fail("migrate", v.inFile(), err)
	}
	defer unlock()
	r, t, err := v.movable()
	if err != nil || t.IsZero() {
		return err
	}
	err = v.keyring.set(ctx, t)
	if err == nil {
		err = v.recordKeyring(r)
	}
	return v.saved("migrate", v.inKeyring(), t, err)
}

// movable returns the token that could be in the keyring and is not, if any.
func (v *Vault) movable() (record, Token, error) {
	r, t, damage := v.readRecord()
	if damage != nil {
		return record{}, Token{}, v.fail("migrate", v.inFile(), ofRecord(damage))
	}
	if held, unsaved, _ := v.memory(); unsaved {
		t = held
	}
	return r, t, nil
}

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
// The file is written even if ctx has ended, because a paid activation would be lost otherwise.
func (v *Vault) Put(ctx context.Context, t Token) error {
	if t.IsZero() {
		return v.fail("put", place{}, ErrInvalid)
	}
	v.hold(t)
	// Where that fails ctx has ended, which leaves the file, and the lock of the file keeps others out.
	ctx, release, _ := v.enter(ctx, putBound)
	defer release()
	return v.save(ctx, "put", t, v.hold(t)) // again, because another Put may have ended meanwhile
}

func (v *Vault) hold(t Token) (version int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.held, v.unsaved = t, true
	v.version++
	return v.version
}

// Replace keeps a token that replaces a valid one at the server's demand: Get returns it only after it was written and
// read back. After an error Get returns the old one, and the store holds either. Where the store cannot be written,
// the error is ErrUnsupported and nothing changes.
func (v *Vault) Replace(ctx context.Context, t Token) error {
	if t.IsZero() {
		return v.fail("replace", place{}, ErrInvalid)
	}
	ctx, release, err := v.enter(ctx, putBound)
	defer release()
	if err != nil {
		return v.fail("replace", place{}, err)
	}
	return v.save(ctx, "replace", t, v.current())
}

// save stores t, reads it back and, unless memory has changed since that version, remembers it. It asks no person,
// except for Unlock.
func (v *Vault) save(ctx context.Context, op string, t Token, version int) error {
	if v.custom != nil {
		return v.saved(op, place{kind: KindCustom}, t, version, v.custom.set(ctx, t))
	}
	if e, ok := externalOf(v.product, v.getenv); ok {
		return v.fail(op, place{kind: e.kind, at: e.place}, as(ErrUnsupported, errReadOnly))
	}
	lockCtx := ctx
	if op == "put" {
		// A paid activation waits for the lock after the end of its context, too, unless all that could follow is a
		// keyring, which is not asked any more then.
		if r, _, _ := v.readRecord(); ctx.Err() != nil && v.homeOf(r) == KindKeyring {
			return v.fail(op, v.inKeyring(), as(ErrLocked, ctx.Err()))
		}
		var cancel context.CancelFunc
		lockCtx, cancel = context.WithTimeout(context.WithoutCancel(ctx), putBound)
		defer cancel()
	}
	unlock, err := v.lock(lockCtx)
	if err != nil {
		return v.fail(op, v.inFile(), err)
	}
	defer unlock()

	r, _, damage := v.readRecord()
	if untouchable(damage) {
		return v.fail(op, v.inFile(), as(ErrDeclined, damage))
	}
	home := v.homeOf(r)
	if home == KindFile && !v.strict {
		return v.saved(op, v.inFile(), t, version, v.writeFile(t, r.Reason))
	}
	set := v.keyring.set
	if op == "unlock" {
		set = v.keyring.setAsking
	}
	err = set(ctx, t)
	switch {
	case err == nil:
		return v.savedInKeyring(op, t, version, r, damage)
	case errors.Is(err, ErrLocked) && v.hasRefused():
		return v.fail(op, v.inKeyring(), as(ErrDeclined, err))
	case home != KindNone, v.strict, v.file == nil, errors.Is(err, ErrDeclined):
		return v.fail(op, v.inKeyring(), err)
	case damage != nil && !errors.Is(err, ErrUnsupported) && !errors.Is(err, ErrTooLarge):
		// The record may have said "keyring", and that was not asked.
		return v.fail(op, v.inKeyring(), err)
	}
	v.setAside(damage)
	if fileErr := v.writeFile(t, reasonOf(err)); fileErr != nil {
		return v.fail(op, v.inFile(), fmt.Errorf("%w (before that, %s: %v)", fileErr, v.ring, err))
	}
	return v.saved(op, v.inFile(), t, version, nil)
}

// homeOf is the store that has the token of this installation, as far as the record and this process know.
func (v *Vault) homeOf(r record) Kind {
	if _, _, home := v.memory(); r.Store == KindNone && home == KindKeyring {
		return home // the record was lost
	}
	return r.Store
}

// setAside keeps a damaged record. What cannot be set aside cannot be replaced either, and the write after it says so.
func (v *Vault) setAside(damage error) {
	if damage != nil {
		_, _ = v.file.SetAside()
	}
}

// savedInKeyring ends a write to the keyring with the record. That the record cannot be written is an error only where
// it says otherwise; elsewhere it shows in Status.
func (v *Vault) savedInKeyring(op string, t Token, version int, r record, damage error) error {
	v.setAside(damage)
	err := v.recordKeyring(r)
	if err != nil && r.Store == KindFile {
		return v.fail(op, v.inFile(), err)
	}
	v.stored(t, KindKeyring, version)
	if err != nil {
		_ = v.fail(op, v.inFile(), err)
	}
	return nil
}

func (v *Vault) saved(op string, p place, t Token, version int, err error) error {
	if err != nil {
		return v.fail(op, p, err)
	}
	v.stored(t, p.kind, version)
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

// recordKeyring makes token.json say that the token is in the keyring.
func (v *Vault) recordKeyring(r record) error {
	if v.file == nil || r.Store == KindKeyring {
		return nil
	}
	if err := v.file.Write(encodeRecord(v.product, KindKeyring, "", Token{})); err != nil {
		return ofRecord(err)
	}
	return nil
}

// recordFound writes the record that was missing when the keyring had a token. Without one, a session that has no
// keyring would take the token for absent.
func (v *Vault) recordFound(ctx context.Context, op string) {
	unlock, err := v.lock(ctx)
	if err != nil {
		_ = v.fail(op, v.inFile(), err)
		return
	}
	defer unlock()
	r, _, damage := v.readRecord()
	if r.Store != KindNone || damage != nil {
		return // another process was here
	}
	if err := v.recordKeyring(r); err != nil {
		_ = v.fail(op, v.inFile(), err)
	}
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

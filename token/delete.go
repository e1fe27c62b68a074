package token

import (
	"context"
	"errors"
)

// Delete removes the token, after deactivation or when a person wants to be forgotten, from the keyring and from the
// file. It may ask the person. After an error Get still returns the token, with two exceptions, in which the rest goes
// and activating again starts anew: where the token is in a keyring that does not exist here any more, the error is
// ErrUnsupported; where it is not known to be in a keyring, but there is one that could not be asked, the error says
// why, because a copy may be in there. What an administrator supplies cannot be removed: ErrUnsupported, too.
//
// A token that Put brings meanwhile stays.
func (v *Vault) Delete(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, personBound)
	defer cancel()
	version := v.current()
	if v.custom != nil {
		if err := v.custom.delete(ctx); err != nil {
			return v.fail("delete", place{kind: KindCustom}, err)
		}
		v.stored(Token{}, KindNone, version)
		return nil
	}
	r, _, damage := v.readRecord()
	if untouchable(damage) {
		return v.fail("delete", v.inFile(), as(ErrDeclined, damage))
	}
	inRing := v.homeOf(r) == KindKeyring
	// Tried in any case: an interrupted Migrate, or a write that took too long, may have left a copy there. And without
	// entering: other methods need not wait for a person.
	ringErr := v.keyring.delete(ctx)
	if ringErr != nil && inRing && !errors.Is(ringErr, ErrUnsupported) {
		return v.fail("delete", v.inKeyring(), ringErr)
	}
	if errors.Is(ringErr, ErrUnsupported) && !inRing {
		ringErr = nil
	}
	if err := v.deleteFile(ctx, version); err != nil {
		return err
	}
	if ringErr != nil {
		return v.fail("delete", v.inKeyring(), ringErr)
	}
	if e, ok := externalOf(v.product, v.getenv); ok {
		return v.fail("delete", place{kind: e.kind, at: e.place}, as(ErrUnsupported, errReadOnly))
	}
	return nil
}

// deleteFile removes token.json, unless it is about a token that came after that version. A person may have taken all
// the time there was for the keyring, so this has a bound of its own.
func (v *Vault) deleteFile(ctx context.Context, version int) error {
	ctx, release, err := v.enter(context.WithoutCancel(ctx), putBound)
	defer release()
	if err != nil {
		return v.fail("delete", v.inFile(), err)
	}
	unlock, err := v.lock(ctx)
	if err != nil {
		return v.fail("delete", v.inFile(), err)
	}
	defer unlock()
	if _, unsaved, _ := v.memory(); v.current() != version && !unsaved {
		return nil
	}
	if v.file != nil {
		if err := v.file.Remove(); err != nil {
			return v.fail("delete", v.inFile(), ofRecord(err))
		}
	}
	v.stored(Token{}, KindNone, version)
	return nil
}

// Migrate moves the token from the file into the keyring, asking the person to unlock it if need be. It also stores a
// token that Put could not store. Nothing to move is success; after an error the token is where it was.
func (v *Vault) Migrate(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, personBound)
	defer cancel()
	if _, ok := externalOf(v.product, v.getenv); ok || v.custom != nil {
		return nil
	}
	if _, t, err := v.movable(); err != nil || t.IsZero() {
		return err
	}
	// Before entering and before the lock: others need not wait for a person.
	_, err := v.keyring.unlock(ctx)
	v.answered(err)
	if err != nil && !errors.Is(err, ErrAbsent) {
		return v.fail("migrate", v.inKeyring(), err)
	}
	ctx, release, err := v.enter(ctx, personBound)
	defer release()
	if err != nil {
		return v.fail("migrate", place{}, err)
	}
	unlock, err := v.lock(ctx)
	if err != nil {
		return v.fail("migrate", v.inFile(), err)
	}
	defer unlock()
	version := v.current()
	r, t, err := v.movable()
	if err != nil || t.IsZero() {
		return err
	}
	if err := v.keyring.setAsking(ctx, t); err != nil {
		return v.fail("migrate", v.inKeyring(), err)
	}
	return v.savedInKeyring("migrate", t, version, r, nil)
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

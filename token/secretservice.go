//go:build linux || netbsd || openbsd

package token

import (
	"context"
	"errors"
	"os"

	"github.com/godbus/dbus/v5"
)

// Names of the Secret Service API, version 0.2 (specifications.freedesktop.org/secret-service-spec).
const (
	secretsName     = "org.freedesktop.secrets"
	secretsPath     = dbus.ObjectPath("/org/freedesktop/secrets")
	loginPath       = secretsPath + "/collection/login"
	sessionPath     = secretsPath + "/collection/session" // in memory: gone at logout
	noObject        = dbus.ObjectPath("/")
	serviceIface    = "org.freedesktop.Secret.Service"
	collectionIface = "org.freedesktop.Secret.Collection"
	itemIface       = "org.freedesktop.Secret.Item"
	promptIface     = "org.freedesktop.Secret.Prompt"
	propertyGet     = "org.freedesktop.DBus.Properties.Get"
)

// secretService keeps the token where go-keyring would: the same collection, the same attributes, so that either finds
// what the other stored. It speaks to the service itself, because go-keyring cannot be called without consequences
// here (docs/token.md): its shared connection may start a daemon and sets an environment variable, its calls know no
// context and leave a goroutine behind when nobody answers, a dismissed prompt looks like any failure, and a bus that
// goes away makes it panic.
//
// Every method opens a private connection and closes it again.
type secretService struct {
	service, account string
	getenv           func(string) string
}

func systemKeyring(service, account string) (Store, string) {
	return &secretService{service, account, os.Getenv}, ringLinux
}

func (s *secretService) Get(ctx context.Context) (t Token, err error) {
	err = s.with(ctx, func(c *secretsConn) error {
		t, err = c.read(ctx, s.attributes())
		return err
	})
	return t, err
}

// Unlock implements [Unlocker]. Some keyrings tie their permission to the connection, so the item is read on the same
// one.
func (s *secretService) Unlock(ctx context.Context) (t Token, err error) {
	err = s.with(ctx, func(c *secretsConn) error {
		if err := c.unlock(ctx, c.collection); err != nil {
			return err
		}
		collection := c.collection
		t, err = c.read(ctx, s.attributes())
		if !errors.Is(meaning(ctx, err, err), ErrLocked) || ctx.Err() != nil {
			return err
		}
		if c.collection != collection { // it may be in the other one, and that is locked
			if err := c.unlock(ctx, c.collection); err != nil {
				return err
			}
			if t, err = c.read(ctx, s.attributes()); !errors.Is(meaning(ctx, err, err), ErrLocked) {
				return err
			}
		}
		item, err := c.find(ctx, s.attributes())
		if err == nil {
			err = c.unlock(ctx, item)
		}
		if err == nil {
			t, err = c.read(ctx, s.attributes())
		}
		return err
	})
	return t, err
}

// Set replaces the item where it is. A keyring that wants to ask first is not allowed to.
func (s *secretService) Set(ctx context.Context, t Token) error { return s.set(ctx, t, false) }

// SetAsking is Set, except that the keyring may ask the person.
func (s *secretService) SetAsking(ctx context.Context, t Token) error { return s.set(ctx, t, true) }

func (s *secretService) set(ctx context.Context, t Token, ask bool) error {
	return s.with(ctx, func(c *secretsConn) error {
		if err := c.unlocked(ctx); err != nil {
			return err
		}
		// A second item would be left behind by Delete. Where the other collection cannot tell, this one it is.
		if elsewhere := *c; ctx.Err() == nil {
			if _, err := elsewhere.find(ctx, s.attributes()); err == nil {
				c.collection = elsewhere.collection
			}
		}
		session, err := c.session(ctx)
		if err != nil {
			return err
		}
		properties := map[string]dbus.Variant{
			itemIface + ".Label":      dbus.MakeVariant(s.service),
			itemIface + ".Attributes": dbus.MakeVariant(s.attributes()),
		}
		secret := secretStruct{session, []byte{}, []byte(t.Reveal()), "text/plain; charset=utf8"}
		var item, prompt dbus.ObjectPath
		if err := c.call(ctx, c.collection, collectionIface+".CreateItem", properties, secret, true).Store(&item, &prompt); err != nil {
			return err
		}
		if !ask {
			return c.dismiss(ctx, prompt)
		}
		return c.prompt(ctx, prompt)
	})
}

func (s *secretService) Delete(ctx context.Context) error {
	return s.with(ctx, func(c *secretsConn) error {
		item, err := c.find(ctx, s.attributes())
		if err != nil {
			return err
		}
		var prompt dbus.ObjectPath
		if err := c.call(ctx, item, itemIface+".Delete").Store(&prompt); err != nil {
			return err
		}
		return c.prompt(ctx, prompt)
	})
}

// Probe tells, without side effects, whether the keyring would work now.
func (s *secretService) Probe(ctx context.Context) error {
	return s.with(ctx, func(c *secretsConn) error { return c.unlocked(ctx) })
}

func (s *secretService) attributes() map[string]string {
	return map[string]string{"service": s.service, "username": s.account}
}

// with runs f on a connection to the service, and gives what f returns one of our meanings.
func (s *secretService) with(ctx context.Context, f func(*secretsConn) error) error {
	c, err := s.dial(ctx)
	if err != nil {
		return err
	}
	defer c.conn.Close()
	err = c.findCollection(ctx)
	if err == nil {
		err = f(c)
	}
	if err != nil && ctx.Err() == nil && !c.conn.Connected() {
		return as(ErrUnsupported, err) // the bus ended
	}
	return meaning(ctx, err, ErrLocked)
}

//go:build linux || netbsd || openbsd

package token

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"

	"github.com/godbus/dbus/v5"
)

// secretStruct is the Secret of the API, (oayays).
type secretStruct struct {
	Session     dbus.ObjectPath
	Parameters  []byte
	Value       []byte
	ContentType string
}

// secretsConn is a private connection to the process that owns the name org.freedesktop.secrets.
type secretsConn struct {
	conn       *dbus.Conn
	owner      string // its unique name: a message to that name never starts a service
	collection dbus.ObjectPath
	display    bool // a dialog could be seen
}

func (s *secretService) dial(ctx context.Context) (*secretsConn, error) {
	address := busAddress(s.getenv)
	if address == "" {
		return nil, as(ErrUnsupported, errors.New("there is no session bus"))
	}
	// When ctx ends the connection closes, which ends every call on it.
	conn, err := dbus.Connect(address, dbus.WithContext(ctx), dbus.WithAuth(dbus.AuthExternal(strconv.Itoa(os.Geteuid()))))
	if err != nil {
		return nil, noBus(ctx, fmt.Errorf("no connection to the session bus: %w", err))
	}
	c := &secretsConn{conn: conn, display: s.getenv("DISPLAY") != "" || s.getenv("WAYLAND_DISPLAY") != ""}
	err = conn.BusObject().CallWithContext(ctx, "org.freedesktop.DBus.GetNameOwner", dbus.FlagNoAutoStart, secretsName).Store(&c.owner)
	if err != nil {
		conn.Close()
		return nil, noBus(ctx, fmt.Errorf("no keyring found in this session: %w", err))
	}
	return c, nil
}

// noBus tells "there is none" from "it did not work": nobody is behind the address, or nobody owns the name. A bus that
// is busy, refuses us or has no room may have a keyring with a token in it.
func noBus(ctx context.Context, err error) error {
	e, ok := errors.AsType[dbus.Error](err)
	switch {
	case errors.Is(err, syscall.ENOENT), errors.Is(err, syscall.ECONNREFUSED),
		ok && e.Name == "org.freedesktop.DBus.Error.NameHasNoOwner":
		return as(ErrUnsupported, err)
	case ctx.Err() != nil:
		return as(ErrLocked, ctx.Err())
	}
	return as(ErrLocked, err)
}

// findCollection takes the one that go-keyring takes: "login" where there is one, else the default.
func (c *secretsConn) findCollection(ctx context.Context) error {
	var v dbus.Variant
	if err := c.call(ctx, secretsPath, propertyGet, serviceIface, "Collections").Store(&v); err != nil {
		return err
	}
	paths, _ := v.Value().([]dbus.ObjectPath)
	for _, p := range paths {
		if p == loginPath {
			c.collection = p
			return nil
		}
	}
	if err := c.readDefault(ctx); err != nil {
		return err
	}
	switch c.collection {
	case noObject, "":
		return as(ErrUnsupported, errors.New("the keyring has no default collection"))
	case sessionPath:
		return as(ErrUnsupported, errors.New("the keyring keeps nothing beyond this session"))
	}
	return nil
}

func (c *secretsConn) readDefault(ctx context.Context) error {
	return c.call(ctx, secretsPath, serviceIface+".ReadAlias", "default").Store(&c.collection)
}

// unlocked is ErrLocked unless the collection is open.
func (c *secretsConn) unlocked(ctx context.Context) error {
	var v dbus.Variant
	if err := c.call(ctx, c.collection, propertyGet, collectionIface, "Locked").Store(&v); err != nil {
		return err
	}
	if locked, ok := v.Value().(bool); !ok || locked {
		return ErrLocked
	}
	return nil
}

// find returns our item, without a prompt, from the collection or, where it is not there, from the default one, which
// then becomes the collection: "login" may have appeared after the item was stored.
func (c *secretsConn) find(ctx context.Context, attributes map[string]string) (dbus.ObjectPath, error) {
	item, err := c.search(ctx, attributes)
	if c.collection != loginPath || !errors.Is(err, ErrAbsent) {
		return item, err
	}
	other := *c
	if err := other.readDefault(ctx); err != nil {
		return "", err
	}
	switch other.collection {
	case noObject, "", loginPath, sessionPath:
		return "", ErrAbsent
	}
	if item, err = other.search(ctx, attributes); !errors.Is(err, ErrAbsent) {
		c.collection = other.collection // also for Unlock, if it is locked
	}
	return item, err
}

func (c *secretsConn) search(ctx context.Context, attributes map[string]string) (dbus.ObjectPath, error) {
	if err := c.unlocked(ctx); err != nil {
		return "", err
	}
	var items []dbus.ObjectPath
	if err := c.call(ctx, c.collection, collectionIface+".SearchItems", attributes).Store(&items); err != nil {
		return "", err
	}
	if len(items) == 0 {
		return "", ErrAbsent
	}
	return items[0], nil
}

func (c *secretsConn) read(ctx context.Context, attributes map[string]string) (Token, error) {
	item, err := c.find(ctx, attributes)
	if err != nil {
		return Token{}, err
	}
	session, err := c.session(ctx)
	if err != nil {
		return Token{}, err
	}
	var secret secretStruct
	if err := c.call(ctx, item, itemIface+".GetSecret", session).Store(&secret); err != nil {
		return Token{}, err
	}
	return New(string(secret.Value))
}

// session agrees that secrets travel unencrypted: over a Unix socket, between processes of one user.
func (c *secretsConn) session(ctx context.Context) (session dbus.ObjectPath, err error) {
	var unused dbus.Variant
	err = c.call(ctx, secretsPath, serviceIface+".OpenSession", "plain", dbus.MakeVariant("")).Store(&unused, &session)
	return session, err
}

// unlock opens a collection or an item, asking the person where the keyring wants that.
func (c *secretsConn) unlock(ctx context.Context, object dbus.ObjectPath) error {
	var unlocked []dbus.ObjectPath
	var prompt dbus.ObjectPath
	if err := c.call(ctx, secretsPath, serviceIface+".Unlock", []dbus.ObjectPath{object}).Store(&unlocked, &prompt); err != nil {
		return err
	}
	return c.prompt(ctx, prompt)
}

// prompt shows a dialog of the keyring and waits for it to be completed: nil, or ErrDeclined when it is dismissed. In a
// session without a display, as by ssh, nobody would see it, and gnome-keyring says "dismissed" at once: that is
// ErrLocked, so that a person who never declined is not treated as one who did.
func (c *secretsConn) prompt(ctx context.Context, prompt dbus.ObjectPath) error {
	if prompt == noObject || prompt == "" {
		return nil
	}
	if !c.display {
		return as(ErrLocked, errors.New("the keyring wants to ask, and there is no display"))
	}
	signals := make(chan *dbus.Signal, 8)
	c.conn.Signal(signals)
	defer c.conn.RemoveSignal(signals)
	for _, match := range [][]dbus.MatchOption{
		{dbus.WithMatchSender(c.owner), dbus.WithMatchObjectPath(prompt), dbus.WithMatchInterface(promptIface)},
		{dbus.WithMatchSender("org.freedesktop.DBus"), dbus.WithMatchMember("NameOwnerChanged"), dbus.WithMatchArg(0, c.owner)},
	} {
		if err := c.conn.AddMatchSignalContext(ctx, match...); err != nil {
			return err
		}
	}
	if err := c.call(ctx, prompt, promptIface+".Prompt", "").Err; err != nil {
		return err
	}
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case s, open := <-signals:
			switch {
			case !open:
				return dbus.ErrClosed
			case s.Name == "org.freedesktop.DBus.NameOwnerChanged" && s.Sender == "org.freedesktop.DBus":
				return as(ErrUnsupported, errors.New("the keyring ended"))
			case s.Name == promptIface+".Completed" && s.Path == prompt:
				if dismissed, ok := first(s.Body).(bool); !ok || dismissed {
					return ErrDeclined
				}
				return nil
			}
		}
	}
}

// dismiss ends a prompt that nobody has seen: ErrLocked, because what it was for is not done.
func (c *secretsConn) dismiss(ctx context.Context, prompt dbus.ObjectPath) error {
	if prompt == noObject || prompt == "" {
		return nil
	}
	err := c.call(ctx, prompt, promptIface+".Dismiss").Err
	return as(ErrLocked, errors.Join(errors.New("the keyring wants to ask before it stores something"), err))
}

func first(body []any) any {
	if len(body) == 0 {
		return nil
	}
	return body[0]
}

func (c *secretsConn) call(ctx context.Context, path dbus.ObjectPath, method string, args ...any) *dbus.Call {
	return c.conn.Object(c.owner, path).CallWithContext(ctx, method, dbus.FlagNoAutoStart, args...)
}

// meaning gives an error of the bus or of the keyring one of our meanings: otherwise, where nothing better is known.
func meaning(ctx context.Context, err, otherwise error) error {
	if err == nil || known(err) {
		return err
	}
	if ctx.Err() != nil {
		return as(ErrLocked, ctx.Err())
	}
	e, ok := errors.AsType[dbus.Error](err)
	if !ok {
		return as(otherwise, err)
	}
	switch name := e.Name; {
	case name == "org.freedesktop.Secret.Error.IsLocked":
		return as(ErrLocked, err)
	case name == "org.freedesktop.Secret.Error.NoSuchObject":
		return as(ErrAbsent, err) // removed between our calls
	case strings.HasSuffix(name, ".ServiceUnknown"), strings.HasSuffix(name, ".NameHasNoOwner"),
		strings.HasSuffix(name, ".NoReply"), strings.HasSuffix(name, ".Disconnected"):
		return as(ErrUnsupported, err) // the keyring ended
	case strings.HasSuffix(name, ".AccessDenied"), strings.HasSuffix(name, ".UnknownMethod"),
		strings.HasSuffix(name, ".UnknownObject"), strings.HasSuffix(name, ".UnknownInterface"):
		return as(ErrUnsupported, err) // a sandbox keeps us out, or it is no Secret Service
	}
	return as(otherwise, err)
}

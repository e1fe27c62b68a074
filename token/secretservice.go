//go:build linux || netbsd || openbsd

package token

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

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
		t, err = c.read(ctx, s.attributes())
		if !errors.Is(meaning(ctx, err, err), ErrLocked) || ctx.Err() != nil {
			return err
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

func (s *secretService) Set(ctx context.Context, t Token) error {
	return s.with(ctx, func(c *secretsConn) error {
		if err := c.unlocked(ctx); err != nil {
			return err
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
		return meaning(ctx, err, ErrUnsupported)
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
		return nil, errors.New("there is no session bus")
	}
	// When ctx ends the connection closes, which ends every call on it.
	conn, err := dbus.Connect(address, dbus.WithContext(ctx), dbus.WithAuth(dbus.AuthExternal(strconv.Itoa(os.Geteuid()))))
	if err != nil {
		return nil, fmt.Errorf("no connection to the session bus: %w", err)
	}
	c := &secretsConn{conn: conn, display: s.getenv("DISPLAY") != "" || s.getenv("WAYLAND_DISPLAY") != ""}
	err = conn.BusObject().CallWithContext(ctx, "org.freedesktop.DBus.GetNameOwner", dbus.FlagNoAutoStart, secretsName).Store(&c.owner)
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("no keyring runs in this session: %w", err)
	}
	return c, nil
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
	if err := c.call(ctx, secretsPath, serviceIface+".ReadAlias", "default").Store(&c.collection); err != nil {
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

// find returns our item, without a prompt.
func (c *secretsConn) find(ctx context.Context, attributes map[string]string) (dbus.ObjectPath, error) {
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

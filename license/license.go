// Package license activates a license on this device, keeps it, and says at any moment whether the application may be
// used.
//
// The common case is four calls: [Open] once, [Client.Activate] when [Status.NeedsActivation] says so, [Client.Check]
// at each start, and [Status.Usable] or [Status.Has] wherever it matters. A program that runs for days adds
// go lic.Run(ctx).
//
// A check goes over the network once on each day of use; otherwise it returns at once. It never fails for want of a
// network: the lease that the server signed goes on for its grace period. What is not validly signed, such as the page
// of a captive portal or the error of a proxy, can neither end a license nor remove anything that is stored.
//
// The package refuses to skip the verification of signatures, to follow redirects, to send the device's identifiers
// (only one-way fingerprints leave it, see package fingerprint), to start a goroutine of its own, to print, and to
// panic. It does not protect an application against someone who patches its binary; docs/threat-model.md says what it
// does protect against.
//
// State written by one version of this package will be read by every later version with the same major number.
package license

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/counterfoil-dev/counterfoil/fingerprint"
	"github.com/counterfoil-dev/counterfoil/internal/statefile"
	"github.com/counterfoil-dev/counterfoil/internal/wire"
	"github.com/counterfoil-dev/counterfoil/lease"
	"github.com/counterfoil-dev/counterfoil/link"
	"github.com/counterfoil-dev/counterfoil/token"
)

// Config says what is licensed and by whom. Product, Server and Keys are required; the zero value of everything else is
// a sound default. Open copies it.
type Config struct {
	// Product is the product's name at the license server: 1 to 64 of a-z, 0-9 and "-", such as "acme-editor". It also
	// names the state folder and the keyring item.
	Product string
	// Version is the version of the application. Licensing does not send it; statistics may, with consent.
	Version string
	// Server is the license server's base URL: https, or http on a loopback address.
	Server string
	// Keys are the keys that sign the server's statements.
	Keys lease.KeySet

	// Dir is where the state is kept. Default: a folder named Product in the user's state directory
	// ($XDG_STATE_HOME or ~/.local/state, ~/Library/Application Support, %LocalAppData%). A folder holds one product.
	// Where an administrator makes folder and state file readable for other users (0755, 0644), those verify the same
	// activation; the program of the user who owns it renews it. The token stays with its owner.
	// The keyring item of a folder given here is named after its path: a folder that was moved gets a fresh token with
	// its next check.
	Dir string
	// Device identifies the device where the application knows better than the system does: on mobile systems, in
	// containers. It must be the same at every start and different on every device. It is hashed like every other
	// identifier.
	Device string
	// AllowContainer lets a process in a container use the host's firmware UUID: all containers of one host are one
	// device then. Default: false.
	AllowContainer bool
	// TokenStore keeps the token in place of the system's keyring.
	TokenStore token.Store
	// RequireKeyring forbids the fallback of the token to a file that only its owner can read.
	RequireKeyring bool
	// HTTPClient sends the requests. Default: one with timeouts that honors the system's proxies. It is copied;
	// cookies and redirects are off whatever it says.
	HTTPClient *http.Client
	// Now tells the time. Default: time.Now. Tests set it.
	Now func() time.Time
	// Logger receives what a developer may want to know, at levels Debug to Warn, without secrets. Default: silence.
	Logger *slog.Logger

	readDevice func() (device, error) // set by this package's tests: devices without the slow hash
}

// device is what this package asks of a fingerprint.Device.
type device interface {
	Derive(kinds ...fingerprint.Kind) fingerprint.Set
	Verify(pinned fingerprint.Set) fingerprint.Verdict
	Tag(salt []byte) (tag string, ok bool)
}

// Client is one product's license on this device. It is safe for concurrent use; several processes may use the same
// state at once.
type Client struct {
	cfg   Config
	link  *link.Link
	vault *token.Vault
	file  *statefile.File

	view atomic.Pointer[view] // what Status decides from

	turn     chan struct{} // holds one value; taken by the operation that is under way, which owns what follows
	rec      *record
	stamp    statefile.Stamp
	device   device
	checkErr error // of the latest check
	compared int64 // the UTC day on which this process last compared the device in full
	unsaved  bool  // the record holds something that the file does not
	stale    bool  // another process has changed the state since the token was last read
	damaged  bool  // the file is damaged and has yet to be set aside, under the lock

	watch     sync.Mutex
	seen      Status
	listeners map[*func(Status)]struct{}
	telling   bool // a goroutine is calling listeners
	again     bool // and has to look once more when it is done
}

// Open reads the stored state and returns a Client. It sends nothing, asks no keyring and computes no slow hash. That
// there is no license yet is no error: see [Client.Status].
//
// Its errors are an *[Error] whose message names the fields of Config that are wrong, all at once, and one that wraps
// [ErrStateUnreadable] where the state belongs to somebody else or cannot be read. A damaged state file is not an
// error: it is set aside, and the next check heals it.
func Open(cfg Config) (*Client, error) {
	cfg, l, vault, err := prepare(cfg)
	if err != nil {
		return nil, fail("open", ReasonConfig, errConfig, err)
	}
	c := &Client{
		cfg:       cfg,
		link:      l,
		vault:     vault,
		file:      statefile.New(cfg.Dir, stateName),
		turn:      make(chan struct{}, 1),
		listeners: make(map[*func(Status)]struct{}),
	}
	c.turn <- struct{}{}
	if err := c.load("open", false); err != nil {
		return nil, err
	}
	c.seen = c.Status()
	return c, nil
}

const stateName = "license.state"

var errConfig = errors.New("config is not usable")

func prepare(cfg Config) (Config, *link.Link, *token.Vault, error) {
	var errs []error
	field := func(name string, err error) {
		if err != nil {
			errs = append(errs, &fieldError{name, err})
		}
	}
	field("Product", wire.CheckProduct(cfg.Product))
	if cfg.Keys.IsZero() {
		field("Keys", errors.New("is empty; pin the keys that your license server prints"))
	}
	item := "token"
	if cfg.Dir == "" {
		dir, err := stateDir()
		field("Dir", err)
		cfg.Dir = filepath.Join(dir, cfg.Product)
	} else if dir, err := filepath.Abs(cfg.Dir); err != nil {
		field("Dir", err)
	} else { // an installation with a folder of its own has a token of its own
		cfg.Dir = dir
		sum := sha256.Sum256([]byte(dir))
		item += "-" + hex.EncodeToString(sum[:4])
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	vault := token.Open(token.Config{
		Product: cfg.Product, Account: item, Dir: cfg.Dir, Store: cfg.TokenStore, RequireKeyring: cfg.RequireKeyring,
	})
	if cfg.Device != "" {
		_, err := fingerprint.Read(fingerprint.Config{Product: cfg.Product, Caller: cfg.Device})
		field("Device", err)
	}
	l, err := link.New(link.Config{
		Product: cfg.Product, Version: cfg.Version, Server: cfg.Server, Keys: cfg.Keys, Token: vault, HTTPClient: cfg.HTTPClient,
	})
	field("Server", err)
	return cfg, l, vault, errors.Join(errs...)
}

type fieldError struct {
	field string
	err   error
}

func (e *fieldError) Error() string { return "Config." + e.field + ": " + e.err.Error() }
func (e *fieldError) Unwrap() error { return e.err }

// Status says where the device stands now. It does no I/O and takes no time to speak of: call it wherever it matters.
// It turns [Grace] and [Lapsed] by itself as time goes by.
func (c *Client) Status() Status {
	v := c.view.Load()
	s := Status{view: v}
	s.State, s.Reason = decide(v, c.local()+v.offset)
	return s
}

// Link is the connection for the packages that send something of their own, such as telemetry and feedback.
func (c *Client) Link() *link.Link { return c.link }

// Token says where this installation's token is kept, for a support screen.
func (c *Client) Token() *token.Vault { return c.vault }

// OnChange calls f whenever state or reason have changed, as far as an operation of this Client notices; [Client.Run]
// notices changes that time or another process brings, within a minute. f runs in the goroutine that noticed, without
// locks held, and may call the Client; calls do not overlap. After stop returns no call begins; one under way may still
// run.
func (c *Client) OnChange(f func(Status)) (stop func()) {
	c.watch.Lock()
	defer c.watch.Unlock()
	c.listeners[&f] = struct{}{}
	return func() {
		c.watch.Lock()
		defer c.watch.Unlock()
		delete(c.listeners, &f)
	}
}

func (c *Client) notify() {
	c.watch.Lock()
	defer c.watch.Unlock()
	if c.again = true; c.telling {
		return // whoever is at it tells this one too, in order
	}
	c.telling = true
	defer func() { c.telling = false }()
	for c.again {
		c.again = false
		s := c.Status()
		if s.State == c.seen.State && s.Reason == c.seen.Reason {
			continue
		}
		c.seen = s
		for f := range maps.Clone(c.listeners) {
			c.tell(*f, s)
		}
	}
}

// tell calls f without the lock.
func (c *Client) tell(f func(Status), s Status) {
	c.watch.Unlock()
	defer c.watch.Lock()
	f(s)
}

// local is the local clock in Unix seconds.
func (c *Client) local() int64 {
	if c.cfg.Now != nil {
		return c.cfg.Now().Unix()
	}
	return time.Now().Unix()
}

// now is the server's time as far as this device knows it.
func (c *Client) now() int64 { return c.local() + c.rec.Offset }

// take waits for the turn in this process and for the lock against others, and reads what they wrote meanwhile. The
// caller must call done, which tells the listeners too.
func (c *Client) take(ctx context.Context, op string) (done func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, fail(op, ReasonCanceled, err, nil)
	}
	select {
	case <-c.turn:
	case <-ctx.Done():
		return nil, fail(op, ReasonBusyElsewhere, ctx.Err(), nil)
	}
	unlock, err := c.lock(ctx, op, 0)
	if err != nil {
		c.turn <- struct{}{}
		return nil, err
	}
	return func() {
		unlock()
		c.turn <- struct{}{}
		c.notify()
	}, nil
}

// lock keeps other processes out, after a wait of at most the given time, 0 being as long as ctx lasts, and reads what
// they wrote meanwhile.
func (c *Client) lock(ctx context.Context, op string, wait time.Duration) (unlock func(), err error) {
	waiting := ctx
	if wait > 0 {
		var cancel context.CancelFunc
		waiting, cancel = context.WithTimeout(ctx, wait)
		defer cancel()
	}
	unlock, err = c.file.Lock(waiting)
	locked := err == nil
	switch {
	case locked:
	case waiting.Err() != nil:
		return nil, fail(op, ReasonBusyElsewhere, waiting.Err(), err)
	default:
		// A folder that cannot be written cannot be locked; what may go on without it finds out when it writes.
		c.cfg.Logger.Debug("state is not locked", "error", err)
		unlock = func() {}
	}
	if err := c.reload(op, locked); err != nil {
		unlock()
		return nil, err
	}
	return unlock, nil
}

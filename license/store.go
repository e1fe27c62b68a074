package license

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"io/fs"

	"github.com/counterfoil-dev/counterfoil/fingerprint"
	"github.com/counterfoil-dev/counterfoil/internal/statefile"
	"github.com/counterfoil-dev/counterfoil/internal/wire"
)

// load reads the state file and compares its tag with the device. A damaged file is set aside under the lock alone:
// another process may be writing a good one.
func (c *Client) load(op string, locked bool) error {
	stamp, _ := c.file.Stamp() // where there is none, the next reload reads again
	r := new(record)
	data, err := c.file.Read()
	if err == nil {
		if r, err = decodeRecord(data); err != nil {
			err = &statefile.DamagedError{Path: c.file.Path(), Err: err}
		}
	}
	c.damaged = false
	switch {
	case err == nil:
	case errors.Is(err, fs.ErrNotExist):
		r = new(record)
	case isDamaged(err):
		c.cfg.Logger.Warn("license state is damaged", "error", err)
		r, c.damaged = &record{Lost: true}, true
		if locked {
			kept, err := c.file.SetAside()
			c.cfg.Logger.Warn("damaged license state was set aside", "kept", kept, "error", err)
			c.damaged = err != nil
		}
	default:
		return fail(op, ReasonStateUnreadable, ErrStateUnreadable, err)
	}
	if r.Lease == "" && c.vault.Supplied() {
		r.Lost = true // an administrator's token, such as in a new container: a check brings the lease
	}
	c.rec, c.stamp = r, stamp
	c.unsaved = isDamaged(err)
	c.checkErr = r.trouble()
	c.publish()
	return nil
}

func isDamaged(err error) bool {
	_, ok := errors.AsType[*statefile.DamagedError](err)
	return ok
}

// reload reads the state file again if another process has replaced it, or if a damaged one can now be set aside.
func (c *Client) reload(op string, locked bool) error {
	stamp, err := c.file.Stamp()
	if err == nil && stamp == c.stamp && !(locked && c.damaged) {
		return nil
	}
	c.stale = c.rec != nil
	return c.load(op, locked)
}

// save writes the record and publishes it. It is published even if it cannot be written: what the server said holds
// for this process.
func (c *Client) save() error {
	defer c.publish()
	data, err := c.rec.encode()
	if err != nil {
		return err
	}
	if err := c.file.Write(data); err != nil {
		c.cfg.Logger.Warn("license state cannot be written", "error", err)
		return err
	}
	c.unsaved = false
	if stamp, err := c.file.Stamp(); err == nil {
		c.stamp = stamp
	}
	return nil
}

// publish makes the record what Status decides from.
func (c *Client) publish() {
	v := c.rec.view(c.cfg.Keys, c.cfg.Product)
	v.checkErr = c.checkErr
	v.foreign = v.held && !c.tagMatches()
	c.view.Store(v)
}

// tagMatches compares the tag that the state file carries with this device's: what was copied from another machine is
// noticed at once. Without a tag, or without an identifier to make one from, the file is trusted until the day's check.
func (c *Client) tagMatches() bool {
	if c.rec.Tag == "" {
		return true
	}
	salt, err := base64.RawURLEncoding.DecodeString(c.rec.Salt)
	if err != nil {
		return false
	}
	d, err := c.theDevice()
	if err != nil {
		return true
	}
	tag, ok := d.Tag(salt)
	return !ok || tag == c.rec.Tag
}

// tie leaves a new tag of this device in the record.
func (c *Client) tie(d device) {
	salt := make([]byte, 16)
	rand.Read(salt) // never fails (crypto/rand)
	c.rec.Salt, c.rec.Tag = "", ""
	if tag, ok := d.Tag(salt); ok {
		c.rec.Salt, c.rec.Tag = base64.RawURLEncoding.EncodeToString(salt), tag
	}
}

// theDevice reads the device's sources, once until the next comparison of a new day.
func (c *Client) theDevice() (device, error) {
	if c.device != nil {
		return c.device, nil
	}
	var d device
	var err error
	if c.cfg.readDevice != nil {
		d, err = c.cfg.readDevice()
	} else {
		d, err = fingerprint.Read(fingerprint.Config{
			Product: c.cfg.Product, Caller: c.cfg.Device, AllowContainer: c.cfg.AllowContainer,
		})
	}
	if err != nil {
		return nil, err
	}
	c.device = d
	return d, nil
}

// installation returns this installation's random id, made at its first use.
func (c *Client) installation() string {
	if c.rec.Installation == "" {
		c.rec.Installation = wire.NewInstallation()
	}
	return c.rec.Installation
}

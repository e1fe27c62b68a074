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

// load reads the state file and compares its tag with the device.
func (c *Client) load(op string) error {
	stamp, _ := c.file.Stamp() // where there is none, the next reload reads again
	r := new(record)
	data, err := c.file.Read()
	if err == nil {
		if r, err = decodeRecord(data); err != nil {
			err = &statefile.DamagedError{Path: c.file.Path(), Err: err}
		}
	}
	switch {
	case err == nil:
	case errors.Is(err, fs.ErrNotExist):
		r = new(record)
	case isDamaged(err):
		r = c.setAside(err)
		stamp, _ = c.file.Stamp()
	default:
		return fail(op, ReasonStateUnreadable, ErrStateUnreadable, err)
	}
	if r.Lease == "" && r.Standing == "" && c.vault.Supplied() {
		r.Lost = true // an administrator's token, such as in a new container: a check brings the lease
	}
	c.rec, c.stamp, c.checkErr = r, stamp, nil
	c.publish()
	return nil
}

func isDamaged(err error) bool {
	_, ok := errors.AsType[*statefile.DamagedError](err)
	return ok
}

// setAside keeps a damaged file for support and starts a record that a check with the token heals.
func (c *Client) setAside(cause error) *record {
	kept, err := c.file.SetAside()
	c.cfg.Logger.Warn("license state was damaged and has been set aside", "error", cause, "kept", kept, "failure", err)
	r := &record{Lost: true}
	if data, err := r.encode(); err == nil {
		if err := c.file.Write(data); err != nil {
			c.cfg.Logger.Warn("license state cannot be written", "error", err)
		}
	}
	return r
}

// reload reads the state file again if another process has replaced it.
func (c *Client) reload(op string) error {
	stamp, err := c.file.Stamp()
	if err == nil && stamp == c.stamp {
		return nil
	}
	return c.load(op)
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

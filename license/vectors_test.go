package license

import (
	"encoding/json"
	"io/fs"
	"testing"
	"testing/synctest"
	"time"

	"github.com/counterfoil-dev/counterfoil/fingerprint"
	"github.com/counterfoil-dev/counterfoil/internal/wire"
	"github.com/counterfoil-dev/counterfoil/lease"
	"github.com/counterfoil-dev/counterfoil/licensetest"
	"github.com/counterfoil-dev/counterfoil/testdata"
	"github.com/counterfoil-dev/counterfoil/token"
)

func vectors(t *testing.T, name string, v any) {
	t.Helper()
	data, err := fs.ReadFile(testdata.Files(), name)
	if err == nil {
		err = json.Unmarshal(data, v)
	}
	if err != nil {
		t.Fatal(err)
	}
}

type effect struct {
	Name, Before, Device, Operation, Event, After, Call, Stored, Token, Hint string
}

// What each code of a signed answer does to the device, and that it does nothing else: the table of docs/protocol.md.
func TestEffectVectors(t *testing.T) {
	t.Parallel()
	var file struct{ Vectors []effect }
	vectors(t, "protocol/effects.json", &file)
	seen := map[string]bool{}
	for _, v := range file.Vectors {
		seen[v.Event] = true
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, v.run) // the time between two tries passes at once
		})
	}
	for _, code := range wire.Refusals() {
		if !seen[string(code)] {
			t.Errorf("no vector for %s", code)
		}
	}
}

func (v effect) run(t *testing.T) {
	b := newBench(t)
	b.clock.Set(activatedAt)
	c := b.inState(v.Before)
	if v.Device == "other" {
		b.machine = newMachine("board-9", "system-9")
		c = b.open()
	} else if v.Before == "WrongDevice" {
		b.machine = newMachine("board-1", "system-1")
		c = b.open()
	}
	before, held := *c.rec, b.store.held
	b.srv.Heal()
	switch v.Event {
	case "ok":
		if v.Operation == "activate" && v.Device == "other" {
			b.record = b.srv.AddLicense(licensetest.License{Product: product})
		}
	case "unreachable":
		b.srv.Fail(licensetest.Unreachable())
	default:
		b.srv.Fail(licensetest.Refuse(v.Event, 0))
	}
	if v.Event == "ok" {
		b.record.Reinstate()
		b.record.Renew(time.Time{})
	}

	var err error
	switch v.Operation {
	case "activate":
		err = c.Activate(t.Context(), Code(b.record.Code))
	case "check":
		err = c.Check(t.Context()).CheckErr()
	case "deactivate":
		err = c.Deactivate(t.Context())
	case "rebind":
		err = c.Rebind(t.Context())
	}
	if (err == nil) != (v.Call == "succeeds") {
		t.Errorf("the call says %v; it %s", err, v.Call)
	}
	if got := c.Status().State.String(); got != v.After {
		t.Errorf("%s, want %s", got, v.After)
	}
	if again := b.open(); again.Status().State.String() != v.After {
		t.Errorf("after a restart %v, want %s", again.Status().State, v.After)
	}
	v.stored(t, before, *c.rec)
	v.token(t, held, b.store.held)
	if err != nil {
		v.hint(t, c, err)
	}
}

var activatedAt = time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC)

// inState brings a new device into a state, by what testdata/README.md says happened before.
func (b *bench) inState(state string) *Client {
	b.Helper()
	if state == "NotActivated" {
		return b.open()
	}
	c := b.activated()
	checked := func(spoil func()) {
		b.clock.Set(activatedAt.AddDate(0, 0, 1))
		spoil()
		c.Check(b.Context())
		b.clock.Set(activatedAt.AddDate(0, 0, 2))
	}
	switch state {
	case "Active":
		b.clock.Advance(5 * time.Minute)
	case "Grace":
		b.clock.Set(activatedAt.AddDate(0, 0, 1))
	case "Lapsed":
		b.clock.Set(activatedAt.AddDate(0, 0, 15))
	case "Suspended":
		checked(b.record.Suspend)
	case "Revoked":
		checked(b.record.Revoke)
	case "Expired":
		checked(b.record.Expire)
	case "WrongDevice":
		checked(func() {
			b.machine = newMachine("board-9", "system-9")
			b.srv.Fail(licensetest.Unreachable())
			c = b.open()
		})
	case "ClockRolledBack":
		b.clock.Set(activatedAt.AddDate(0, 0, 5))
		b.srv.Fail(licensetest.Unreachable())
		c.Check(b.Context())
		b.clock.Set(activatedAt.AddDate(0, 0, 1))
	}
	c = b.open()
	if got := c.Status(); got.State.String() != state {
		b.Fatalf("the device is in %v (%s), not %s", got.State, got.Reason, state)
	}
	return c
}

// stored compares lease and standing; clock, schedule and the installation's id do not count.
func (v effect) stored(t *testing.T, before, after record) {
	t.Helper()
	got := "unchanged"
	switch {
	case after.Lease == "" && after.Standing == "" && before.Lease != "":
		got = "removed"
	case after.Lease != before.Lease || after.Standing != before.Standing:
		got = "changed"
	}
	if got != v.Stored {
		t.Errorf("what is stored is %s, want %s", got, v.Stored)
	}
}

func (v effect) token(t *testing.T, before, after token.Token) {
	t.Helper()
	got := "replaced"
	switch {
	case before.IsZero() && after.IsZero():
		got = "none"
	case after.IsZero():
		got = "removed"
	case after.Equal(before):
		got = "kept"
	case before.IsZero():
		got = "replaced"
	}
	if got != v.Token {
		t.Errorf("the token is %s, want %s", got, v.Token)
	}
}

// hint compares what the person is told to do: activate or rebind, or whatever the event itself says.
func (v effect) hint(t *testing.T, c *Client, err error) {
	t.Helper()
	var reason Reason
	switch v.Hint {
	case "":
		return
	case "activate":
		reason = ReasonTokenUnknown
		if v.Event == "released" {
			reason = ReasonReleased
		} else if v.Operation == "rebind" {
			reason = ReasonCannotRebind // which says where to activate
		}
	case "rebind":
		reason = ReasonWrongDevice
	}
	if e, ok := err.(*Error); c.Status().Reason != reason && (!ok || e.Reason != reason) {
		t.Errorf("the person is told %v, want %s", err, v.Hint)
	}
}

// Offline answers, good and bad, as they arrive at Import.
func TestOfflineExchangeVectors(t *testing.T) {
	t.Parallel()
	var keys struct{ Pinned []string }
	vectors(t, "lease/keys.json", &keys)
	var file struct {
		Vectors []struct {
			Name     string
			Request  struct{ Method, Path, Body string }
			Response struct{ Body string }
			Outcome  string
			Lease    string
		}
	}
	vectors(t, "protocol/exchanges.json", &file)
	n := 0
	for _, v := range file.Vectors {
		if v.Request.Method != wire.MethodOffline {
			continue
		}
		n++
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			var req wire.Activation
			nonce, err := wire.Decode([]byte(v.Request.Body), &req)
			if err != nil {
				t.Fatal(err)
			}
			b := newBench(t)
			cfg := b.config()
			cfg.Keys = lease.MustKeySet(keys.Pinned...)
			cfg.readDevice = func() (device, error) { return vectorDevice(fingerprint.SetOf(req.Fingerprints)), nil }
			c, err := Open(cfg)
			if err != nil {
				t.Fatal(err)
			}
			c.rec.Pending = &pending{Nonce: nonce, Hash: wire.Hash(v.Request.Method, v.Request.Path, []byte(v.Request.Body))}
			if err := c.save(); err != nil {
				t.Fatal(err)
			}
			text := v.Response.Body
			if s, err := wire.Statement([]byte(text)); err == nil {
				text = s
			}
			err = c.Import(t.Context(), text)
			if (err == nil) != (v.Outcome == "accepted") || err == nil && c.rec.Lease != v.Lease {
				t.Errorf("%v, want %s", err, v.Outcome)
			}
			if err != nil && c.rec.Lease != "" {
				t.Error("a lease is stored all the same")
			}
		})
	}
	if n == 0 {
		t.Fatal("no vectors")
	}
}

// vectorDevice is a device with given fingerprints.
type vectorDevice fingerprint.Set

func (d vectorDevice) Derive(...fingerprint.Kind) fingerprint.Set { return fingerprint.Set(d) }
func (d vectorDevice) Tag([]byte) (string, bool)                  { return "", false }
func (d vectorDevice) Verify(pinned fingerprint.Set) fingerprint.Verdict {
	return fingerprint.Compare(pinned, fingerprint.Set(d))
}

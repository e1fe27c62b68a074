package server_test

import (
	"strings"
	"testing"

	"github.com/counterfoil-dev/counterfoil/internal/wire"
	"github.com/counterfoil-dev/counterfoil/lease"
	"github.com/counterfoil-dev/counterfoil/server"
)

const product = "acme-editor"

// device is the smallest of clients, next to the desk.
type device struct {
	desk   *server.Desk
	name   string
	prints map[string]string
	token  string
	lease  string
	id     string // of the activation
}

func newDevice(desk *server.Desk) *device {
	return &device{desk: desk, name: wire.NewInstallation(), prints: map[string]string{
		"bios-uuid": "fp1:" + wire.NewNonce(), "os-install": "fp1:" + wire.NewNonce(),
	}}
}

func (d *device) activation() *wire.Activation {
	return &wire.Activation{Nonce: wire.NewNonce(), Product: product, Installation: d.name, Fingerprints: d.prints}
}

func (d *device) redeem(t testing.TB, code string) lease.Answer {
	t.Helper()
	r := d.activation()
	r.Code = code
	reply, err := d.desk.Activate(t.Context(), server.Request{Nonce: r.Nonce, Hash: "h"}, r)
	return d.keep(t, reply, err)
}

func (d *device) signIn(t testing.TB, email, password string) lease.Answer {
	t.Helper()
	r := d.activation()
	r.Account = &wire.Account{Email: email, Password: password}
	reply, err := d.desk.Activate(t.Context(), server.Request{Nonce: r.Nonce, Hash: "h"}, r)
	return d.keep(t, reply, err)
}

func (d *device) check(t testing.TB) lease.Answer {
	t.Helper()
	r := &wire.Check{Nonce: wire.NewNonce(), Product: product, Fingerprints: d.prints}
	if d.token == "" {
		r.Lease = d.lease
	}
	reply, err := d.desk.Check(t.Context(), server.Request{Nonce: r.Nonce, Hash: "h", Token: d.token}, r)
	return d.keep(t, reply, err)
}

func (d *device) deactivate(t testing.TB) lease.Answer {
	t.Helper()
	r := &wire.Deactivation{Nonce: wire.NewNonce(), Product: product}
	reply, err := d.desk.Deactivate(t.Context(), server.Request{Nonce: r.Nonce, Hash: "h", Token: d.token}, r)
	return d.keep(t, reply, err)
}

func (d *device) rebind(t testing.TB) lease.Answer {
	t.Helper()
	r := &wire.Rebinding{Nonce: wire.NewNonce(), Product: product, Installation: d.name, Fingerprints: d.prints}
	reply, err := d.desk.Rebind(t.Context(), server.Request{Nonce: r.Nonce, Hash: "h", Token: d.token}, r)
	return d.keep(t, reply, err)
}

// keep verifies an answer and stores what it brings.
func (d *device) keep(t testing.TB, reply server.Reply, err error) lease.Answer {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	keys, err := d.desk.KeySet(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	v, err := keys.Verify(lease.TypeAnswer, reply.Statement)
	if err != nil {
		t.Fatal(err)
	}
	a := v.Answer()
	if a.Lease != "" {
		v, err := keys.Verify(lease.TypeLease, a.Lease)
		if err != nil {
			t.Fatal(err)
		}
		d.lease, d.id = a.Lease, v.Lease().Activation
	}
	if a.Token != "" {
		d.token = a.Token
	}
	return a
}

// want fails the test unless the answer has the code.
func want(t testing.TB, c wire.Code, a lease.Answer) lease.Answer {
	t.Helper()
	if a.Code != string(c) {
		t.Fatalf("want %s, have %s", c, a.Code)
	}
	return a
}

// sell makes a license and returns its id and code.
func (r *rig) sell(t testing.TB, terms server.Terms) (id, code string) {
	t.Helper()
	if _, err := r.vendor.PutProduct(t.Context(), server.Product{Name: product}); err != nil {
		t.Fatal(err)
	}
	terms.Product = product
	if terms.Kind == "" {
		terms.Kind = lease.KindSingle
	}
	sold, err := r.vendor.Sell(t.Context(), terms, 1, "")
	if err != nil {
		t.Fatal(err)
	}
	return sold[0].License, sold[0].Code
}

// keyID is the id of the key that signed a statement.
func keyID(t testing.TB, desk *server.Desk, statement string) string {
	t.Helper()
	keys, err := desk.KeySet(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	v, err := keys.Verify(lease.TypeLease, statement)
	if err != nil {
		t.Fatal(err)
	}
	return v.KeyID()
}

// contains reports which of the canaries stand in a text.
func contains(text string, canaries map[string]string) (found []string) {
	for name, c := range canaries {
		if c != "" && strings.Contains(text, c) {
			found = append(found, name)
		}
	}
	return found
}

//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/counterfoil-dev/counterfoil/lease"
	"github.com/counterfoil-dev/counterfoil/license"
	"github.com/counterfoil-dev/counterfoil/licensetest"
)

const (
	shared = "/run/license"      // Config.Dir, for all users of the machine
	server = "/run/license.json" // what the unprivileged process has to know of the server
)

// activation is what root leaves for the other.
type activation struct{ URL, Key, ID string }

// activate activates as root, with the token where it is kept by default, and opens the state to all users, as an
// administrator does who activates once for all. The token stays root's.
func activate() error {
	srv := licensetest.NewServer(licensetest.Config{})
	record := srv.AddLicense(licensetest.License{Product: product, Seats: 1})
	lic, err := open(srv.URL(), srv.PublicKey(), srv.Client(), time.Now)
	if err != nil {
		return err
	}
	if err := lic.Activate(context.Background(), license.Code(record.Code)); err != nil {
		return err
	}
	b, err := json.Marshal(activation{srv.URL(), srv.PublicKey(), lic.Status().ActivationID()})
	if err != nil {
		return err
	}
	if err := os.WriteFile(server, b, 0o644); err != nil {
		return err
	}
	if st, err := os.Stat(filepath.Join(shared, "token.json")); err != nil || st.Mode().Perm() != 0o600 {
		return fmt.Errorf("the token is not root's alone: %v, %w", st, err)
	}
	return errors.Join(os.Chmod(filepath.Join(shared, "license.state"), 0o644), os.Chmod(shared, 0o755))
}

// verify opens the same activation as another user, who cannot read the token or write the state, a day later and without
// a network, so that the slow comparison with the set in the signed lease is due.
func verify() error {
	var a activation
	b, err := os.ReadFile(server)
	if err == nil {
		err = json.Unmarshal(b, &a)
	}
	if err != nil {
		return err
	}
	tomorrow := func() time.Time { return time.Now().Add(25 * time.Hour) }
	lic, err := open(a.URL, a.Key, &http.Client{Transport: noNetwork{}}, tomorrow)
	if err != nil {
		return err
	}
	if st := lic.Status(); !st.Usable() || st.ActivationID() != a.ID {
		return fmt.Errorf("at start: %s (%s), activation %q, want %q", st.State, st.Reason, st.ActivationID(), a.ID)
	}
	if st := lic.Check(context.Background()); !st.Usable() || st.ActivationID() != a.ID {
		return fmt.Errorf("after the check: %s (%s), activation %q, want %q", st.State, st.Reason, st.ActivationID(), a.ID)
	}
	if _, err := os.ReadFile(filepath.Join(shared, "token.json")); !errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("the token can be read: %w", err)
	}
	return nil
}

func open(url, key string, client *http.Client, now func() time.Time) (*license.Client, error) {
	keys, err := lease.ParseKeySet(key)
	if err != nil {
		return nil, err
	}
	return license.Open(license.Config{
		Product: product, Server: url, Keys: keys, Dir: shared, HTTPClient: client, Now: now,
	})
}

type noNetwork struct{}

func (noNetwork) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, fmt.Errorf("no network")
}

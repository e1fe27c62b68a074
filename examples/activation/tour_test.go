package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/counterfoil-dev/counterfoil/fingerprint"
	"github.com/counterfoil-dev/counterfoil/license"
	"github.com/counterfoil-dev/counterfoil/token"
)

// tourOf runs the tour. It has a server of its own on loopback, and here a keyring of its own.
func (d *desk) tourOf(ctx context.Context, args ...string) (exit int, out, stderr string) {
	var o, e bytes.Buffer
	c := d.program("", &o, &e)
	c.adjust = func(cfg *license.Config) { cfg.TokenStore = d.keyring }
	exit = c.run(ctx, args)
	return exit, o.String(), e.String()
}

func TestTour(t *testing.T) {
	t.Parallel()
	for lang, want := range map[string]string{"en": "That was the tour", "de": "Das war der Rundgang"} {
		t.Run(lang, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t)
			exit, out, stderr := d.tourOf(t.Context(), "-lang", lang)
			if exit != exitOK || stderr != "" {
				t.Fatalf("exit code %d, %s\n%s", exit, stderr, out)
			}
			for _, s := range []string{want, "Grace", "Lapsed", "NotActivated", "fp1:", "http://127.0.0.1:"} {
				if !strings.Contains(out, s) {
					t.Errorf("the tour does not show %q", s)
				}
			}
			folder := regexp.MustCompile(`\S*counterfoil-tour-\d+`).FindString(out)
			if _, err := os.Stat(folder); folder == "" || !errors.Is(err, os.ErrNotExist) {
				t.Errorf("folder %q is left: %v", folder, err)
			}
			if _, err := d.keyring.Get(t.Context()); !errors.Is(err, token.ErrAbsent) {
				t.Errorf("the keyring still holds the token: %v", err)
			}
		})
	}
}

// Interrupted while a token is stored, the tour takes it back.
func TestTourInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	d := newDesk(t)
	var out, stderr bytes.Buffer
	c := d.program("", &out, &stderr)
	c.adjust = func(cfg *license.Config) { cfg.TokenStore = d.keyring }
	c.out = writerFunc(func(b []byte) (int, error) {
		if bytes.HasPrefix(b, []byte("5. ")) {
			if _, err := d.keyring.Get(ctx); err != nil {
				t.Errorf("no token is stored at step 5: %v", err)
			}
			cancel()
		}
		return out.Write(b)
	})
	if exit := c.run(ctx, nil); exit != exitInterrupted {
		t.Errorf("exit code %d, want %d\n%s", exit, exitInterrupted, out.String())
	}
	if _, err := d.keyring.Get(t.Context()); !errors.Is(err, token.ErrAbsent) {
		t.Errorf("the keyring holds a token: %v", err)
	}
}

func TestTourHasNoJSON(t *testing.T) {
	t.Parallel()
	if exit, _, _ := newDesk(t).tourOf(t.Context(), "-json"); exit != exitUsage {
		t.Errorf("exit code %d, want %d", exit, exitUsage)
	}
}

func TestServe(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	ctx, cancel := context.WithCancel(t.Context())
	var stderr bytes.Buffer
	c := d.program("not a request\n", nil, &stderr)
	var sold practiceResult
	c.out = writerFunc(func(b []byte) (int, error) { // the one object; then the server is there
		cancel()
		return len(b), json.Unmarshal(b, &struct{ Result *practiceResult }{&sold})
	})
	if exit := c.run(ctx, []string{"serve", "-json"}); exit != exitOK {
		t.Errorf("exit code %d, want %d (%s)", exit, exitOK, stderr.String())
	}
	if sold.Code == "" || sold.Key == "" || !strings.HasPrefix(sold.Server, "http://127.0.0.1:") {
		t.Errorf("what there is to claim: %+v", sold)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

func TestFingerprint(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	var hidden, shown fingerprintResult
	d.json("", &hidden, "fingerprint")
	d.json("", &shown, "fingerprint", "-reveal")
	if _, err := fingerprint.ParseValue(hidden.Fingerprint[fingerprint.Caller]); err != nil {
		t.Errorf("fingerprint: %v", err)
	}
	if hidden.Sources[0].ID != "" || shown.Sources[0].ID != d.device {
		t.Errorf("identifier %q without -reveal, %q with it", hidden.Sources[0].ID, shown.Sources[0].ID)
	}
	if n := len(d.srv.Requests()); n != 0 {
		t.Errorf("%d requests were sent, want none", n)
	}
	// The system's own sources, whatever this machine has.
	d.device = ""
	exit, out, stderr := d.run("", "fingerprint")
	if exit != exitOK && exit != exitFailed || !strings.Contains(out, "os-install") || stderr != "" {
		t.Errorf("exit code %d, %q, %q", exit, out, stderr)
	}
}

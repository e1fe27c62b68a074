package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// full is a disk without room.
type full struct{ left int }

var errFull = errors.New("no room")

func (f *full) Write(p []byte) (int, error) {
	if f.left -= len(p); f.left < 0 {
		return 0, errFull
	}
	return len(p), nil
}

// TestOutputLost: a result that cannot be written is a failure, for people and for scripts.
func TestOutputLost(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	var any any
	c.ok(&any, "", "license", "create", "--product", "acme", "--new-product")
	for _, args := range [][]string{
		{"license", "create", "--product", "acme"},
		{"license", "create", "--product", "acme", "--json"},
		{"license", "list"},
		{"keys", "list"},
	} {
		var errs strings.Builder
		code := run(t.Context(), append([]string{"--data", c.data}, args...), strings.NewReader(""), &full{left: 10}, &errs)
		if code != exitFailed || !strings.Contains(errs.String(), errFull.Error()) {
			t.Errorf("%q: exit %d, %s", args, code, errs.String())
		}
	}
}

// TestCodesKept: a file of codes stays once its licenses exist, whatever fails after, and goes if there are none.
func TestCodesKept(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	file := filepath.Join(t.TempDir(), "codes.csv")
	args := []string{"--data", c.data, "license", "create", "--product", "acme", "--new-product", "--csv", file}
	if code := run(t.Context(), append(args, "--seats=-1"), strings.NewReader(""), &full{1 << 20}, &full{1 << 20}); code != exitUsage {
		t.Errorf("exit %d", code)
	}
	if _, err := os.Stat(file); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file without licenses: %v", err)
	}
	if code := run(t.Context(), args, strings.NewReader(""), &full{}, &full{1 << 20}); code != exitFailed {
		t.Errorf("exit %d", code)
	}
	text, err := os.ReadFile(file)
	if err != nil || strings.Count(string(text), "lic_") != 1 {
		t.Errorf("codes %q, %v", text, err)
	}
}

// TestProductKept: `product put` changes what it is given.
func TestProductKept(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	var p struct {
		Lease   float64 `json:"lease_days"`
		Offline float64 `json:"offline_days"`
	}
	for _, step := range []struct {
		args           []string
		lease, offline float64
	}{
		{nil, 14, 180},
		{[]string{"--lease-days", "30"}, 30, 180},
		{[]string{"--offline-days", "90"}, 30, 90},
		{nil, 30, 90},
	} {
		c.ok(&p, "", append([]string{"product", "put", "acme"}, step.args...)...)
		if p.Lease != step.lease || p.Offline != step.offline {
			t.Errorf("%q: %+v", step.args, p)
		}
	}
}

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/counterfoil-dev/counterfoil/lease"
	"github.com/counterfoil-dev/counterfoil/license"
	"github.com/counterfoil-dev/counterfoil/licensetest"
)

// desk is a customer's machine and the vendor's server. Nothing of it leaves the process.
type desk struct {
	t       *testing.T
	srv     *licensetest.Server
	keyring *licensetest.Keyring
	device  string
	dir     string
}

func newDesk(t *testing.T) *desk {
	return &desk{t: t, srv: licensetest.NewServer(licensetest.Config{}), keyring: new(licensetest.Keyring), device: "desk-1", dir: t.TempDir()}
}

// another is a second machine of the same customer.
func (d *desk) another() *desk {
	return &desk{t: d.t, srv: d.srv, keyring: new(licensetest.Keyring), device: "desk-2", dir: d.t.TempDir()}
}

func (d *desk) program(stdin string, out, err *bytes.Buffer) *cli {
	env := map[string]string{
		"COUNTERFOIL_SERVER": d.srv.URL(), "COUNTERFOIL_KEY": d.srv.PublicKey(),
		"COUNTERFOIL_STATE": d.dir, "COUNTERFOIL_DEVICE": d.device, "LANG": "C.UTF-8",
	}
	return &cli{
		in: newInput(strings.NewReader(stdin), err), out: out, err: err, env: func(k string) string { return env[k] },
		adjust: func(cfg *license.Config) { cfg.TokenStore, cfg.HTTPClient = d.keyring, d.srv.Client() },
	}
}

// run runs the program for people.
func (d *desk) run(stdin string, args ...string) (exit int, out, err string) {
	var o, e bytes.Buffer
	exit = d.program(stdin, &o, &e).run(d.t.Context(), args)
	return exit, o.String(), e.String()
}

// answer is what -json prints.
type answer struct {
	Command string
	OK      bool
	Exit    int
	Result  json.RawMessage
	Error   *failure
}

// json runs the program with -json and decodes its one object, the result into to.
func (d *desk) json(stdin string, to any, args ...string) answer {
	d.t.Helper()
	exit, out, stderr := d.run(stdin, append(args, "-json")...)
	var a answer
	dec := json.NewDecoder(strings.NewReader(out))
	if err := dec.Decode(&a); err != nil || dec.More() {
		d.t.Fatalf("%q: want one JSON object, have %q (%v)", args, out, err)
	}
	if stderr != "" {
		d.t.Errorf("%q: with -json, standard error says %q", args, stderr)
	}
	if a.Exit != exit || a.OK != (exit == exitOK) {
		d.t.Errorf("%q: exit code %d, but the object says %d, ok %t", args, exit, a.Exit, a.OK)
	}
	if to != nil && a.Result != nil {
		if err := json.Unmarshal(a.Result, to); err != nil {
			d.t.Fatalf("%q: %v", args, err)
		}
	}
	return a
}

// want runs the program and fails unless it ends with the exit code.
func (d *desk) want(exit int, stdin string, args ...string) (a answer, s statusResult) {
	d.t.Helper()
	a = d.json(stdin, &s, args...)
	if a.Exit != exit {
		d.t.Fatalf("%q: exit code %d, want %d (%+v, %+v)", args, a.Exit, exit, a.Error, s)
	}
	return a, s
}

func TestLife(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	limit := int64(10)
	sold := d.srv.AddLicense(licensetest.License{
		Edition: "Pro", Seats: 2, Entitlements: map[string]lease.Entitlement{"export.pdf": {}, "projects": {Limit: &limit}},
	})

	if _, s := d.want(exitNotUsable, "", "status"); s.State != "NotActivated" {
		t.Errorf("at first: %+v", s)
	}
	_, s := d.want(exitOK, sold.Code+"\n", "activate", "-label", "study")
	if s.State != "Active" || s.Edition != "Pro" || s.SeatsUsed != 1 || s.SeatsTotal != 2 || s.Token == nil || s.Token.Store != "custom" ||
		fmt.Sprint(s.Holds) != "[export.pdf projects=10]" || s.LeaseEnd.IsZero() || s.Confirmed.IsZero() {
		t.Errorf("activated: %+v", s)
	}
	if list := sold.Activations(); len(list) != 1 || list[0].Label != "study" {
		t.Errorf("activations at the vendor: %+v", list)
	}
	d.want(exitOK, "", "activate", sold.Code) // again, as an argument
	if n := sold.Seats(); n != 1 {
		t.Errorf("%d seats after activating twice, want 1", n)
	}
	d.want(exitOK, "", "status")
	d.want(exitOK, "", "check")
	if n := d.srv.Count("/v1/checks"); n != 0 {
		t.Errorf("%d checks were sent on the day of the activation, want 0", n)
	}
	d.want(exitOK, "", "deactivate")
	d.want(exitNotUsable, "", "status")
	if n := sold.Seats(); n != 0 {
		t.Errorf("%d seats after deactivation, want 0", n)
	}

	d.want(exitOK, sold.Code, "activate")
	d.want(exitOK, "", "forget")
	d.want(exitNotUsable, "", "status")
	if n := sold.Seats(); n != 1 {
		t.Errorf("%d seats after forget, want 1", n)
	}
}

func TestExitCodes(t *testing.T) {
	t.Parallel()
	activated := func(t *testing.T, d *desk) *licensetest.Record {
		sold := d.srv.AddLicense(licensetest.License{Seats: 1})
		d.want(exitOK, sold.Code, "activate")
		return sold
	}
	for _, test := range []struct {
		name   string
		given  func(*testing.T, *desk)
		stdin  string
		args   []string
		exit   int
		reason license.Reason
	}{
		{name: "unknown command", args: []string{"fly"}, exit: exitUsage},
		{name: "unknown flag", args: []string{"status", "-fly"}, exit: exitUsage},
		{name: "unknown flag before the command", args: []string{"-fly", "status"}, exit: exitUsage},
		{name: "too many arguments", args: []string{"status", "now"}, exit: exitUsage},
		{name: "not a key", args: []string{"status", "-key", "k1:nonsense"}, exit: exitUsage},
		{name: "no server", args: []string{"status", "-server", ""}, exit: exitUsage},
		{name: "plain http elsewhere", args: []string{"status", "-server", "http://license.example.com"}, exit: exitUsage, reason: license.ReasonConfig},
		{name: "no code", args: []string{"activate"}, exit: exitUsage},
		{name: "token dance", args: []string{"token", "dance"}, exit: exitUsage},
		{name: "mistyped code", stdin: "ABCDE-ABCDE", args: []string{"activate"}, exit: exitRefused, reason: license.ReasonCodeMistyped},
		{
			name: "code of somewhere else", args: []string{"activate"}, exit: exitRefused, reason: license.ReasonCodeInvalid,
			stdin: licensetest.NewServer(licensetest.Config{}).AddLicense(licensetest.License{}).Code,
		},
		{name: "wrong password", stdin: "a@example.com\nwrong\n", args: []string{"login"}, exit: exitRefused, reason: license.ReasonCredentialsWrong},
		{
			name: "unreachable", stdin: licensetest.NewServer(licensetest.Config{}).AddLicense(licensetest.License{}).Code,
			given: func(t *testing.T, d *desk) { d.srv.Fail(licensetest.Redirect("https://portal.example.com")) },
			args:  []string{"activate"}, exit: exitUnreachable, reason: license.ReasonUnreachable,
		},
		{
			name: "deactivation while unreachable",
			given: func(t *testing.T, d *desk) {
				activated(t, d)
				d.srv.Fail(licensetest.CaptivePortal())
			},
			args: []string{"deactivate"}, exit: exitUnreachable, reason: license.ReasonUnreachable,
		},
		{name: "rebinding nothing", args: []string{"rebind"}, exit: exitNotUsable},
		{name: "importing nonsense", stdin: "nonsense", args: []string{"import"}, exit: exitRefused, reason: license.ReasonImportInvalid},
		{name: "importing no file", args: []string{"import", "no such file"}, exit: exitFailed},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t)
			if test.given != nil {
				test.given(t, d)
			}
			a := d.json(test.stdin, nil, test.args...)
			if a.Exit != test.exit || a.Error == nil || a.Error.Reason != test.reason || a.Error.Message == "" || a.Error.Detail == "" {
				t.Errorf("exit code %d, want %d; error %+v, want reason %q", a.Exit, test.exit, a.Error, test.reason)
			}
			exit, out, stderr := d.run(test.stdin, test.args...)
			if exit != test.exit || out != "" || stderr == "" {
				t.Errorf("for people: exit code %d, want %d; out %q, err %q", exit, test.exit, out, stderr)
			}
		})
	}
}

func TestSeatsUsed(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	sold := d.srv.AddLicense(licensetest.License{Seats: 1})
	d.want(exitOK, sold.Code, "activate")
	if a, _ := d.another().want(exitRefused, sold.Code, "activate"); a.Error.Reason != license.ReasonSeatsUsed {
		t.Errorf("reason %q", a.Error.Reason)
	}
}

func TestNotStored(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	sold := d.srv.AddLicense(licensetest.License{Seats: 1})
	d.keyring.Decline()
	d.want(exitNotStored, sold.Code, "activate")
	d.keyring.Open()
	d.want(exitOK, sold.Code, "activate")
	if n := sold.Seats(); n != 1 {
		t.Errorf("%d seats, want 1", n)
	}
}

func TestInterrupted(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	var out, stderr bytes.Buffer
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if exit := d.program("", &out, &stderr).run(ctx, []string{"activate"}); exit != exitInterrupted {
		t.Errorf("exit code %d, want %d (%s)", exit, exitInterrupted, stderr.String())
	}
	if err := (&usageError{errNoInput}); !errors.Is(err, errNoInput) {
		t.Error("a usage error hides its cause")
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	_, all, _ := d.run("", "help")
	for _, cmd := range commands() {
		if !strings.Contains(all, cmd.name) {
			t.Errorf("help does not name %s", cmd.name)
		}
		for _, lang := range []string{"en", "de"} {
			exit, out, _ := d.run("", "help", cmd.name, "-lang", lang)
			if exit != exitOK || !strings.Contains(out, "activation "+cmd.name) || !strings.Contains(out, "-server") {
				t.Errorf("help %s (%s): exit code %d, %q", cmd.name, lang, exit, out)
			}
			_, same, _ := d.run("", "-lang", lang, cmd.name, "-h")
			if same != out {
				t.Errorf("%s -h is not the help of %s: %q", cmd.name, cmd.name, same)
			}
		}
		if cmd.about.en == "" || cmd.about.de == "" || cmd.about.en == cmd.about.de || (cmd.more.en == "") != (cmd.more.de == "") {
			t.Errorf("%s lacks a language", cmd.name)
		}
	}
	if exit, _, _ := d.run("", "help", "fly"); exit != exitUsage {
		t.Errorf("help of an unknown command: exit code %d", exit)
	}
}

func TestFlags(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	sold := d.srv.AddLicense(licensetest.License{Product: "beta"})
	// Before and after the command, between its arguments, with one hyphen and with two; keys add up.
	d.want(exitOK, "", "-product", "beta", "activate", "--label=x", sold.Code, "-key", d.srv.PublicKey(), "--key", d.srv.RotateKey())
	d.want(exitOK, "", "status", "-product", "beta")
	if exit, out, _ := d.another().run("", "status", "-lang", "de-AT"); exit != exitNotUsable || !strings.Contains(out, "nicht aktiviert") {
		t.Errorf("in German: %q", out)
	}
}

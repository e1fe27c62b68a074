package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rsc.io/qr"

	"github.com/counterfoil-dev/counterfoil/lease"
	"github.com/counterfoil-dev/counterfoil/license"
	"github.com/counterfoil-dev/counterfoil/licensetest"
)

func TestLogin(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	const password = "correct horse"
	small := d.srv.AddLicense(licensetest.License{Kind: lease.KindSubscription, Edition: "Small"})
	large := d.srv.AddLicense(licensetest.License{Kind: lease.KindSubscription, Edition: "Large", Seats: 5})
	d.srv.AddAccount("a@example.com", password, small, large)

	a, _ := d.want(exitRefused, password+"\n", "login", "a@example.com")
	if a.Error.Reason != license.ReasonChooseLicense || len(a.Error.Licenses) != 2 {
		t.Fatalf("two licenses: %+v", a.Error)
	}
	_, _, people := d.run(password+"\n", "login", "a@example.com")
	if !strings.Contains(people, "-license "+large.ID) || !strings.Contains(people, "Large") {
		t.Errorf("the choice is not shown: %q", people)
	}
	_, s := d.want(exitOK, "a@example.com\r\n"+password+"\r\n", "login", "-license", large.ID)
	if s.License != large.ID {
		t.Errorf("license %q, want %q", s.License, large.ID)
	}
}

// What a person entered comes out nowhere, and no file of ours holds it.
func TestSecretsStayIn(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	sold := d.srv.AddLicense(licensetest.License{})
	const password = "correct-horse-battery-staple"
	var all strings.Builder
	for _, args := range [][]string{
		{"activate"}, {"activate", "-json"}, {"login", "a@example.com"}, {"login", "a@example.com", "-json"}, {"token"}, {"status"},
	} {
		stdin := sold.Code + "\n"
		if args[0] == "login" {
			stdin = password + "\n"
		}
		_, out, stderr := d.run(stdin, args...)
		all.WriteString(out + stderr)
	}
	entries, err := os.ReadDir(d.dir)
	if err != nil || len(entries) == 0 {
		t.Fatalf("state folder: %v, %v", entries, err)
	}
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(d.dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		all.Write(b)
	}
	secret, err := d.keyring.Get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]string{"code": sold.Code, "password": password, "token": secret.Reveal()} {
		if strings.Contains(all.String(), s) {
			t.Errorf("the %s came out", name)
		}
	}
}

func TestOffline(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	sold := d.srv.AddLicense(licensetest.License{Seats: 1})
	exit, request, _ := d.run(sold.Code, "offline-request")
	if exit != exitOK || strings.Count(request, "\n") != 1 {
		t.Fatalf("exit code %d, request %q", exit, request)
	}
	reply, err := d.srv.AnswerOffline(request)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "answer")
	if err := os.WriteFile(file, []byte(reply), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, s := d.want(exitOK, "", "import", file); !s.Offline || s.State != "Active" {
		t.Errorf("imported: %+v", s)
	}
	d.want(exitOK, reply[:20]+"\n"+reply[20:]+"\n", "import") // again, as a mail program broke it
	if n := len(d.srv.Requests()); n != 0 {
		t.Errorf("%d requests went over the network, want none", n)
	}
}

func TestQR(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	sold := d.srv.AddLicense(licensetest.License{})
	exit, picture, _ := d.run(sold.Code, "offline-request", "-qr")
	if exit != exitOK || !strings.Contains(picture, "▀") {
		t.Fatalf("exit code %d, picture %q", exit, picture)
	}

	code, err := qr.Encode("counterfoil", qr.L)
	if err != nil {
		t.Fatal(err)
	}
	const quiet = 4
	for row, line := range strings.Split(strings.TrimSuffix(drawQR(code), "\n"), "\n") {
		line = strings.TrimSuffix(strings.TrimPrefix(line, "\x1b[30;47m"), "\x1b[0m")
		cells := []rune(line)
		if len(cells) != code.Size+2*quiet {
			t.Fatalf("line %d has %d cells, want %d", row, len(cells), code.Size+2*quiet)
		}
		for column, cell := range cells {
			x, y := column-quiet, 2*row-quiet
			upper, lower := cell == '█' || cell == '▀', cell == '█' || cell == '▄'
			if upper != code.Black(x, y) || lower != code.Black(x, y+1) {
				t.Fatalf("cell %d of line %d is %q", column, row, cell)
			}
		}
	}
}

func TestRebind(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	sold := d.srv.AddLicense(licensetest.License{Seats: 1})
	d.want(exitOK, sold.Code, "activate")
	moved := *d
	moved.device = "desk-2" // the same disk in another machine
	var f fingerprintResult
	if moved.json("", &f, "fingerprint"); !strings.Contains(f.Verdict, "not the activated device") {
		t.Errorf("verdict on another device: %q", f.Verdict)
	}
	d.want(exitOK, "", "check")
	if _, s := moved.want(exitOK, "", "rebind"); s.State != "Active" {
		t.Errorf("rebound: %+v", s)
	}
	if n := sold.Seats(); n != 1 {
		t.Errorf("%d seats, want 1", n)
	}
}

func TestToken(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	var r tokenResult
	if d.json("", &r, "token"); r.Store != "" {
		t.Errorf("before activation: %+v", r)
	}
	d.want(exitOK, d.srv.AddLicense(licensetest.License{}).Code, "activate")
	if a := d.json("", nil, "token", "migrate"); !a.OK {
		t.Errorf("nothing to migrate: %+v", a.Error)
	}
	d.keyring.Decline()
	if a := d.json("", nil, "deactivate"); a.Exit != exitFailed || a.Error.Reason != license.ReasonTokenUnavailable {
		t.Errorf("with a keyring whose opening was declined: %+v", a)
	}
}

func TestInput(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ text, want string }{
		{"one\ntwo\n", "one"}, {"one\r\n", "one"}, {"one", "one"}, {" one \n", " one "},
	} {
		got, err := newInput(strings.NewReader(test.text), io.Discard).secret(t.Context(), "")
		if got != test.want || err != nil {
			t.Errorf("%q: %q, %v", test.text, got, err)
		}
	}
	if _, err := newInput(strings.NewReader(strings.Repeat("x", maxLine+10)), io.Discard).line(t.Context(), ""); err == nil {
		t.Error("an endless line was accepted")
	}
	if _, err := newInput(strings.NewReader(""), io.Discard).line(t.Context(), ""); !errors.Is(err, errNoInput) {
		t.Errorf("nothing: %v", err)
	}
	if _, err := newInput(strings.NewReader(strings.Repeat("x", maxImport+10)), io.Discard).text(t.Context(), ""); err == nil {
		t.Error("an endless text was accepted")
	}
}

package license

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/counterfoil-dev/counterfoil/fingerprint"
	"github.com/counterfoil-dev/counterfoil/licensetest"
)

func TestConfigNamesEveryWrongField(t *testing.T) {
	t.Parallel()
	_, err := Open(Config{Product: "Acme Editor", Server: "http://license.example"})
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Op != "open" || e.Reason != ReasonConfig || e.Hint == "" {
		t.Fatal(err)
	}
	for _, field := range []string{"Config.Product", "Config.Keys", "Config.Server"} {
		if !strings.Contains(err.Error(), field) {
			t.Errorf("%v does not name %s", err, field)
		}
	}
}

func TestServerAddress(t *testing.T) {
	t.Parallel()
	keys := licensetest.NewServer(licensetest.Config{}).Keys()
	for server, ok := range map[string]bool{
		"https://license.example": true, "https://license.example:8443/base/": true, "http://127.0.0.1:8080": true,
		"http://localhost:1": true, "http://[::1]:1": true,
		"": false, "license.example": false, "http://license.example": false, "ftp://license.example": false,
		"https://user:secret@license.example": false, "https://license.example?token=x": false, "https://": false,
		"http://127.0.0.1.evil.example": false, "https://license.example?": false, "https://:443": false, "https://a:99999": false, "https://license.example#x": false, "http://10.0.0.1": false,
	} {
		_, err := Open(Config{Product: product, Server: server, Keys: keys, Dir: t.TempDir()})
		if (err == nil) != ok {
			t.Errorf("%q: %v", server, err)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("the error repeats a password: %v", err)
		}
	}
}

func TestHomeUnset(t *testing.T) {
	for _, v := range []string{"HOME", "XDG_STATE_HOME", "LocalAppData"} {
		t.Setenv(v, "")
	}
	srv := licensetest.NewServer(licensetest.Config{})
	_, err := Open(Config{Product: product, Server: srv.URL(), Keys: srv.Keys()})
	if err == nil || !strings.Contains(err.Error(), "Config.Dir") {
		t.Fatal(err)
	}
}

func TestDefaultDir(t *testing.T) {
	state := t.TempDir()
	for _, v := range []string{"HOME", "XDG_STATE_HOME", "LocalAppData"} {
		t.Setenv(v, state)
	}
	dir, err := stateDir()
	if err != nil || !strings.HasPrefix(dir, state) {
		t.Fatal(dir, err)
	}
	t.Setenv("XDG_STATE_HOME", "relative")
	if dir, err := stateDir(); err != nil || !filepath.IsAbs(dir) {
		t.Fatal(dir, err)
	}
}

// A folder that cannot be written is found out before a seat is taken.
func TestUnwritableDir(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.dir = filepath.Join(b.dir, "file", "below")
	if err := os.WriteFile(filepath.Dir(b.dir), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Open(b.config())
	if err != nil { // told at the start already
		if !errors.Is(err, ErrStateUnreadable) {
			t.Fatal(err)
		}
		return
	}
	err = c.Activate(t.Context(), Code(b.record.Code))
	if !errors.Is(err, ErrStateUnreadable) || len(b.srv.Requests()) != 0 {
		t.Fatalf("%v after %d requests", err, len(b.srv.Requests()))
	}
	b.want(c, NotActivated, ReasonNone)
}

// A state file that is not a file is somebody else's, not damaged.
func TestUnreadableState(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	if err := os.Mkdir(filepath.Join(b.dir, stateName), 0o700); err != nil {
		t.Fatal(err)
	}
	_, err := Open(b.config())
	e, ok := errors.AsType[*Error](err)
	if !ok || !errors.Is(err, ErrStateUnreadable) || e.Hint == "" || !strings.Contains(err.Error(), b.dir) {
		t.Fatal(err)
	}
}

func TestNoDevice(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.machine = b.machine.without(fingerprint.BIOSUUID, fingerprint.OSInstall)
	err := b.open().Activate(t.Context(), Code(b.record.Code))
	if e, ok := errors.AsType[*Error](err); !ok || !errors.Is(err, fingerprint.ErrUnavailable) || e.Reason != ReasonNoDevice {
		t.Fatal(err)
	}
}

// Every reason says what happened in both languages, and what to do unless all is well.
func TestTexts(t *testing.T) {
	t.Parallel()
	fallback := message("no such reason", english)
	for _, r := range allReasons(t) {
		for _, l := range []language{english, german} {
			if s := sentence(r, l); s == "" || !strings.HasSuffix(s, ".") || message(r, l) == fallback {
				t.Errorf("%q: %q", r, s)
			}
			fine := r == ReasonConfirmed || r == ReasonOfflineLease
			if h := hint(r, l); (h == "") != fine || h != "" && !strings.HasSuffix(h, ".") {
				t.Errorf("%q: hint %q", r, h)
			}
			if strings.Contains(message(r, l), "named") {
				e := fail("open", r, errConfig, errors.New("the cause\nand another"))
				if m := e.Message("en"); !strings.Contains(m, "the cause; and another") {
					t.Errorf("%q speaks of something that it does not name: %s", r, m)
				}
			}
		}
		if message(r, english) == message(r, german) {
			t.Errorf("%q says the same in both languages", r)
		}
	}
	if Message(nil, "en") != "" || Message(errors.New("other"), "de") != "other" {
		t.Error("Message of nil, or of another package's error")
	}
	if (Status{}).Message("de-AT") != message(ReasonNone, german) || (Status{}).Message("fr") != message(ReasonNone, english) {
		t.Error("languages are mixed up")
	}
}

// allReasons reads the constants, so that a new one without a text is found.
func allReasons(t *testing.T) []Reason {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), "texts.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var reasons []Reason
	ast.Inspect(f, func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok && len(v.Values) == 1 && strings.HasPrefix(v.Names[0].Name, "Reason") {
			text, err := strconv.Unquote(v.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			reasons = append(reasons, Reason(text))
		}
		return true
	})
	if len(reasons) != len(texts) {
		t.Fatalf("%d reasons, %d texts", len(reasons), len(texts))
	}
	return reasons
}

// What is typed at activation reaches neither the state file nor anything that is printed.
func TestNothingStoredDependsOnSecrets(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	rec := b.srv.AddLicense(licensetest.License{Product: product, Kind: "subscription"})
	b.srv.AddAccount("ada@example.com", "correct horse", rec)
	c := b.open()
	claim := Account("ada@example.com", "correct horse")
	if err := c.Activate(t.Context(), claim); err != nil {
		t.Fatal(err)
	}
	r := reflect.ValueOf(*c.rec)
	for i := range r.NumField() { // the record holds what it holds; a new field must be thought about here
		switch name := r.Type().Field(i).Name; name {
		case "Installation", "Lease", "Standing", "Lost", "Confirmed", "Answered", "Offset", "Mark", "Salt", "Tag", "DeviceDay",
			"Jitter", "Attempts", "Pending", "Trouble":
		default:
			t.Errorf("record has a new field %s: does it depend on a password?", name)
		}
	}
	data, err := os.ReadFile(c.file.Path())
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"correct horse", "ada@example.com", b.store.held.Reveal()} {
		if strings.Contains(string(data), secret) {
			t.Errorf("the state file holds %q", secret)
		}
	}
	if c.rec.Pending != nil {
		t.Error("a request is kept")
	}
}

package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/csv"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/counterfoil-dev/counterfoil/internal/wire"
	"github.com/counterfoil-dev/counterfoil/lease"
)

// cli is a command line on a data folder of its own.
type cli struct {
	*testing.T
	data string
}

func newCLI(t *testing.T) *cli { return &cli{t, filepath.Join(t.TempDir(), "data")} }

// run runs a command and returns what it wrote, and its exit code.
func (c *cli) run(stdin string, args ...string) (stdout, stderr string, code int) {
	c.Helper()
	var out, errs bytes.Buffer
	code = run(c.Context(), append([]string{"--data", c.data}, args...), strings.NewReader(stdin), &out, &errs)
	return out.String(), errs.String(), code
}

// ok runs a command that must succeed and decodes its JSON into v.
func (c *cli) ok(v any, stdin string, args ...string) {
	c.Helper()
	out, errs, code := c.run(stdin, append(args, "-json")...)
	if code != 0 {
		c.Fatalf("%q: exit %d: %s", args, code, errs)
	}
	if err := json.Unmarshal([]byte(out), v); err != nil {
		c.Fatalf("%q: %v: %s", args, err, out)
	}
}

type sold []struct{ License, Code string }

func TestCommands(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	var any any
	var s sold
	c.ok(&s, "", "license", "create", "--product", "acme-editor", "--new-product", "--seats", "2")
	if len(s) != 1 || !strings.HasPrefix(s[0].License, "lic_") {
		t.Fatalf("sold %+v", s)
	}
	if _, err := wire.ParseCode(s[0].Code); err != nil {
		t.Errorf("code %q: %v", s[0].Code, err)
	}
	c.ok(&any, "", "product", "put", "acme-viewer", "--lease-days", "30")
	c.ok(&any, "", "edition", "put", "acme-viewer", "pro", "export.pdf", "projects=5")
	c.ok(&any, "", "edition", "list", "acme-viewer")
	c.ok(&any, "", "product", "show", "acme-viewer")
	var products []struct {
		Product   string
		LeaseDays float64 `json:"lease_days"`
	}
	c.ok(&products, "", "product", "list")
	if len(products) != 2 || products[1].LeaseDays != 30 {
		t.Errorf("products %+v", products)
	}
	var sub sold
	c.ok(&sub, "", "license", "create", "--product", "acme-viewer", "--edition", "pro", "--subscription", "--end", "2030-12-31")
	c.ok(&any, "a long password\n", "account", "create", "jo@example.com", "--license", sub[0].License)
	c.ok(&any, "another password", "account", "password", "jo@example.com")
	var made struct{ Password string }
	c.ok(&made, "", "account", "password", "jo@example.com", "--generate")
	if len(made.Password) < 20 {
		t.Errorf("password %q", made.Password)
	}
	c.ok(&any, "", "account", "claim", "jo@example.com", sub[0].License)
	c.ok(&any, "", "account", "list")

	var l struct{ License, Standing, End string }
	for _, step := range []struct {
		args     []string
		standing string
	}{
		{[]string{"suspend", sub[0].License}, "suspended"}, {[]string{"reinstate", sub[0].License}, "active"},
		{[]string{"revoke", sub[0].License}, "revoked"}, {[]string{"reinstate", sub[0].License}, "active"},
		{[]string{"renew", sub[0].License, "2020-01-01"}, "expired"}, {[]string{"renew", sub[0].License, "never"}, "active"},
		{[]string{"show", sub[0].License}, "active"},
	} {
		c.ok(&l, "", append([]string{"license"}, step.args...)...)
		if l.License != sub[0].License || l.Standing != step.standing {
			t.Errorf("license %q: %+v", step.args, l)
		}
	}
	c.ok(&l, s[0].Code+"\n", "license", "find")
	if l.License != s[0].License {
		t.Errorf("found %+v", l)
	}
	var fresh struct{ Code string }
	c.ok(&fresh, "", "license", "codes", s[0].License, "--add")
	var codes []struct{ Created string }
	c.ok(&codes, "", "license", "codes", s[0].License)
	if len(codes) != 2 || fresh.Code == s[0].Code {
		t.Errorf("codes %v, fresh %q", codes, fresh.Code)
	}
	c.ok(&any, "", "license", "list", "--product", "acme-viewer")
	c.ok(&any, "", "activation", "list", s[0].License)
	c.ok(&any, "", "activation", "list", s[0].License, "--rebinds")
	c.ok(&any, "", "activation", "allow-rebind", s[0].License, "2")
	c.ok(&any, "", "keys", "add")
	var keys []struct{ ID, Public, State string }
	c.ok(&keys, "", "keys", "retire", "k1")
	if len(keys) != 2 || keys[0].State != "retired" || keys[1].State != "signing" {
		t.Errorf("keys %+v", keys)
	}
	if _, err := lease.ParseKeySet(keys[0].Public, keys[1].Public); err != nil {
		t.Error(err)
	}
	c.ok(&any, "", "account", "delete", "jo@example.com")
	c.ok(&any, "", "doctor")
	c.ok(&any, "", "config", "check")
}

func TestBatch(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	file := filepath.Join(t.TempDir(), "codes.csv")
	var any any
	args := []string{"license", "create", "--product", "acme", "--new-product", "--count", "50", "--batch", "spring", "--csv", file}
	c.ok(&any, "", args...)
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", st.Mode(), err)
	}
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil || len(rows) != 51 || rows[0][1] != "code" {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	if _, err := wire.ParseCode(rows[50][1]); err != nil {
		t.Error(err)
	}
	// Once: what is there is not written over, and no licenses are made whose codes nobody has.
	if _, _, code := c.run("", args...); code != exitUsage {
		t.Errorf("over an existing file: exit %d", code)
	}
	var list []struct{ Batch string }
	c.ok(&list, "", "license", "list")
	if len(list) != 50 || list[0].Batch != "spring" {
		t.Errorf("%d licenses", len(list))
	}
}

// TestExitCodes: scripts can tell failures apart, and each message names what to look at.
func TestExitCodes(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	var any any
	c.ok(&any, "", "product", "put", "acme")
	c.ok(&any, "a long password\n", "account", "create", "jo@example.com")
	other := filepath.Join(t.TempDir(), "other.key")
	if err := os.WriteFile(other, []byte("cfm_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, q := range []struct {
		code  int
		names string
		args  []string
	}{
		{exitUsage, "bogus", []string{"bogus"}},
		{exitUsage, "--product", []string{"license", "create"}},
		{exitUsage, "end", []string{"license", "create", "--product", "acme", "--end", "tomorrow"}},
		{exitUsage, "end", []string{"license", "create", "--product", "acme", "--end", "1969-12-31"}},
		{exitUsage, "end", []string{"license", "create", "--product", "acme", "--end", "1970-01-01T00:00:00Z"}},
		{exitUsage, "end", []string{"license", "renew", "lic_x", "0001-01-01"}},
		{exitUsage, "--lease-days", []string{"product", "put", "acme", "--lease-days", "0"}},
		{exitConfig, "--db", []string{"--db", "host=db password=hunter2", "license", "list"}},
		{exitUsage, "entitlement", []string{"edition", "put", "acme", "pro", "a=b"}},
		{exitUsage, "seats", []string{"license", "create", "--product", "acme", "--seats=-1"}},
		{exitUsage, "password", []string{"account", "create", "al@example.com"}},
		{exitUsage, "offline", []string{"offline", "-"}},
		{exitNotFound, "--new-product", []string{"license", "create", "--product", "acmee"}},
		{exitNotFound, "license list", []string{"license", "suspend", "lic_x"}},
		{exitNotFound, "act_x", []string{"activation", "release", "act_x"}},
		{exitExists, "account", []string{"account", "create", "JO@example.com"}},
		{exitConfig, "--master-key-file", []string{"doctor", "--master-key-file", "/nonexistent"}},
		{exitConfig, "--master-key-file", []string{"--master-key-file", other, "license", "list"}},
		{exitConfig, "--db", []string{"--db", "mysql://x", "license", "list"}},
		{exitConfig, "--db", []string{"--db", "/nonexistent/x.db", "license", "list"}},
		{exitConfig, "--http", []string{"serve", "--http", "--listen", "0.0.0.0:0"}},
		{exitConfig, "--cert", []string{"serve", "--listen", "0.0.0.0:0"}},
		{exitConfig, "--cert-key", []string{"config", "check", "--cert", "x"}},
		{exitConfig, "--behind-proxy", []string{"config", "check", "--behind-proxy", "10.0.0.1"}},
		{exitConfig, "--listen", []string{"config", "check", "--listen", "here"}},
		{exitConfig, "--limit-sign-ins", []string{"config", "check", "--limit-sign-ins", "20"}},
		{exitConfig, "--rate", []string{"config", "check", "--rate=-1"}},
	} {
		stdin := ""
		if q.args[0] == "account" && q.code == exitExists {
			stdin = "a long password\n"
		}
		_, text, code := c.run(stdin, q.args...)
		if q.args[0] == "doctor" { // tells what is wrong, and fails
			if code == 0 {
				t.Errorf("%q: exit 0", q.args)
			}
			continue
		}
		if code != q.code || !strings.Contains(text, q.names) {
			t.Errorf("%q: exit %d, want %d; says %q, want it to name %q", q.args, code, q.code, text, q.names)
		}
		_, text, _ = c.run(stdin, append(q.args, "-json")...)
		var doc struct {
			Error string
			Exit  int
		}
		if err := json.Unmarshal([]byte(text), &doc); err != nil || doc.Exit != q.code || doc.Error == "" {
			t.Errorf("%q -json: %v in %q", q.args, err, text)
		}
	}
}

// TestMasterKey: the one that was made stays; a lost one is told, and none is made in its place.
func TestMasterKey(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	var any any
	c.ok(&any, "", "product", "put", "acme")
	path := filepath.Join(c.data, "master.key")
	key, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	c.ok(&any, "", "product", "list")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, text, code := c.run("", "product", "list"); code != exitConfig || !strings.Contains(text, "--master-key-file") {
		t.Errorf("without its key: exit %d, %s", code, text)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("a key was made that is nobody's: %v", err)
	}
	if err := os.WriteFile(path, key, 0o600); err != nil {
		t.Fatal(err)
	}
	c.ok(&any, "", "product", "list")
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if out, _, code := c.run("", "doctor"); code == 0 || !strings.Contains(out, "chmod") {
		t.Errorf("doctor passes a key that all can read: %s", out)
	}
}

// TestBackupRestore goes through files, plain and compressed, into another data folder.
func TestBackupRestore(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"backup.jsonl", "backup.jsonl.gz"} {
		a, b := newCLI(t), newCLI(t)
		var any any
		var s sold
		a.ok(&s, "", "license", "create", "--product", "acme", "--new-product")
		file := filepath.Join(t.TempDir(), name)
		a.ok(&any, "", "backup", file)
		if text, err := os.ReadFile(file); err != nil || bytes.Contains(text, []byte(s[0].Code)) {
			t.Errorf("backup: %v, or the code stands in it", err)
		}
		if _, _, code := a.run("", "backup", file); code != exitUsage {
			t.Errorf("over a backup: exit %d", code)
		}
		if _, _, code := a.run("", "restore", file); code != exitExists {
			t.Errorf("restore over licenses: exit %d", code)
		}
		a.ok(&any, "", "restore", file, "--overwrite")
		if _, text, code := b.run("", "restore", file); code != exitConfig {
			t.Errorf("restore without the master key: exit %d, %s", code, text)
		}
		key, err := os.ReadFile(filepath.Join(a.data, "master.key"))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(b.data, "master.key"), key, 0o600); err != nil {
			t.Fatal(err)
		}
		var l struct{ License string }
		b.ok(&l, s[0].Code+"\n", "license", "find")
		if l.License != s[0].License {
			t.Errorf("restored %+v", l)
		}
	}
}

// TestServe: started with nothing, it says what to do next; a program that does it is served; commands take effect
// beside it; it stops when told to.
func TestServe(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	out, in := io.Pipe()
	done := make(chan int, 1)
	var errs bytes.Buffer
	go func() {
		done <- run(ctx, []string{"--data", c.data, "serve", "--listen", "127.0.0.1:0"}, strings.NewReader(""), in, &errs)
		in.Close()
	}()
	var said bytes.Buffer
	b := make([]byte, 4096)
	for !strings.Contains(said.String(), "license create") {
		n, err := out.Read(b)
		said.Write(b[:n])
		if err != nil {
			t.Fatalf("exit %d: %s %s", <-done, said.String(), errs.String())
		}
	}
	go io.Copy(io.Discard, out)
	find := func(pattern string) string {
		t.Helper()
		m := regexp.MustCompile(pattern).FindStringSubmatch(said.String())
		if m == nil {
			t.Fatalf("no %s in %s", pattern, said.String())
		}
		return m[1]
	}
	url := find(`URL\s+(https://\S+)`)
	keys := lease.MustKeySet(find(`lease\.MustKeySet\("([^"]+)"\)`))
	pem, err := os.ReadFile(find(`SSL_CERT_FILE=(\S+)`))
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		t.Fatal("no certificate")
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: 30 * time.Second}

	// The command that it prints, word for word.
	words := strings.Fields(find(`(?m)^\s+\S.*?( --data .* license create .*)$`))
	var created bytes.Buffer
	if code := run(t.Context(), append(words, "-json"), strings.NewReader(""), &created, &errs); code != 0 {
		t.Fatalf("%q: exit %d: %s", words, code, errs.String())
	}
	var s sold
	if err := json.Unmarshal(created.Bytes(), &s); err != nil {
		t.Fatal(err)
	}
	activate := func() string {
		t.Helper()
		body, err := wire.Encode(&wire.Activation{Nonce: wire.NewNonce(), Product: "acme-editor", Installation: wire.NewInstallation(),
			Fingerprints: map[string]string{"os-install": "fp1:x"}, Code: s[0].Code})
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Post(url+wire.PathActivations, wire.TypeJSON, bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		statement, err := wire.Statement(text)
		if err != nil {
			t.Fatal(err)
		}
		v, err := keys.Verify(lease.TypeAnswer, statement)
		if err != nil {
			t.Fatal(err)
		}
		return v.Answer().Code
	}
	if code := activate(); code != "ok" {
		t.Errorf("activation: %s", code)
	}
	var any any
	c.ok(&any, "", "license", "suspend", s[0].License)
	if code := activate(); code != "suspended" {
		t.Errorf("activation after suspension: %s", code)
	}
	stop()
	select {
	case code := <-done:
		if code != 0 {
			t.Errorf("exit %d: %s", code, errs.String())
		}
	case <-time.After(stopTimeout):
		t.Error("does not stop")
	}
}

// TestOffline answers a request file.
func TestOffline(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	var s sold
	c.ok(&s, "", "license", "create", "--product", "acme", "--new-product")
	body, err := wire.Encode(&wire.Activation{Nonce: wire.NewNonce(), Product: "acme", Installation: wire.NewInstallation(),
		Fingerprints: map[string]string{"os-install": "fp1:x"}, Code: s[0].Code})
	if err != nil {
		t.Fatal(err)
	}
	request, answer := filepath.Join(t.TempDir(), "request.txt"), filepath.Join(t.TempDir(), "answer.txt")
	if err := os.WriteFile(request, []byte(wire.OfflineText(body)), 0o600); err != nil {
		t.Fatal(err)
	}
	var view struct{ Code, Statement string }
	c.ok(&view, "", "offline", request, "--out", answer)
	text, err := os.ReadFile(answer)
	if err != nil || view.Code != "ok" || strings.TrimSpace(string(text)) != view.Statement {
		t.Errorf("answer %+v, %v", view, err)
	}
	out, _, code := c.run(wire.OfflineText(body), "offline", "-")
	if code != 0 || strings.Count(out, ".") != 2 {
		t.Errorf("from standard input: exit %d, %q", code, out)
	}
}

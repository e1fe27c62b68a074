package wire_test

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/counterfoil-dev/counterfoil/internal/wire"
	"github.com/counterfoil-dev/counterfoil/testdata"
)

var operations = []string{"activation", "check", "deactivation", "rebinding"}

// TestEveryCodeIsARefusal reads the constants themselves, so that a code added later is not forgotten.
func TestEveryCodeIsARefusal(t *testing.T) {
	t.Parallel()
	listed := make(map[wire.Code]bool)
	for _, c := range wire.Refusals() {
		status, title, ok := wire.Refusal(c)
		if listed[c] || !ok || status < 400 || status > 599 || !strings.HasSuffix(title, ".") {
			t.Errorf("%s: status %d, title %q, %v", c, status, title, ok)
		}
		listed[c] = true
		p := wire.NewProblem(c, "a.b.c")
		if p.Code != c || p.Status != status || p.Title != title || p.Statement != "a.b.c" || !strings.HasSuffix(p.Type, ":"+string(c)) {
			t.Errorf("problem %+v", p)
		}
	}
	file, err := parser.ParseFile(token.NewFileSet(), "wire.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if id, ok := spec.Type.(*ast.Ident); !ok || id.Name != "Code" {
			return true
		}
		text, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		found++
		if c := wire.Code(text); c != wire.OK && !listed[c] {
			t.Errorf("Refusals leaves out %s", c)
		}
		return true
	})
	if found != len(listed)+1 {
		t.Errorf("%d codes in wire.go, %d in Refusals", found, len(listed))
	}
	for _, c := range []wire.Code{wire.OK, "", "later_code", "Revoked"} {
		if status, title, ok := wire.Refusal(c); ok || status != 0 || title != "" {
			t.Errorf("%q is a refusal", c)
		}
	}
}

func TestEncodeRefuses(t *testing.T) {
	t.Parallel()
	bad := map[string]wire.Request{
		"zero activation":     &wire.Activation{},
		"zero check":          &wire.Check{},
		"zero deactivation":   &wire.Deactivation{},
		"zero rebinding":      &wire.Rebinding{},
		"label no UTF-8":      func() wire.Request { a := activation("x"); a.Label = "\xff"; return a }(),
		"password no UTF-8":   func() wire.Request { a := accountActivation("x"); a.Account.Password = "\xff"; return a }(),
		"kind in upper case":  func() wire.Request { c := check("x"); c.Fingerprints["OS"] = "fp1:a"; return c }(),
		"kind no UTF-8":       func() wire.Request { c := check("x"); c.Pinned["\xff"] = "fp1:a"; return c }(),
		"code not canonical":  func() wire.Request { a := activation("x"); a.Code = strings.ToLower(a.Code); return a }(),
		"lease that is none":  func() wire.Request { c := check("x"); c.Lease = "{}"; return c }(),
		"product for a path":  func() wire.Request { d := deactivation("x"); d.Product = "../acme"; return d }(),
		"nonce of a stranger": func() wire.Request { r := rebinding("x"); r.Nonce = "short"; return r }(),
	}
	for name, r := range bad {
		if b, err := wire.Encode(r); err == nil {
			t.Errorf("%s: encoded as %s", name, b)
		}
	}
}

// TestErrorsKeepSecrets puts secrets where they do not belong: no error may repeat them.
func TestErrorsKeepSecrets(t *testing.T) {
	t.Parallel()
	const secret = "hunter2"
	a := accountActivation("x")
	a.Account.Password = secret + strings.Repeat("x", wire.MaxPassword)
	_, encodeErr := wire.Encode(a)
	b := activation("x")
	b.Code = secret
	_, codeErr := wire.Encode(b)
	_, parseErr := wire.ParseCode(secret)
	for _, err := range []error{encodeErr, codeErr, parseErr, wire.CheckToken(secret + "\n"), wire.CheckLabel(secret + "\n")} {
		if err == nil || strings.Contains(strings.ToLower(err.Error()), secret) {
			t.Errorf("error %v", err)
		}
	}
	for _, body := range []string{
		`{"account":{"password":{"x":"` + secret + `"}}}`, `{"account":"` + secret + `"}`, `{"code":["` + secret + `"]}`,
	} {
		if _, err := wire.Decode([]byte(body), new(wire.Activation)); err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: error %v", body, err)
		}
	}
}

func TestCheckTexts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		check func(string) error
		good  []string
		bad   []string
	}{
		{"product", wire.CheckProduct, []string{"a", "0", "acme-editor", "a--b-", strings.Repeat("a", 64)},
			[]string{"", "-a", "A", "a_b", "a.b", "a/b", "a b", "ä", strings.Repeat("a", 65)}},
		{"label", wire.CheckLabel, []string{"", "Ada's desk", "事務\u3000室", "می\u200cخواهم", strings.Repeat("a", 64)},
			[]string{"a\nb", "\x1b[31m", "a\x7f", "a\u0085b", "\xff", strings.Repeat("a", 65)}},
		{"token", wire.CheckToken, []string{"a", "cft_A-z.0~+/=", strings.Repeat("a", 2048)},
			[]string{"", "a b", "a\r\nb", "a,b", `a"b`, "ä", strings.Repeat("a", 2049)}},
	} {
		for _, s := range c.good {
			if err := c.check(s); err != nil {
				t.Errorf("%s %q: %v", c.name, s, err)
			}
		}
		for _, s := range c.bad {
			if err := c.check(s); err == nil {
				t.Errorf("%s %q: no error", c.name, s)
			}
		}
	}
}

func TestNewCode(t *testing.T) {
	t.Parallel()
	seen := make(map[string]bool)
	for range 100 {
		code := wire.NewCode()
		if again, err := wire.ParseCode(code); err != nil || again != code || seen[code] {
			t.Fatalf("%s reads as %q, %v", code, again, err)
		}
		seen[code] = true
	}
}

// TestParseCodeFindsMistakes makes every mistake in one place of one code.
func TestParseCodeFindsMistakes(t *testing.T) {
	t.Parallel()
	for i := range len(demoCode) {
		for _, c := range []byte("0123456789ABCDEFGHJKMNPQRSTVWXYZ") {
			wrong := []byte(demoCode)
			if wrong[i] = c; demoCode[i] == '-' || demoCode[i] == c {
				continue
			}
			if _, err := wire.ParseCode(string(wrong)); err == nil {
				t.Errorf("%s passes for %s", wrong, demoCode)
			}
		}
	}
}

func TestNewNonce(t *testing.T) {
	t.Parallel()
	if a, b := wire.NewNonce(), wire.NewInstallation(); a == b || len(a) != 22 || len(b) != 22 {
		t.Errorf("nonce %q, installation %q", a, b)
	}
}

func TestOfflineBodyIsBounded(t *testing.T) {
	t.Parallel()
	if body, err := wire.OfflineBody(wire.OfflineText(make([]byte, wire.MaxRequest))); err != nil || len(body) != wire.MaxRequest {
		t.Errorf("64 KiB: %d bytes, %v", len(body), err)
	}
	for _, n := range []int{wire.MaxRequest + 1, 4 * wire.MaxRequest} {
		if _, err := wire.OfflineBody(wire.OfflineText(make([]byte, n))); err == nil {
			t.Errorf("took %d bytes", n)
		}
	}
}

// TestHashHasNoSecondReading moves the borders between method, path and body.
func TestHashHasNoSecondReading(t *testing.T) {
	t.Parallel()
	hashes := map[string]bool{
		wire.Hash("POST", "/v1/checks", []byte("{}")):    true,
		wire.Hash("POST", "/v1/checks{", []byte("}")):    true,
		wire.Hash("POST/v1", "/checks", []byte("{}")):    true,
		wire.Hash("POST", "/v1/checks", []byte("\n{}")):  true,
		wire.Hash("OFFLINE", "/v1/checks", []byte("{}")): true,
	}
	if len(hashes) != 5 {
		t.Error("two requests have one hash")
	}
}

func TestEffectVectors(t *testing.T) {
	t.Parallel()
	type effect struct{ Name, Before, Device, Operation, Event, After, Call, Stored, Token, Hint string }
	words := map[string]*regexp.Regexp{
		"state":     regexp.MustCompile(`^(NotActivated|Active|Grace|Lapsed|Expired|Suspended|Revoked|WrongDevice|ClockRolledBack)$`),
		"device":    regexp.MustCompile(`^(same|other)$`),
		"operation": regexp.MustCompile(`^(activate|check|deactivate|rebind)$`),
		"call":      regexp.MustCompile(`^(succeeds|fails)$`),
		"stored":    regexp.MustCompile(`^(unchanged|changed|removed)$`),
		"token":     regexp.MustCompile(`^(kept|replaced|removed|none)$`),
		"hint":      regexp.MustCompile(`^(|activate|rebind)$`),
	}
	covered, names := make(map[[2]string]bool), make(map[string]bool)
	for _, e := range load[vectorFile[effect]](t, "protocol/effects.json").Vectors {
		for word, s := range map[string]string{"state": e.Before, "device": e.Device, "operation": e.Operation, "call": e.Call,
			"stored": e.Stored, "token": e.Token, "hint": e.Hint} {
			if !words[word].MatchString(s) {
				t.Errorf("%s: %s %q is not a word of README.md", e.Name, word, s)
			}
		}
		if !words["state"].MatchString(e.After) || names[e.Name] {
			t.Errorf("%s: after %q, or named twice", e.Name, e.After)
		}
		names[e.Name], covered[[2]string{e.Operation, e.Event}] = true, true

		// What nothing signed, and nothing of the last row of the table, may ever do.
		if e.Event == "unreachable" && (e.Stored != "unchanged" || e.After != e.Before) && e.Device == "same" {
			t.Errorf("%s: unreachable changes something", e.Name)
		}
		if e.Token == "removed" && e.Operation != "deactivate" {
			t.Errorf("%s: the server deletes a token", e.Name)
		}
	}
	for _, op := range []string{"activate", "check", "deactivate", "rebind"} {
		for _, c := range append(wire.Refusals(), wire.OK, "unreachable") {
			if !covered[[2]string{op, string(c)}] {
				t.Errorf("no vector for %s, %s", op, c)
			}
		}
	}
}

func FuzzDecode(f *testing.F) {
	vectors := load[vectorFile[requestVector]](f, "protocol/requests.json").Vectors
	if len(vectors) == 0 {
		f.Fatal("no seeds")
	}
	for _, v := range vectors {
		for i, op := range operations {
			if op == v.Operation {
				f.Add(v.bytes(f), i)
			}
		}
	}
	f.Fuzz(func(t *testing.T, body []byte, op int) {
		operation := operations[uint(op)%uint(len(operations))]
		r := newRequest(t, operation)
		nonce, err := wire.Decode(body, r)
		if nonce != "" && !bytes.Contains(body, []byte(`\`)) && !bytes.Contains(body, []byte(`"`+nonce+`"`)) {
			t.Errorf("nonce %q is not in %q", nonce, body)
		}
		if err != nil {
			return
		}
		// What decodes encodes, and means the same to the next reader; once encoded, the bytes stand.
		once, err := wire.Encode(r)
		if err != nil {
			t.Fatalf("%q decodes, but does not encode: %v", body, err)
		}
		again := newRequest(t, operation)
		if n, err := wire.Decode(once, again); err != nil || n != nonce || !reflect.DeepEqual(again, r) {
			t.Fatalf("%q reads back as %+v, want %+v: %v", once, again, r, err)
		}
		if twice, err := wire.Encode(again); err != nil || !bytes.Equal(once, twice) {
			t.Errorf("%q encodes anew as %q: %v", once, twice, err)
		}
	})
}

func FuzzStatement(f *testing.F) {
	vectors := load[vectorFile[exchangeVector]](f, "protocol/exchanges.json").Vectors
	if len(vectors) == 0 {
		f.Fatal("no seeds")
	}
	for _, v := range vectors {
		f.Add(v.Response.bytes(f))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		s, err := wire.Statement(body)
		if err != nil {
			return
		}
		if s == "" || len(body) > wire.MaxResponse {
			t.Errorf("statement %q of %d bytes", s, len(body))
		}
		b, err := json.Marshal(wire.Response{Statement: s})
		if err != nil || len(b) > wire.MaxResponse {
			return
		}
		if again, err := wire.Statement(b); err != nil || again != s {
			t.Errorf("%q reads back as %q: %v", s, again, err)
		}
	})
}

func FuzzParseCode(f *testing.F) {
	vectors := load[vectorFile[codeVector]](f, "codes/activation.json").Vectors
	if len(vectors) == 0 {
		f.Fatal("no seeds")
	}
	for _, v := range vectors {
		f.Add(v.Input)
	}
	form := regexp.MustCompile(`^([0-9A-HJKMNP-TV-Z]{5}-){4}[0-9A-HJKMNP-TV-Z]{5}$`)
	f.Fuzz(func(t *testing.T, s string) {
		code, err := wire.ParseCode(s)
		if err != nil {
			if code != "" {
				t.Errorf("%q: code %q beside an error", s, code)
			}
			return
		}
		if again, err := wire.ParseCode(code); err != nil || again != code || !form.MatchString(code) {
			t.Errorf("%q reads as %q, and that as %q: %v", s, code, again, err)
		}
	})
}

func FuzzOfflineBody(f *testing.F) {
	vectors := load[vectorFile[offlineVector]](f, "protocol/offline.json").Vectors
	if len(vectors) == 0 {
		f.Fatal("no seeds")
	}
	for _, v := range vectors {
		f.Add(v.Text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		body, err := wire.OfflineBody(text)
		if err != nil {
			return
		}
		if len(body) > wire.MaxRequest {
			t.Errorf("body of %d bytes", len(body))
		}
		if again := wire.OfflineText(body); again != strings.Join(strings.Fields(text), "") {
			t.Errorf("%q writes back as %q", text, again)
		}
	})
}

// TestFilesAreVectors keeps stray files out of what others read as the contract.
func TestFilesAreVectors(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"lease", "codes", "protocol"} {
		entries, err := fs.ReadDir(testdata.Files(), name)
		if err != nil || len(entries) == 0 {
			t.Fatal(name, err)
		}
		for _, e := range entries {
			readme, err := fs.ReadFile(testdata.Files(), name+"/"+e.Name())
			if err != nil || !json.Valid(readme) {
				t.Errorf("%s/%s is no JSON: %v", name, e.Name(), err)
			}
		}
	}
}

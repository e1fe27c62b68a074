package wire_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/counterfoil-dev/counterfoil/internal/wire"
	"github.com/counterfoil-dev/counterfoil/lease"
)

var protocolFile = filepath.Join("..", "..", "docs", "protocol.md")

func protocol(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(protocolFile)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// section is the text of a heading, without the headings below it.
func section(t *testing.T, doc, heading string) string {
	t.Helper()
	_, rest, ok := strings.Cut(doc, "\n"+heading+"\n")
	if !ok {
		t.Fatalf("docs/protocol.md has no heading %q", heading)
	}
	text, _, _ := strings.Cut(rest, "\n#")
	return text
}

// rows are the cells of the tables in a text whose first cell is code.
func rows(text string) [][]string {
	var out [][]string
	for line := range strings.Lines(text) {
		if cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|"); strings.HasPrefix(line, "| `") {
			for i := range cells {
				cells[i] = strings.TrimSpace(cells[i])
			}
			out = append(out, cells)
		}
	}
	return out
}

func TestProtocolListsTheCodes(t *testing.T) {
	t.Parallel()
	doc := protocol(t)
	listed := make(map[string]bool)
	for _, row := range rows(section(t, doc, "### Codes")) {
		code := wire.Code(strings.Trim(row[0], "`"))
		if listed[string(code)] {
			t.Errorf("%s stands twice", code)
		}
		listed[string(code)] = true
		status, title, _ := wire.Refusal(code)
		if code == wire.OK {
			status = 200
		}
		if row[1] != strconv.Itoa(status) || row[2] != title {
			t.Errorf("%s: docs say %s %q, the code %d %q", code, row[1], row[2], status, title)
		}
	}
	effects := section(t, doc, "### Effects")
	for _, c := range append(wire.Refusals(), wire.OK) {
		if !listed[string(c)] {
			t.Errorf("the table of codes leaves out %s", c)
		}
		if !strings.Contains(effects, "`"+string(c)+"`") {
			t.Errorf("the table of effects leaves out %s", c)
		}
	}
	if len(listed) != len(wire.Refusals())+1 {
		t.Errorf("%d codes listed, want %d", len(listed), len(wire.Refusals())+1)
	}
}

// TestProtocolListsTheMembers compares the tables of members with the structs, both ways.
func TestProtocolListsTheMembers(t *testing.T) {
	t.Parallel()
	doc := protocol(t)
	for heading, v := range map[string]any{
		"### Lease":             lease.Lease{},
		"### Answer":            lease.Answer{},
		"### Activation":        wire.Activation{},
		"### Check":             wire.Check{},
		"### Deactivation":      wire.Deactivation{},
		"### Rebinding":         wire.Rebinding{},
		"### Problem documents": wire.Problem{},
	} {
		want := make(map[string]bool)
		memberNames(reflect.TypeOf(v), "", want)
		have := make(map[string]bool)
		for _, row := range rows(section(t, doc, heading)) {
			have[strings.Trim(row[0], "`")] = true
		}
		for name := range want {
			if !have[name] {
				t.Errorf("%s leaves out %s", heading, name)
			}
		}
		for name := range have {
			if !want[name] {
				t.Errorf("%s lists %s, which the code has not", heading, name)
			}
		}
	}
}

// memberNames gathers the JSON names of a struct; those inside are written as in "seats.used" and "licenses[].edition".
func memberNames(typ reflect.Type, prefix string, names map[string]bool) {
	for i := range typ.NumField() {
		f := typ.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		inner, inside := f.Type, prefix+name+"."
		switch inner.Kind() {
		case reflect.Pointer:
			inner = inner.Elem()
		case reflect.Slice:
			inner, inside = inner.Elem(), prefix+name+"[]."
		case reflect.Map:
			inner, inside = inner.Elem(), prefix+name+".*."
		}
		names[prefix+name] = true
		if inner.Kind() == reflect.Struct {
			memberNames(inner, inside, names)
		}
	}
}

var example = regexp.MustCompile("(?s)<!-- vector: ([a-z-]+), (.*?) -->\n```([a-z]*)\n(.*?)```\n")

// TestProtocolExamplesCurrent holds the worked examples equal to the vectors. With -update it writes them.
func TestProtocolExamplesCurrent(t *testing.T) {
	t.Parallel()
	exchanges := make(map[string]exchangeVector)
	for _, v := range makeExchanges(t).Vectors {
		exchanges[v.Name] = v
	}
	doc, n := protocol(t), 0
	want := example.ReplaceAllStringFunc(doc, func(s string) string {
		m := example.FindStringSubmatch(s)
		v, ok := exchanges[m[2]]
		if !ok {
			t.Errorf("docs/protocol.md shows vector %q, which does not exist", m[2])
			return s
		}
		n++
		return fmt.Sprintf("<!-- vector: %s, %s -->\n```%s\n%s\n```\n", m[1], m[2], m[3], show(t, v, m[1]))
	})
	if n < 10 {
		t.Errorf("only %d examples", n)
	}
	switch {
	case want == doc:
	case *update:
		if err := os.WriteFile(protocolFile, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Error("examples in docs/protocol.md are not the vectors; run go test ./internal/wire -run Current -update")
	}
}

// show is one part of an exchange as the text shows it.
func show(t *testing.T, v exchangeVector, part string) string {
	t.Helper()
	decode := func(statement string, i int) string {
		b, err := base64.RawURLEncoding.DecodeString(strings.Split(statement, ".")[i])
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	statement, err := wire.Statement([]byte(v.Response.Body))
	if err != nil {
		t.Fatal(err)
	}
	var a lease.Answer
	if err := json.Unmarshal([]byte(decode(statement, 1)), &a); err != nil {
		t.Fatal(err)
	}
	switch part {
	case "http":
		auth := ""
		if v.Request.Bearer != "" {
			auth = "Authorization: Bearer " + v.Request.Bearer + "\n"
		}
		return fmt.Sprintf("%s %s HTTP/1.1\nHost: license.example.com\nContent-Type: application/json\n"+
			"Content-Length: %d\nAccept: application/json, application/problem+json\nAccept-Encoding: identity\n"+
			"User-Agent: counterfoil/1\n%s\n%s", v.Request.Method, v.Request.Path, len(v.Request.Body), auth, v.Request.Body)
	case "request":
		return v.Request.Body
	case "response":
		return v.Response.Body
	case "header":
		return decode(statement, 0)
	case "answer":
		return decode(statement, 1)
	case "lease":
		return decode(a.Lease, 1)
	case "hash":
		return a.Request
	case "text":
		return wire.OfflineText([]byte(v.Request.Body))
	}
	t.Fatalf("unknown part %q", part)
	return ""
}

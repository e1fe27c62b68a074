package httpd

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/counterfoil-dev/counterfoil/internal/wire"
)

// generator makes requests from the description: good ones, and good ones with one thing wrong.
type generator struct {
	*rand.Rand
	t    testing.TB
	doc  *document
	sent []string // long enough to be recognized in a response
}

func (g *generator) pick(options ...string) string { return options[g.IntN(len(options))] }

// value makes a value of a schema.
func (g *generator) value(s *schema, depth int) any {
	s = g.doc.schema(g.t, s)
	switch s.Type {
	case "object":
		m := make(map[string]any)
		for name, p := range s.Properties {
			if slices.Contains(s.Required, name) || g.IntN(2) == 0 {
				m[name] = g.value(p, depth+1)
			}
		}
		if s.AdditionalProperties != nil {
			for _, kind := range []string{"bios-uuid", "os-install", "caller"}[:1+g.IntN(3)] {
				m[kind] = g.value(s.AdditionalProperties, depth+1)
			}
		}
		return m
	case "integer":
		return g.IntN(1000)
	case "boolean":
		return g.IntN(2) == 0
	}
	text := g.text(s)
	g.sent = append(g.sent, text)
	return text
}

func (g *generator) text(s *schema) string {
	switch {
	case len(s.Enum) > 0:
		return g.pick(s.Enum...)
	case s.Pattern == g.doc.Components.Schemas["Random"].Pattern:
		return wire.NewNonce()
	case s.Pattern == g.doc.Components.Schemas["Product"].Pattern:
		return "canary-product"
	case strings.Contains(s.Pattern, "HJKMNP"):
		return wire.NewCode()
	case s.Pattern != "":
		return "canary-" + wire.NewNonce()
	}
	return "canary " + wire.NewNonce() + " ä 😀"
}

// spoil does one of many wrong things to a body.
func (g *generator) spoil(body []byte) []byte {
	var m map[string]any
	if err := json.Unmarshal(body, &m); err != nil {
		g.t.Fatal(err)
	}
	names := slices.Sorted(maps.Keys(m))
	name := g.pick(names...)
	again := func() []byte {
		b, err := json.Marshal(m)
		if err != nil {
			g.t.Fatal(err)
		}
		return b
	}
	switch g.IntN(16) {
	case 0:
		delete(m, name)
	case 1:
		m[name] = nil
	case 2:
		m[name] = 17
	case 3:
		m[name] = []any{m[name]}
	case 4:
		m[name] = map[string]any{"canary-member": "canary-value"}
	case 5:
		m[name] = strings.Repeat("canary", 1+g.IntN(3000))
	case 6:
		m["canary-unknown"] = "canary-value"
	case 7:
		m[strings.ToUpper(name)] = m[name]
	case 8:
		return fmt.Appendf(nil, `{%q:"canary-twice",%s`, name, again()[1:])
	case 9:
		b := again()
		b[g.IntN(len(b))] ^= byte(1 << g.IntN(8))
		return b
	case 10:
		b := again()
		return b[:g.IntN(len(b))]
	case 11:
		return append(again(), "canary trailer"...)
	case 12:
		m[name] = "canary\x00\x1b[31m\u202e"
	case 13:
		m[name] = ""
	case 14:
		m[name] = map[string]any{strings.Repeat("k", 65): strings.Repeat("v", 129)}
	case 15:
		return []byte(strings.Replace(string(again()), `:"`, `:"\ud83d`, 1))
	}
	return again()
}

// TestFromOpenAPI sends requests made from the description, good and spoiled: the server never fails, never repeats
// what was sent, and answers as described.
func TestFromOpenAPI(t *testing.T) {
	t.Parallel()
	desk, _ := newDesk(t)
	h := newHandler(t, Config{Desk: desk, Rate: -1})
	doc := readOpenAPI(t)
	statuses := make(map[int]int)
	for path, methods := range doc.Paths {
		described, ok := methods["post"]
		if !ok {
			continue
		}
		g := &generator{Rand: rand.New(rand.NewPCG(5, 1)), t: t, doc: doc}
		requests := 1500
		for i := range requests {
			g.sent = nil
			v := g.value(described.RequestBody.Content[wire.TypeJSON].Schema, 0).(map[string]any)
			if path == wire.PathActivations { // exactly one of the two; accounts are slow by design
				if i%50 == 0 {
					delete(v, "code")
				} else {
					delete(v, "account")
				}
			}
			body, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			if i%3 > 0 {
				body = g.spoil(body)
			}
			r := post(path, string(body))
			if g.IntN(2) == 0 {
				r.Header.Set("Authorization", "Bearer "+g.pick("cft_canary", "canary canary", wire.NewNonce(), ""))
			}
			w := do(h, r)
			statuses[w.Code]++
			judge(t, doc, path, described, w, g.sent, body)
			if t.Failed() {
				return
			}
		}
	}
	if statuses[400] == 0 || statuses[401] == 0 || statuses[403] == 0 {
		t.Errorf("statuses %v: the requests do not get far", statuses)
	}
}

// judge checks a response against what holds for all of them, and against the description.
func judge(t testing.TB, doc *document, path string, described operated, w *httptest.ResponseRecorder, sent []string, body []byte) {
	t.Helper()
	text := w.Body.String()
	if w.Code >= 500 {
		t.Errorf("POST %s %.300q: status %d", path, body, w.Code)
	}
	if strings.Contains(text, "canary") {
		t.Errorf("POST %s %.300q: the response repeats a part of it: %.300s", path, body, text)
	}
	for _, s := range sent {
		if len(s) > 8 && strings.Contains(text, s) {
			t.Errorf("POST %s: the response repeats %q", path, s)
		}
	}
	r, ok := described.Responses[fmt.Sprint(w.Code)]
	if !ok {
		t.Errorf("POST %s %.300q: status %d is not described", path, body, w.Code)
		return
	}
	content, ok := doc.response(t, r).Content[w.Header().Get("Content-Type")]
	if !ok {
		t.Errorf("POST %s: %q is not described for status %d", path, w.Header().Get("Content-Type"), w.Code)
		return
	}
	var v any
	if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil {
		t.Errorf("POST %s: %v", path, err)
		return
	}
	doc.check(t, fmt.Sprintf("%s %d", path, w.Code), content.Schema, v)
}

// FuzzBody throws bytes at every operation.
func FuzzBody(f *testing.F) {
	desk, code := newDesk(f)
	h := newHandler(f, Config{Desk: desk, Rate: -1})
	doc := readOpenAPI(f)
	paths := slices.Sorted(maps.Keys(doc.Paths))
	paths = slices.DeleteFunc(paths, func(p string) bool { return !strings.HasPrefix(p, "/v1/") })
	seeds := []wire.Request{
		check(), &wire.Deactivation{Nonce: wire.NewNonce(), Product: "acme-editor", Lease: "a.b.c"},
		&wire.Rebinding{Nonce: wire.NewNonce(), Product: "acme-editor", Installation: wire.NewInstallation(), Fingerprints: map[string]string{"caller": "x"}},
		&wire.Activation{Nonce: wire.NewNonce(), Product: "acme-editor", Installation: wire.NewInstallation(), Fingerprints: map[string]string{"caller": "x"}, Code: code},
	}
	for _, s := range seeds {
		for i := range paths {
			f.Add(i, "cft_x", []byte(valid(f, s)))
		}
	}
	f.Fuzz(func(t *testing.T, path int, token string, body []byte) {
		p := paths[((path%len(paths))+len(paths))%len(paths)]
		r := post(p, string(body))
		r.Header["Authorization"] = []string{"Bearer " + token}
		w := do(h, r)
		if w.Code == http.StatusOK && w.Header().Get("Content-Type") == wire.TypeJSON {
			return
		}
		if doc := problem(t, w); w.Code >= 500 || len(body) > 20 && doc.Statement == "" && strings.Contains(w.Body.String(), string(body)) {
			t.Errorf("status %d: %s", w.Code, w.Body)
		}
	})
}

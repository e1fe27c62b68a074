package httpd

import (
	"encoding/json"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/counterfoil-dev/counterfoil/internal/wire"
	"github.com/counterfoil-dev/counterfoil/lease"
)

// document is as much of OpenAPI 3.1 as ours uses.
type document struct {
	OpenAPI    string                         `json:"openapi"`
	Paths      map[string]map[string]operated `json:"paths"`
	Components struct {
		Schemas   map[string]*schema  `json:"schemas"`
		Responses map[string]response `json:"responses"`
	} `json:"components"`
}

type operated struct {
	RequestBody *struct {
		Content map[string]struct {
			Schema *schema `json:"schema"`
		} `json:"content"`
	} `json:"requestBody"`
	Responses map[string]response `json:"responses"`
}

type response struct {
	Ref     string `json:"$ref"`
	Content map[string]struct {
		Schema *schema `json:"schema"`
	} `json:"content"`
	Headers map[string]any `json:"headers"`
}

type schema struct {
	Ref                  string             `json:"$ref"`
	Type                 string             `json:"type"`
	Required             []string           `json:"required"`
	Properties           map[string]*schema `json:"properties"`
	AdditionalProperties *schema            `json:"additionalProperties"`
	PropertyNames        *schema            `json:"propertyNames"`
	MinProperties        int                `json:"minProperties"`
	MaxProperties        int                `json:"maxProperties"`
	Items                *schema            `json:"items"`
	Pattern              string             `json:"pattern"`
	Enum                 []string           `json:"enum"`
	Const                any                `json:"const"`
	MinLength            int                `json:"minLength"`
	MaxLength            int                `json:"maxLength"`
}

func readOpenAPI(t testing.TB) *document {
	t.Helper()
	var d document
	if err := json.Unmarshal(openAPI, &d); err != nil {
		t.Fatal(err)
	}
	return &d
}

func (d *document) schema(t testing.TB, s *schema) *schema {
	t.Helper()
	if s == nil || s.Ref == "" {
		return s
	}
	name := strings.TrimPrefix(s.Ref, "#/components/schemas/")
	if d.Components.Schemas[name] == nil {
		t.Fatalf("no schema %q", s.Ref)
	}
	return d.Components.Schemas[name]
}

func (d *document) response(t testing.TB, r response) response {
	t.Helper()
	if r.Ref == "" {
		return r
	}
	found, ok := d.Components.Responses[strings.TrimPrefix(r.Ref, "#/components/responses/")]
	if !ok {
		t.Fatalf("no response %q", r.Ref)
	}
	return found
}

// check validates a decoded value against a schema.
func (d *document) check(t testing.TB, at string, s *schema, v any) {
	t.Helper()
	s = d.schema(t, s)
	switch v := v.(type) {
	case map[string]any:
		if s.Type != "object" {
			t.Errorf("%s: an object, want %s", at, s.Type)
		}
		for _, name := range s.Required {
			if _, ok := v[name]; !ok {
				t.Errorf("%s: %s is missing", at, name)
			}
		}
		if len(v) < s.MinProperties || s.MaxProperties > 0 && len(v) > s.MaxProperties {
			t.Errorf("%s: %d members", at, len(v))
		}
		for name, member := range v {
			switch {
			case s.Properties[name] != nil:
				d.check(t, at+"."+name, s.Properties[name], member)
			case s.AdditionalProperties != nil:
				d.check(t, at+"."+name, s.AdditionalProperties, member)
			case len(s.Properties) > 0:
				t.Errorf("%s: %s is not described", at, name)
			}
		}
	case string:
		if s.Type != "string" || s.Pattern != "" && !regexp.MustCompile(s.Pattern).MatchString(v) ||
			s.MaxLength > 0 && len(v) > s.MaxLength || len(s.Enum) > 0 && !slices.Contains(s.Enum, v) || s.Const != nil && s.Const != v {
			t.Errorf("%s: %.80q does not match", at, v)
		}
	case float64:
		if s.Type != "integer" {
			t.Errorf("%s: a number, want %s", at, s.Type)
		}
	case bool:
		if s.Type != "boolean" {
			t.Errorf("%s: a boolean, want %s", at, s.Type)
		}
	case []any:
		for i, e := range v {
			d.check(t, at+"["+strconv.Itoa(i)+"]", s.Items, e)
		}
	}
}

// TestOpenAPITypes: schemas and Go types name the same members, and require the same.
func TestOpenAPITypes(t *testing.T) {
	t.Parallel()
	d := readOpenAPI(t)
	if !strings.HasPrefix(d.OpenAPI, "3.1.") {
		t.Errorf("OpenAPI %q", d.OpenAPI)
	}
	for name, v := range map[string]any{
		"Activation": wire.Activation{}, "Account": wire.Account{}, "Check": wire.Check{}, "Deactivation": wire.Deactivation{},
		"Rebinding": wire.Rebinding{}, "Response": wire.Response{}, "Refusal": wire.Problem{},
		"Answer": lease.Answer{}, "Lease": lease.Lease{}, "Choice": lease.Choice{}, "Seats": lease.Seats{}, "Entitlement": lease.Entitlement{},
	} {
		s := d.Components.Schemas[name]
		if s == nil {
			t.Errorf("no schema %s", name)
			continue
		}
		var members, required []string
		for f := range reflect.TypeOf(v).Fields() {
			member, options, _ := strings.Cut(f.Tag.Get("json"), ",")
			members = append(members, member)
			if options == "" {
				required = append(required, member)
			}
		}
		slices.Sort(members)
		if have := slices.Sorted(maps.Keys(s.Properties)); !slices.Equal(have, members) {
			t.Errorf("%s: described %q, in Go %q", name, have, members)
		}
		slices.Sort(required)
		have := slices.Clone(s.Required)
		slices.Sort(have)
		if !slices.Equal(have, required) {
			t.Errorf("%s: required %q, in Go %q", name, have, required)
		}
	}
	var codes []string
	for _, c := range wire.Refusals() {
		codes = append(codes, string(c))
	}
	have := slices.Clone(d.Components.Schemas["Refusal"].Properties["code"].Enum)
	slices.Sort(have)
	slices.Sort(codes)
	if !slices.Equal(have, codes) {
		t.Errorf("codes: described %q, in Go %q", have, codes)
	}
}

// TestOpenAPIPaths: what is described is served, and what is served is described.
func TestOpenAPIPaths(t *testing.T) {
	t.Parallel()
	d := readOpenAPI(t)
	for path, methods := range d.Paths {
		if known(path) == "" {
			t.Errorf("%s is described, not served", path)
		}
		if len(methods) != 1 {
			t.Errorf("%s: want one method", path)
		}
	}
	for _, path := range []string{wire.PathActivations, wire.PathChecks, wire.PathDeactivations, wire.PathRebindings, "/healthz", "/readyz", "/openapi.json"} {
		if d.Paths[path] == nil {
			t.Errorf("%s is served, not described", path)
		}
	}
}

// TestOpenAPISchemas: what a schema says of a string, wire holds too.
func TestOpenAPISchemas(t *testing.T) {
	t.Parallel()
	d := readOpenAPI(t)
	for _, c := range []struct {
		schema, value string
		good          bool
	}{
		{"Random", wire.NewNonce(), true}, {"Random", wire.NewNonce() + "A", false}, {"Random", strings.Repeat("B", 22), false},
		{"Product", "acme-editor", true}, {"Product", "-acme", false}, {"Product", "Acme", false}, {"Product", strings.Repeat("a", 65), false},
	} {
		ok := regexp.MustCompile(d.Components.Schemas[c.schema].Pattern).MatchString(c.value)
		if ok != c.good {
			t.Errorf("%s %q: pattern says %t", c.schema, c.value, ok)
		}
		r := wire.Deactivation{Nonce: wire.NewNonce(), Product: "acme-editor"}
		if c.schema == "Random" {
			r.Nonce = c.value
		} else {
			r.Product = c.value
		}
		if _, err := wire.Encode(&r); (err == nil) != c.good {
			t.Errorf("%s %q: wire says %v", c.schema, c.value, err)
		}
	}
	if code := wire.NewCode(); !regexp.MustCompile(d.Components.Schemas["Activation"].Properties["code"].Pattern).MatchString(code) {
		t.Errorf("code %q does not match", code)
	}
}

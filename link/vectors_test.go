package link

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"strings"
	"testing"

	"github.com/counterfoil-dev/counterfoil/internal/wire"
	"github.com/counterfoil-dev/counterfoil/lease"
	"github.com/counterfoil-dev/counterfoil/testdata"
	"github.com/counterfoil-dev/counterfoil/token"
)

type exchange struct {
	Name     string
	Request  struct{ Operation, Method, Path, Bearer, Body string }
	Response struct {
		Status      int
		ContentType string `json:"content_type"`
		Body        string
		BodyBase64  string `json:"body_base64"`
		Pad         int
	}
	Outcome, Code, Lease, Token string
}

func load(t *testing.T, name string, v any) {
	t.Helper()
	data, err := fs.ReadFile(testdata.Files(), name)
	if err == nil {
		err = json.Unmarshal(data, v)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Every exchange of the vectors, through the whole of what the client does with a response.
func TestExchangeVectors(t *testing.T) {
	t.Parallel()
	var keys struct{ Pinned []string }
	load(t, "lease/keys.json", &keys)
	var file struct{ Vectors []exchange }
	load(t, "protocol/exchanges.json", &file)
	if len(file.Vectors) < 60 {
		t.Fatalf("only %d vectors", len(file.Vectors))
	}
	for _, v := range file.Vectors {
		if v.Request.Method == wire.MethodOffline {
			continue // package license runs these, where such answers arrive
		}
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			var sent []byte
			l, err := New(Config{
				Product: "acme-editor", Server: "https://license.example", Keys: lease.MustKeySet(keys.Pinned...),
				HTTPClient: &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
					sent, _ = io.ReadAll(r.Body)
					if r.URL.Path != v.Request.Path || r.Method != v.Request.Method {
						t.Errorf("%s %s", r.Method, r.URL.Path)
					}
					return v.response(t), nil
				})},
			})
			if err != nil {
				t.Fatal(err)
			}
			reply, err := l.Exchange(t.Context(), v.call(t))
			if string(sent) != v.Request.Body {
				t.Fatalf("sent %s\nwant %s", sent, v.Request.Body)
			}
			_, unreachable := errors.AsType[*UnreachableError](err)
			switch {
			case err == nil && v.Outcome == "accepted":
				if reply.Code != v.Code || reply.Lease != v.Lease || reply.Token != v.Token {
					t.Errorf("code %q, lease %.20q, token %q", reply.Code, reply.Lease, reply.Token)
				}
			case unreachable && v.Outcome == "unreachable":
				t.Log(err)
			default:
				t.Errorf("%+v, %v; want %s", reply, err, v.Outcome)
			}
		})
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func (v exchange) response(t *testing.T) *http.Response {
	t.Helper()
	body := v.Response.Body
	if v.Response.BodyBase64 != "" {
		b, err := base64.StdEncoding.DecodeString(v.Response.BodyBase64)
		if err != nil {
			t.Error(err)
		}
		body = string(b)
	}
	h := http.Header{}
	if v.Response.ContentType != "" {
		h.Set("Content-Type", v.Response.ContentType)
	}
	return &http.Response{StatusCode: v.Response.Status, Header: h,
		Body: io.NopCloser(strings.NewReader(body + strings.Repeat(" ", v.Response.Pad)))}
}

// call makes the vector's request anew from what it says.
func (v exchange) call(t *testing.T) Call {
	t.Helper()
	c := Call{Path: v.Request.Path, Tries: 1}
	switch v.Request.Operation {
	case "activation":
		c.Request = new(wire.Activation)
	case "check":
		c.Request = new(wire.Check)
	case "deactivation":
		c.Request = new(wire.Deactivation)
	case "rebinding":
		c.Request = new(wire.Rebinding)
	}
	var err error
	if c.Nonce, err = wire.Decode([]byte(v.Request.Body), c.Request); err != nil {
		t.Fatal(err)
	}
	if v.Request.Bearer != "" {
		if c.Token, err = token.New(v.Request.Bearer); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

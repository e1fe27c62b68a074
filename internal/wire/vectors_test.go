package wire_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/counterfoil-dev/counterfoil/internal/wire"
	"github.com/counterfoil-dev/counterfoil/lease"
	"github.com/counterfoil-dev/counterfoil/testdata"
)

var update = flag.Bool("update", false, "write the vectors anew")

// The forms of the files; testdata/README.md tells the meaning of each member.
type (
	vectorFile[T any] struct {
		About   string `json:"about"`
		Vectors []T    `json:"vectors"`
	}

	requestVector struct {
		Name      string `json:"name"`
		Operation string `json:"operation"`
		Method    string `json:"method"`
		Path      string `json:"path"`
		bodyText
		Outcome string `json:"outcome"` // accepted or refused
		Nonce   string `json:"nonce"`   // what a signed refusal names; "" if the refusal is unsigned
		Hash    string `json:"hash"`
	}

	codeVector struct {
		Name      string `json:"name"`
		Input     string `json:"input"`
		Outcome   string `json:"outcome"`
		Canonical string `json:"canonical,omitempty"`
	}

	offlineVector struct {
		Name    string `json:"name"`
		Text    string `json:"text"`
		Outcome string `json:"outcome"`
		Body    string `json:"body,omitempty"`
		Hash    string `json:"hash,omitempty"`
	}

	exchangeVector struct {
		Name     string           `json:"name"`
		Request  exchangeRequest  `json:"request"`
		Response exchangeResponse `json:"response"`
		Outcome  string           `json:"outcome"` // accepted or unreachable
		Code     string           `json:"code,omitempty"`
		Lease    string           `json:"lease,omitempty"`
		Token    string           `json:"token,omitempty"`
	}

	exchangeRequest struct {
		Operation string `json:"operation"`
		Method    string `json:"method"`
		Path      string `json:"path"`
		Bearer    string `json:"bearer,omitempty"`
		bodyText
	}

	exchangeResponse struct {
		Status      int    `json:"status"`
		ContentType string `json:"content_type,omitempty"`
		bodyText
	}

	// bodyText is a body as text, or in base64 where it is no UTF-8, with Pad spaces behind it.
	bodyText struct {
		Body       string `json:"body"`
		BodyBase64 string `json:"body_base64,omitempty"`
		Pad        int    `json:"pad,omitempty"`
	}
)

func (b bodyText) bytes(tb testing.TB) []byte {
	tb.Helper()
	body := []byte(b.Body)
	if b.BodyBase64 != "" {
		var err error
		if body, err = base64.StdEncoding.DecodeString(b.BodyBase64); err != nil {
			tb.Fatal(err)
		}
	}
	return append(body, bytes.Repeat([]byte(" "), b.Pad)...)
}

func load[T any](tb testing.TB, name string) T {
	tb.Helper()
	b, err := fs.ReadFile(testdata.Files(), name)
	if err != nil {
		tb.Fatal(err)
	}
	var v T
	if err := json.Unmarshal(b, &v); err != nil {
		tb.Fatalf("%s: %v", name, err)
	}
	return v
}

// current compares a file with what its generator makes; with -update it writes the file.
func current(t *testing.T, name string, v any) {
	t.Helper()
	var want bytes.Buffer
	e := json.NewEncoder(&want)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(filepath.Join("..", "..", "testdata", filepath.FromSlash(name)), want.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if have, err := fs.ReadFile(testdata.Files(), name); err != nil || !bytes.Equal(have, want.Bytes()) {
		t.Errorf("testdata/%s is not what the generator makes (%v); run go test ./internal/wire -run Current -update", name, err)
	}
}

func TestVectorsCurrent(t *testing.T) {
	t.Parallel()
	current(t, "protocol/requests.json", makeRequests(t))
	current(t, "protocol/offline.json", makeOffline(t))
	current(t, "protocol/exchanges.json", makeExchanges(t))
}

// signers are the keys of the vectors, by id; pinned are those that a client pins.
func signers(tb testing.TB) (map[string]ed25519.PrivateKey, lease.KeySet) {
	tb.Helper()
	file := load[struct {
		Keys   []struct{ ID, Seed string }
		Pinned []string
	}](tb, "lease/keys.json")
	keys := make(map[string]ed25519.PrivateKey)
	for _, k := range file.Keys {
		seed, err := hex.DecodeString(k.Seed)
		if err != nil {
			tb.Fatal(err)
		}
		keys[k.ID] = ed25519.NewKeyFromSeed(seed)
	}
	return keys, lease.MustKeySet(file.Pinned...)
}

// newRequest is an empty request of an operation.
func newRequest(tb testing.TB, operation string) wire.Request {
	tb.Helper()
	switch operation {
	case "activation":
		return new(wire.Activation)
	case "check":
		return new(wire.Check)
	case "deactivation":
		return new(wire.Deactivation)
	case "rebinding":
		return new(wire.Rebinding)
	}
	tb.Fatalf("unknown operation %q", operation)
	return nil
}

func TestRequestVectors(t *testing.T) {
	t.Parallel()
	for _, v := range load[vectorFile[requestVector]](t, "protocol/requests.json").Vectors {
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			body := v.bytes(t)
			if h := wire.Hash(v.Method, v.Path, body); h != v.Hash {
				t.Errorf("hash %s, want %s", h, v.Hash)
			}
			r := newRequest(t, v.Operation)
			nonce, err := wire.Decode(body, r)
			if nonce != v.Nonce || (err == nil) != (v.Outcome == "accepted") {
				t.Fatalf("nonce %q, error %v; want nonce %q, %s", nonce, err, v.Nonce, v.Outcome)
			}
		})
	}
}

func TestCodeVectors(t *testing.T) {
	t.Parallel()
	for _, v := range load[vectorFile[codeVector]](t, "codes/activation.json").Vectors {
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			code, err := wire.ParseCode(v.Input)
			if code != v.Canonical || (err == nil) != (v.Outcome == "accepted") {
				t.Fatalf("code %q, error %v; want %q, %s", code, err, v.Canonical, v.Outcome)
			}
		})
	}
}

func TestOfflineVectors(t *testing.T) {
	t.Parallel()
	for _, v := range load[vectorFile[offlineVector]](t, "protocol/offline.json").Vectors {
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			body, err := wire.OfflineBody(v.Text)
			if string(body) != v.Body || (err == nil) != (v.Outcome == "accepted") {
				t.Fatalf("body %q, error %v; want %q, %s", body, err, v.Body, v.Outcome)
			}
			if err == nil && wire.Hash(wire.MethodOffline, wire.PathActivations, body) != v.Hash {
				t.Error("wrong hash")
			}
		})
	}
}

func TestExchangeVectors(t *testing.T) {
	t.Parallel()
	_, pinned := signers(t)
	codes := map[string]bool{}
	for _, v := range load[vectorFile[exchangeVector]](t, "protocol/exchanges.json").Vectors {
		codes[v.Code] = true
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			answer, why := judge(t, pinned, v.Request, v.Response.bytes(t))
			if (why == "") != (v.Outcome == "accepted") {
				t.Fatalf("unreachable because of %q, want %s", why, v.Outcome)
			}
			if answer.Code != v.Code || answer.Lease != v.Lease || answer.Token != v.Token {
				t.Errorf("answer %+v", answer)
			}
		})
	}
	for _, c := range append(wire.Refusals(), wire.OK) {
		if !codes[string(c)] {
			t.Errorf("no exchange ends in %s", c)
		}
	}
}

// judge follows docs/protocol.md, "Accepting an answer", step by step. why is empty if the answer is accepted.
func judge(t *testing.T, keys lease.KeySet, req exchangeRequest, response []byte) (a lease.Answer, why string) {
	t.Helper()
	body := req.bytes(t)
	r := newRequest(t, req.Operation)
	nonce, err := wire.Decode(body, r)
	if err != nil {
		t.Fatal(err)
	}
	statement, err := wire.Statement(response)
	if err != nil {
		return a, err.Error()
	}
	v, err := keys.Verify(lease.TypeAnswer, statement)
	if err != nil {
		return a, err.Error()
	}
	a = v.Answer()
	if a.Nonce != nonce {
		return lease.Answer{}, "nonce"
	}
	if a.Request != wire.Hash(req.Method, req.Path, body) {
		return lease.Answer{}, "request hash"
	}
	if _, _, known := wire.Refusal(wire.Code(a.Code)); known {
		a.Lease, a.Token = "", ""
		return a, ""
	}
	if a.Code != string(wire.OK) {
		return lease.Answer{}, "unknown code"
	}
	product, sent, needsToken := "", map[string]string{}, true
	switch r := r.(type) {
	case *wire.Deactivation:
		return lease.Answer{Code: a.Code}, ""
	case *wire.Activation:
		product, sent, needsToken = r.Product, r.Fingerprints, req.Method != wire.MethodOffline
	case *wire.Rebinding:
		product, sent = r.Product, r.Fingerprints
	case *wire.Check:
		product, sent, needsToken = r.Product, r.Fingerprints, req.Bearer == ""
	}
	if needsToken && a.Token == "" {
		return lease.Answer{}, "no token"
	}
	if v, err = keys.Verify(lease.TypeLease, a.Lease); err != nil {
		return lease.Answer{}, err.Error()
	}
	if v.Lease().Product != product {
		return lease.Answer{}, "product"
	}
	if req.Method == wire.MethodOffline {
		if !v.Lease().Offline {
			return lease.Answer{}, "no offline lease"
		}
		a.Token = ""
	}
	if !sameDevice(v.Lease().Fingerprints, sent) {
		return lease.Answer{}, "device"
	}
	return a, ""
}

// sameDevice is the rule of docs/protocol.md, "Which device is the same".
func sameDevice(a, b map[string]string) bool {
	for _, kind := range []string{"caller", "bios-uuid", "os-install"} {
		if a[kind] != "" && b[kind] != "" {
			return a[kind] == b[kind]
		}
	}
	return false
}

// fixed is 16 bytes that differ by name and never change, as a nonce or id has them.
func fixed(name string) string {
	sum := sha256.Sum256([]byte("counterfoil vectors " + name))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// fingerprintOf looks like what a device derives.
func fingerprintOf(name string) string {
	sum := sha256.Sum256([]byte("counterfoil vectors " + name))
	return "fp1:" + base64.RawURLEncoding.EncodeToString(sum[:])
}

func encode(t *testing.T, r wire.Request) string {
	t.Helper()
	b, err := wire.Encode(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func marshal(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// replace wants old in s, so that no vector is the good one by mistake.
func replace(t *testing.T, s, old, new string) string {
	t.Helper()
	if !strings.Contains(s, old) {
		t.Fatalf("no %q in %q", old, s)
	}
	return strings.Replace(s, old, new, 1)
}

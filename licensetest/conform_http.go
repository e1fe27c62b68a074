package licensetest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/counterfoil-dev/counterfoil/internal/wire"
)

func httpCases() []conformanceCase {
	return []conformanceCase{
		{"malformed", httpMalformed},
		{"ambiguous", httpAmbiguous},
		{"unknown-members", httpUnknownMembers},
		{"too-large", httpTooLarge},
		{"methods-and-paths", httpMethodsAndPaths},
		{"authorization", httpAuthorization},
		{"same-request", httpSameRequest},
	}
}

// paths are all operations.
func paths() []string {
	return []string{wire.PathActivations, wire.PathChecks, wire.PathDeactivations, wire.PathRebindings}
}

// A request that breaks a rule but names its nonce is refused by a signed answer.
func httpMalformed(p *probe) {
	l := p.sell(License{})
	d := p.activated(l)
	for _, path := range paths() {
		for _, rest := range []string{
			``,
			`,"product":"Not A Product","fingerprints":{"os-install":"fp1:x"}`,
			`,"product":5,"fingerprints":{"os-install":"fp1:x"}`,
			`,"product":"` + strings.Repeat("a", 65) + `","fingerprints":{"os-install":"fp1:x"}`,
		} {
			body := fmt.Appendf(nil, `{"nonce":%q%s}`, wire.NewNonce(), rest)
			o, err := p.send(path, d.token, body, nil)
			if err != nil {
				p.Fatalf("POST %s: %.80s: %v", path, body, err)
			}
			p.want(wire.Malformed, o)
		}
	}
	for _, rest := range []string{
		`"fingerprints":{},"code":"` + l.code + `"`,
		`"fingerprints":{"os-install":""},"code":"` + l.code + `"`,
		`"fingerprints":{"os-install":"fp1:x"}`,
		`"fingerprints":{"os-install":"fp1:x"},"code":"` + l.code + `","account":{"email":"a@example.com","password":"p"}`,
		`"fingerprints":{"os-install":"fp1:x"},"code":"` + strings.ToLower(l.code) + `"`,
	} {
		body := fmt.Appendf(nil, `{"nonce":%q,"product":%q,"installation":%q,%s}`,
			wire.NewNonce(), l.Product, wire.NewInstallation(), rest)
		o, err := p.send(wire.PathActivations, "", body, nil)
		if err != nil {
			p.Fatalf("%.200s: %v", body, err)
		}
		p.want(wire.Malformed, o)
	}
	p.want(wire.OK, d.check())
}

// unsigned sends what gets no signed answer, and wants that status.
func (p *probe) unsigned(method, path string, body []byte, status int) (*http.Response, []byte) {
	p.Helper()
	resp, content, err := p.raw(method, path, "", body)
	if err != nil {
		p.Fatalf("%s %s: %v", method, path, err)
	}
	if _, err := wire.Statement(content); err == nil {
		p.Fatalf("%s %s: a statement, though nothing can have been decided", method, path)
	}
	if resp.StatusCode != status {
		p.Fatalf("%s %s: want status %d, have %d", method, path, status, resp.StatusCode)
	}
	return resp, content
}

// A request that two readers could read in two ways is refused, before anything is done.
func httpAmbiguous(p *probe) {
	l := p.sell(License{Seats: 1})
	d := p.device(l.Product)
	good, err := wire.Encode(d.activation(l.code))
	if err != nil {
		p.Fatal(err)
	}
	inside := bytes.TrimPrefix(good, []byte("{"))
	for _, body := range [][]byte{
		nil,
		[]byte("null"),
		[]byte("[]"),
		[]byte(`{}`),
		[]byte(`{"nonce":"short"}`),
		good[:len(good)-1],
		append(bytes.Clone(good), good...),
		append(bytes.Clone(good), "x"...),
		append([]byte(`{"nonce":"`+wire.NewNonce()+`",`), inside...),
		append([]byte(`{"product":"other",`), inside...),
		append([]byte(`{"Code":"other",`), inside...),
		append([]byte(`{"label":null,`), inside...),
		append([]byte("{\"label\":\"\xff\","), inside...),
		append([]byte(`{"x":`+strings.Repeat("[", 100)+strings.Repeat("]", 100)+`,`), inside...),
	} {
		p.refusedAsMalformed(body)
	}
	// Nothing of it took the seat.
	p.seats(p.want(wire.OK, p.device(l.Product).activate(l.code)), 1)
}

// refusedAsMalformed wants status 400. Where the server signs, it must have found the one nonce there is.
func (p *probe) refusedAsMalformed(body []byte) {
	p.Helper()
	resp, content, err := p.raw(http.MethodPost, wire.PathActivations, "", body)
	if err != nil {
		p.Fatal(err)
	}
	var doc wire.Problem
	want := wire.NewProblem(wire.Malformed, "")
	err = json.Unmarshal(content, &doc)
	if err != nil || resp.StatusCode != want.Status || doc.Status != want.Status || doc.Code != want.Code {
		p.Fatalf("%.80q: want a problem with status 400, have %d %.80q", body, resp.StatusCode, content)
	}
	if doc.Statement == "" {
		return
	}
	var o outcome
	var sent struct{ Nonce string }
	json.Unmarshal(body, &sent)
	hash := wire.Hash(http.MethodPost, wire.PathActivations, body)
	if err := o.open(p.target.Keys, doc.Statement, sent.Nonce, hash); err != nil {
		p.Fatalf("%.80q: %v", body, err)
	}
	p.want(wire.Malformed, o)
}

// Members that a later version adds are passed over.
func httpUnknownMembers(p *probe) {
	l := p.sell(License{})
	d := p.device(l.Product)
	good, err := wire.Encode(d.activation(l.code))
	if err != nil {
		p.Fatal(err)
	}
	body := append([]byte(`{"later":{"than":["v1",1,true]},`), good[1:]...)
	o, err := p.send(wire.PathActivations, "", body, []string{l.code})
	if err != nil {
		p.Fatal(err)
	}
	p.want(wire.OK, o)
}

// A body of 64 KiB is read; one byte more is not.
func httpTooLarge(p *probe) {
	l := p.sell(License{})
	d := p.device(l.Product)
	good, err := wire.Encode(d.activation(l.code))
	if err != nil {
		p.Fatal(err)
	}
	full := append(good, bytes.Repeat([]byte(" "), wire.MaxRequest-len(good))...)
	o, err := p.send(wire.PathActivations, "", full, nil)
	if err != nil {
		p.Fatal(err)
	}
	p.want(wire.OK, o)
	want := wire.NewProblem(wire.TooLarge, "")
	for _, path := range paths() {
		var doc wire.Problem
		_, content := p.unsigned(http.MethodPost, path, append(full, ' '), want.Status)
		if err := json.Unmarshal(content, &doc); err != nil || doc != want {
			p.Fatalf("POST %s: want the problem document %+v, have %.200q", path, want, content)
		}
	}
}

// Other methods and paths are HTTP's matter: no decision is made.
func httpMethodsAndPaths(p *probe) {
	for _, path := range paths() {
		for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete, http.MethodPatch} {
			resp, _ := p.unsigned(method, path, nil, http.StatusMethodNotAllowed)
			if allow := resp.Header.Get("Allow"); !strings.Contains(allow, http.MethodPost) {
				p.Errorf("%s %s: want the header Allow: POST, have %q", method, path, allow)
			}
		}
		p.unsigned(http.MethodPost, path+"/x", []byte("{}"), http.StatusNotFound)
	}
	p.unsigned(http.MethodPost, "/v1/nothing", []byte("{}"), http.StatusNotFound)
	p.unsigned(http.MethodPost, "/v0/checks", []byte("{}"), http.StatusNotFound)
}

// The token counts only where it belongs, and before the lease.
func httpAuthorization(p *probe) {
	l := p.sell(License{Seats: 1})
	d := p.activated(l)
	r := func() *wire.Check {
		return &wire.Check{Nonce: wire.NewNonce(), Product: d.product, Fingerprints: d.prints, Lease: d.lease}
	}
	p.want(wire.TokenUnknown, p.post(wire.PathChecks, "cft_"+random(32), r()))
	if o := p.want(wire.OK, p.post(wire.PathChecks, d.token, r())); o.answer.Token != "" {
		p.Error("with a token, the lease must be passed over, and brings no token")
	}
}

// A transport may repeat a request, nonce included: servers keep no nonces, and nothing is done twice.
func httpSameRequest(p *probe) {
	l := p.sell(License{Seats: 2})
	d := p.device(l.Product)
	r := d.activation(l.code)
	for range 3 {
		p.seats(p.want(wire.OK, d.keep(p.post(wire.PathActivations, "", r))), 1)
	}
	check := &wire.Check{Nonce: wire.NewNonce(), Product: d.product, Fingerprints: d.prints}
	p.want(wire.OK, p.post(wire.PathChecks, d.token, check))
	p.want(wire.OK, p.post(wire.PathChecks, d.token, check))
}

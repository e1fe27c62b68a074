package licensetest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"testing"

	"github.com/counterfoil-dev/counterfoil/internal/wire"
	"github.com/counterfoil-dev/counterfoil/lease"
)

// probe is one case on its way: the test, and the server it talks to with the smallest of clients.
type probe struct {
	*testing.T
	target Target
}

// outcome is a response that was found well-formed, signed, and bound to its request.
type outcome struct {
	request string // for messages
	answer  lease.Answer
	lease   lease.Lease // zero if there is none
	status  int
	body    []byte
}

func (o outcome) code() wire.Code { return wire.Code(o.answer.Code) }

// post sends one request and checks all that holds for every response.
func (p *probe) post(path, token string, r wire.Request, secrets ...string) outcome {
	p.Helper()
	o, err := p.try(path, token, r, secrets...)
	if err != nil {
		p.Fatal(err)
	}
	return o
}

// try is post for goroutines of a case.
func (p *probe) try(path, token string, r wire.Request, secrets ...string) (outcome, error) {
	body, err := wire.Encode(r)
	if err != nil {
		return outcome{}, fmt.Errorf("the suite made a bad request: %w", err)
	}
	o, err := p.send(path, token, body, append(secrets, token))
	if err != nil {
		return outcome{}, fmt.Errorf("POST %s: %w", path, err)
	}
	return o, nil
}

// send sends bytes that hold a nonce and want a signed answer.
func (p *probe) send(path, token string, body []byte, secrets []string) (outcome, error) {
	resp, content, err := p.raw(http.MethodPost, path, token, body)
	if err != nil {
		return outcome{}, err
	}
	o := outcome{request: "POST " + path, status: resp.StatusCode, body: content}
	statement, err := wire.Statement(content)
	if err != nil {
		return o, fmt.Errorf("status %d, %w: %.200q", resp.StatusCode, err, content)
	}
	var sent struct {
		Nonce        string            `json:"nonce"`
		Product      string            `json:"product"`
		Fingerprints map[string]string `json:"fingerprints"`
	}
	json.Unmarshal(body, &sent) // what is malformed on purpose still names the nonce
	if err := o.open(p.target.Keys, statement, sent.Nonce, wire.Hash(http.MethodPost, path, body)); err != nil {
		return o, err
	}
	if err := o.checkForm(resp); err != nil {
		return o, err
	}
	if o.code() == wire.OK && path != wire.PathDeactivations && o.answer.Lease == "" {
		return o, errors.New("code ok brings no lease")
	}
	if o.code() == wire.OK && (path == wire.PathActivations || path == wire.PathRebindings) && o.answer.Token == "" {
		return o, errors.New("code ok brings no token")
	}
	if o.answer.Lease != "" && o.lease.Product != sent.Product {
		return o, fmt.Errorf("the lease is for product %q, not %q", o.lease.Product, sent.Product)
	}
	if o.answer.Lease != "" && match(o.lease.Fingerprints, sent.Fingerprints) == 0 {
		return o, fmt.Errorf("the lease is for device %v, not %v", o.lease.Fingerprints, sent.Fingerprints)
	}
	inside, err := json.Marshal([]any{o.answer, o.lease})
	if err != nil {
		return o, err
	}
	for _, secret := range secrets {
		if len(secret) > 8 && (bytes.Contains(content, []byte(secret)) || bytes.Contains(inside, []byte(secret))) {
			return o, errors.New("the response repeats a secret of the request")
		}
	}
	return o, nil
}

// open verifies an answer, what binds it, and the lease in it.
func (o *outcome) open(keys lease.KeySet, statement, nonce, hash string) error {
	v, err := keys.Verify(lease.TypeAnswer, statement)
	if err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	o.answer = v.Answer()
	switch a := o.answer; {
	case a.Nonce != nonce:
		return fmt.Errorf("answer: nonce %q is not the request's %q", a.Nonce, nonce)
	case a.Request != hash:
		return fmt.Errorf("answer: request hash %q, want %q", a.Request, hash)
	case a.Token != "" && wire.CheckToken(a.Token) != nil:
		return fmt.Errorf("answer: %w", wire.CheckToken(a.Token))
	case a.Code != string(wire.OK) && (a.Lease != "" || a.Token != ""):
		return fmt.Errorf("answer: refusal %s carries a lease or a token", a.Code)
	case a.Code != string(wire.ChooseLicense) && len(a.Licenses) > 0:
		return fmt.Errorf("answer: %s carries a list of licenses", a.Code)
	case a.Lease == "":
		return nil
	}
	if v, err = keys.Verify(lease.TypeLease, o.answer.Lease); err != nil {
		return fmt.Errorf("lease: %w", err)
	}
	o.lease = v.Lease()
	if o.lease.IssuedAt > o.answer.IssuedAt {
		return fmt.Errorf("lease: issued at %d, after its answer (%d)", o.lease.IssuedAt, o.answer.IssuedAt)
	}
	if o.lease.Status != lease.StatusActive {
		return fmt.Errorf("lease: status %s; only active licenses have leases", o.lease.Status)
	}
	return nil
}

// checkForm checks status, headers and problem document against the signed code.
func (o *outcome) checkForm(resp *http.Response) error {
	if v := resp.Header.Get("Cache-Control"); !strings.Contains(v, "no-store") {
		return fmt.Errorf("want the header Cache-Control: no-store, have %q", v)
	}
	media, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if o.code() == wire.OK {
		if resp.StatusCode != http.StatusOK || media != wire.TypeJSON {
			return fmt.Errorf("code ok: want status 200 and %s, have %d and %q", wire.TypeJSON, resp.StatusCode, media)
		}
		return nil
	}
	status, _, known := wire.Refusal(o.code())
	if !known {
		return fmt.Errorf("code %q is none of protocol v1", o.answer.Code)
	}
	if resp.StatusCode != status || media != wire.TypeProblem {
		return fmt.Errorf("code %s: want status %d and %s, have %d and %q",
			o.code(), status, wire.TypeProblem, resp.StatusCode, media)
	}
	if status == http.StatusUnauthorized && !strings.HasPrefix(resp.Header.Get("WWW-Authenticate"), "Bearer") {
		return errors.New("status 401 without the header WWW-Authenticate: Bearer")
	}
	var doc wire.Problem
	if err := json.Unmarshal(o.body, &doc); err != nil {
		return fmt.Errorf("problem document: %w", err)
	}
	if want := wire.NewProblem(o.code(), doc.Statement); doc != want {
		return fmt.Errorf("problem document: want %+v, have %+v", want, doc)
	}
	return nil
}

// raw sends any bytes and checks what holds even for what no decision was made of.
func (p *probe) raw(method, path, token string, body []byte) (*http.Response, []byte, error) {
	req, err := http.NewRequestWithContext(p.Context(), method, p.target.URL+path, bytes.NewReader(body))
	if err != nil {
		return nil, nil, err
	}
	req.Header.Set("Content-Type", wire.TypeJSON)
	req.Header.Set("Accept", wire.TypeJSON+", "+wire.TypeProblem)
	req.Header.Set("Accept-Encoding", "identity")
	req.Header.Set("User-Agent", "counterfoil/1")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := p.target.Client.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	content, err := io.ReadAll(io.LimitReader(resp.Body, wire.MaxResponse+1))
	if err != nil {
		return nil, nil, err
	}
	for _, name := range []string{"Set-Cookie", "Content-Encoding", "Location"} {
		if v := resp.Header.Get(name); v != "" {
			return nil, nil, fmt.Errorf("response has the header %s: %s", name, v)
		}
	}
	return resp, content, nil
}

// want fails the case unless the outcome has the code.
func (p *probe) want(c wire.Code, o outcome) outcome {
	p.Helper()
	if o.code() != c {
		p.Fatalf("%s: want code %s, have %s", o.request, c, o.answer.Code)
	}
	return o
}

// do fails the case if a function of the vendor does.
func (p *probe) do(err error) {
	p.Helper()
	if err != nil {
		p.Fatalf("admin: %v", err)
	}
}

// missing fails the case for want of a function of the vendor.
func (p *probe) missing(name string) {
	p.Helper()
	p.Fatalf("Target.Admin.%s is nil: this part of the protocol cannot be tested", name)
}

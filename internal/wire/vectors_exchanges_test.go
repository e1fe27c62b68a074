package wire_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/counterfoil-dev/counterfoil/internal/wire"
	"github.com/counterfoil-dev/counterfoil/lease"
)

// 2026-01-15T12:00:00Z, and the lengths of leases from there.
const (
	issued = 1768478400
	day    = 86400
)

// exchangeMaker gathers vectors.
type exchangeMaker struct {
	t      *testing.T
	signer *lease.Signer
	keys   map[string]ed25519.PrivateKey
	list   []exchangeVector
}

func makeExchanges(t *testing.T) vectorFile[exchangeVector] {
	t.Helper()
	keys, _ := signers(t)
	signer, err := lease.NewSigner("test-only-1", keys["test-only-1"])
	if err != nil {
		t.Fatal(err)
	}
	m := &exchangeMaker{t: t, signer: signer, keys: keys}
	m.good()
	m.refusals()
	m.unsigned()
	m.misbound()
	m.incomplete()
	return vectorFile[exchangeVector]{
		About: "A request that was just sent, the response that came, and what the client makes of it with the pinned keys of lease/keys.json. " +
			"outcome is accepted, with the code, lease and token to act on, or unreachable: nothing signed was learned. " +
			"A body is text, or body_base64, with pad spaces behind it.",
		Vectors: m.list,
	}
}

// request is one of the four as it is sent; its nonce is made of the name.
func (m *exchangeMaker) request(operation, name string) exchangeRequest {
	r := exchangeRequest{Operation: operation, Method: "POST", Path: paths[operation], Bearer: demoToken}
	switch operation {
	case "activation":
		r.Bearer = ""
		r.Body = encode(m.t, activation(name))
	case "check":
		r.Body = encode(m.t, check(name))
	case "deactivation":
		r.Body = encode(m.t, deactivation(name))
	case "rebinding":
		r.Body = encode(m.t, rebinding(name))
	}
	return r
}

func demoLease() lease.Lease {
	limit := int64(25)
	return lease.Lease{
		Product: demoProduct, License: "lic_" + fixed("license"), Activation: "act_" + fixed("activation"),
		Kind: lease.KindSingle, Status: lease.StatusActive, Edition: "Pro",
		Entitlements: map[string]lease.Entitlement{"export.pdf": {}, "projects": {Limit: &limit}},
		Seats:        lease.Seats{Used: 1, Total: 3},
		Fingerprints: map[string]string{"bios-uuid": fingerprintOf("bios"), "os-install": fingerprintOf("os")},
		IssuedAt:     issued, LeaseEnd: issued + 14*day,
	}
}

// reboundLease is demoLease on a new main board.
func reboundLease() lease.Lease {
	l := demoLease()
	l.Fingerprints = map[string]string{"bios-uuid": fingerprintOf("new bios"), "os-install": fingerprintOf("os")}
	return l
}

func (m *exchangeMaker) lease(l lease.Lease) string {
	m.t.Helper()
	s, err := m.signer.SignLease(l)
	if err != nil {
		m.t.Fatal(err)
	}
	return s
}

func (m *exchangeMaker) answer(a lease.Answer) string {
	m.t.Helper()
	s, err := m.signer.SignAnswer(a)
	if err != nil {
		m.t.Fatal(err)
	}
	return s
}

// bound is an answer with this code to this request.
func (m *exchangeMaker) bound(r exchangeRequest, code wire.Code) lease.Answer {
	m.t.Helper()
	body := r.bytes(m.t)
	nonce, err := wire.Decode(body, newRequest(m.t, r.Operation))
	if err != nil {
		m.t.Fatal(err)
	}
	return lease.Answer{Code: string(code), Nonce: nonce, Request: wire.Hash(r.Method, r.Path, body), IssuedAt: issued}
}

func (m *exchangeMaker) ok(statement string) exchangeResponse {
	return exchangeResponse{Status: 200, ContentType: wire.TypeJSON,
		bodyText: bodyText{Body: marshal(m.t, wire.Response{Statement: statement})}}
}

func (m *exchangeMaker) problem(c wire.Code, statement string) exchangeResponse {
	p := wire.NewProblem(c, statement)
	return exchangeResponse{Status: p.Status, ContentType: wire.TypeProblem, bodyText: bodyText{Body: marshal(m.t, p)}}
}

func (m *exchangeMaker) accepted(name string, r exchangeRequest, resp exchangeResponse, a lease.Answer) {
	m.list = append(m.list, exchangeVector{Name: name, Request: r, Response: resp, Outcome: "accepted",
		Code: a.Code, Lease: a.Lease, Token: a.Token})
}

func (m *exchangeMaker) unreachable(name string, r exchangeRequest, resp exchangeResponse) {
	m.list = append(m.list, exchangeVector{Name: name, Request: r, Response: resp, Outcome: "unreachable"})
}

// grant adds a success.
func (m *exchangeMaker) grant(name string, r exchangeRequest, l lease.Lease, token string) {
	a := m.bound(r, wire.OK)
	a.Lease, a.Token = m.lease(l), token
	m.accepted(name, r, m.ok(m.answer(a)), a)
}

func (m *exchangeMaker) good() {
	l := demoLease()
	m.grant("activation by code", m.request("activation", "activation by code"), l, demoToken)
	r := m.request("activation", "")
	r.Body = encode(m.t, accountActivation("activation by account"))
	subscription := l
	subscription.Kind, subscription.LicenseEnd = lease.KindSubscription, issued+365*day
	m.grant("activation by account", r, subscription, demoToken)
	m.grant("check", m.request("check", "check"), l, "")
	m.grant("check that renews the token", m.request("check", "renewal"), l, "cft_test-only-renewed")
	r = m.request("check", "")
	byLease := check("check by lease")
	byLease.Lease, byLease.Pinned = m.lease(l), nil
	r.Bearer, r.Body = "", encode(m.t, byLease)
	m.grant("check by lease", r, l, demoToken)
	m.unreachable("check by lease, answer without a token", r, m.without(r, func(a *lease.Answer) { a.Token = "" }))
	m.grant("rebinding", m.request("rebinding", "rebinding"), reboundLease(), "cft_test-only-rebound")
	r = m.request("deactivation", "deactivation")
	a := m.bound(r, wire.OK)
	m.accepted("deactivation", r, m.ok(m.answer(a)), a)

	offline := l
	offline.Offline, offline.LeaseEnd = true, issued+180*day
	r = m.request("activation", "offline")
	r.Method = wire.MethodOffline
	m.grant("offline answer", r, offline, "")
	m.unreachable("offline answer without the mark of an offline lease", r, m.without(r, func(a *lease.Answer) { a.Token = "" }))
	online := r
	online.Method = "POST"
	m.unreachable("online answer in place of an offline one", r, m.without(online, func(a *lease.Answer) { a.Lease = m.lease(offline) }))

	// Only the statement counts: neither status, nor media type, nor what stands beside it.
	r = m.request("check", "beside")
	a = m.bound(r, wire.OK)
	a.Lease = m.lease(l)
	good := m.ok(m.answer(a))
	with := func(name string, change func(*exchangeResponse)) {
		resp := good
		change(&resp)
		m.accepted(name, r, resp, a)
	}
	with("success with status 500", func(p *exchangeResponse) { p.Status = 500 })
	with("success with status 404", func(p *exchangeResponse) { p.Status = 404 })
	with("success as text/html", func(p *exchangeResponse) { p.ContentType = "text/html" })
	with("success without a media type", func(p *exchangeResponse) { p.ContentType = "" })
	with("success with unknown members", func(p *exchangeResponse) { p.Body = replace(m.t, p.Body, "{", `{"code":"revoked","later":[],`) })
	with("response of 64 KiB", func(p *exchangeResponse) { p.Pad = wire.MaxResponse - len(p.Body) })
	m.unreachable("response of 64 KiB and a byte", r, func() exchangeResponse { p := good; p.Pad = wire.MaxResponse - len(p.Body) + 1; return p }())
	late := a
	late.IssuedAt, late.Lease = issued-365*day, func() string { l := l; l.IssuedAt -= 365 * day; l.LeaseEnd -= 365 * day; return m.lease(l) }()
	m.accepted("server's clock a year behind", r, m.ok(m.answer(late)), late)
}

// without is a good answer to r with lease and token, changed before it is signed.
func (m *exchangeMaker) without(r exchangeRequest, change func(*lease.Answer)) exchangeResponse {
	m.t.Helper()
	a := m.bound(r, wire.OK)
	a.Lease, a.Token = m.lease(demoLease()), demoToken
	if r.Operation == "rebinding" {
		a.Lease = m.lease(reboundLease())
	}
	change(&a)
	return m.ok(m.answer(a))
}

func (m *exchangeMaker) refusals() {
	operation := map[wire.Code]string{
		wire.CodeInvalid: "activation", wire.SeatsUsed: "activation", wire.CredentialsWrong: "activation",
		wire.ChooseLicense: "activation", wire.RebindLimit: "rebinding", wire.Released: "deactivation",
	}
	for _, c := range wire.Refusals() {
		op := operation[c]
		if op == "" {
			op = "check"
		}
		r := m.request(op, string(c))
		a := m.bound(r, c)
		switch c {
		case wire.CredentialsWrong, wire.ChooseLicense:
			r.Body = encode(m.t, accountActivation(string(c)))
			a = m.bound(r, c)
			if c == wire.ChooseLicense {
				a.Licenses = []lease.Choice{
					{License: "lic_" + fixed("license"), Edition: "Pro", Seats: lease.Seats{Used: 1, Total: 3}, LicenseEnd: issued + 365*day},
					{License: "lic_" + fixed("other license"), Seats: lease.Seats{Used: 0, Total: 1}},
				}
			}
		case wire.RateLimited, wire.Busy:
			a.RetryAfter = 120
		}
		m.accepted("refusal "+string(c), r, m.problem(c, m.answer(a)), a)
	}
	r := m.request("activation", "no license at all")
	a := m.bound(r, wire.ChooseLicense)
	m.accepted("choose_license with nothing to choose", r, m.problem(wire.ChooseLicense, m.answer(a)), a)
	r = m.request("check", "status 200")
	a = m.bound(r, wire.Suspended)
	m.accepted("refusal with status 200", r, m.ok(m.answer(a)), a)
	m.accepted("refusal whose problem says another code", r, m.problem(wire.Revoked, m.answer(a)), a)
	full := a
	full.Lease, full.Token = m.lease(demoLease()), demoToken
	m.accepted("lease and token in a refusal count for nothing", r, m.problem(wire.Suspended, m.answer(full)), a)
	absurd := a
	absurd.Code, absurd.RetryAfter = string(wire.Busy), 1<<31-1
	m.accepted("busy for 68 years", r, m.problem(wire.Busy, m.answer(absurd)), absurd)
}

// unsigned are responses without a statement that could count.
func (m *exchangeMaker) unsigned() {
	r := m.request("check", "unsigned")
	a := m.bound(r, wire.OK)
	a.Lease = m.lease(demoLease())
	good := m.answer(a)
	resp := func(status int, contentType, body string) exchangeResponse {
		return exchangeResponse{Status: status, ContentType: contentType, bodyText: bodyText{Body: body}}
	}
	bad := func(name string, p exchangeResponse) { m.unreachable(name, r, p) }
	bad("captive portal", resp(200, "text/html", "<!doctype html><title>Welcome</title><form>Accept our terms</form>"))
	bad("captive portal that answers every request with JSON", resp(200, wire.TypeJSON, `{"status":"ok"}`))
	bad("empty", resp(200, wire.TypeJSON, ""))
	bad("no content", resp(204, "", ""))
	bad("proxy's 404", resp(404, "text/html", "<h1>Not Found</h1>"))
	bad("proxy's 407", resp(407, "text/plain", "Proxy Authentication Required"))
	bad("gateway's 502", resp(502, "text/html", "<h1>Bad Gateway</h1>"))
	bad("server's 500", resp(500, "text/plain", "internal error"))
	for _, c := range []wire.Code{wire.Revoked, wire.Released, wire.TokenUnknown, wire.Malformed} {
		bad("unsigned problem "+string(c), m.problem(c, ""))
	}
	bad("unsigned code", resp(403, wire.TypeJSON, `{"code":"revoked"}`))
	bad("empty statement", resp(200, wire.TypeJSON, `{"statement":""}`))
	bad("statement is an object", resp(200, wire.TypeJSON, `{"statement":{"code":"revoked"}}`))
	bad("statement null", resp(200, wire.TypeJSON, `{"statement":null}`))
	bad("statement alone", resp(200, "application/jose", good))
	bad("list", resp(200, wire.TypeJSON, `[{"statement":"`+good+`"}]`))
	bad("statement twice", resp(200, wire.TypeJSON, `{"statement":"`+good+`","statement":"`+good+`"}`))
	bad("case variant", resp(200, wire.TypeJSON, `{"Statement":"`+good+`"}`))
	bad("two values", resp(200, wire.TypeJSON, m.ok(good).Body+m.ok(good).Body))
	bad("byte order mark", resp(200, wire.TypeJSON, "\ufeff"+m.ok(good).Body))
	bad("script appended by a middlebox", resp(200, wire.TypeJSON, m.ok(good).Body+"<script></script>"))
	bad("truncated body", resp(200, wire.TypeJSON, m.ok(good).Body[:len(good)/2]))
	bad("truncated statement", m.ok(good[:len(good)-20]))
	bad("line break inside the statement", resp(200, wire.TypeJSON, `{"statement":"`+good[:50]+`\n`+good[50:]+`"}`))
	var wide []byte
	for _, u := range utf16.Encode([]rune(m.ok(good).Body)) {
		wide = append(wide, byte(u), byte(u>>8))
	}
	bad("UTF-16", exchangeResponse{Status: 200, ContentType: wire.TypeJSON,
		bodyText: bodyText{BodyBase64: base64.StdEncoding.EncodeToString(wide)}})
	bad("compressed unasked", exchangeResponse{Status: 200, ContentType: wire.TypeJSON,
		bodyText: bodyText{BodyBase64: "H4sIAAAAAAAAA6vmUoADAFgIrmIEAAAA"}})
}

// misbound are good statements that do not answer this request, or are not the pinned keys'.
func (m *exchangeMaker) misbound() {
	r := m.request("check", "misbound")
	body := r.bytes(m.t)
	bad := func(name string, change func(*lease.Answer)) { m.unreachable(name, r, m.without(r, change)) }
	for _, c := range []wire.Code{wire.OK, wire.Revoked} {
		is := func(a *lease.Answer) { a.Code = string(c) }
		bad("nonce of another request, "+string(c), func(a *lease.Answer) { is(a); a.Nonce = fixed("another") })
		bad("hash of another body, "+string(c), func(a *lease.Answer) {
			is(a)
			a.Request = wire.Hash("POST", wire.PathChecks, append(body, ' '))
		})
		bad("hash of another path, "+string(c), func(a *lease.Answer) { is(a); a.Request = wire.Hash("POST", wire.PathActivations, body) })
	}
	bad("hash of another method", func(a *lease.Answer) { a.Request = wire.Hash("GET", wire.PathChecks, body) })
	bad("hash with the path of the base URL", func(a *lease.Answer) { a.Request = wire.Hash("POST", "/licensing/v1/checks", body) })
	bad("hash of an offline request", func(a *lease.Answer) { a.Request = wire.Hash(wire.MethodOffline, wire.PathChecks, body) })
	bad("hash in hexadecimal", func(a *lease.Answer) { a.Request = strings.Repeat("0", 64) })
	yesterday := m.request("check", "yesterday")
	m.unreachable("yesterday's answer replayed", r, m.without(yesterday, func(*lease.Answer) {}))
	other := m.request("deactivation", "misbound")
	m.unreachable("answer to a deactivation with the same nonce", r, m.without(other, func(*lease.Answer) {}))

	raw := func(kid, header, payload string) exchangeResponse {
		input := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString([]byte(payload))
		return m.ok(input + "." + base64.RawURLEncoding.EncodeToString(ed25519.Sign(m.keys[kid], []byte(input))))
	}
	revoked := marshal(m.t, m.bound(r, wire.Revoked))
	m.unreachable("signed by a key that is not pinned", r,
		raw("test-only-stranger", `{"alg":"EdDSA","kid":"test-only-stranger","typ":"counterfoil.answer.v1"}`, revoked))
	m.unreachable("signed by another key under a pinned id", r,
		raw("test-only-stranger", `{"alg":"EdDSA","kid":"test-only-1","typ":"counterfoil.answer.v1"}`, revoked))
	m.unreachable("answer's payload under the lease's typ", r,
		raw("test-only-1", `{"alg":"EdDSA","kid":"test-only-1","typ":"counterfoil.lease.v1"}`, revoked))
	m.unreachable("lease in place of an answer", r, m.ok(m.lease(demoLease())))
	m.unreachable("alg none", r, m.ok(base64.RawURLEncoding.EncodeToString([]byte(
		`{"alg":"none","kid":"test-only-1","typ":"counterfoil.answer.v1"}`))+"."+base64.RawURLEncoding.EncodeToString([]byte(revoked))+"."))
	m.unreachable("code twice in the payload", r, raw("test-only-1", `{"alg":"EdDSA","kid":"test-only-1","typ":"counterfoil.answer.v1"}`,
		replace(m.t, revoked, "{", `{"code":"ok",`)))
	m.unreachable("code of a later version", r, m.without(r, func(a *lease.Answer) { a.Code = "later_code" }))
}

// incomplete are signed, bound answers of success that lack what the operation needs.
func (m *exchangeMaker) incomplete() {
	for _, op := range []string{"activation", "check", "rebinding"} {
		r := m.request(op, "incomplete")
		bad := func(name string, change func(*lease.Answer)) { m.unreachable(op+": "+name, r, m.without(r, change)) }
		changed := func(change func(*lease.Lease)) func(*lease.Answer) {
			return func(a *lease.Answer) {
				l := demoLease()
				if op == "rebinding" {
					l = reboundLease()
				}
				change(&l)
				a.Lease = m.lease(l)
			}
		}
		bad("ok without a lease", func(a *lease.Answer) { a.Lease = "" })
		bad("lease of another product", changed(func(l *lease.Lease) { l.Product = "other-editor" }))
		bad("lease of another device", changed(func(l *lease.Lease) {
			l.Fingerprints = map[string]string{"os-install": fingerprintOf("elsewhere"), "caller": fingerprintOf("os")}
		}))
		if op != "check" {
			bad("lease of another main board with the same disk", changed(func(l *lease.Lease) {
				l.Fingerprints = map[string]string{"bios-uuid": fingerprintOf("elsewhere"), "os-install": fingerprintOf("os")}
			}))
			bad("ok without a token", func(a *lease.Answer) { a.Token = "" })
			continue
		}
		bad("lease with a broken signature", func(a *lease.Answer) { a.Lease = a.Lease[:len(a.Lease)-3] + "AAA" })
		bad("lease of a key that is not pinned", func(a *lease.Answer) {
			s, err := lease.NewSigner("test-only-stranger", m.keys["test-only-stranger"])
			if err != nil {
				m.t.Fatal(err)
			}
			if a.Lease, err = s.SignLease(demoLease()); err != nil {
				m.t.Fatal(err)
			}
		})
		bad("answer in place of the lease", func(a *lease.Answer) { a.Lease = m.answer(m.bound(r, wire.OK)) })
		l := demoLease()
		l.LeaseEnd = issued + 400*day
		tooLong := replace(m.t, marshal(m.t, l), fmt.Sprint(l.LeaseEnd), fmt.Sprint(l.LeaseEnd+1))
		input := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"EdDSA","kid":"test-only-1","typ":"counterfoil.lease.v1"}`)) + "." +
			base64.RawURLEncoding.EncodeToString([]byte(tooLong))
		bad("lease of 400 days and a second", func(a *lease.Answer) {
			a.Lease = input + "." + base64.RawURLEncoding.EncodeToString(ed25519.Sign(m.keys["test-only-1"], []byte(input)))
		})
	}
	r := m.request("check", "token nonsense")
	payload := replace(m.t, marshal(m.t, m.bound(r, wire.OK)), "{", `{"token":"cft_a\r\nX-Injected: 1","lease":"`+m.lease(demoLease())+`",`)
	input := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"EdDSA","kid":"test-only-1","typ":"counterfoil.answer.v1"}`)) + "." +
		base64.RawURLEncoding.EncodeToString([]byte(payload))
	m.unreachable("check: token that no header can carry", r,
		m.ok(input+"."+base64.RawURLEncoding.EncodeToString(ed25519.Sign(m.keys["test-only-1"], []byte(input)))))
}

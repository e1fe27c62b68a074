package lease

import (
	"crypto"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"testing"
)

const (
	goodLeaseHeader  = `{"alg":"EdDSA","kid":"test-only-1","typ":"counterfoil.lease.v1"}`
	goodAnswerHeader = `{"alg":"EdDSA","kid":"test-only-1","typ":"counterfoil.answer.v1"}`

	// 2026-01-15T12:00:00Z and 14 days later.
	issued = 1768478400
	day    = 86400
)

// members is a payload that vectors change one member of.
type members map[string]any

func (m members) with(name string, value any) members {
	m = maps.Clone(m)
	m[name] = value
	return m
}

func (m members) without(name string) members {
	m = maps.Clone(m)
	delete(m, name)
	return m
}

func (m members) String() string {
	b, err := json.Marshal(m)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

func goodLease() members {
	return members{
		"product": "acme-editor", "license": "lic_0123456789abcdefghijkA", "activation": "act_0123456789abcdefghijkA",
		"kind": "single", "status": "active", "seats": members{"used": 1, "total": 3},
		"fingerprints": members{"os-install": "fp1:V-pRz2eVbSsRq8mZ0qpmKjKq7dY8h0mYgkqg9dH0b1Q"},
		"issued_at":    issued, "lease_end": issued + 14*day,
	}
}

func goodAnswer() members {
	return members{
		"code": "revoked", "nonce": "AAECAwQFBgcICQoLDA0ODw", "issued_at": issued,
		"request": "iIVPX1dqEXCxRNhB5N8nZ8WUPgEwd8IyNgBRAx0mkXA",
	}
}

// maker gathers vectors.
type maker struct {
	keys map[string]ed25519.PrivateKey
	list []statementVector
}

func (m *maker) add(typ Type, outcome, name, statement, payload string) {
	v := statementVector{Name: name, Type: typ, Statement: statement, Outcome: outcome}
	if outcome == "accepted" {
		v.Payload = json.RawMessage(payload)
	}
	m.list = append(m.list, v)
}

// lease adds a lease with the good header. says is its payload without unknown members, if that differs.
func (m *maker) lease(outcome, name string, payload fmt.Stringer) {
	m.add(TypeLease, outcome, "lease: "+name, compact(goodLeaseHeader, payload.String(), m.keys["test-only-1"]), payload.String())
}

func (m *maker) answer(outcome, name string, payload fmt.Stringer) {
	m.add(TypeAnswer, outcome, "answer: "+name, compact(goodAnswerHeader, payload.String(), m.keys["test-only-1"]), payload.String())
}

func makeStatements(t *testing.T) statements {
	t.Helper()
	keys, _ := testKeys(t)
	m := &maker{keys: keys}
	m.good()
	m.texts()
	m.headers()
	m.signatures()
	m.payloads()
	m.leases()
	m.answers()
	return statements{
		About: "Signed statements, read with the pinned keys of lease/keys.json. type is what the reader expects. " +
			"outcome is accepted or refused; payload is what an accepted statement says, unknown members left out. " +
			"Every refused statement has exactly one fault, which its name tells.",
		Vectors: m.list,
	}
}

func (m *maker) good() {
	l, a, key := goodLease(), goodAnswer(), m.keys["test-only-1"]
	ok := func(name string, payload members) { m.lease("accepted", name, payload) }
	ok("shortest", l)
	ok("everything", l.with("kind", "subscription").with("edition", "Pro").with("license_end", issued+365*day).
		with("entitlements", members{"export.pdf": members{}, "projects": members{"limit": 25}}))
	ok("offline", l.with("offline", true).with("lease_end", issued+180*day))
	ok("one second long", l.with("lease_end", issued+1))
	ok("400 days long", l.with("lease_end", issued+400*day))
	ok("ends with the year 9999", l.with("issued_at", int64(maxTime-day)).with("lease_end", int64(maxTime)))
	ok("limits at their bounds", l.with("entitlements", members{"a": members{"limit": 0}, "b": members{"limit": int64(1<<53 - 1)}}))
	ok("256 entitlements", l.with("entitlements", many(256)))
	ok("eight fingerprints", l.with("fingerprints", manyTexts(8)))
	ok("edition beyond ASCII", l.with("edition", "Büro 事務 \U0001f469\u200d\U0001f4bb"))
	for _, s := range []string{"suspended", "revoked", "expired"} {
		ok("status "+s, l.with("status", s))
	}
	add := func(name, header, payload, key string) {
		m.add(TypeLease, "accepted", "lease: "+name, compact(header, payload, m.keys[key]), l.String())
	}
	add("second key", strings.Replace(goodLeaseHeader, "-1", "-2", 1), l.String(), "test-only-2")
	add("header in another order", `{"typ":"counterfoil.lease.v1","kid":"test-only-1","alg":"EdDSA"}`, l.String(), "test-only-1")
	add("header with white space", "{ \"alg\" : \"EdDSA\",\r\n\t\"kid\":\"test-only-1\",\"typ\":\"counterfoil.lease.v1\" }\n", l.String(), "test-only-1")
	add("header with an unknown member", `{"alg":"EdDSA","cty":"json","kid":"test-only-1","typ":"counterfoil.lease.v1"}`, l.String(), "test-only-1")
	add("unknown member", goodLeaseHeader, l.with("later", members{"deep": []any{1.5, true, "x"}}).String(), "test-only-1")
	add("unknown member inside", goodLeaseHeader, l.with("seats", members{"used": 1, "total": 3, "held": 2}).String(), "test-only-1")
	add("escaped letters", goodLeaseHeader, strings.Replace(l.String(), "acme", `\u0061cm\u0065`, 1), "test-only-1")

	m.answer("accepted", "refusal", a)
	m.answer("accepted", "ok with lease and token", a.with("code", "ok").with("token", "cft_test").
		with("lease", compact(goodLeaseHeader, l.String(), key)))
	m.answer("accepted", "retry_after", a.with("code", "busy").with("retry_after", 120))
	m.answer("accepted", "licenses", a.with("code", "choose_license").with("licenses", []any{
		members{"license": "lic_a", "edition": "Pro", "seats": members{"used": 1, "total": 5}, "license_end": issued + day},
		members{"license": "lic_b", "seats": members{"used": 0, "total": 0}}}))
	m.answer("accepted", "code of a later version", a.with("code", "later_code"))
	m.answer("accepted", "token of 2048 characters", a.with("code", "ok").with("token", strings.Repeat("t", 2048)))
}

// texts are statements whose three parts are wrong as text.
func (m *maker) texts() {
	good := compact(goodLeaseHeader, goodLease().String(), m.keys["test-only-1"])
	p := strings.Split(good, ".")
	bad := func(name, s string) { m.add(TypeLease, "refused", "text: "+name, s, "") }
	bad("empty", "")
	bad("two parts", p[0]+"."+p[1])
	bad("four parts", good+".")
	bad("empty parts", "..")
	bad("JSON serialization", fmt.Sprintf(`{"protected":%q,"payload":%q,"signature":%q}`, p[0], p[1], p[2]))
	bad("detached payload", p[0]+".."+p[2])
	bad("leading space", " "+good)
	bad("line break at the end", good+"\n")
	bad("line break inside the payload", p[0]+"."+p[1][:40]+"\n"+p[1][40:]+"."+p[2])
	bad("carriage return inside the signature", p[0]+"."+p[1]+"."+p[2][:40]+"\r"+p[2][40:])
	bad("padding", good+"==")
	sig, _ := base64.RawURLEncoding.DecodeString(p[2])
	bad("standard alphabet", p[0]+"."+p[1]+"."+strings.ReplaceAll(base64.RawStdEncoding.EncodeToString(sig), "/", "+"))
	bad("trailing bits set", good[:len(good)-1]+next(good[len(good)-1]))
	bad("unsigned", p[0]+"."+p[1]+".")
	long := goodLease().with("later", strings.Repeat("x", 46000)) // in base64 a little more than 60 KiB
	bad("longer than 60 KiB", compact(goodLeaseHeader, long.String(), m.keys["test-only-1"]))
}

// next is the following letter of the base64url alphabet: the same bytes to a careless decoder.
func next(c byte) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return string(alphabet[strings.IndexByte(alphabet, c)+1])
}

func (m *maker) headers() {
	l, key := goodLease().String(), m.keys["test-only-1"]
	bad := func(name, header string) { m.add(TypeLease, "refused", "header: "+name, compact(header, l, key), "") }
	alg := func(s string) string { return strings.Replace(goodLeaseHeader, `"EdDSA"`, s, 1) }
	m.add(TypeLease, "refused", "header: alg none, unsigned", b64(alg(`"none"`))+"."+b64(l)+".", "")
	bad("alg none, signed", alg(`"none"`))
	input := b64(alg(`"HS256"`)) + "." + b64(l)
	mac := hmac.New(sha256.New, key.Public().(ed25519.PublicKey))
	mac.Write([]byte(input))
	m.add(TypeLease, "refused", "header: alg HS256 with the public key for a secret", input+"."+b64(string(mac.Sum(nil))), "")
	bad("alg ES256", alg(`"ES256"`))
	bad("alg in lower case", alg(`"eddsa"`))
	bad("alg missing", `{"kid":"test-only-1","typ":"counterfoil.lease.v1"}`)
	bad("alg null", alg(`null`))
	bad("kid missing", `{"alg":"EdDSA","typ":"counterfoil.lease.v1"}`)
	bad("kid empty", strings.Replace(goodLeaseHeader, "test-only-1", "", 1))
	bad("kid is a number", strings.Replace(goodLeaseHeader, `"test-only-1"`, "1", 1))
	bad("kid of another pinned key", strings.Replace(goodLeaseHeader, "-1", "-2", 1))
	m.add(TypeLease, "refused", "header: kid not pinned",
		compact(strings.Replace(goodLeaseHeader, "test-only-1", "test-only-stranger", 1), l, m.keys["test-only-stranger"]), "")
	stranger := m.keys["test-only-stranger"].Public().(ed25519.PublicKey)
	m.add(TypeLease, "refused", "header: brings its own key", compact(fmt.Sprintf(
		`{"alg":"EdDSA","jwk":{"crv":"Ed25519","kty":"OKP","x":%q},"kid":"test-only-stranger","typ":"counterfoil.lease.v1"}`,
		b64(string(stranger))), l, m.keys["test-only-stranger"]), "")
	bad("typ missing", `{"alg":"EdDSA","kid":"test-only-1"}`)
	bad("typ of another kind", strings.Replace(goodLeaseHeader, "lease", "answer", 1))
	bad("typ JWT", strings.Replace(goodLeaseHeader, "counterfoil.lease.v1", "JWT", 1))
	bad("typ in upper case", strings.Replace(goodLeaseHeader, "counterfoil.lease.v1", "COUNTERFOIL.LEASE.V1", 1))
	bad("typ of a later version", strings.Replace(goodLeaseHeader, "v1", "v2", 1))
	extra := func(s string) string { return strings.Replace(goodLeaseHeader, `,"kid"`, `,`+s+`,"kid"`, 1) }
	bad("crit", extra(`"crit":["exp"],"exp":1`))
	bad("crit empty", extra(`"crit":[]`))
	bad("crit null", extra(`"crit":null`))
	bad("crit b64", extra(`"b64":false,"crit":["b64"]`))
	bad("alg twice", extra(`"alg":"EdDSA"`))
	bad("alg twice, once escaped", extra(`"\u0061lg":"EdDSA"`))
	bad("case variant", extra(`"Alg":"EdDSA"`))
	bad("no object", `["EdDSA","test-only-1","counterfoil.lease.v1"]`)
	bad("not JSON", `alg=EdDSA`)
	bad("two values", goodLeaseHeader+goodLeaseHeader)
	bad("invalid UTF-8", extra("\"cty\":\"\xff\""))
	m.add(TypeAnswer, "refused", "header: a lease where an answer is expected", compact(goodLeaseHeader, l, key), "")
	m.add(TypeLease, "refused", "header: an answer where a lease is expected", compact(goodAnswerHeader, goodAnswer().String(), key), "")
	m.add(TypeLease, "refused", "header: a lease's payload under an answer's typ", compact(goodAnswerHeader, l, key), "")
}

func (m *maker) signatures() {
	l, key := goodLease().String(), m.keys["test-only-1"]
	good := compact(goodLeaseHeader, l, key)
	input := good[:strings.LastIndexByte(good, '.')]
	sig := ed25519.Sign(key, []byte(input))
	bad := func(name string, sig []byte) {
		m.add(TypeLease, "refused", "signature: "+name, input+"."+b64(string(sig)), "")
	}
	flipped := slices.Clone(sig)
	flipped[0] ^= 1
	bad("one bit flipped", flipped)
	bad("63 bytes", sig[:63])
	bad("65 bytes", append(slices.Clone(sig), 0))
	bad("all zero", make([]byte, 64))
	bad("second half plus the group order", addOrder(sig))
	bad("over the payload alone", ed25519.Sign(key, []byte(b64(l))))
	bad("over the decoded text", ed25519.Sign(key, []byte(goodLeaseHeader+"."+l)))
	bad("by a key not pinned, under a pinned kid", ed25519.Sign(m.keys["test-only-stranger"], []byte(input)))
	digest := sha512.Sum512([]byte(input))
	ph, _ := key.Sign(nil, digest[:], crypto.SHA512)
	bad("Ed25519ph", ph)
	ctx, _ := key.Sign(nil, []byte(input), &ed25519.Options{Context: "counterfoil"})
	bad("Ed25519ctx", ctx)
	p := strings.Split(good, ".")
	longer := goodLease().with("lease_end", issued+15*day).String()
	m.add(TypeLease, "refused", "signature: payload exchanged", p[0]+"."+b64(longer)+"."+p[2], "")
	m.add(TypeLease, "refused", "signature: header respelled", b64(" "+goodLeaseHeader)+"."+p[1]+"."+p[2], "")
}

// addOrder makes S+L of S (RFC 8032 section 5.1.7 demands S < L): the same signature to a careless verifier.
func addOrder(sig []byte) []byte {
	order, _ := new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)
	le := slices.Clone(sig[32:])
	slices.Reverse(le)
	sum := new(big.Int).Add(new(big.Int).SetBytes(le), order).FillBytes(make([]byte, 32))
	slices.Reverse(sum)
	return append(slices.Clone(sig[:32]), sum...)
}

func many(n int) members {
	m := members{}
	for i := range n {
		m[fmt.Sprintf("e%03d", i)] = members{}
	}
	return m
}

func manyTexts(n int) members {
	m := members{}
	for i := range n {
		m[fmt.Sprintf("kind-%d", i)] = fmt.Sprintf("fp1:value%d", i)
	}
	return m
}

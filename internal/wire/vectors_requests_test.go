package wire_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/counterfoil-dev/counterfoil/internal/wire"
)

const (
	demoProduct = "acme-editor"
	demoCode    = "7KQ2M-4XVTA-9B8HC-E6RZN-WPY8A"
	demoToken   = "cft_test-only-5vJrKc0mD2Yb8nQx1wZsLtHgUeRiOpAaSdFgHjKlMnB"
)

func activation(nonce string) *wire.Activation {
	return &wire.Activation{
		Nonce: fixed(nonce), Product: demoProduct, Installation: fixed("installation"), Code: demoCode,
		Fingerprints: map[string]string{"bios-uuid": fingerprintOf("bios"), "os-install": fingerprintOf("os")},
	}
}

func accountActivation(nonce string) *wire.Activation {
	a := activation(nonce)
	a.Code = ""
	a.Account = &wire.Account{Email: "ada@example.com", Password: "correct horse <battery> & staple"}
	return a
}

func check(nonce string) *wire.Check {
	set := map[string]string{"bios-uuid": fingerprintOf("bios"), "os-install": fingerprintOf("os")}
	return &wire.Check{Nonce: fixed(nonce), Product: demoProduct, Fingerprints: map[string]string{"os-install": set["os-install"]}, Pinned: set}
}

func deactivation(nonce string) *wire.Deactivation {
	return &wire.Deactivation{Nonce: fixed(nonce), Product: demoProduct}
}

func rebinding(nonce string) *wire.Rebinding {
	return &wire.Rebinding{
		Nonce: fixed(nonce), Product: demoProduct, Installation: fixed("installation"),
		Fingerprints: map[string]string{"bios-uuid": fingerprintOf("new bios"), "os-install": fingerprintOf("os")},
	}
}

var paths = map[string]string{
	"activation":   wire.PathActivations,
	"check":        wire.PathChecks,
	"deactivation": wire.PathDeactivations,
	"rebinding":    wire.PathRebindings,
}

// requestMaker gathers vectors.
type requestMaker struct {
	t    *testing.T
	list []requestVector
}

// add adds a request. nonce is what the server knows to answer to.
func (m *requestMaker) add(outcome, operation, name string, body bodyText, nonce string) {
	v := requestVector{Name: operation + ": " + name, Operation: operation, Method: "POST", Path: paths[operation],
		bodyText: body, Outcome: outcome, Nonce: nonce}
	v.Hash = wire.Hash(v.Method, v.Path, body.bytes(m.t))
	m.list = append(m.list, v)
}

func makeRequests(t *testing.T) vectorFile[requestVector] {
	t.Helper()
	m := &requestMaker{t: t}
	m.good()
	m.bad()
	return vectorFile[requestVector]{
		About: "Requests as a server reads them. outcome is accepted or refused (malformed, or too_large beyond 64 KiB); " +
			"nonce is the one that the signed answer names, empty where the refusal is unsigned; hash is the member request of the answer. " +
			"A body is text, or body_base64, with pad spaces behind it.",
		Vectors: m.list,
	}
}

func (m *requestMaker) good() {
	n := fixed("request")
	ok := func(operation, name, body string) { m.add("accepted", operation, name, bodyText{Body: body}, n) }
	a := activation("request")
	ok("activation", "by code", encode(m.t, a))
	a.Label = "Ada's büro \U0001f469\u200d\U0001f4bb"
	ok("activation", "by code, with a label", encode(m.t, a))
	ok("activation", "by account", encode(m.t, accountActivation("request")))
	b := accountActivation("request")
	b.Account.License = "lic_0123456789abcdefghijkA"
	ok("activation", "by account, license named", encode(m.t, b))
	b.Account.Password = "\x00 tab\tand \"quotes\"\n"
	ok("activation", "password with control characters", encode(m.t, b))
	a = activation("request")
	a.Fingerprints = map[string]string{}
	for i := range 8 {
		a.Fingerprints[fmt.Sprintf("kind-%d", i)] = strings.Repeat("x", 128)
	}
	ok("activation", "eight fingerprints of 128 characters", encode(m.t, a))
	good := encode(m.t, activation("request"))
	ok("activation", "unknown member", replace(m.t, good, "{", `{"later":{"x":[1.5,true]},`))
	ok("activation", "white space", " \r\n"+replace(m.t, good, ":", " :\t")+"\n")
	m.add("accepted", "activation", "64 KiB", bodyText{Body: good, Pad: wire.MaxRequest - len(good)}, n)

	c := check("request")
	ok("check", "with a token", encode(m.t, c))
	c.Pinned = nil
	ok("check", "without the pinned set", encode(m.t, c))
	c.Lease = "eyJ.eyJ.c2ln"
	ok("check", "by lease", encode(m.t, c))
	ok("deactivation", "with a token", encode(m.t, deactivation("request")))
	d := deactivation("request")
	d.Lease = "eyJ.eyJ.c2ln"
	ok("deactivation", "by lease", encode(m.t, d))
	ok("rebinding", "with a token", encode(m.t, rebinding("request")))
}

func (m *requestMaker) bad() {
	t, n := m.t, fixed("request")
	code, account := encode(t, activation("request")), encode(t, accountActivation("request"))
	chk, dea, reb := encode(t, check("request")), encode(t, deactivation("request")), encode(t, rebinding("request"))
	// Without a nonce there is nothing to sign.
	unsigned := func(name, body string) { m.add("refused", "activation", name, bodyText{Body: body}, "") }
	unsigned("empty", "")
	unsigned("no JSON", "nonce="+n)
	unsigned("a list", "["+code+"]")
	unsigned("truncated", code[:len(code)-9])
	unsigned("two values", code+code)
	unsigned("nonce missing", replace(t, code, `"nonce":"`+n+`",`, ""))
	unsigned("nonce null", replace(t, code, `"`+n+`"`, "null"))
	unsigned("nonce is a number", replace(t, code, `"`+n+`"`, "1"))
	unsigned("nonce empty", replace(t, code, n, ""))
	unsigned("nonce of 15 bytes", replace(t, code, n, n[:20]))
	unsigned("nonce of 17 bytes", replace(t, code, n, n[:20]+"AAA"))
	unsigned("nonce with padding", replace(t, code, n, n+"=="))
	unsigned("nonce with trailing bits set", replace(t, code, n, n[:21]+"B"))
	unsigned("nonce with a line break", replace(t, code, n, n[:10]+`\n`+n[10:]))
	unsigned("nonce in the standard alphabet", replace(t, code, n, "+/"+n[2:]))
	unsigned("nonce twice", replace(t, code, "{", `{"nonce":"`+n+`",`))
	unsigned("member twice", replace(t, code, "{", `{"product":"acme-editor",`))
	unsigned("case variant", replace(t, code, "{", `{"Nonce":"`+n+`",`))
	unsigned("null member", replace(t, code, "{", `{"label":null,`))
	m.add("refused", "activation", "invalid UTF-8", bodyText{BodyBase64: base64.StdEncoding.EncodeToString(
		[]byte(replace(t, code, "{", "{\"label\":\"\xff\",")))}, "")
	unsigned("half a surrogate pair", replace(t, account, "correct", `\ud83d`))
	m.add("refused", "activation", "one byte more than 64 KiB", bodyText{Body: code, Pad: wire.MaxRequest - len(code) + 1}, "")

	bad := func(operation, name, body string) { m.add("refused", operation, name, bodyText{Body: body}, n) }
	bad("activation", "product missing", replace(t, code, `"product":"acme-editor",`, ""))
	bad("activation", "product is a number", replace(t, code, `"acme-editor"`, "7"))
	bad("activation", "product in upper case", replace(t, code, "acme", "Acme"))
	bad("activation", "product with a hyphen first", replace(t, code, "acme", "-acme"))
	bad("activation", "product with a slash", replace(t, code, "acme-", "../"))
	bad("activation", "product of 65 letters", replace(t, code, "acme-editor", strings.Repeat("a", 65)))
	bad("activation", "installation missing", replace(t, code, `"installation":"`+fixed("installation")+`",`, ""))
	bad("activation", "installation of 15 bytes", replace(t, code, fixed("installation"), fixed("installation")[:20]))
	bad("activation", "no fingerprint", replace(t, code, code[strings.Index(code, `"bios-uuid"`):strings.Index(code, `},"code"`)], ""))
	bad("activation", "fingerprint empty", replace(t, code, fingerprintOf("os"), ""))
	bad("activation", "fingerprint of 129 characters", replace(t, code, fingerprintOf("os"), strings.Repeat("x", 129)))
	bad("activation", "fingerprint with a space", replace(t, code, "fp1:", "fp1: "))
	nine := ""
	for i := range 7 {
		nine += fmt.Sprintf(`"kind-%d":"x",`, i)
	}
	bad("activation", "nine fingerprints", replace(t, code, `"bios-uuid"`, nine+`"bios-uuid"`))
	bad("activation", "neither code nor account", replace(t, code, `,"code":"`+demoCode+`"`, ""))
	bad("activation", "code and account", replace(t, account, "{", `{"code":"`+demoCode+`",`))
	bad("activation", "code with a typing mistake", replace(t, code, "7KQ2M", "7KQ2N"))
	bad("activation", "code not canonical", replace(t, code, demoCode, strings.ToLower(demoCode)))
	bad("activation", "account without an e-mail", replace(t, account, "ada@example.com", ""))
	bad("activation", "e-mail of 255 bytes", replace(t, account, "ada", strings.Repeat("a", 243)))
	bad("activation", "e-mail with a line break", replace(t, account, "ada", `ada\r\n`))
	bad("activation", "account without a password", replace(t, account, `"correct horse \u003cbattery\u003e \u0026 staple"`, `""`))
	bad("activation", "password of 257 bytes", replace(t, account, "correct", strings.Repeat("x", 257)))
	bad("activation", "account license with a space", replace(t, account, `"password"`, `"license":"lic a","password"`))
	bad("activation", "label of 65 bytes", replace(t, code, "{", `{"label":"`+strings.Repeat("x", 65)+`",`))
	bad("activation", "label with a control character", replace(t, code, "{", `{"label":"a\u001b[31m",`))
	bad("check", "no fingerprint", replace(t, chk, `"fingerprints":{"os-install":"`+fingerprintOf("os")+`"}`, `"fingerprints":{}`))
	bad("check", "pinned set empty", chk[:strings.Index(chk, `"pinned"`)]+`"pinned":{}}`)
	bad("check", "product missing", replace(t, chk, `"product":"acme-editor",`, ""))
	bad("check", "lease with a space", replace(t, chk, "{", `{"lease":"a b",`))
	bad("deactivation", "product missing", replace(t, dea, `,"product":"acme-editor"`, ""))
	bad("deactivation", "lease longer than 60 KiB", replace(t, dea, "{", `{"lease":"`+strings.Repeat("x", 60<<10+1)+`",`))
	bad("rebinding", "installation missing", replace(t, reb, `"installation":"`+fixed("installation")+`",`, ""))
	bad("rebinding", "fingerprints missing", reb[:strings.Index(reb, `,"fingerprints"`)]+"}")
}

func makeOffline(t *testing.T) vectorFile[offlineVector] {
	t.Helper()
	body := encode(t, activation("offline"))
	text := wire.OfflineText([]byte(body))
	const prefix = "counterfoil-request-1."
	var list []offlineVector
	ok := func(name, text string) {
		list = append(list, offlineVector{Name: name, Text: text, Outcome: "accepted", Body: body,
			Hash: wire.Hash("OFFLINE", "/v1/activations", []byte(body))})
	}
	bad := func(name, text string) {
		list = append(list, offlineVector{Name: name, Text: text, Outcome: "refused"})
	}
	ok("as made", text)
	ok("line break at the end", text+"\r\n")
	ok("wrapped by a mail program", text[:60]+"\n"+text[60:120]+"\r\n  "+text[120:])
	ok("non-breaking space", text[:60]+"\u00a0"+text[60:])
	bad("empty", "")
	bad("body alone", text[len(prefix):])
	bad("later version", strings.Replace(text, "request-1", "request-2", 1))
	bad("prefix in upper case", strings.ToUpper(prefix)+text[len(prefix):])
	bad("one letter missing", text[:len(text)-1-len(text)%4])
	bad("letter that base64url has not", text[:70]+"*"+text[71:])
	bad("padding", prefix+base64.URLEncoding.EncodeToString([]byte(body+" ")))
	bad("quoted", "> "+text)
	odd := wire.OfflineText([]byte(body + strings.Repeat(" ", 4-len(body)%3))) // one byte over: the last letter has four bits to spare
	if last := odd[len(odd)-1]; last != 'A' && last != 'Q' && last != 'g' && last != 'w' {
		t.Fatalf("last letter %c", last)
	}
	bad("trailing bits set", odd[:len(odd)-1]+"B")
	return vectorFile[offlineVector]{
		About:   "Offline requests as people carry them. body is the activation inside an accepted one, hash the member request of its answer.",
		Vectors: list,
	}
}

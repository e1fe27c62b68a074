package lease

import (
	"encoding/json"
	"strings"
)

// raw is a payload as it stands.
type raw string

func (r raw) String() string { return string(r) }

// payloads are signed, but no good JSON, or good JSON that two readers could read differently.
func (m *maker) payloads() {
	good := goodLease().String()
	bad := func(name, payload string) { m.lease("refused", "payload "+name, raw(payload)) }
	extra := func(s string) string { return strings.Replace(good, `{`, `{`+s+`,`, 1) }
	bad("empty", "")
	bad("no JSON", "product=acme-editor")
	bad("no object", "["+good+"]")
	bad("null", "null")
	bad("unfinished", good[:len(good)-1])
	bad("two values", good+good)
	bad("garbage behind it", good+"\x00")
	bad("byte order mark", "\ufeff"+good)
	bad("member twice", extra(`"status":"revoked"`))
	bad("member twice, once escaped", extra(`"\u0073tatus":"revoked"`))
	bad("member twice inside", strings.Replace(good, `"used":1`, `"used":1,"used":1`, 1))
	bad("unknown member twice", extra(`"later":1,"later":1`))
	bad("case variant", extra(`"Status":"active"`))
	bad("case variant beyond ASCII", extra(`"\u212aind":"single"`)) // the Kelvin sign folds to k
	bad("null member", extra(`"edition":null`))
	bad("unknown null member", extra(`"later":null`))
	bad("invalid UTF-8", extra("\"edition\":\"\xc3\x28\""))
	bad("half a surrogate pair", extra(`"edition":"\ud83d"`))
	bad("other half of a surrogate pair", extra(`"edition":"\udc69 x"`))
	bad("nested deeper than 8", extra(`"later":`+strings.Repeat("[", 8)+strings.Repeat("]", 8)))
	bad("member name with a space", extra(`"later on":1`))
	bad("member name of 65 letters", extra(`"`+strings.Repeat("a", 65)+`":1`))
	bad("comment", extra(`/* later */ "later":1`))
	bad("trailing comma", good[:len(good)-1]+",}")
}

func (m *maker) leases() {
	l := goodLease()
	bad := func(name string, payload members) { m.lease("refused", name, payload) }
	for _, name := range []string{"product", "license", "activation", "kind", "status", "fingerprints", "issued_at", "lease_end"} {
		bad(name+" missing", l.without(name))
	}
	for _, name := range []string{"product", "license", "activation", "kind", "status"} {
		bad(name+" empty", l.with(name, ""))
	}
	for _, name := range []string{"product", "license", "activation"} {
		bad(name+" of 65 characters", l.with(name, strings.Repeat("a", 65)))
	}
	bad("product with a space", l.with("product", "acme editor"))
	bad("product is a number", l.with("product", 1))
	bad("kind unknown", l.with("kind", "perpetual"))
	bad("kind in upper case", l.with("kind", "Single"))
	bad("status unknown", l.with("status", "paused"))
	bad("edition of 129 bytes", l.with("edition", strings.Repeat("a", 129)))
	bad("edition with a control character", l.with("edition", "Pro\u001b[31m"))
	bad("257 entitlements", l.with("entitlements", many(257)))
	bad("entitlement in upper case", l.with("entitlements", members{"PDF": members{}}))
	bad("entitlement without a name", l.with("entitlements", members{"": members{}}))
	bad("entitlement is a boolean", l.with("entitlements", members{"pdf": true}))
	bad("entitlements is a list", l.with("entitlements", []any{"pdf"}))
	bad("limit negative", l.with("entitlements", members{"pdf": members{"limit": -1}}))
	bad("limit of 2^53", l.with("entitlements", members{"pdf": members{"limit": int64(1 << 53)}}))
	bad("limit is a fraction", l.with("entitlements", members{"pdf": members{"limit": 1.5}}))
	bad("seats negative", l.with("seats", members{"used": -1, "total": 3}))
	bad("seats of 2^31", l.with("seats", members{"used": 1, "total": int64(1 << 31)}))
	bad("no fingerprint", l.with("fingerprints", members{}))
	bad("nine fingerprints", l.with("fingerprints", manyTexts(9)))
	bad("fingerprint empty", l.with("fingerprints", members{"os-install": ""}))
	bad("fingerprint of 129 characters", l.with("fingerprints", members{"os-install": strings.Repeat("a", 129)}))
	bad("fingerprint with a space", l.with("fingerprints", members{"os-install": "fp1: a"}))
	bad("fingerprint kind in upper case", l.with("fingerprints", members{"OS": "fp1:a"}))
	bad("offline is a number", l.with("offline", 1))
	bad("issued_at zero", l.with("issued_at", 0).with("lease_end", day))
	bad("issued_at negative", l.with("issued_at", -1).with("lease_end", day))
	bad("issued_at is text", l.with("issued_at", "2026-01-15T12:00:00Z"))
	bad("issued_at is a fraction", l.with("issued_at", issued+0.5))
	bad("issued_at with an exponent", l.with("issued_at", json.RawMessage("1768478400e0")))
	bad("lease_end at issued_at", l.with("lease_end", issued))
	bad("lease_end before issued_at", l.with("lease_end", issued-1))
	bad("400 days and a second long", l.with("lease_end", issued+400*day+1))
	bad("lease_end that overflows", l.with("lease_end", json.RawMessage("-9223372036854775808")))
	bad("lease_end beyond 64 bits", l.with("lease_end", json.RawMessage("18446744073709551616")))
	bad("ends in the year 10000", l.with("issued_at", int64(maxTime)).with("lease_end", int64(maxTime+1)))
	bad("license_end negative", l.with("license_end", -1))
	bad("license_end in the year 10000", l.with("license_end", int64(maxTime+1)))
}

func (m *maker) answers() {
	a := goodAnswer()
	bad := func(name string, payload members) { m.answer("refused", name, payload) }
	for _, name := range []string{"code", "nonce", "request", "issued_at"} {
		bad(name+" missing", a.without(name))
	}
	for _, name := range []string{"code", "nonce", "request"} {
		bad(name+" of 65 characters", a.with(name, strings.Repeat("a", 65)))
	}
	bad("code with a line break", a.with("code", "ok\n"))
	bad("token of 2049 characters", a.with("token", strings.Repeat("t", 2049)))
	bad("token with a line break", a.with("token", "cft_a\r\nX-Injected: 1"))
	bad("token with a comma", a.with("token", "cft_a,b"))
	bad("token is an object", a.with("token", members{}))
	bad("lease is an object", a.with("lease", goodLease()))
	bad("retry_after negative", a.with("retry_after", -1))
	bad("retry_after of 2^31", a.with("retry_after", int64(1<<31)))
	bad("retry_after is a date", a.with("retry_after", "Thu, 15 Jan 2026 12:00:00 GMT"))
	choice := func(m members) members { return a.with("licenses", []any{m}) }
	bad("choice without a license", choice(members{"edition": "Pro", "seats": members{"used": 0, "total": 1}}))
	bad("choice with negative seats", choice(members{"license": "lic_a", "seats": members{"used": 0, "total": -1}}))
	bad("choice with an edition of 129 bytes", choice(members{"license": "lic_a", "edition": strings.Repeat("a", 129)}))
	var list []any
	for range 101 {
		list = append(list, members{"license": "lic_a", "seats": members{"used": 0, "total": 1}})
	}
	bad("101 choices", a.with("licenses", list))
}

package lease

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"io"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
)

func testSigner(tb testing.TB) (*Signer, KeySet) {
	tb.Helper()
	keys, pinned := testKeys(tb)
	s, err := NewSigner("test-only-1", keys["test-only-1"])
	if err != nil {
		tb.Fatal(err)
	}
	return s, pinned
}

func testLease() Lease {
	return Lease{
		Product: "acme-editor", License: "lic_a", Activation: "act_a", Kind: KindSingle, Status: StatusActive,
		Seats: Seats{Used: 1, Total: 1}, Fingerprints: map[string]string{"os-install": "fp1:a"},
		IssuedAt: issued, LeaseEnd: issued + 14*day,
	}
}

func TestSignAndVerify(t *testing.T) {
	t.Parallel()
	s, pinned := testSigner(t)
	l := testLease()
	limit := int64(25)
	l.Edition = "<Pro> & \u2028 \"more\""
	l.Entitlements = map[string]Entitlement{"pdf": {}, "projects": {Limit: &limit}}
	text, err := s.SignLease(l)
	if err != nil {
		t.Fatal(err)
	}
	v, err := pinned.Verify(TypeLease, text)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(v.Lease(), l) || v.KeyID() != "test-only-1" || !reflect.DeepEqual(v.Answer(), Answer{}) {
		t.Errorf("says %+v, want %+v", v, l)
	}

	a := Answer{Code: "ok", Nonce: "n", Request: "r", IssuedAt: issued, Lease: text, Token: "cft_a"}
	text, err = s.SignAnswer(a)
	if err != nil {
		t.Fatal(err)
	}
	if v, err = pinned.Verify(TypeAnswer, text); err != nil || !reflect.DeepEqual(v.Answer(), a) {
		t.Errorf("%v: says %+v, want %+v", err, v, a)
	}
}

// TestSignRefuses takes what no vector can hold: Go values that have no good JSON.
func TestSignRefuses(t *testing.T) {
	t.Parallel()
	s, _ := testSigner(t)
	leases := map[string]func(*Lease){
		"zero value":                     func(l *Lease) { *l = Lease{} },
		"edition no UTF-8":               func(l *Lease) { l.Edition = "\xff" },
		"entitlement no UTF-8":           func(l *Lease) { l.Entitlements = map[string]Entitlement{"\xff": {}} },
		"fingerprint no UTF-8":           func(l *Lease) { l.Fingerprints["os-install"] = "\xff" },
		"entitlement in upper case":      func(l *Lease) { l.Entitlements = map[string]Entitlement{"PDF": {}} },
		"fingerprint kind in upper case": func(l *Lease) { l.Fingerprints["OS"] = "fp1:a" },
		"times that overflow":            func(l *Lease) { l.IssuedAt, l.LeaseEnd = math.MaxInt64, math.MinInt64 },
		"times that overflow up":         func(l *Lease) { l.IssuedAt, l.LeaseEnd = math.MinInt64, math.MaxInt64 },
	}
	for name, change := range leases {
		l := testLease()
		change(&l)
		if text, err := s.SignLease(l); err == nil {
			t.Errorf("lease: %s: signed %q", name, text)
		}
	}
	full := testLease()
	full.Product, full.Kind, full.LeaseEnd = "", "", 0
	_, err := s.SignLease(full)
	if n := strings.Count(err.Error(), "\n"); n != 3 {
		t.Errorf("want all four faults at once, have %v", err)
	}

	if _, err := s.SignAnswer(Answer{}); err == nil {
		t.Error("signed a zero answer")
	}
	many := Answer{Code: "choose_license", Nonce: "n", Request: "r", IssuedAt: issued}
	for range maxChoices {
		many.Licenses = append(many.Licenses, Choice{License: "lic_a", Edition: strings.Repeat("<", maxString)})
	}
	if _, err := s.SignAnswer(many); err == nil {
		t.Error("signed an answer longer than 60 KiB")
	}
}

// TestLargestLeaseFits shows that the bounds leave room for one another: the largest lease inside an answer with the
// largest token, and that inside a problem document of 64 KiB.
func TestLargestLeaseFits(t *testing.T) {
	t.Parallel()
	s, pinned := testSigner(t)
	long := strings.Repeat("x", maxID)
	limit := int64(maxLimit)
	l := testLease()
	l.Product, l.License, l.Activation, l.Edition = long, long, long, strings.Repeat("<", maxString)
	l.Entitlements = make(map[string]Entitlement)
	for i := range maxEntitlements {
		l.Entitlements[long[:61]+string([]byte{'a' + byte(i/26/26), 'a' + byte(i/26%26), 'a' + byte(i%26)})] = Entitlement{Limit: &limit}
	}
	l.Fingerprints = make(map[string]string)
	for i := range maxFingerprints {
		l.Fingerprints[long[:63]+string('a'+rune(i))] = strings.Repeat("<", maxString)
	}
	text, err := s.SignLease(l)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := s.SignAnswer(Answer{Code: "ok", Nonce: long, Request: long, IssuedAt: maxTime, Lease: text,
		Token: strings.Repeat("x", maxToken), RetryAfter: maxCount})
	if err != nil {
		t.Fatal(err)
	}
	if v, err := pinned.Verify(TypeAnswer, answer); err != nil || v.Answer().Lease != text {
		t.Fatal(err)
	}
	t.Logf("lease of %d bytes, answer of %d", len(text), len(answer))
}

// other is a crypto.Signer with a faulty inside.
type other struct {
	public crypto.PublicKey
	sig    []byte
	err    error
}

func (o other) Public() crypto.PublicKey { return o.public }

func (o other) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) { return o.sig, o.err }

func TestNewSignerRefuses(t *testing.T) {
	t.Parallel()
	keys, _ := testKeys(t)
	good := keys["test-only-1"]
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		id  string
		key crypto.Signer
	}{
		"no id":               {"", good},
		"id with a colon":     {"k:1", good},
		"nil":                 {"k1", nil},
		"nil key":             {"k1", ed25519.PrivateKey(nil)},
		"short key":           {"k1", good[:32]},
		"RSA":                 {"k1", rsaKey},
		"no public key":       {"k1", other{}},
		"short public key":    {"k1", other{public: ed25519.PublicKey("short")}},
		"key of small order":  {"k1", other{public: ed25519.PublicKey(make([]byte, 32))}},
		"pointer to a public": {"k1", other{public: new(ed25519.PublicKey)}},
	} {
		if _, err := NewSigner(c.id, c.key); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestSignerPassesOnFaults(t *testing.T) {
	t.Parallel()
	keys, _ := testKeys(t)
	public := keys["test-only-1"].Public()
	broken := errors.New("module unplugged")
	s, err := NewSigner("k1", other{public: public, err: broken})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.SignLease(testLease()); !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
	if s, err = NewSigner("k1", other{public: public, sig: []byte("short")}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.SignLease(testLease()); err == nil {
		t.Error("took a short signature")
	}
}

// FuzzSign holds the promise that Signer and KeySet refuse the same: what is signed verifies, and says the same.
func FuzzSign(f *testing.F) {
	s, pinned := testSigner(f)
	f.Add("acme-editor", "Pro", "export.pdf", "os-install", "fp1:a", int64(issued), int64(issued+day), int64(25), 1)
	f.Add("a\xff", "\x00", "PDF", "", " ", int64(-1), int64(math.MinInt64), int64(math.MaxInt64), -1)
	f.Add("a", "\ud7ff", "e", "k", "\"<>&\u2028", int64(maxTime), int64(maxTime+1), int64(1<<53), math.MaxInt32)
	f.Fuzz(func(t *testing.T, product, edition, entitlement, kind, value string, at, end, limit int64, seats int) {
		l := testLease()
		l.Product, l.Edition, l.IssuedAt, l.LeaseEnd, l.Seats.Used = product, edition, at, end, seats
		l.Entitlements = map[string]Entitlement{entitlement: {Limit: &limit}}
		l.Fingerprints = map[string]string{kind: value}
		text, err := s.SignLease(l)
		if err != nil {
			return
		}
		v, err := pinned.Verify(TypeLease, text)
		if err != nil || !reflect.DeepEqual(v.Lease(), l) {
			t.Errorf("%v: says %+v, want %+v", err, v.Lease(), l)
		}
		a := Answer{Code: product, Nonce: value, Request: kind, IssuedAt: at, Token: value, RetryAfter: seats}
		if text, err = s.SignAnswer(a); err != nil {
			return
		}
		if v, err := pinned.Verify(TypeAnswer, text); err != nil || !reflect.DeepEqual(v.Answer(), a) {
			t.Errorf("%v: says %+v, want %+v", err, v.Answer(), a)
		}
	})
}

// FuzzVerify wants neither a panic nor a forgery: whatever verifies carries a signature of a vector's key over exactly
// these bytes, so that no other spelling of a good statement passes.
func FuzzVerify(f *testing.F) {
	keys, pinned := testKeys(f)
	vectors := load[statements](f, statementsFile).Vectors
	if len(vectors) == 0 {
		f.Fatal("no seeds")
	}
	for _, v := range vectors {
		f.Add(string(v.Type), v.Statement)
	}
	f.Add("counterfoil.lease.v2", "a.b.c")
	f.Fuzz(func(t *testing.T, typ, text string) {
		v, err := pinned.Verify(Type(typ), text)
		if err != nil {
			if !errors.Is(err, ErrInvalid) || !reflect.DeepEqual(v, Verified{}) {
				t.Errorf("error %v, says %+v", err, v)
			}
			return
		}
		i := strings.LastIndexByte(text, '.')
		if again := text[:i+1] + b64(string(ed25519.Sign(keys[v.KeyID()], []byte(text[:i])))); again != text {
			t.Errorf("accepted %q, a respelling of %q", text, again)
		}
	})
}

// FuzzPayload signs what is no statement: nothing behind a good signature may panic or pass the bounds.
func FuzzPayload(f *testing.F) {
	keys, pinned := testKeys(f)
	f.Add([]byte(goodLease().String()))
	f.Add([]byte(goodAnswer().String()))
	f.Add([]byte(`{"code":"ok","nonce":"n","request":"r","issued_at":1,"licenses":[{"license":"a"}]}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		v, err := pinned.Verify(TypeLease, compact(goodLeaseHeader, string(payload), keys["test-only-1"]))
		if l := v.Lease(); err == nil && (l.LeaseEnd-l.IssuedAt > int64(MaxDuration/time.Second) || len(l.Fingerprints) == 0) {
			t.Errorf("accepted %s", payload)
		}
		if v, err = pinned.Verify(TypeAnswer, compact(goodAnswerHeader, string(payload), keys["test-only-1"])); err == nil {
			if bytes.ContainsAny([]byte(v.Answer().Token), "\r\n ") || v.Answer().Nonce == "" {
				t.Errorf("accepted %s", payload)
			}
		}
	})
}

package lease

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"math/big"
	"slices"
	"strings"
	"testing"
)

// The private keys of RFC 8032 sections 7.1 to 7.3 and RFC 8037 appendix A.1 (which is the first).
var publishedSeeds = map[string]string{
	"TEST 1":            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
	"TEST 2":            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
	"TEST 3":            "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
	"TEST 1024":         "f5e5767cf153319517630f226876b86c8160cc583bc013744c6bf255f5cc0ee5",
	"TEST SHA(abc)":     "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
	"foo, bar, foo2":    "0305334e381af78f141cb666f6199f57bc3495335a256a95bd2a55bf546663f6",
	"foo3 (Ed25519ctx)": "ab9c2853ce297ddab85c993b3ae14bcad39b2c682beabc27d6d4eb20711d6560",
}

func TestPublishedTestKeysAreRefused(t *testing.T) {
	t.Parallel()
	for name, seed := range publishedSeeds {
		b, err := hex.DecodeString(seed)
		if err != nil {
			t.Fatal(err)
		}
		key := ed25519.NewKeyFromSeed(b)
		text := "k1:" + base64.RawURLEncoding.EncodeToString(key.Public().(ed25519.PublicKey))
		if _, err := ParseKeySet(text); err == nil {
			t.Errorf("%s: ParseKeySet takes %s", name, text)
		}
		if _, err := NewSigner("k1", key); err == nil {
			t.Errorf("%s: NewSigner takes it", name)
		}
	}
	const rfc8037 = "k1:11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" // as appendix A.1 and the package comment spell it
	if _, err := ParseKeySet(rfc8037); err == nil {
		t.Error("ParseKeySet takes the key of RFC 8037")
	}
}

// TestSmallOrderKeysAreRefused computes every encoding of every point of small order from the curve's equation, and
// shows on one that it matters: a signature by nobody verifies under it.
func TestSmallOrderKeysAreRefused(t *testing.T) {
	t.Parallel()
	p := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 255), big.NewInt(19))
	mod := func(v *big.Int) *big.Int { return v.Mod(v, p) }
	mul := func(a, b *big.Int) *big.Int { return mod(new(big.Int).Mul(a, b)) }
	one := big.NewInt(1)
	d := mul(big.NewInt(-121665), new(big.Int).ModInverse(big.NewInt(121666), p))

	// By the doubling law of -x²+y² = 1+dx²y², 2(x,y) has the ordinate (y²+x²)/(2+x²-y²). A point of order 8 doubles to
	// one of order 4, whose ordinate is 0: there y² = -x², and the equation becomes -2x² = 1-dx⁴, that is
	// dx⁴ - 2x² - 1 = 0, and x² = (1 ± sqrt(1+d))/d.
	ordinates := []*big.Int{big.NewInt(0), one, new(big.Int).Sub(p, one)} // orders 4, 1, 2
	root := new(big.Int).ModSqrt(mod(new(big.Int).Add(one, d)), p)
	if root == nil {
		t.Fatal("1+d is no square")
	}
	for _, r := range []*big.Int{root, new(big.Int).Neg(root)} {
		x2 := mul(mod(new(big.Int).Add(one, r)), new(big.Int).ModInverse(d, p))
		if new(big.Int).ModSqrt(x2, p) == nil {
			continue
		}
		y := new(big.Int).ModSqrt(mod(new(big.Int).Neg(x2)), p)
		ordinates = append(ordinates, y, new(big.Int).Sub(p, y))
	}
	if len(ordinates) != 5 {
		t.Fatalf("%d ordinates of small order, want 5", len(ordinates))
	}
	encodings := 0
	for _, y := range ordinates {
		for ; y.BitLen() <= 255; y = new(big.Int).Add(y, p) { // above p: other spellings of the same
			for _, sign := range []byte{0, 0x80} {
				b := y.FillBytes(make([]byte, 32))
				slices.Reverse(b)
				b[31] |= sign
				encodings++
				if _, err := ParseKeySet("k1:" + base64.RawURLEncoding.EncodeToString(b)); err == nil {
					t.Errorf("takes %x", b)
				}
			}
		}
	}
	if encodings != 14 {
		t.Errorf("%d encodings, want 14", encodings)
	}

	identity := append([]byte{1}, make([]byte, 31)...)
	forged := append(slices.Clone(identity), make([]byte, 32)...) // R the identity, S zero
	if !ed25519.Verify(identity, []byte("any text"), forged) {
		t.Error("the forgery that the list guards against does not work; is the list still needed?")
	}
}

func TestParseKeySet(t *testing.T) {
	t.Parallel()
	const a = "xNi-D01GNLkl8wkuQfG0Yxr_SRoBQNpudvr3IO7efHA"
	const b = "plb4wIsl7YgiBoitc2XS2kEigC2ux0UD2XeZRy1QZEY"
	good := map[string][]string{
		"one":              {"k1:" + a},
		"two":              {"k1:" + a, "k2:" + b},
		"one key, two ids": {"k1:" + a, "k2:" + a},
		"every character":  {"aZ09._-:" + a},
		"64 characters":    {strings.Repeat("k", 64) + ":" + a},
	}
	for name, keys := range good {
		if ks, err := ParseKeySet(keys...); err != nil || ks.IsZero() {
			t.Errorf("%s: %v", name, err)
		}
	}
	bad := map[string][]string{
		"none":               {},
		"empty":              {""},
		"no id":              {":" + a},
		"no colon":           {a},
		"no key":             {"k1:"},
		"65 characters":      {strings.Repeat("k", 65) + ":" + a},
		"id with a space":    {"k 1:" + a},
		"id beyond ASCII":    {"ключ:" + a},
		"padded":             {"k1:" + a + "="},
		"line break":         {"k1:" + a + "\n"},
		"line break inside":  {"k1:" + a[:10] + "\r\n" + a[10:]},
		"standard alphabet":  {"k1:" + strings.NewReplacer("-", "+", "_", "/").Replace(a)},
		"trailing bits set":  {"k1:" + a[:42] + "B"},
		"31 bytes":           {"k1:" + a[:42]},
		"33 bytes":           {"k1:" + a + "A"},
		"id twice":           {"k1:" + a, "k1:" + b},
		"one good, one not":  {"k1:" + a, "k2:" + b[:20]},
		"a private key file": {"-----BEGIN PRIVATE KEY-----"},
	}
	for name, keys := range bad {
		if ks, err := ParseKeySet(keys...); err == nil || !ks.IsZero() {
			t.Errorf("%s: error %v, zero %v", name, err, ks.IsZero())
		}
	}
}

func TestParseKeySetReportsAll(t *testing.T) {
	t.Parallel()
	_, err := ParseKeySet("first", "k1:AA", "third")
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok || len(joined.Unwrap()) != 3 {
		t.Errorf("want 3 errors, have %v", err)
	}
}

func TestMustKeySetPanics(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	MustKeySet("nonsense")
}

func TestZeroKeySetAcceptsNothing(t *testing.T) {
	t.Parallel()
	for _, v := range load[statements](t, statementsFile).Vectors {
		if _, err := (KeySet{}).Verify(v.Type, v.Statement); err == nil {
			t.Errorf("%s: accepted", v.Name)
		}
	}
}

func FuzzParseKeySet(f *testing.F) {
	seeds := []string{"", ":", "k1:", "k1:AA", "k1:xNi-D01GNLkl8wkuQfG0Yxr_SRoBQNpudvr3IO7efHA",
		"k1:11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "k1:xNi-D01GNLkl8wkuQfG0Yxr_SRoBQNpudvr3IO7efHA\n"}
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		ks, err := ParseKeySet(s)
		if err != nil {
			return
		}
		for id, key := range ks.keys {
			if again := id + ":" + base64.RawURLEncoding.EncodeToString(key); again != s {
				t.Errorf("%q reads back as %q", s, again)
			}
		}
	})
}

package lease

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/counterfoil-dev/counterfoil/testdata"
)

var update = flag.Bool("update", false, "write the vectors anew")

const statementsFile = "lease/statements.json"

// statements is the form of testdata/lease/statements.json.
type statements struct {
	About   string            `json:"about"`
	Vectors []statementVector `json:"vectors"`
}

type statementVector struct {
	Name      string          `json:"name"`
	Type      Type            `json:"type"` // what the reader expects
	Statement string          `json:"statement"`
	Outcome   string          `json:"outcome"`           // accepted or refused
	Payload   json.RawMessage `json:"payload,omitempty"` // what an accepted statement says, unknown members left out
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

// testKeys are the keys of the vectors, by id, and the set of the pinned ones.
func testKeys(tb testing.TB) (map[string]ed25519.PrivateKey, KeySet) {
	tb.Helper()
	file := load[struct {
		Keys []struct {
			ID, Seed, Public string
		}
		Pinned []string
	}](tb, "lease/keys.json")
	keys := make(map[string]ed25519.PrivateKey)
	for _, k := range file.Keys {
		seed, err := hex.DecodeString(k.Seed)
		if err != nil {
			tb.Fatal(err)
		}
		keys[k.ID] = ed25519.NewKeyFromSeed(seed)
		s, err := NewSigner(k.ID, keys[k.ID])
		if err != nil || s.PublicKey() != k.Public {
			tb.Fatalf("key %s: %v, %v", k.ID, s, err)
		}
	}
	return keys, MustKeySet(file.Pinned...)
}

func TestStatementVectors(t *testing.T) {
	t.Parallel()
	_, pinned := testKeys(t)
	seen := make(map[string]bool)
	for _, v := range load[statements](t, statementsFile).Vectors {
		if seen[v.Name] {
			t.Errorf("two vectors named %q", v.Name)
		}
		seen[v.Name] = true
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			got, err := pinned.Verify(v.Type, v.Statement)
			switch v.Outcome {
			case "refused":
				if !errors.Is(err, ErrInvalid) {
					t.Fatalf("error %v, want ErrInvalid", err)
				}
				if !reflect.DeepEqual(got, Verified{}) {
					t.Fatalf("a refused statement says %+v", got)
				}
			case "accepted":
				if err != nil {
					t.Fatal(err)
				}
				wantPayload(t, got, v)
			default:
				t.Fatalf("unknown outcome %q", v.Outcome)
			}
		})
	}
	if len(seen) < 100 {
		t.Errorf("only %d vectors", len(seen))
	}
}

func wantPayload(t *testing.T, got Verified, v statementVector) {
	t.Helper()
	var said any = got.Lease()
	if v.Type == TypeAnswer {
		said = got.Answer()
	}
	have, err := json.Marshal(said)
	if err != nil {
		t.Fatal(err)
	}
	var want bytes.Buffer
	if err := json.Compact(&want, v.Payload); err != nil {
		t.Fatal(err)
	}
	var a, b any
	if json.Unmarshal(have, &a) != nil || json.Unmarshal(want.Bytes(), &b) != nil || !reflect.DeepEqual(a, b) {
		t.Errorf("says\n%s, want\n%s", have, &want)
	}
	if _, known := map[string]bool{"test-only-1": true, "test-only-2": true}[got.KeyID()]; !known {
		t.Errorf("key %q", got.KeyID())
	}
}

// TestStatementVectorsCurrent makes the vectors anew: the file holds exactly what the generator makes. With -update it
// writes the file.
func TestStatementVectorsCurrent(t *testing.T) {
	t.Parallel()
	want := marshalVectors(t, makeStatements(t))
	if *update {
		if err := os.WriteFile(filepath.Join("..", "testdata", filepath.FromSlash(statementsFile)), want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	have, err := fs.ReadFile(testdata.Files(), statementsFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(have, want) {
		t.Errorf("testdata/%s is not what the generator makes; run go test ./lease -run Current -update", statementsFile)
	}
}

func marshalVectors(t *testing.T, v any) []byte {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// compact signs a header and a payload, whatever they say.
func compact(header, payload string, key ed25519.PrivateKey) string {
	input := b64(header) + "." + b64(payload)
	return input + "." + b64(string(ed25519.Sign(key, []byte(input))))
}

func b64(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

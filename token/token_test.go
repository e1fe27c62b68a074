package token_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/counterfoil-dev/counterfoil/token"
)

const secret = "s3cr3t-Token_of.this~device+/=="

func mustToken(t testing.TB, s string) token.Token {
	t.Helper()
	tok, err := token.New(s)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

func TestNew(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		in   string
		want error
	}{
		"good":            {secret, nil},
		"largest":         {strings.Repeat("a", token.MaxSize), nil},
		"empty":           {"", token.ErrInvalid},
		"oversized":       {strings.Repeat("a", token.MaxSize+1), token.ErrTooLarge},
		"not UTF-8":       {"abc\xff\xfe", token.ErrInvalid},
		"not ASCII":       {"schlüssel", token.ErrInvalid},
		"header smuggled": {"abc\r\nX-Evil: 1", token.ErrInvalid},
		"NUL":             {"abc\x00", token.ErrInvalid},
		"redacted":        {"[redacted]", token.ErrInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tok, err := token.New(c.in)
			if !errors.Is(err, c.want) {
				t.Fatalf("New: %v, want %v", err, c.want)
			}
			if err != nil && (!tok.IsZero() || c.in != "" && strings.Contains(err.Error(), c.in)) {
				t.Errorf("New returned %v and %q", tok.IsZero(), err)
			}
			if err == nil && tok.Reveal() != c.in {
				t.Errorf("Reveal: not what went in")
			}
		})
	}
}

func TestEqual(t *testing.T) {
	t.Parallel()
	a, b, other := mustToken(t, secret), mustToken(t, secret), mustToken(t, secret+"x")
	if !a.Equal(b) || a.Equal(other) || a.Equal(token.Token{}) || !(token.Token{}).Equal(token.Token{}) {
		t.Error("Equal does not compare secrets")
	}
}

// TestRedacted looks for the secret wherever a token may end up by mistake, also inside values that fmt takes apart.
func TestRedacted(t *testing.T) {
	t.Parallel()
	tok := mustToken(t, secret)
	type inner struct{ tok token.Token }
	type outer struct {
		Exported token.Token
		Pointer  *token.Token
		hidden   inner
		List     []token.Token
		Map      map[string]token.Token
	}
	values := map[string]any{
		"value":   tok,
		"pointer": &tok,
		"struct":  outer{tok, &tok, inner{tok}, []token.Token{tok}, map[string]token.Token{"k": tok}},
		"error":   fmt.Errorf("sending %v: %w", tok, errors.New("broken")),
	}
	for name, v := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%q", "%s", "%x", "%d", "%p", "%T", "%10.3v", "%!"} {
			if s := fmt.Sprintf(verb, v); strings.Contains(s, secret) || strings.Contains(s, fmt.Sprintf("%x", secret)) {
				t.Errorf("%s of a %s shows the secret: %s", verb, name, s)
			}
		}
		j, err := json.Marshal(v)
		if err != nil || bytes.Contains(j, []byte(secret)) {
			t.Errorf("JSON of a %s: %s, %v", name, j, err)
		}
		var log bytes.Buffer
		slog.New(slog.NewTextHandler(&log, nil)).Info("m", "v", v)
		slog.New(slog.NewJSONHandler(&log, nil)).Info("m", "v", v)
		if strings.Contains(log.String(), secret) {
			t.Errorf("slog of a %s: %s", name, log.String())
		}
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%q", "%s"} {
		if s := fmt.Sprintf(verb, tok); s != "[redacted]" {
			t.Errorf("%s: %s", verb, s)
		}
	}
	if j, _ := json.Marshal(tok); string(j) != `"[redacted]"` {
		t.Errorf("JSON: %s", j)
	}
	defer func() {
		if s := fmt.Sprint(recover()); s != "[redacted]" {
			t.Errorf("panic: %s", s)
		}
	}()
	panic(tok)
}

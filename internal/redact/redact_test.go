package redact

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

const secret = "correct-horse"

// clean fails the test if text shows the secret, plain or as fmt writes bytes.
func clean(t *testing.T, how, text string) {
	t.Helper()
	forms := []string{secret, fmt.Sprintf("%x", secret), fmt.Sprintf("%X", secret), fmt.Sprint([]byte(secret))}
	for _, form := range forms {
		if strings.Contains(text, form) {
			t.Errorf("%s shows the secret: %s", how, text)
		}
	}
}

func TestNeverPrints(t *testing.T) {
	t.Parallel()
	s := New(secret)
	type exported struct{ Code String }
	type hidden struct{ code String }
	values := map[string]any{
		"value": s, "pointer": &s, "exported field": exported{s}, "pointer to struct": &exported{s},
		"unexported field": hidden{s}, "slice": []String{s}, "map": map[string]String{"k": s}, "key": map[String]int{s: 1},
		"any in a struct": struct{ v any }{s}, "nested": struct{ h *hidden }{&hidden{s}},
	}
	for name, v := range values {
		for _, verb := range strings.Fields("%v %+v %#v %q %s %x %X %d %T %p %08.3f %-30s %!") {
			clean(t, name+" "+verb, fmt.Sprintf(verb, v))
		}
		clean(t, name+" Sprint", fmt.Sprint(v))
		clean(t, name+" error", fmt.Errorf("activating with %v: %w", v, errors.ErrUnsupported).Error())
		if text, err := json.Marshal(v); err == nil {
			clean(t, name+" JSON", string(text))
		}
		if text, err := xml.Marshal(v); err == nil {
			clean(t, name+" XML", string(text))
		}
		var log bytes.Buffer
		slog.New(slog.NewTextHandler(&log, nil)).Info("x", "v", v, slog.Group("g", "v", v))
		slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "v", v)
		clean(t, name+" slog", log.String())
		func() {
			defer func() { clean(t, name+" panic", fmt.Sprint(recover())) }()
			panic(v)
		}()
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%q", "%s", "%x"} {
		if got := fmt.Sprintf(verb, s); got != Mark {
			t.Errorf("%s prints %q; want %q", verb, got, Mark)
		}
	}
	if text, err := json.Marshal(exported{s}); err != nil || string(text) != `{"Code":"`+Mark+`"}` {
		t.Errorf("JSON = %s, %v", text, err)
	}
}

func TestReveal(t *testing.T) {
	t.Parallel()
	if s := New(secret); s.Reveal() != secret || s.IsZero() {
		t.Errorf("Reveal = %q, IsZero = %v", s.Reveal(), s.IsZero())
	}
	if s := (String{}); s.Reveal() != "" || !s.IsZero() || !New("").IsZero() || fmt.Sprint(s) != Mark {
		t.Error("the zero String is not empty, or prints")
	}
}

package strictjson

import (
	"encoding/json"
	"strings"
	"testing"
)

var refused = map[string]string{
	"duplicate member":        `{"code":"ok","code":"revoked"}`,
	"duplicate, escaped":      `{"code":"ok","\u0063ode":"revoked"}`,
	"duplicate inside":        `{"seats":{"used":1,"used":2}}`,
	"duplicate in an array":   `{"a":[{"b":1,"b":2}]}`,
	"upper-case member":       `{"Code":"ok"}`,
	"Kelvin sign for k":       `{"\u212Aey":"x"}`,
	"null":                    `{"code":null}`,
	"trailing value":          `{"code":"ok"}{"code":"revoked"}`,
	"trailing garbage":        `{"code":"ok"}x`,
	"array":                   `[]`,
	"text":                    `"code"`,
	"empty":                   ``,
	"unfinished":              `{"code":"ok"`,
	"unfinished array":        `{"a":[1`,
	"invalid UTF-8":           "{\"code\":\"\xff\"}",
	"empty name":              `{"":1}`,
	"long name":               `{"` + strings.Repeat("a", 65) + `":1}`,
	"too deep":                `{"a":[[[[[[[[1]]]]]]]]}`,
	"colon instead of comma":  `{"a":[1:2]}`,
	"byte order mark":         "\ufeff{\"code\":\"ok\"}",
	"number into a text":      `{"code":1}`,
	"comment":                 `{"code":"ok"/* */}`,
	"single quotes":           `{'code':'ok'}`,
	"trailing comma":          `{"code":"ok",}`,
	"text into an object":     `{"seats":"x"}`,
	"first half of a pair":    `{"code":"\ud83d"}`,
	"halves apart":            `{"code":"\ud83d \ude00"}`,
	"halves swapped":          `{"code":"\ude00\ud83d"}`,
	"second half of a pair":   `{"code":"x\uDC00"}`,
	"half behind backslashes": `{"code":"\\\ud83d"}`,
	"half in unknown member":  `{"later":["\ud83d\n"]}`,
	"fraction into a counter": `{"seats":{"used":1.5}}`,
}

type target struct {
	Code  string `json:"code"`
	Seats struct {
		Used int `json:"used"`
	} `json:"seats"`
}

func TestUnmarshalRefuses(t *testing.T) {
	t.Parallel()
	for name, in := range refused {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var v target
			if err := Unmarshal([]byte(in), &v); err == nil {
				t.Fatalf("accepted %q as %+v", in, v)
			}
		})
	}
}

func TestUnmarshalAccepts(t *testing.T) {
	t.Parallel()
	var v target
	if err := Unmarshal([]byte(" {\"code\":\"ok\",\"seats\":{\"used\":2},\"later\":[1,{\"x.y-z_0\":true}]}\n"), &v); err != nil {
		t.Fatal(err)
	}
	if v.Code != "ok" || v.Seats.Used != 2 {
		t.Fatalf("got %+v", v)
	}
}

func TestUnmarshalReadsEscapes(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`{"code":"\ud83d\ude00"}`:             "\U0001f600",
		`{"code":"\uD83D\uDE00\ud83d\ude00"}`: "\U0001f600\U0001f600",
		`{"code":"\\ud83d"}`:                  `\ud83d`,
		`{"code":"\\\\ude00"}`:                `\\ude00`,
		`{"code":"\ud7ff\ue000\u0000\n"}`:     "\ud7ff\ue000\x00\n",
	} {
		var v target
		if err := Unmarshal([]byte(in), &v); err != nil || v.Code != want {
			t.Errorf("%s: %q, %v; want %q", in, v.Code, err, want)
		}
	}
}

func FuzzUnmarshal(f *testing.F) {
	for _, in := range refused {
		f.Add([]byte(in))
	}
	f.Add([]byte(`{"code":"ok","seats":{"used":2}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var v, again target
		if Unmarshal(data, &v) != nil {
			return
		}
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if err := Unmarshal(b, &again); err != nil || again != v {
			t.Errorf("%q reads as %+v, and that back as %+v: %v", data, v, again, err)
		}
	})
}

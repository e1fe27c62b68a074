package fingerprint

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const testUUID, testMachineID = "2f1b6b0e-8a1c-4d5e-9f60-718293a4b5c6", "b6e31c0a-5d0f-4a7c-9e2d-8f1a3b5c7d9e"

// deviceOf is a device with these identifiers.
func deviceOf(product string, ids map[Kind]uuid) *Device {
	d := newDevice(product)
	for _, k := range kinds {
		if u, ok := ids[k]; ok {
			u = u.identity(k)
			d.add(k, u[:])
		}
	}
	return d
}

func TestConfig(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		cfg  Config
		want []string // the fields that the error names
	}{
		{"zero", Config{}, []string{"product"}},
		{"everything wrong", Config{Product: strings.Repeat("x", 65), Caller: " ", Placeholders: []string{"x", testUUID, ""}},
			[]string{"product", "caller", "placeholders[0]", "placeholders[2]"}},
		{"not UTF-8", Config{Product: "\xff"}, []string{"product"}},
		{"caller: ANDROID_ID of Android 2.2", Config{Product: "p", Caller: "9774D56D682E549C"}, []string{"caller"}},
		{"caller: identifierForVendor that is none", Config{Product: "p", Caller: "00000000-0000-0000-0000-000000000000"}, []string{"caller"}},
		{"caller: the address of every Android and iOS", Config{Product: "p", Caller: "02:00:00:00:00:00"}, []string{"caller"}},
		{"caller: too long", Config{Product: "p", Caller: strings.Repeat("x", 4097)}, []string{"caller"}},
		{"placeholders: too many", Config{Product: "p", Placeholders: make([]string, 1001)}, []string{"placeholders"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d, err := Read(c.cfg)
			if d != nil || err == nil || errors.Is(err, ErrUnavailable) {
				t.Fatalf("%v, %v", d, err)
			}
			for _, field := range c.want {
				if !strings.Contains(err.Error(), field+": ") {
					t.Errorf("%v: does not name %s", err, field)
				}
			}
			if _, err2 := Sources(c.cfg); err2 == nil || err2.Error() != err.Error() {
				t.Errorf("Sources: %v", err2)
			}
		})
	}
}

// TestHere reads the machine that the test runs on, whatever it is.
func TestHere(t *testing.T) {
	t.Parallel()
	d, err := Read(Config{Product: "acme-editor"})
	if err != nil {
		hint, ok := err.(interface{ Hint(string) string })
		if !errors.Is(err, ErrUnavailable) || d != nil || !ok || hint.Hint("de") == "" {
			t.Fatalf("%v, %v", d, err)
		}
		return
	}
	pinned := d.Derive()
	for k, v := range pinned {
		if _, err := ParseValue(v); err != nil {
			t.Errorf("%s: %v", k, err)
		}
	}
	if v := d.Verify(pinned); v.Outcome != Same || !maps.Equal(v.Readable, pinned) {
		t.Errorf("verdict %+v", v)
	}
	sources, err := Sources(Config{Product: "acme-editor"})
	if err != nil {
		t.Fatal(err)
	}
	var used []Kind
	for _, s := range sources {
		if s.Used {
			used = append(used, s.Kind)
		}
		_, ok := s.Reveal()
		if s.Name == "" || s.Reads("de") == "" || s.Reads("en") == s.Reads("de") || s.Purpose("de") == "" ||
			s.Purpose("en") == s.Purpose("de") || ok != (s.Err == nil && s.Kind != "") || (s.Hint("de") == "") != (s.Err == nil) {
			t.Errorf("source %+v", s)
		}
	}
	if !slices.Equal(used, d.Kinds()) {
		t.Errorf("used sources are of the kinds %v, the device's are %v", used, d.Kinds())
	}
}

func TestUnavailable(t *testing.T) {
	t.Parallel()
	err := error(&unavailable{[]Error{
		{Kind: BIOSUUID, Source: "a", Reason: Placeholder},
		{Kind: OSInstall, Source: "b", Reason: NotPresent, Err: fs.ErrNotExist},
	}})
	if e, ok := errors.AsType[*Error](err); !errors.Is(err, ErrUnavailable) || !errors.Is(err, fs.ErrNotExist) || !ok || e.Source != "a" {
		t.Errorf("%v", err)
	}
	if (&unavailable{}).Hint("en") == "" {
		t.Error("no hint where there is no source")
	}
}

func TestReasons(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err  error
		want Reason
	}{
		{syscall.EACCES, Permission},
		{syscall.EPERM, Permission},
		{syscall.ENOENT, NotPresent},
		{fmt.Errorf("wrapped: %w", fs.ErrNotExist), NotPresent},
		{errors.ErrUnsupported, Unsupported},
		{errors.New("input/output error"), Malformed},
		{fmt.Errorf("wrapped: %w", fault{Placeholder, errors.New("x")}), Placeholder},
	} {
		if got, _ := reasonOf(c.err); got != c.want {
			t.Errorf("%v: %s, want %s", c.err, got, c.want)
		}
	}
}

func TestNilDevice(t *testing.T) {
	t.Parallel()
	for _, d := range []*Device{nil, {}} {
		text, err := d.MarshalText()
		for _, s := range []string{d.String(), d.LogValue().String(), fmt.Sprint(d), fmt.Sprintf("%+v", d), string(text)} {
			if s != "fingerprint.Device{}" || err != nil {
				t.Errorf("prints as %q, %v", s, err)
			}
		}
		if d.Kinds() != nil || len(d.Derive()) != 0 {
			t.Error("kinds of nothing")
		}
		if tag, ok := d.Tag(make([]byte, 32)); tag != "" || ok {
			t.Error("a tag of nothing")
		}
		v := d.Verify(Set{OSInstall: "fp1:" + strings.Repeat("A", 43)})
		if v.Outcome != Unavailable || len(v.Evidence) != 1 || len(v.Evidence[0].Skipped) != 1 {
			t.Errorf("%+v", v)
		}
	}
}

func TestVerify(t *testing.T) {
	t.Parallel()
	bios, os, other := mustUUID(t, testUUID), mustUUID(t, testMachineID), mustUUID(t, "7c9e6679-7425-40de-944b-e07fc1f90ae7")
	activated := deviceOf("acme-editor", map[Kind]uuid{BIOSUUID: bios, OSInstall: os})
	pinned := activated.Derive()
	if !slices.Equal(activated.Kinds(), []Kind{BIOSUUID, OSInstall}) || len(pinned) != 2 {
		t.Fatalf("kinds %v, set %v", activated.Kinds(), pinned)
	}
	future := maps.Clone(pinned)
	future[BIOSUUID] = "fp2:" + strings.Repeat("A", 43)
	future["tpm"] = "fp1:" + strings.Repeat("A", 43)
	for _, c := range []struct {
		name   string
		device *Device
		pinned Set
		want   Outcome
		kinds  int // readable among the pinned
	}{
		{"the same", activated, pinned, Same, 2},
		{"the other spelling", deviceOf("acme-editor", map[Kind]uuid{BIOSUUID: bios.swapped(), OSInstall: os}), pinned, Same, 2},
		{"reinstalled", deviceOf("acme-editor", map[Kind]uuid{BIOSUUID: bios, OSInstall: other}), pinned, SameReinstalled, 2},
		{"an ordinary user", deviceOf("acme-editor", map[Kind]uuid{OSInstall: os}), pinned, SameDegraded, 1},
		{"another board", deviceOf("acme-editor", map[Kind]uuid{BIOSUUID: other, OSInstall: os}), pinned, CopyOrNewBoard, 2},
		{"another device", deviceOf("acme-editor", map[Kind]uuid{BIOSUUID: other, OSInstall: other}), pinned, Different, 2},
		{"another product", deviceOf("acme-viewer", map[Kind]uuid{BIOSUUID: bios, OSInstall: os}), pinned, Different, 2},
		{"the kinds mixed up", deviceOf("acme-editor", map[Kind]uuid{BIOSUUID: os, OSInstall: bios}), pinned, Different, 2},
		{"pinned by a later version", activated, future, SameDegraded, 1},
		{"pinned by an ordinary user", activated, Set{OSInstall: pinned[OSInstall]}, Same, 1},
		{"nothing pinned", activated, nil, Unavailable, 0},
		{"garbage pinned", activated, Set{BIOSUUID: "fp1:", OSInstall: ""}, Unavailable, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			v := c.device.Verify(c.pinned)
			if v.Outcome != c.want || len(v.Readable) != c.kinds {
				t.Errorf("%s with %d kinds, want %s with %d", v.Outcome, len(v.Readable), c.want, c.kinds)
			}
			for _, e := range v.Evidence {
				_, ok := c.pinned[e.Kind]
				if _, err := ParseValue(c.pinned[e.Kind]); ok && err != nil && (len(e.Skipped) != 1 || e.Skipped[0].Reason != Unsupported) {
					t.Errorf("%s was pinned as %q, and is skipped for %v", e.Kind, c.pinned[e.Kind], e.Skipped)
				}
				if ok == (e.Finding == NotPinned) || (len(e.Skipped) > 0) != (e.Finding == Unreadable) {
					t.Errorf("evidence %+v", e)
				}
			}
			if !slices.IsSortedFunc(v.Evidence, func(a, b Evidence) int { return rank(a.Kind) - rank(b.Kind) }) {
				t.Errorf("evidence in disorder: %v", v.Evidence)
			}
		})
	}
}

func TestCaller(t *testing.T) {
	t.Parallel()
	cfg := Config{Product: "acme-editor", Caller: "device 4711"}
	d, err := Read(cfg)
	if err != nil {
		t.Fatal(err)
	}
	pinned := d.Derive()
	if len(pinned) != 1 || d.Verify(pinned).Outcome != Same {
		t.Errorf("%v: %s", pinned, d.Verify(pinned).Outcome)
	}
	v := d.Verify(Set{BIOSUUID: "fp1:" + strings.Repeat("A", 43)})
	if v.Outcome != Unavailable || v.Evidence[0].Skipped[0].Reason != Unsupported {
		t.Errorf("activated without the application's identifier: %+v", v)
	}
	sources, err := Sources(cfg)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range sources {
		if id, ok := s.Reveal(); s.Used != (s.Kind == Caller) || ok != s.Used || ok && id != cfg.Caller {
			t.Errorf("source %+v", s)
		}
	}
	for _, s := range []string{fmt.Sprintf("%v %+v %#v %s", cfg, cfg, &cfg, cfg), logged(cfg), marshaled(t, cfg), marshaledXML(t, cfg), marshaledXML(t, &cfg)} {
		if strings.Contains(s, "4711") {
			t.Errorf("the configuration prints the identifier: %s", s)
		}
	}
}

// TestOnce derives from many goroutines, and pays once.
func TestOnce(t *testing.T) {
	t.Parallel()
	d := deviceOf("acme-editor", map[Kind]uuid{OSInstall: mustUUID(t, testMachineID)})
	began := time.Now()
	set := d.Derive()
	first := time.Since(began)
	began = time.Now()
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if v := d.Verify(d.Derive()); v.Outcome != Same || v.Readable[OSInstall] != set[OSInstall] {
				t.Error(v.Outcome)
			}
		})
	}
	wg.Wait()
	// A second time it would take the fifty 50 times as long.
	if again := time.Since(began); again > 10*first {
		t.Errorf("50 times again took %v, once %v", again, first)
	}
}

func TestRedacted(t *testing.T) {
	t.Parallel()
	bios, os := mustUUID(t, testUUID), mustUUID(t, testMachineID)
	d := deviceOf("acme-editor", map[Kind]uuid{BIOSUUID: bios, OSInstall: os})
	type holder struct {
		D *Device
		V Device
		u *Device
		v Device
	}
	h := holder{d, *d, d, *d}
	texts := []string{logged(d), logged(*d), logged(h), marshaled(t, d), marshaled(t, h)}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		texts = append(texts, fmt.Sprintf(verb, d), fmt.Sprintf(verb, *d), fmt.Sprintf(verb, h), fmt.Sprintf(verb, &h), fmt.Sprintf(verb, *d.d))
	}
	canonical := bios.canonical()
	for _, s := range texts {
		for _, u := range []uuid{bios, canonical, os} {
			for _, leak := range []string{u.String(), u.String()[:8], fmt.Sprintf("%x", u[:4]), fmt.Sprintf("%d %d %d", u[0], u[1], u[2]), fmt.Sprintf("%#x, %#x", u[0], u[1]), fmt.Sprintf("%d, %d, %d", u[0], u[1], u[2])} {
				if strings.Contains(strings.ToLower(s), leak) {
					t.Errorf("%q holds %q", s, leak)
				}
			}
		}
	}
	if s := fmt.Sprintf("%+v", d); s != "fingerprint.Device{bios-uuid: [redacted], os-install: [redacted]}" {
		t.Error(s)
	}
}

// TestTagOfBIOSUUID: where the system took its identifier from the firmware, there is no tag, not even of a random one.
func TestTagOfBIOSUUID(t *testing.T) {
	t.Parallel()
	u := mustUUID(t, testUUID)
	for _, os := range []uuid{u, u.swapped()} {
		if tag, ok := deviceOf("acme-editor", map[Kind]uuid{BIOSUUID: u, OSInstall: os}).Tag(make([]byte, 16)); ok || tag != "" {
			t.Errorf("%s: %s", os, tag)
		}
	}
	if _, ok := deviceOf("acme-editor", map[Kind]uuid{BIOSUUID: u}).Tag(make([]byte, 16)); ok {
		t.Error("a tag of the BIOS UUID")
	}
}

func logged(v any) string {
	var b bytes.Buffer
	for _, h := range []slog.Handler{slog.NewTextHandler(&b, nil), slog.NewJSONHandler(&b, nil)} {
		slog.New(h).Info("x", "v", v)
	}
	return b.String()
}

func marshaledXML(t *testing.T, v any) string {
	t.Helper()
	b, err := xml.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func marshaled(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

package fingerprint

import (
	"bytes"
	"encoding/hex"
	"testing"
)

func TestDerive(t *testing.T) {
	t.Parallel()
	var v struct {
		About   string `json:"about"`
		Vectors []struct {
			Name, Product, Caller, UUID, Value string
			Kind                               Kind
			Identity                           hexBytes
		} `json:"vectors"`
		Tags []struct {
			Name, UUID, Tag string
			Salt            hexBytes
		} `json:"tags"`
	}
	load(t, "fp1.json", &v)
	if len(v.Vectors) == 0 || len(v.Tags) == 0 {
		t.Fatal("no vectors")
	}
	seen := map[string]string{}
	for _, v := range v.Vectors {
		var identity []byte
		if v.Caller != "" {
			identity = callerIdentity(v.Caller)
		} else {
			u := mustUUID(t, v.UUID).identity(v.Kind)
			identity = u[:]
		}
		if !bytes.Equal(identity, v.Identity) {
			t.Errorf("%s: identity %x, want %x", v.Name, identity, []byte(v.Identity))
		}
		if got := derive(v.Product, v.Kind, identity).String(); got != v.Value {
			t.Errorf("%s: %s, want %s", v.Name, got, v.Value)
		}
		source := v.Product + "/" + string(v.Kind) + "/" + hex.EncodeToString(v.Identity)
		if other, ok := seen[v.Value]; ok && other != source {
			t.Errorf("%s: the value of %s, too", v.Name, other)
		}
		seen[v.Value] = source
	}
	for _, v := range v.Tags {
		d := deviceOf("acme-editor", map[Kind]uuid{OSInstall: mustUUID(t, v.UUID)})
		want := v.Tag
		if !randomInstall {
			want = "" // this system's identifiers are not random by construction
		}
		if tag, ok := d.Tag(v.Salt); tag != want || ok != (want != "") {
			t.Errorf("%s: %q, %t, want %q", v.Name, tag, ok, want)
		}
	}
}

func TestParseValue(t *testing.T) {
	t.Parallel()
	var v struct {
		About   string `json:"about"`
		Vectors []struct {
			Name, Text string
			Sum        hexBytes
			Refused    bool
		} `json:"vectors"`
	}
	load(t, "values.json", &v)
	for _, v := range v.Vectors {
		got, err := ParseValue(v.Text)
		if (err != nil) != v.Refused {
			t.Errorf("%s: %v", v.Name, err)
			continue
		}
		if v.Refused {
			if got != (Value{}) || got.String() != "" {
				t.Errorf("%s: a value beside the error", v.Name)
			}
			continue
		}
		if !bytes.Equal(got.sum[:], v.Sum) || got.String() != v.Text || got.version != "fp1" {
			t.Errorf("%s: %x, %s", v.Name, got.sum, got)
		}
		if again, _ := ParseValue(v.Text); map[Value]bool{got: true}[again] == false {
			t.Errorf("%s: no index finds it again", v.Name)
		}
	}
}

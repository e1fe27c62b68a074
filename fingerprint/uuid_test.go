package fingerprint

import (
	"strings"
	"testing"
)

func mustUUID(t testing.TB, s string) uuid {
	t.Helper()
	u, err := parseUUID([]byte(s))
	if err != nil {
		t.Fatalf("%q: %v", s, err)
	}
	return u
}

func TestCanonical(t *testing.T) {
	t.Parallel()
	var v struct {
		About   string `json:"about"`
		Vectors []struct{ UUID, Swapped, Canonical string }
	}
	load(t, "canonical.json", &v)
	if len(v.Vectors) == 0 {
		t.Fatal("no vectors")
	}
	for _, v := range v.Vectors {
		u := mustUUID(t, v.UUID)
		if got := u.swapped().String(); got != v.Swapped {
			t.Errorf("%s swapped: %s, want %s", u, got, v.Swapped)
		}
		if got := u.canonical().String(); got != v.Canonical {
			t.Errorf("%s canonical: %s, want %s", u, got, v.Canonical)
		}
		if u.swapped().canonical() != u.canonical() || u.swapped().swapped() != u {
			t.Errorf("%s: two spellings, two identities", u)
		}
	}
}

func TestPlaceholders(t *testing.T) {
	t.Parallel()
	var v struct {
		About   string `json:"about"`
		Vectors []struct {
			UUID    string
			Refused bool
			Why     string
		}
	}
	load(t, "placeholders.json", &v)
	if len(v.Vectors) == 0 {
		t.Fatal("no vectors")
	}
	for _, v := range v.Vectors {
		u := mustUUID(t, v.UUID)
		for _, spelling := range []uuid{u, u.swapped()} {
			if err := refuse(BIOSUUID, spelling); (err != nil) != v.Refused {
				t.Errorf("%s (%s): %v", spelling, v.Why, err)
			}
		}
	}
}

// TestPlaceholderList holds the built-in list to its format: every line counts, and says where it comes from.
func TestPlaceholderList(t *testing.T) {
	t.Parallel()
	lines := strings.Split(strings.TrimSuffix(placeholdersTSV, "\n"), "\n")
	if lines[0] != "kind\tlevel\tvalue\tsource" {
		t.Fatalf("first line %q", lines[0])
	}
	seen := map[string]bool{}
	for _, line := range lines[1:] {
		f := strings.Split(line, "\t")
		if len(f) != 4 || f[3] == "" || f[1] != "refused" && f[1] != "suspect" || rank(Kind(f[0])) > 1 {
			t.Errorf("malformed line %q", line)
			continue
		}
		u := mustUUID(t, f[2])
		if key := f[0] + u.canonical().String(); seen[key] {
			t.Errorf("listed twice: %s", f[2])
		} else {
			seen[key] = true
		}
		if err := refuse(Kind(f[0]), u); (err != nil) != (f[1] == "refused") {
			t.Errorf("%s %s: %v", f[1], f[2], err)
		}
	}
	if len(seen) < 20 {
		t.Errorf("%d entries", len(seen))
	}
}

func TestVirtualMachine(t *testing.T) {
	t.Parallel()
	for _, v := range []struct{ vendor, product, want string }{
		{"QEMU", "Standard PC (Q35 + ICH9, 2009)", "qemu"},
		{"VMware, Inc.", "VMware Virtual Platform", "vmware"},
		{"Microsoft Corporation", "Virtual Machine", "hyper-v"},
		{"Microsoft Corporation", "Surface Pro 9", ""},
		{"innotek GmbH", "VirtualBox", "virtualbox"},
		{"Oracle Corporation", "SUN FIRE X4170", ""},
		{"Amazon EC2", "t3.micro", "amazon"},
		{"Google", "Google Compute Engine", "google"},
		{"Dell Inc.", "OptiPlex 7060", ""},
		{"", "", ""},
	} {
		if got := virtualMachine(v.vendor, v.product); got != v.want {
			t.Errorf("%q, %q: %q, want %q", v.vendor, v.product, got, v.want)
		}
	}
}

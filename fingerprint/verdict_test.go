package fingerprint

import (
	"maps"
	"strings"
	"testing"
)

func TestCompare(t *testing.T) {
	t.Parallel()
	var v struct {
		About   string `json:"about"`
		Vectors []struct {
			Name             string
			Pinned, Readable Set
			Outcome          string
		} `json:"vectors"`
	}
	load(t, "verdicts.json", &v)
	met := map[Outcome]bool{}
	for _, v := range v.Vectors {
		pinned, readable := maps.Clone(v.Pinned), maps.Clone(v.Readable)
		got := Compare(v.Pinned, v.Readable)
		met[got.Outcome] = true
		if got.Outcome.String() != v.Outcome {
			t.Errorf("%s: %s, want %s", v.Name, got.Outcome, v.Outcome)
		}
		if got.Same() != strings.HasPrefix(v.Outcome, "same") {
			t.Errorf("%s: Same() = %t", v.Name, got.Same())
		}
		if len(got.Evidence) != len(pinned) {
			t.Errorf("%s: evidence of %d kinds, want %d", v.Name, len(got.Evidence), len(pinned))
		}
		for _, e := range got.Evidence {
			if _, ok := got.Readable[e.Kind]; ok == (e.Finding == Unreadable) {
				t.Errorf("%s: %s is %s, and Readable says otherwise", v.Name, e.Kind, e.Finding)
			}
			if e.Finding == Match && got.Outcome == Unavailable && pinned[Caller] == "" {
				t.Errorf("%s: unavailable beside a match", v.Name)
			}
		}
		if !maps.Equal(pinned, v.Pinned) || !maps.Equal(readable, v.Readable) {
			t.Errorf("%s: changed its arguments", v.Name)
		}
	}
	for o := range outcomeNames {
		if !met[Outcome(o)] {
			t.Errorf("no vector for %s", Outcome(o))
		}
	}
}

// TestCompareEverything goes through every combination: without a match it is never the same device, and without a
// difference it is never another one.
func TestCompareEverything(t *testing.T) {
	t.Parallel()
	states := []Finding{Unreadable, Match, Differs, NotPinned}
	for _, bios := range states {
		for _, os := range states {
			for _, caller := range states {
				pinned, readable := Set{}, Set{}
				for k, f := range map[Kind]Finding{BIOSUUID: bios, OSInstall: os, Caller: caller} {
					if f != NotPinned {
						pinned[k] = "fp1:a"
					}
					if f != Unreadable {
						readable[k] = map[Finding]string{Match: "fp1:a", Differs: "fp1:b", NotPinned: "fp1:a"}[f]
					}
				}
				got := Compare(pinned, readable)
				match, differs := bios == Match || os == Match || caller == Match, bios == Differs || os == Differs || caller == Differs
				if got.Same() && !match || (got.Outcome == Different || got.Outcome == CopyOrNewBoard) && !differs {
					t.Errorf("%s, %s, %s: %s", bios, os, caller, got.Outcome)
				}
				if caller != NotPinned && got.Outcome.String() != map[Finding]string{Match: "same", Differs: "different", Unreadable: "unavailable"}[caller] {
					t.Errorf("caller %s does not decide alone: %s", caller, got.Outcome)
				}
			}
		}
	}
}

func TestZeroVerdict(t *testing.T) {
	t.Parallel()
	var v Verdict
	if v.Same() || v.Outcome != Unavailable || Outcome(-1).Same() || Outcome(99).Same() {
		t.Error("a verdict that nobody made is the same device")
	}
	if v.Message("en") == "" || (Verdict{Outcome: 99}).Message("de") == "" {
		t.Error("no sentence")
	}
	if got := Compare(nil, nil); got.Outcome != Unavailable {
		t.Errorf("nothing against nothing: %s", got.Outcome)
	}
}

func TestMessages(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	sentence := func(s string) {
		t.Helper()
		if s == "" || seen[s] || !strings.HasSuffix(s, ".") || strings.Contains(s, "fp1:") {
			t.Errorf("sentence %q", s)
		}
		seen[s] = true
	}
	for _, lang := range []string{"de", "en"} {
		for o := range outcomeNames {
			sentence(Verdict{Outcome: Outcome(o)}.Message(lang))
		}
		for _, k := range kinds {
			for f := range findingNames {
				sentence(Evidence{Kind: k, Finding: Finding(f)}.Message(lang))
			}
			for r := range reasonNames {
				sentence(Evidence{Kind: k, Skipped: []*Error{{Kind: k, Reason: Reason(r)}}}.Message(lang))
			}
		}
	}
	v := Verdict{Outcome: SameDegraded, Evidence: []Evidence{
		{Kind: BIOSUUID, Skipped: []*Error{{Kind: BIOSUUID, Reason: NotPresent}, {Kind: BIOSUUID, Reason: Permission}}},
		{Kind: OSInstall, Finding: Match},
	}}
	const want = "This is the activated device, as far as can be read now. " +
		"The system UUID of the main board cannot be read now: only an administrator may read it."
	if got := v.Message("fr"); got != want {
		t.Errorf("have %q\nwant %q", got, want)
	}
	for _, lang := range []string{"de", "de-AT", "de_CH.UTF-8", "DE"} {
		if got := v.Message(lang); !strings.HasPrefix(got, "Dies ist") {
			t.Errorf("%s: %q", lang, got)
		}
	}
}

func TestHints(t *testing.T) {
	t.Parallel()
	for _, k := range kinds {
		for r := range reasonNames {
			e := &Error{Kind: k, Source: "x", Reason: Reason(r)}
			if e.Hint("de") == "" || e.Hint("en") == "" || e.Hint("de") == e.Hint("en") {
				t.Errorf("%s, %s: hints %q, %q", k, e.Reason, e.Hint("de"), e.Hint("en"))
			}
		}
	}
}

package fingerprint

import (
	"strings"
)

// Outcome is what a comparison found.
type Outcome int

// The outcomes. The zero Outcome is no proof of anything.
const (
	// Unavailable: no pinned kind can be read now. That is never taken for another device.
	Unavailable Outcome = iota

	// Same: it is the pinned device.
	Same

	// SameReinstalled: it is the pinned device, with a newly installed operating system.
	SameReinstalled

	// SameDegraded: it is the pinned device as far as can be read; a pinned kind could not be, and Evidence says why.
	SameDegraded

	// CopyOrNewBoard: the installed system is the pinned one on another main board. It was copied to a second device,
	// or the board was replaced; that cannot be told from here, so a rebinding has to say so.
	CopyOrNewBoard

	// Different: it is another device.
	Different
)

var outcomeNames = [...]string{"unavailable", "same", "same, reinstalled", "same, degraded", "copy or new board", "different"}

// String returns the outcome in a few words.
func (o Outcome) String() string {
	if o < 0 || int(o) >= len(outcomeNames) {
		return "unknown outcome"
	}
	return outcomeNames[o]
}

// Same reports whether the outcome means the pinned device.
func (o Outcome) Same() bool { return o == Same || o == SameReinstalled || o == SameDegraded }

// Finding is what a comparison found of one kind.
type Finding int

// The findings.
const (
	Unreadable Finding = iota // pinned, not readable now
	Match
	Differs
	NotPinned // readable, not pinned: nothing to compare with, but it can be pinned after a verdict of same
)

var findingNames = [...]string{"unreadable", "match", "differs", "not pinned"}

// String returns the finding in a word or two.
func (f Finding) String() string {
	if f < 0 || int(f) >= len(findingNames) {
		return "unknown finding"
	}
	return findingNames[f]
}

// Evidence is the finding of one kind.
type Evidence struct {
	Kind    Kind
	Finding Finding
	Skipped []*Error // for Unreadable, where [Device.Verify] made the verdict: each source that was tried, and why not
}

// Verdict is an outcome with its evidence.
type Verdict struct {
	Outcome  Outcome
	Readable Set        // the pinned kinds that are readable now, as derived
	Evidence []Evidence // one per kind, in the order of kinds
}

// Same reports whether it is the pinned device.
func (v Verdict) Same() bool { return v.Outcome.Same() }

// Compare holds what is readable now against what was pinned. It is a pure function that a server shares: the values
// may be fingerprints, or keyed hashes of them. Values of two versions (the text before the first colon) cannot be
// compared, and count as unreadable. A kind that was not pinned says nothing; if it is readable, it is left out of
// Evidence.
//
//	bios-uuid    os-install                           outcome
//	match        match, or not pinned                 Same
//	match        differs                              SameReinstalled
//	match        unreadable                           SameDegraded
//	unreadable   match                                SameDegraded
//	differs      match                                CopyOrNewBoard
//	differs      differs, unreadable, or not pinned   Different
//	unreadable   differs                              Different
//	unreadable   unreadable, or not pinned            Unavailable
//	not pinned   match                                Same
//	not pinned   differs                              Different
//	not pinned   unreadable, or not pinned            Unavailable
//
// Where [Caller] was pinned, it decides alone.
func Compare(pinned, readable Set) Verdict {
	v := Verdict{Readable: Set{}}
	for _, k := range pinned.kinds() {
		e := Evidence{Kind: k, Finding: Unreadable}
		if have, want := readable[k], pinned[k]; have != "" && want != "" && version(have) == version(want) {
			v.Readable[k] = have
			e.Finding = Differs
			if have == want {
				e.Finding = Match
			}
		}
		v.Evidence = append(v.Evidence, e)
	}
	v.Outcome = v.decide()
	return v
}

// decide is the table of Compare.
func (v *Verdict) decide() Outcome {
	if caller := v.finding(Caller); caller != NotPinned {
		return [...]Outcome{Unreadable: Unavailable, Match: Same, Differs: Different}[caller]
	}
	bios, os := v.finding(BIOSUUID), v.finding(OSInstall)
	switch {
	case bios == Match && os == Differs:
		return SameReinstalled
	case bios == Match && os == Unreadable, bios == Unreadable && os == Match:
		return SameDegraded
	case bios == Match, bios == NotPinned && os == Match:
		return Same
	case bios == Differs && os == Match:
		return CopyOrNewBoard
	case bios == Differs, os == Differs:
		return Different
	}
	return Unavailable
}

// finding returns the finding of one kind; a kind that has none was not pinned.
func (v *Verdict) finding(k Kind) Finding {
	for _, e := range v.Evidence {
		if e.Kind == k {
			return e.Finding
		}
	}
	return NotPinned
}

func version(value string) string {
	v, _, ok := strings.Cut(value, ":")
	if !ok {
		return ""
	}
	return v
}

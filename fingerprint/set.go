package fingerprint

import "slices"

// SetOf is the set that a lease or a request carries under plain names.
func SetOf(m map[string]string) Set {
	s := make(Set, len(m))
	for kind, v := range m {
		s[Kind(kind)] = v
	}
	return s
}

// Plain is the set under plain names, as a lease or a request carries it.
func (s Set) Plain() map[string]string {
	m := make(map[string]string, len(s))
	for kind, v := range s {
		m[string(kind)] = v
	}
	return m
}

// kinds lists the kinds of the set: those that this version knows in their order, then the others by name.
func (s Set) kinds() []Kind {
	var known, strange []Kind
	for _, k := range kinds {
		if _, ok := s[k]; ok {
			known = append(known, k)
		}
	}
	for k := range s {
		if !slices.Contains(kinds[:], k) {
			strange = append(strange, k)
		}
	}
	slices.Sort(strange)
	return append(known, strange...)
}

// rank is a kind's place in the order of kinds; those that this version does not know come last.
func rank(k Kind) int {
	if i := slices.Index(kinds[:], k); i >= 0 {
		return i
	}
	return len(kinds)
}

package fingerprint

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

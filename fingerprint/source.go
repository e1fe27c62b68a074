package fingerprint

import (
	"errors"
	"slices"
)

// Source is one place where an identifier can be read: what it is, why it is read, and whether it can be read now.
type Source struct {
	Kind Kind   // empty for what only tells where the program runs, such as in a container
	Name string // a file, a registry value or a system call
	Used bool   // it gives the identity: the first usable source of its kind, and none that [Read] stops at before

	// Err says why the source gives nothing. Nil means that it can be read and is usable.
	Err *Error

	reads, purpose text
	reveal         func() string
}

// Reads says what is read, in the language ("de", otherwise English).
func (s Source) Reads(lang string) string { return s.reads.in(lang) }

// Purpose says what for, in the language ("de", otherwise English).
func (s Source) Purpose(lang string) string { return s.purpose.in(lang) }

// Hint says what a person, or an administrator, can do so that the source can be used. It is empty where it is.
func (s Source) Hint(lang string) string {
	if s.Err == nil {
		return ""
	}
	return s.Err.Hint(lang)
}

// Reveal returns the raw identifier, for the person whose device it is, as it is hashed: of the two spellings of a
// system UUID the smaller one. ok is false where there is none. It is the only way to it, and nothing in the library
// calls it.
func (s Source) Reveal() (id string, ok bool) {
	if s.reveal == nil {
		return "", false
	}
	return s.reveal(), true
}

// Sources lists everything that [Read] reads with this configuration on this system, in its order, and tries each,
// also those that Read has no need to reach. The error is a mistake in cfg.
func Sources(cfg Config) ([]Source, error) {
	return sources(cfg, system{})
}

func sources(cfg Config, sys system) ([]Source, error) {
	refused, err := cfg.check()
	if err != nil {
		return nil, err
	}
	var list []Source
	if cfg.Caller != "" {
		list = append(list, Source{
			Kind: Caller, Name: "Config.Caller", Used: true,
			reads: callerReads, purpose: identityPurpose,
			reveal: func() string { return cfg.Caller },
		})
	}
	var done settled
	origins := sys.origins()
	for i := range origins {
		o := &origins[i]
		s := Source{Kind: o.kind, Name: o.name, reads: o.reads, purpose: identityPurpose}
		if cfg.Caller != "" {
			err := supplanted(o.kind, o.name)
			s.Err = &err
		} else {
			id, err, ok := sys.identify(o, &cfg, refused)
			s.Used = ok && !done[rank(o.kind)]
			done.add(o.kind, err.Reason, ok)
			if ok {
				s.reveal = id.String
			} else {
				s.Err = &err
			}
		}
		list = append(list, s)
	}
	for _, p := range sys.probes() {
		list = append(list, Source{Name: p.name, reads: p.reads, purpose: probePurpose})
	}
	return list, nil
}

// settled holds the kinds, by rank, of which no further source counts.
type settled [len(kinds)]bool

// add notes what a source gave. One that this user may not read settles its kind as one does that can be read: there
// an administrator reads an identifier, and the next source may hold another.
func (s *settled) add(k Kind, reason Reason, ok bool) {
	if ok || reason == Permission {
		s[rank(k)] = true
	}
}

// origin is what a system's file declares of one source.
type origin struct {
	kind  Kind
	name  string
	reads text
	read  func(*system) (uuid, error)
}

// probe is what a system's file declares of one place that tells where the program runs.
type probe struct {
	name  string
	reads text
}

// identify reads one source and refuses what identifies nothing: the Error counts where ok is false.
// It is no pointer, so that a start with many unreadable sources allocates one list of them.
func (sys *system) identify(o *origin, cfg *Config, refused []uuid) (_ uuid, _ Error, ok bool) {
	u, err := o.read(sys)
	if err == nil {
		u = u.identity(o.kind)
		err = refuse(o.kind, u)
	}
	if err == nil && slices.Contains(refused, u.canonical()) {
		err = fault{Placeholder, errors.New("refused by the application")}
	}
	reason, cause := reasonOf(err)
	// Permission is no answer inside a container, since it would not help there.
	if o.kind == BIOSUUID && !cfg.AllowContainer && (err == nil || reason == Permission) {
		if name := sys.inContainer(); name != "" {
			err, reason, cause = errContainer, Container, errors.New(name)
		}
	}
	if err != nil {
		return uuid{}, Error{Kind: o.kind, Source: o.name, Reason: reason, Err: cause}, false
	}
	return u, Error{}, true
}

var errContainer = errors.New("inside a container")

func supplanted(k Kind, source string) Error {
	return Error{Kind: k, Source: source, Reason: Unsupported,
		Err: errors.New("not read, because the application supplies its own identifier")}
}

// Environment says where the program runs, as far as that can be seen. Empty fields mean that nothing was found, which
// is no proof.
type Environment struct {
	Container      string // such as "docker"
	VirtualMachine string // such as "kvm"; a full copy of a virtual machine counts as the same device
}

// ReadEnvironment looks where the program runs.
func ReadEnvironment() Environment {
	sys := system{}
	return Environment{Container: sys.inContainer(), VirtualMachine: sys.virtualMachine()}
}

func (sys *system) inContainer() string {
	if !sys.containerKnown {
		sys.container, sys.containerKnown = sys.detectContainer(), true
	}
	return sys.container
}

func (sys *system) virtualMachine() string {
	return virtualMachine(sys.vendor())
}

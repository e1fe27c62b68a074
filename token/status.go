package token

import "context"

// Kind is a kind of store.
type Kind string

// The kinds of stores.
const (
	KindNone        Kind = ""            // nothing is stored
	KindCustom      Kind = "custom"      // Config.Store
	KindEnvironment Kind = "environment" // an environment variable, or the file that it names
	KindCredentials Kind = "credentials" // systemd
	KindKeyring     Kind = "keyring"     // of the operating system
	KindFile        Kind = "file"        // token.json in Config.Dir
)

// place is one store, for errors and for Status.
type place struct {
	kind Kind
	at   string // its name, a variable or a path
}

func (p place) name() string {
	if p.kind == KindCustom {
		return "the application's store"
	}
	return p.at
}

func (v *Vault) inKeyring() place { return place{KindKeyring, v.ring} }

func (v *Vault) inFile() place {
	if v.file == nil {
		return place{KindFile, "no directory given"}
	}
	return place{KindFile, v.file.Path()}
}

// Status says where the token lives, for a support screen. It contains no secret. Its sentences are in German where
// lang is "de" or begins with "de-" or "de_", otherwise in English, and empty where there is nothing to say.
type Status struct {
	Store   Kind   `json:"store"`             // where the token is, or where an administrator said it is
	Place   string `json:"place,omitempty"`   // the keyring's name, the variable or the path
	Unsaved bool   `json:"unsaved,omitempty"` // the token is in memory alone: it is lost when the program ends
	Keyring bool   `json:"keyring,omitempty"` // the token is in the file, and Migrate could move it into a keyring now
	Err     error  `json:"-"`                 // outcome of the latest access in this process, also that token.json could not be written

	reason string // of a record
	ring   string // what the keyring is called here
}

// Status looks at memory, environment variables and token.json, and, where the token is in the file, whether a keyring
// is there. It waits at most a second, and not at all for a call that hangs.
func (v *Vault) Status(ctx context.Context) Status {
	held, unsaved, home := v.memory()
	v.mu.Lock()
	s := Status{Unsaved: unsaved, Err: v.last, ring: v.ring}
	v.mu.Unlock()
	if v.custom != nil {
		if !held.IsZero() && !unsaved {
			s.Store = KindCustom
		}
		return s
	}
	if e, ok := externalOf(v.product, v.getenv); ok {
		s.Store, s.Place = e.kind, e.place
		return s
	}
	r, _, _ := v.readRecord()
	s.Store, s.reason = r.Store, r.Reason
	if s.Store == KindNone && home == KindKeyring {
		s.Store = home
	}
	switch s.Store {
	case KindKeyring:
		s.Place = v.ring
	case KindFile:
		s.Place = v.file.Path()
		s.Keyring = v.keyring.idle() && v.keyring.probe(ctx) == nil
	}
	return s
}

package licensetest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/counterfoil-dev/counterfoil/internal/wire"
	"github.com/counterfoil-dev/counterfoil/lease"
)

func eachLicense(s *Server, f func(*licenseRow)) {
	for id, l := range s.book.licenses {
		f(&l)
		s.book.licenses[id] = l
	}
}

func eachInstallation(s *Server, f func(*installationRow)) {
	for id, in := range s.book.installations {
		f(&in)
		s.book.installations[id] = in
	}
}

// edit changes the request's members behind its sender's back.
func (r *mutantRequest) edit(f func(map[string]any)) {
	m := make(map[string]any)
	if json.Unmarshal(r.body, &m) != nil {
		return
	}
	f(m)
	r.body, _ = json.Marshal(m)
}

func (r *mutantRequest) editPrints(f func(map[string]any)) {
	r.edit(func(m map[string]any) {
		if set, ok := m["fingerprints"].(map[string]any); ok {
			f(set)
		}
	})
}

// owner is the installation of the request's token.
func (s *Server) owner(r *mutantRequest) (installationRow, bool) {
	in, ok := s.book.installations[s.book.tokens[r.token()].installation]
	return in, ok
}

func on(path string, f func(*Server, *mutantRequest)) func(*Server, *mutantRequest) {
	return func(s *Server, r *mutantRequest) {
		if r.path == path {
			f(s, r)
		}
	}
}

func always(f func(*Server)) func(*Server, *mutantRequest) {
	return func(s *Server, _ *mutantRequest) { f(s) }
}

func answers(f func(*mutantRequest, *lease.Answer)) func(*mutantRequest, *lease.Answer, *lease.Lease) {
	return func(r *mutantRequest, a *lease.Answer, _ *lease.Lease) { f(r, a) }
}

func leases(f func(*lease.Lease)) func(*mutantRequest, *lease.Answer, *lease.Lease) {
	return func(_ *mutantRequest, _ *lease.Answer, l *lease.Lease) {
		if l != nil {
			f(l)
		}
	}
}

// mutants are the broken servers by what is wrong with them.
func mutants() map[string]mutant {
	all := make(map[string]mutant)
	for _, some := range []map[string]mutant{wireMutants(), seatMutants(), tokenMutants(), vendorMutants()} {
		maps.Copy(all, some)
	}
	return all
}

func wireMutants() map[string]mutant {
	return map[string]mutant{
		"no nonce": {fails: "check/fresh-lease", sign: answers(func(_ *mutantRequest, a *lease.Answer) { a.Nonce = wire.NewNonce() })},
		"no body": {
			fails: "check/fresh-lease",
			sign:  answers(func(r *mutantRequest, a *lease.Answer) { a.Request = wire.Hash("POST", r.path, nil) }),
		},
		"no path": {
			fails: "check/fresh-lease",
			sign:  answers(func(r *mutantRequest, a *lease.Answer) { a.Request = wire.Hash("POST", "/", r.body) }),
		},
		"foreign key": {fails: "check/fresh-lease", target: func(_ *Server, t *Target) { t.Keys = NewServer(Config{}).Keys() }},
		"unsigned refusals": {fails: "http/malformed activation/seats-used rebinding/limit", after: func(_ *mutantRequest, p *reply) {
			if p.status >= 400 {
				p.problem(p.code, "", 0)
			}
		}},
		"refusals with status 200": {fails: "check/standing", after: func(_ *mutantRequest, p *reply) { p.status = http.StatusOK }},
		"problems with status 500 inside": {fails: "check/standing http/too-large", after: func(_ *mutantRequest, p *reply) {
			p.body = bytes.Replace(p.body, fmt.Appendf(nil, `"status":%d`, p.status), []byte(`"status":500`), 1)
		}},
		"401 without challenge": {
			fails: "check/token-unknown",
			after: func(_ *mutantRequest, p *reply) { p.header.Del("WWW-Authenticate") },
		},
		"refusals with a token": {fails: "check/standing", sign: answers(func(_ *mutantRequest, a *lease.Answer) { a.Token = "cft_x" })},
		"codes of its own": {fails: "check/standing", sign: answers(func(_ *mutantRequest, a *lease.Answer) {
			if a.Code != "ok" {
				a.Code = "not_today"
			}
		})},
		"repeats the code": {fails: "activation/repeat", sign: func(r *mutantRequest, _ *lease.Answer, l *lease.Lease) {
			r.edit(func(m map[string]any) {
				if code, ok := m["code"].(string); ok && l != nil {
					l.Edition = code
				}
			})
		}},
		"other devices": {fails: "check/fresh-lease", sign: leases(func(l *lease.Lease) {
			l.Fingerprints = map[string]string{kindBIOS: "fp1:x"}
		})},
		"other products": {fails: "check/fresh-lease", sign: leases(func(l *lease.Lease) { l.Product = "other" })},
		"cacheable":      {fails: "check/fresh-lease", after: func(_ *mutantRequest, p *reply) { p.header.Del("Cache-Control") }},
		"its own titles": {fails: "check/standing", after: func(_ *mutantRequest, p *reply) {
			p.body = bytes.Replace(p.body, []byte(`"title":"`), []byte(`"title":"Sorry. `), 1)
		}},
		"keeps nonces": {fails: "http/same-request", before: nonces()},
		"cookies":      {fails: "check/fresh-lease", after: func(_ *mutantRequest, p *reply) { p.header.Set("Set-Cookie", "id=1") }},
		"one page":     {fails: "http/methods-and-paths", before: func(_ *Server, r *mutantRequest) { r.Method = http.MethodPost }},
		"any path":     {fails: "http/methods-and-paths", before: func(_ *Server, r *mutantRequest) { r.URL.Path = wire.PathChecks }},
		"half of what is too large": {fails: "http/too-large", before: func(_ *Server, r *mutantRequest) {
			r.body = r.body[:min(len(r.body), wire.MaxRequest)]
		}},
		"small bodies only": {fails: "http/too-large", before: func(_ *Server, r *mutantRequest) {
			if len(r.body) > 4<<10 {
				r.body = make([]byte, wire.MaxRequest+1)
			}
		}},
		"lenient JSON": {fails: "http/ambiguous", before: func(_ *Server, r *mutantRequest) { r.edit(func(map[string]any) {}) }},
		"no unknown members": {fails: "http/unknown-members", before: func(_ *Server, r *mutantRequest) {
			if bytes.Contains(r.body, []byte(`"later"`)) {
				r.body = nil
			}
		}},
		"no labels": {fails: "activation/label", before: func(_ *Server, r *mutantRequest) {
			r.edit(func(m map[string]any) {
				if m["label"] != nil {
					m["label"] = "\n"
				}
			})
		}},
		"refusals that differ": {fails: "activation/code-invalid account/credentials", sign: answers(func(r *mutantRequest, a *lease.Answer) {
			if a.Code != "ok" {
				a.RetryAfter = r.n
			}
		})},
	}
}

// nonces refuses a nonce that came before.
func nonces() func(*Server, *mutantRequest) {
	seen := make(map[any]bool)
	return func(_ *Server, r *mutantRequest) {
		r.edit(func(m map[string]any) {
			if seen[m["nonce"]] {
				delete(m, "product")
			}
			seen[m["nonce"]] = true
		})
	}
}

func seatMutants() map[string]mutant {
	return map[string]mutant{
		"no edition":       {fails: "activation/lease", sign: leases(func(l *lease.Lease) { l.Edition = "" })},
		"unlimited is one": {fails: "activation/unlimited", sign: leases(func(l *lease.Lease) { l.Seats.Total = max(1, l.Seats.Total) })},
		"a set of one": {fails: "activation/shared-seat activation/new-set check/set rebinding/moves", sign: leases(func(l *lease.Lease) {
			if len(l.Fingerprints) > 1 {
				l.Fingerprints = map[string]string{kindBIOS: l.Fingerprints[kindBIOS]}
			}
		})},
		"a second seat on repeat": {fails: "activation/repeat activation/shared-seat activation/concurrent account/one-license offline/repeat",
			before: on(wire.PathActivations, func(s *Server, _ *mutantRequest) {
				eachInstallation(s, func(in *installationRow) { in.prints = map[string]string{kindBIOS: "x"} })
			}),
			target: func(s *Server, t *Target) {
				answer := t.Admin.AnswerOffline
				t.Admin.AnswerOffline = func(request string) (string, error) {
					s.mu.Lock()
					eachInstallation(s, func(in *installationRow) { in.prints = map[string]string{kindBIOS: "x"} })
					s.mu.Unlock()
					return answer(request)
				}
			}},
		"a new activation on repeat": {fails: "activation/repeat", before: on(wire.PathActivations, func(s *Server, _ *mutantRequest) {
			eachInstallation(s, func(in *installationRow) { in.name = "x" })
		})},
		"one activation for a seat": {fails: "activation/shared-seat", before: on(wire.PathActivations, func(_ *Server, r *mutantRequest) {
			r.edit(func(m map[string]any) { m["installation"] = strings.Repeat("A", 22) })
		})},
		"goes by the system disk": {fails: "activation/other-device", before: on(wire.PathActivations, func(_ *Server, r *mutantRequest) {
			r.editPrints(func(set map[string]any) { delete(set, kindBIOS) })
		})},
		"deaf to the caller": {fails: "activation/caller", before: on(wire.PathActivations, func(_ *Server, r *mutantRequest) {
			r.editPrints(func(set map[string]any) { delete(set, kindCaller) })
		})},
		"deaf to devices": {fails: "activation/copied-state check/wrong-device", before: func(s *Server, r *mutantRequest) {
			for _, in := range s.book.installations {
				if r.path == wire.PathActivations && bytes.Contains(r.body, []byte(in.name)) {
					r.edit(func(m map[string]any) { m["fingerprints"] = in.prints })
				}
			}
			if in, ok := s.owner(r); ok && r.path == wire.PathChecks {
				r.edit(func(m map[string]any) { m["fingerprints"] = in.prints })
			}
		}},
		"counts no seats": {fails: "activation/seats-used offline/repeat", before: on(wire.PathActivations, func(s *Server, _ *mutantRequest) {
			eachLicense(s, func(l *licenseRow) { l.terms.Seats = 100 })
		}), target: func(_ *Server, t *Target) {
			add := t.Admin.AddLicense
			t.Admin.AddLicense = func(l License) (string, string, error) { l.Seats = 100; return add(l) }
		}},
		"knows no end": {fails: "activation/many-installations check/released check/order deactivation/frees-seat deactivation/whole-seat rebinding/others-end rebinding/merge",
			before: always(func(s *Server) { eachInstallation(s, func(in *installationRow) { in.ended = time.Time{} }) })},
		"any product": {fails: "check/wrong-product", before: on(wire.PathChecks, func(s *Server, r *mutantRequest) {
			if in, ok := s.owner(r); ok {
				r.edit(func(m map[string]any) { m["product"] = s.book.licenses[s.book.seats[in.seat].license].terms.Product })
			}
		})},
		"short choice": {
			fails: "account/choose",
			sign:  answers(func(_ *mutantRequest, a *lease.Answer) { a.Licenses = a.Licenses[:min(1, len(a.Licenses))] }),
		},
		"choice of others' licenses": {fails: "account/none account/choose", sign: answers(func(_ *mutantRequest, a *lease.Answer) {
			if a.Code == string(wire.ChooseLicense) {
				a.Licenses = append(a.Licenses, lease.Choice{License: "lic_foreign"})
			}
		})},
	}
}

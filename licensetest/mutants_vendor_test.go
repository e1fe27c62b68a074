package licensetest

import (
	"encoding/json"
	"errors"
	"maps"
	"time"

	"github.com/counterfoil-dev/counterfoil/internal/wire"
	"github.com/counterfoil-dev/counterfoil/lease"
)

func tokenMutants() map[string]mutant {
	return map[string]mutant{
		"no tokens": {
			fails: "activation/repeat account/one-license rebinding/moves token/renewal",
			sign:  answers(func(_ *mutantRequest, a *lease.Answer) { a.Token = "" }),
		},
		"a token with every check": {fails: "check/fresh-lease http/authorization", sign: func(_ *mutantRequest, a *lease.Answer, l *lease.Lease) {
			if l != nil && a.Token == "" {
				a.Token = "cft_unasked"
			}
		}},
		"any token": {fails: "check/token-unknown deactivation/refused rebinding/refused http/authorization", before: func(s *Server, r *mutantRequest) {
			if _, known := s.owner(r); !known && r.token() != "" {
				var m struct{ Product string }
				json.Unmarshal(r.body, &m)
				for _, in := range s.book.installations {
					if s.book.licenses[s.book.seats[in.seat].license].terms.Product == m.Product {
						s.book.tokens[r.token()] = tokenRow{installation: in.id}
					}
				}
			}
		}},
		"tokens never end": {fails: "token/both-until-used token/later-ones-stay token/first-use", before: always(func(s *Server) {
			for t, row := range s.book.tokens {
				row.used = true
				s.book.tokens[t] = row
			}
		})},
		"one token for all": {fails: "token/per-installation", before: func(s *Server, r *mutantRequest) {
			if in, ok := s.owner(r); ok {
				maps.DeleteFunc(s.book.tokens, func(_ string, t tokenRow) bool {
					return t.installation != in.id && s.book.installations[t.installation].seat == in.seat
				})
			}
		}},
		"used when refused": {fails: "token/refused-use", before: func(s *Server, r *mutantRequest) { s.book.use(s.clock(), r.token()) }},
		"deaf to leases": {fails: "check/by-lease deactivation/by-lease offline/exchange clock/old-lease", before: func(_ *Server, r *mutantRequest) {
			r.edit(func(m map[string]any) { delete(m, "lease") })
		}},
		"any lease": {fails: "check/by-foreign-lease", before: func(s *Server, r *mutantRequest) {
			r.edit(func(m map[string]any) {
				text, _ := m["lease"].(string)
				if _, err := s.keys.Verify(lease.TypeLease, text); text == "" || err == nil {
					return
				}
				var m2 struct{ Product string }
				json.Unmarshal(r.body, &m2)
				for _, in := range s.book.installations {
					if s.book.licenses[s.book.seats[in.seat].license].terms.Product == m2.Product {
						l := s.book.leaseFor(in, in.prints)
						l.IssuedAt, l.LeaseEnd = 1, 2
						m["lease"], _ = s.signer.SignLease(*l)
					}
				}
			})
		}},
		"renews no more than once": {fails: "token/renewal", target: func(_ *Server, t *Target) {
			t.Admin.RenewToken = func(string) error { return nil }
		}},
	}
}

func vendorMutants() map[string]mutant {
	return map[string]mutant{
		"every license is good": {fails: "activation/standing account/standing check/standing rebinding/refused", before: always(func(s *Server) {
			eachLicense(s, func(l *licenseRow) { l.suspended, l.revoked, l.terms.End = false, false, time.Time{} })
		})},
		"keeps the seat of a bad license": {fails: "deactivation/any-standing", before: func(s *Server, r *mutantRequest) {
			if in, ok := s.owner(r); ok && s.book.licenses[s.book.seats[in.seat].license].standing(s.clock()) != wire.OK {
				r.URL.Path = wire.PathRebindings
				r.edit(func(m map[string]any) { m["installation"], m["fingerprints"] = wire.NewInstallation(), in.prints })
			}
		}},
		"no limits": {fails: "deactivation/cycles rebinding/limit rebinding/lost-answer", before: always(func(s *Server) {
			eachLicense(s, func(l *licenseRow) { l.granted = 1000 })
		})},
		"counts the vendor's releases": {fails: "deactivation/vendor-releases", target: func(s *Server, t *Target) {
			release := t.Admin.Release
			t.Admin.Release = func(id string) error {
				s.mu.Lock()
				eachLicense(s, func(l *licenseRow) { l.deactivations = append(l.deactivations, s.clock()) })
				s.mu.Unlock()
				return release(id)
			}
		}},
		"counts repeats": {fails: "rebinding/lost-answer", before: on(wire.PathRebindings, func(s *Server, r *mutantRequest) {
			if in, ok := s.owner(r); ok {
				seat := s.book.seats[in.seat]
				seat.rebinds = append(seat.rebinds, s.clock())
				s.book.seats[seat.id] = seat
			}
		})},
		"careless offline answers": {fails: "offline/lease offline/repeat", target: func(s *Server, t *Target) {
			answer := t.Admin.AnswerOffline
			t.Admin.AnswerOffline = func(request string) (string, error) {
				text, err := answer(request)
				if err != nil {
					return "", err
				}
				v, err := s.Keys().Verify(lease.TypeAnswer, text)
				if err != nil || v.Answer().Lease == "" {
					return text, err
				}
				w, err := s.Keys().Verify(lease.TypeLease, v.Answer().Lease)
				if err != nil {
					return "", err
				}
				a, l := v.Answer(), w.Lease()
				l.Offline, l.Activation = false, "act_"+random(16)
				if a.Lease, err = s.signer.SignLease(l); err != nil {
					return "", err
				}
				return s.signer.SignAnswer(a)
			}
		}},
		"no offline refusals": {fails: "offline/refused", target: func(s *Server, t *Target) {
			answer := t.Admin.AnswerOffline
			t.Admin.AnswerOffline = func(request string) (string, error) {
				text, err := answer(request)
				if v, _ := s.Keys().Verify(lease.TypeAnswer, text); v.Answer().Code != "ok" {
					err = errors.Join(err, errors.New("refused"))
				}
				return text, err
			}
		}},
		"no vendor": {fails: "activation/lease account/none check/standing check/released token/renewal rebinding/limit offline/lease", target: func(_ *Server, t *Target) {
			t.Admin = Admin{}
		}},
		"standing clock": {fails: "clock/released-is-forgotten clock/limits-end clock/license-end", target: func(_ *Server, t *Target) {
			t.Admin.Advance = func(time.Duration) error { return nil }
		}},
	}
}

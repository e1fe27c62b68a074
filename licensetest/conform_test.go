package licensetest

import (
	"errors"
	"testing"
	"time"
)

// fakeTarget presents the fake to the conformance suite.
func fakeTarget(s *Server, c *Clock) Target {
	record := func(id string) *Record { return &Record{ID: id, server: s} }
	licenses := func(f func(*Record)) func(string) error {
		return func(id string) error {
			f(record(id))
			return nil
		}
	}
	activations := func(f func(string) bool) func(string) error {
		return func(id string) error {
			if !f(id) {
				return errors.New("no such activation")
			}
			return nil
		}
	}
	return Target{
		URL: s.URL(), Client: s.Client(), Keys: s.Keys(),
		Admin: Admin{
			AddLicense: func(l License) (id, code string, err error) {
				r := s.AddLicense(l)
				return r.ID, r.Code, nil
			},
			AddAccount: func(email, password string, ids ...string) error {
				var records []*Record
				for _, id := range ids {
					records = append(records, record(id))
				}
				s.AddAccount(email, password, records...)
				return nil
			},
			Suspend:       licenses((*Record).Suspend),
			Revoke:        licenses((*Record).Revoke),
			Reinstate:     licenses((*Record).Reinstate),
			Expire:        licenses((*Record).Expire),
			Release:       activations(s.Release),
			RenewToken:    activations(s.RenewToken),
			AllowRebind:   func(id string, n int) error { record(id).AllowRebind(n); return nil },
			AnswerOffline: s.AnswerOffline,
			Advance:       func(d time.Duration) error { c.Advance(d); return nil },
		},
	}
}

func TestFakeConforms(t *testing.T) {
	t.Parallel()
	t.Run("socket", func(t *testing.T) {
		t.Parallel()
		c := NewClock(time.Now())
		s := NewServer(Config{Now: c.Now})
		start(t, s)
		TestServer(t, fakeTarget(s, c))
	})
	t.Run("memory", func(t *testing.T) {
		t.Parallel()
		c := NewClock(time.Now())
		TestServer(t, fakeTarget(NewServer(Config{Now: c.Now}), c))
	})
}

func start(t *testing.T, s *Server) {
	t.Helper()
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
}

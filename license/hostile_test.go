package license

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/counterfoil-dev/counterfoil/lease"
	"github.com/counterfoil-dev/counterfoil/licensetest"
	"github.com/counterfoil-dev/counterfoil/token"
)

// What is not validly signed, or says nothing of the license, consumes grace and does nothing else.
func TestFailedChecksOnlyConsumeGrace(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]licensetest.Fault{
		"unreachable":                         licensetest.Unreachable(),
		"captive portal":                      licensetest.CaptivePortal(),
		"redirect":                            licensetest.Redirect("https://portal.example/login"),
		"404":                                 licensetest.Status(404),
		"410":                                 licensetest.Status(410),
		"401":                                 licensetest.Status(401),
		"500":                                 licensetest.Status(500),
		"503":                                 licensetest.Status(503),
		"retry-after":                         licensetest.RetryAfter("99999999999999999999"),
		"negative":                            licensetest.RetryAfter("-1"),
		"truncated":                           licensetest.Truncated(),
		"10 MiB":                              licensetest.Huge(),
		"wrong signature":                     licensetest.WrongSignature(),
		"replayed":                            licensetest.Replayed(),
		"other request":                       licensetest.OtherRequest(),
		"other device":                        licensetest.OtherDevice(),
		"lost answer":                         licensetest.LostAnswer(),
		"unsigned revoked":                    licensetest.Unsigned("revoked"),
		"unsigned released":                   licensetest.Unsigned("released"),
		"unsigned token_unknown":              licensetest.Unsigned("token_unknown"),
		"unknown code":                        licensetest.Refuse("quantum_flux", 0),
		"token_unknown":                       licensetest.Refuse("token_unknown", 0),
		"wrong_device, says the server alone": licensetest.Refuse("wrong_device", 0),
		"malformed":                           licensetest.Refuse("malformed", 0),
		"rate_limited":                        licensetest.Refuse("rate_limited", time.Hour),
		"busy":                                licensetest.Refuse("busy", time.Second),
		"no lease":                            licensetest.Refuse("ok", 0),
		"garbage for a lease":                 licensetest.Alter(func(a *lease.Answer, l *lease.Lease) { a.Lease = "e30.e30.e30" }),
		"400 days and more": licensetest.Alter(func(a *lease.Answer, l *lease.Lease) {
			if l != nil {
				l.LeaseEnd = l.IssuedAt + 401*day
			}
		}),
		"other product": licensetest.Alter(func(a *lease.Answer, l *lease.Lease) {
			if l != nil {
				l.Product = "other"
			}
		}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				c := b.activated()
				b.clock.Advance(dayLong)
				c.Check(t.Context()) // an answer that can be replayed
				b.clock.Advance(dayLong)
				held := c.rec.Lease
				b.srv.Fail(fault)
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
				defer cancel()
				st := c.Check(ctx)
				b.want(c, Grace, ReasonCheckOverdue)
				if st.CheckErr() == nil {
					t.Fatal("the check did not get through and says nothing")
				}
				if c.rec.Lease != held || b.store.held.IsZero() {
					t.Fatal("lease or token changed")
				}
				b.want(b.open(), Grace, ReasonCheckOverdue)

				b.srv.Heal()
				b.clock.Advance(dayLong + time.Hour)
				c.Check(t.Context())
				b.want(c, Active, ReasonConfirmed)
			})
		})
	}
}

func TestClock(t *testing.T) {
	t.Parallel()
	t.Run("this device, ten years", func(t *testing.T) {
		t.Parallel()
		b := newBench(t)
		srv := licensetest.NewClock(noon) // the server's clock stays right
		b.srv = licensetest.NewServer(licensetest.Config{Now: srv.Now})
		b.record = b.srv.AddLicense(licensetest.License{Product: product})
		for _, wrong := range []time.Duration{10 * 365 * dayLong, -10 * 365 * dayLong} {
			b.clock.Set(noon.Add(wrong))
			c := b.activated()
			b.want(c, Active, ReasonConfirmed)
			b.clock.Advance(15 * dayLong)
			b.want(c, Lapsed, ReasonLeaseEnded)
			if err := c.Forget(); err != nil {
				t.Fatal(err)
			}
		}
	})
	t.Run("the server, one year, healed by the next check", func(t *testing.T) {
		t.Parallel()
		for _, wrong := range []time.Duration{365 * dayLong, -365 * dayLong} {
			b := newBench(t)
			b.srv.Skew(wrong)
			c := b.activated()
			b.want(c, Active, ReasonConfirmed)
			b.clock.Advance(13 * dayLong)
			b.want(c, Grace, ReasonCheckOverdue)
			b.srv.Skew(0)
			c.Check(t.Context())
			b.want(c, Active, ReasonConfirmed)
			if got := c.Status().LeaseEnd().Sub(b.clock.Now()); got != 14*dayLong {
				t.Fatalf("lease runs for %v", got)
			}
			b.clock.Advance(dayLong)
			n := b.checks()
			c.Check(t.Context())
			b.want(c, Active, ReasonConfirmed)
			if b.checks() != n+1 {
				t.Fatal("no check on the next day")
			}
		}
	})
	t.Run("set back", func(t *testing.T) {
		t.Parallel()
		b := newBench(t)
		c := b.activated()
		b.srv.Fail(licensetest.Unreachable())
		b.clock.Advance(5 * dayLong)
		c.Check(t.Context()) // keeps the mark
		b.clock.Advance(-dayLong)
		b.want(b.open(), Grace, ReasonCheckOverdue) // tolerated
		b.clock.Advance(-2 * time.Second)
		b.want(b.open(), ClockRolledBack, ReasonClockRolledBack)
		b.clock.Advance(2 * dayLong)
		b.want(b.open(), Grace, ReasonCheckOverdue) // past the mark again
		b.clock.Advance(-4 * dayLong)
		c = b.open()
		b.want(c, ClockRolledBack, ReasonClockRolledBack)
		b.srv.Heal()
		c.Check(t.Context())
		b.want(c, Active, ReasonConfirmed)
	})
	t.Run("ran ahead for a while", func(t *testing.T) {
		t.Parallel()
		b := newBench(t)
		c := b.activated()
		b.srv.Fail(licensetest.Unreachable())
		b.clock.Advance(3650 * dayLong)
		c.Check(t.Context())
		b.want(c, Lapsed, ReasonLeaseEnded)
		b.clock.Advance(-3650 * dayLong)
		b.want(c, Active, ReasonConfirmed)
		b.want(b.open(), Active, ReasonConfirmed)
	})
}

// A server restored from yesterday's backup knows neither the tokens nor the times of today.
func TestServerRestoredFromBackup(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	backup := b.srv.Snapshot()
	c := b.activated()
	b.srv.Restore(backup)
	b.clock.Advance(dayLong)
	st := c.Check(t.Context())
	b.want(c, Grace, ReasonCheckOverdue)
	if e, ok := errors.AsType[*Error](st.CheckErr()); !ok || e.Reason != ReasonTokenUnknown || e.Hint == "" {
		t.Fatal(st.CheckErr())
	}
	b.clock.Advance(6 * time.Hour)
	c.check(t.Context(), sendNothing) // keeps the clock's mark, and the reason
	if msg := c.Status().Message("en"); !strings.Contains(msg, hint(ReasonTokenUnknown, english)) {
		t.Fatal("nobody tells the person to activate again:", msg)
	}
	b.clock.Advance(15 * dayLong)
	c.Check(t.Context())
	if e, ok := errors.AsType[*Error](c.Status().Err()); !ok || e.Hint != hint(ReasonTokenUnknown, english) {
		t.Fatal(c.Status().Err())
	}
	if err := c.Activate(t.Context(), Code(b.record.Code)); err != nil {
		t.Fatal(err)
	}
	b.want(c, Active, ReasonConfirmed)
	if b.record.Seats() != 1 {
		t.Fatal(b.record.Seats())
	}
}

func TestTokenLostIsHealedByTheLease(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.activated()
	b.store.held = token.Token{}
	c := b.open()
	b.clock.Advance(dayLong)
	c.Check(t.Context())
	b.want(c, Active, ReasonConfirmed)
	if b.store.held.IsZero() || b.record.Seats() != 1 {
		t.Fatal("no new token, or a second seat")
	}
}

func TestStateLostIsHealedByTheToken(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	c := b.activated()
	path := c.file.Path()
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, damaged := range map[string][]byte{
		"empty":     {},
		"truncated": whole[:len(whole)/2],
		"bit":       bytes.Replace(whole, []byte("lease"), []byte("leasf"), 1),
		"foreign":   []byte("<html>"),
		"oversized": bytes.Repeat([]byte("x"), 1<<20),
	} {
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		c := b.open()
		b.want(c, NotActivated, ReasonUnconfirmed)
		if c.Status().NeedsActivation() {
			t.Fatalf("%s: a person is bothered although a check heals it", name)
		}
		b.want(b.open(), NotActivated, ReasonUnconfirmed) // also if the program ends here
		c.Check(t.Context())
		b.want(c, Active, ReasonConfirmed)
		b.clock.Advance(dayLong)
	}
	if b.record.Seats() != 1 {
		t.Fatal(b.record.Seats())
	}

	// Without a token, a person is needed after all.
	b.store.held = token.Token{}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c = b.open()
	c.Check(t.Context())
	b.want(c, NotActivated, ReasonNone)
	b.want(b.open(), NotActivated, ReasonNone)
}

// A locked keyring is not an empty one.
func TestLockedStoreIsGrace(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.activated()
	b.store.getErr = token.ErrLocked
	b.clock.Advance(dayLong)
	c := b.open()
	n := len(b.srv.Requests())
	st := c.Check(t.Context())
	b.want(c, Grace, ReasonCheckOverdue)
	if e, ok := errors.AsType[*Error](st.CheckErr()); !ok || e.Reason != ReasonTokenUnavailable {
		t.Fatal(st.CheckErr())
	}
	if len(b.srv.Requests()) != n {
		t.Fatal("something was sent without the token")
	}
	b.store.getErr = nil
	b.clock.Advance(time.Hour)
	c.Check(t.Context())
	b.want(c, Active, ReasonConfirmed)
}

// A store that fails never loses a paid activation.
func TestTokenCannotBeStored(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.store.setErr = errors.New("keyring is broken")
	c := b.open()
	err := c.Activate(t.Context(), Code(b.record.Code))
	if !errors.Is(err, ErrNotStored) {
		t.Fatal(err)
	}
	b.want(c, Active, ReasonConfirmed)
	b.store.setErr = nil
	c = b.open()
	b.want(c, Active, ReasonConfirmed)
	b.clock.Advance(dayLong)
	c.Check(t.Context())
	b.want(c, Active, ReasonConfirmed)
	if b.store.held.IsZero() || b.record.Seats() != 1 {
		t.Fatal("not healed")
	}
}

func TestRenewal(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	c := b.activated()
	old := b.store.held
	b.record.RenewTokens()
	b.store.setErr = errors.New("disk full")
	for range 2 { // the old one works until a new one was read back
		b.clock.Advance(dayLong)
		c.Check(t.Context())
		b.want(c, Active, ReasonConfirmed)
		if !b.store.held.Equal(old) {
			t.Fatal("the store changed")
		}
	}
	b.store.setErr = nil
	b.clock.Advance(dayLong)
	c.Check(t.Context())
	if b.store.held.Equal(old) {
		t.Fatal("the token was not renewed")
	}
	fresh := b.store.held
	for _, c := range []*Client{c, b.open()} {
		b.clock.Advance(dayLong)
		c.Check(t.Context())
		b.want(c, Active, ReasonConfirmed)
	}
	if !b.store.held.Equal(fresh) {
		t.Fatal("renewed again without being asked")
	}
}

package license

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/counterfoil-dev/counterfoil/licensetest"
)

func TestOffline(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.srv.Fail(licensetest.Unreachable())
	c := b.open()
	request, err := c.OfflineRequest(t.Context(), Code(strings.ToLower(b.record.Code)))
	if err != nil {
		t.Fatal(err)
	}
	if len(request) > 1000 || strings.ContainsAny(request, " \n") {
		t.Fatalf("%d bytes are not a small text", len(request))
	}
	b.want(c, NotActivated, ReasonNone)
	answer, err := b.srv.AnswerOffline(request)
	if err != nil {
		t.Fatal(err)
	}
	c = b.open() // the answer may come days later, to another process
	if err := c.Import(t.Context(), " "+answer[:40]+"\r\n"+answer[40:]+"\n"); err != nil {
		t.Fatal(err)
	}
	b.want(c, Active, ReasonOfflineLease)
	if err := c.Import(t.Context(), answer); err != nil {
		t.Fatal("a second time:", err)
	}
	b.clock.Advance(100 * dayLong)
	c.Check(t.Context())
	b.want(c, Active, ReasonOfflineLease)
	b.want(b.open(), Active, ReasonOfflineLease)
	b.clock.Advance(80 * dayLong)
	b.want(c, Lapsed, ReasonLeaseEnded)

	// The answer was lost, or ran out: the same device asks again and takes no second seat.
	request, err = c.OfflineRequest(t.Context(), Code(b.record.Code))
	if err != nil {
		t.Fatal(err)
	}
	fresh, err := b.srv.AnswerOffline(request)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Import(t.Context(), fresh); err != nil {
		t.Fatal(err)
	}
	b.want(c, Active, ReasonOfflineLease)
	if err := c.Import(t.Context(), answer); err == nil {
		t.Fatal("an old answer replaced a newer one")
	}
	b.want(c, Active, ReasonOfflineLease)
	if b.record.Seats() != 1 {
		t.Fatal(b.record.Seats())
	}

	// The first check with a network exchanges the lease for a token.
	b.srv.Heal()
	b.clock.Advance(dayLong)
	c.Check(t.Context())
	b.want(c, Active, ReasonConfirmed)
	if b.store.held.IsZero() || c.Status().Offline() {
		t.Fatal("no token, or still offline")
	}
	if err := c.Deactivate(t.Context()); err != nil || b.record.Seats() != 0 {
		t.Fatal(err, b.record.Seats())
	}
	if err := c.Import(t.Context(), fresh); err == nil {
		t.Fatal("an old answer activated the device that gave its seat back")
	}
}

func TestImportRefuses(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	c := b.open()
	request, err := c.OfflineRequest(t.Context(), Code(b.record.Code))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := b.srv.AnswerOffline(request)
	if err != nil {
		t.Fatal(err)
	}
	stranger := licensetest.NewServer(licensetest.Config{Now: b.clock.Now})
	stranger.AddLicense(licensetest.License{Product: product, Code: b.record.Code})
	forged, err := stranger.AnswerOffline(request)
	if err != nil {
		t.Fatal(err)
	}
	for name, in := range map[string]struct {
		text   string
		reason Reason
	}{
		"empty":       {"", ReasonImportInvalid},
		"the request": {request, ReasonImportInvalid},
		"half":        {answer[:len(answer)/2], ReasonImportInvalid},
		"forged":      {forged, ReasonImportInvalid},
		"a megabyte":  {strings.Repeat("x", 1<<20), ReasonImportInvalid},
	} {
		err := c.Import(t.Context(), in.text)
		if e, ok := errors.AsType[*Error](err); !ok || e.Reason != in.reason {
			t.Errorf("%s: %v", name, err)
		}
	}

	other := b.another()
	o := other.open()
	if err := o.Import(t.Context(), answer); err == nil {
		t.Error("another device took the answer")
	}
	// A copied request does not help either: the lease names the device that asked.
	b.copyTo(other)
	o = other.open()
	err = o.Import(t.Context(), answer)
	if !errors.Is(err, ErrWrongDevice) {
		t.Error(err)
	}

	// One request at a time: the answer to the first one does not fit any more.
	if _, err := c.OfflineRequest(t.Context(), Code(b.record.Code)); err != nil {
		t.Fatal(err)
	}
	if err := c.Import(t.Context(), answer); err == nil {
		t.Error("an answer to a request that was replaced")
	}
	b.want(c, NotActivated, ReasonNone)

	if _, err := c.OfflineRequest(t.Context(), Account("ada@example.com", "x")); err == nil {
		t.Error("a password in an offline request")
	}

	// A signed refusal says why.
	b.record.Revoke()
	request, err = c.OfflineRequest(t.Context(), Code(b.record.Code))
	if err != nil {
		t.Fatal(err)
	}
	if answer, err = b.srv.AnswerOffline(request); err != nil {
		t.Fatal(err)
	}
	if err := c.Import(t.Context(), answer); !errors.Is(err, ErrNotUsable) {
		t.Error(err)
	}
}

// An answer that is imported on a device whose clock stands years before its issue works all the same.
func TestImportWithAWrongClock(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	server := licensetest.NewClock(noon)
	b.srv = licensetest.NewServer(licensetest.Config{Now: server.Now})
	b.record = b.srv.AddLicense(licensetest.License{Product: product})
	b.clock.Set(noon.AddDate(-10, 0, 0))
	c := b.open()
	request, err := c.OfflineRequest(t.Context(), Code(b.record.Code))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := b.srv.AnswerOffline(request)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Import(t.Context(), answer); err != nil {
		t.Fatal(err)
	}
	b.want(c, Active, ReasonOfflineLease)
	b.clock.Advance(181 * dayLong)
	b.want(c, Lapsed, ReasonLeaseEnded)
}

func TestOnChange(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	c := b.open()
	var seen []State
	stop := c.OnChange(func(s Status) {
		seen = append(seen, s.State)
		c.Status() // may be called from within
	})
	if err := c.Activate(t.Context(), Code(b.record.Code)); err != nil {
		t.Fatal(err)
	}
	b.record.Suspend()
	b.clock.Advance(dayLong)
	c.Check(t.Context())
	c.Check(t.Context())
	stop()
	b.record.Reinstate()
	b.clock.Advance(time.Hour)
	c.Check(t.Context())
	if len(seen) != 2 || seen[0] != Active || seen[1] != Suspended {
		t.Fatal(seen)
	}
}

func TestDamagedStateKeepsACopy(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	c := b.activated()
	if err := os.WriteFile(c.file.Path(), []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	c = b.open()
	b.want(c, NotActivated, ReasonUnconfirmed)
	c.Check(t.Context()) // under the lock, so that no other process's file is moved
	entries, err := os.ReadDir(b.dir)
	if err != nil {
		t.Fatal(err)
	}
	kept := false
	for _, e := range entries {
		kept = kept || strings.Contains(e.Name(), "damaged")
	}
	if !kept {
		t.Fatal("the damaged file is gone")
	}
}

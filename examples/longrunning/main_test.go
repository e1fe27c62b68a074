package main

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/counterfoil-dev/counterfoil/license"
	"github.com/counterfoil-dev/counterfoil/licensetest"
)

func TestRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := licensetest.NewServer(licensetest.Config{})
		sold := srv.AddLicense(licensetest.License{Seats: 1})
		cfg := license.Config{
			Product: "acme-editor", Server: srv.URL(), Keys: srv.Keys(), HTTPClient: srv.Client(),
			Dir: t.TempDir(), Device: "longrunning-test", TokenStore: new(licensetest.Keyring),
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		if err := run(ctx, slog.New(slog.DiscardHandler), cfg, func() {}); !errors.Is(err, license.ErrNotActivated) {
			t.Fatalf("not activated: %v", err)
		}
		lic, err := license.Open(cfg)
		if err != nil {
			t.Fatal(err)
		}
		if err := lic.Activate(ctx, license.Code(sold.Code)); err != nil {
			t.Fatal(err)
		}

		var pieces atomic.Int64
		done := make(chan error)
		go func() { done <- run(ctx, slog.New(slog.DiscardHandler), cfg, func() { pieces.Add(1) }) }()
		// days lets time pass and returns how many pieces of work were done in it.
		days := func(n time.Duration) int64 {
			before := pieces.Load()
			time.Sleep(n * 24 * time.Hour) // of the bubble's clock
			synctest.Wait()
			return pieces.Load() - before
		}
		const perDay = 24 * 60
		if n := days(3); n < 3*perDay-1 {
			t.Errorf("%d pieces of work in three days, want one a minute", n)
		}
		srv.Fail(licensetest.CaptivePortal())
		if n := days(10); n < 10*perDay-1 {
			t.Errorf("%d pieces of work in ten days behind a captive portal, want one a minute", n)
		}
		srv.Heal()
		sold.Suspend()
		days(2)
		if n := days(1); n != 0 {
			t.Errorf("%d pieces of work on a day of suspension, want none", n)
		}
		sold.Reinstate()
		days(2)
		if n := days(1); n < perDay-1 {
			t.Errorf("%d pieces of work on a day after the suspension, want one a minute", n)
		}
		cancel()
		if err := <-done; err != nil {
			t.Errorf("stopped: %v", err)
		}
	})
}

// Longrunning is a service that works while its license is usable, pauses while it is not, and stops when it is told
// to. It expects a device that is activated: see examples/activation.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/counterfoil-dev/counterfoil/lease"
	"github.com/counterfoil-dev/counterfoil/license"
)

// keys verify what your license server signs. The server prints its key; this one belongs to nobody.
var keys = lease.MustKeySet("acme-2026:2pe_VN2dYopPrW7hl11zyb7YeiV6Ad4tRhZ4JB5sBXY")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	err := run(ctx, log, license.Config{
		Product: "acme-editor",
		Version: "1.0.0",
		Server:  "https://license.example.com",
		Keys:    keys,
		Logger:  log,
	}, func() { log.Info("a piece of work is done") })
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, license.Message(err, "en"))
		os.Exit(1)
	}
}

// run does a piece of work each minute until ctx ends. The license may lapse and come back meanwhile; the service does
// not have to be started anew for either.
func run(ctx context.Context, log *slog.Logger, cfg license.Config, work func()) error {
	lic, err := license.Open(cfg)
	if err != nil {
		return err
	}
	stop := lic.OnChange(func(s license.Status) {
		log.Info("license has changed", "state", s.State, "reason", s.Reason, "message", s.Message("en"))
	})
	defer stop()

	// Run waits up to two hours for the day's check, so that not every device asks at midnight: a program that may not
	// live that long makes it at its start.
	if st := lic.Check(ctx); st.NeedsActivation() {
		return st.Err()
	}
	var running sync.WaitGroup
	running.Go(func() { lic.Run(ctx) })
	defer running.Wait() // for the state file: nothing of ours is under way once the service has stopped

	minute := time.NewTicker(time.Minute)
	defer minute.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-minute.C:
			if lic.Status().Usable() { // no I/O: ask wherever it matters
				work()
			}
		}
	}
}

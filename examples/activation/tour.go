package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/counterfoil-dev/counterfoil/license"
	"github.com/counterfoil-dev/counterfoil/licensetest"
)

const (
	tourProduct = "counterfoil-tour" // of no real product, so that no real token is touched
	tourTime    = 2 * time.Minute    // at most, should a keyring wait for somebody who is not there
)

// tour plays a vendor, a customer and a few days on one machine in a few seconds.
type tour struct {
	c      *cli
	page   *page
	dir    string
	clock  *licensetest.Clock
	srv    *licensetest.Server
	sold   *practiceResult
	record *licensetest.Record
	lic    *license.Client
	steps  int
}

func (c *cli) tour(ctx context.Context) int {
	if c.json {
		return c.fail("", usagef("the tour has no -json; the commands have: see help"))
	}
	ctx, cancel := context.WithTimeout(ctx, tourTime)
	defer cancel()
	t := &tour{c: c, page: c.page(c.out)}
	err := t.prepare()
	if err == nil {
		err = t.walk(ctx)
	}
	if err = errors.Join(err, t.cleanUp()); err != nil {
		if errors.Is(ctx.Err(), context.Canceled) {
			err = errInterrupted
		}
		return c.fail("", err)
	}
	return exitOK
}

// prepare starts the server. Its clock, and the application's, stand at nine o'clock (UTC) today and move when the tour
// says so.
func (t *tour) prepare() (err error) {
	if t.dir, err = os.MkdirTemp("", "counterfoil-tour-"); err != nil {
		return err
	}
	const day = 24 * time.Hour
	t.clock = licensetest.NewClock(time.Now().UTC().Truncate(day).Add(9 * time.Hour))
	t.srv = licensetest.NewServer(licensetest.Config{Now: t.clock.Now})
	if err := t.srv.Start(); err != nil {
		return err
	}
	t.sold, t.record = practice(t.srv, tourProduct)
	return nil
}

func (t *tour) walk(ctx context.Context) error {
	t.say("Counterfoil: a license on this machine, from activation to deactivation. This program plays the vendor's license server (%s) and the application. Nothing leaves this machine, and nothing stays behind.",
		"Counterfoil: eine Lizenz auf diesem Rechner, von der Aktivierung bis zur Deaktivierung. Dieses Programm spielt den Lizenzserver des Anbieters (%s) und die Anwendung. Nichts verlässt diesen Rechner, und nichts bleibt zurück.",
		t.srv.URL())
	for _, step := range []func(context.Context) error{
		t.device, t.open, t.activate, t.token, t.checkToday, t.checkTomorrow, t.outage, t.back, t.deactivate,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// patience says after two seconds what the tour is waiting for, until stop is called.
func (t *tour) patience() (stop func()) {
	over := make(chan struct{})
	var waiting sync.WaitGroup
	waiting.Go(func() {
		select {
		case <-over:
		case <-time.After(2 * time.Second):
			t.c.page(t.c.err).para(text{
				"(The system's keyring does not answer. It may be waiting for somebody to unlock it; the tour goes on without it in some seconds.)",
				"(Der Schlüsselbund des Systems antwortet nicht. Vielleicht wartet er darauf, dass ihn jemand entsperrt; der Rundgang geht in einigen Sekunden ohne ihn weiter.)",
			}.in(t.c.lang))
		}
	})
	return func() { close(over); waiting.Wait() }
}

// cleanUp removes what is left. After a whole tour that is an empty folder.
func (t *tour) cleanUp() error {
	var errs []error
	if t.lic != nil {
		errs = append(errs, t.lic.Forget())
	}
	if t.srv != nil {
		t.srv.Close()
	}
	if t.dir != "" {
		errs = append(errs, os.RemoveAll(t.dir))
	}
	return errors.Join(errs...)
}

// head begins a step.
func (t *tour) head(en, de string) {
	t.steps++
	t.page.head(text{fmt.Sprintf("%d. %s", t.steps, en), fmt.Sprintf("%d. %s", t.steps, de)})
}

func (t *tour) say(en, de string, args ...any) {
	t.page.para(fmt.Sprintf(text{en, de}.in(t.c.lang), args...))
}

// call shows the line of Go that does it.
func (t *tour) call(line string) { fmt.Fprintln(t.page.w, "  > "+line) }

func (t *tour) row(en, de, value string) { t.page.row(text{en, de}.in(t.c.lang), value) }

// stands shows where the license stands.
func (t *tour) stands(s license.Status) {
	t.row("now", "jetzt", date(t.clock.Now()))
	t.row("state", "Zustand", s.State.String())
	t.row("for people", "für Menschen", s.Message(t.c.lang))
}

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/counterfoil-dev/counterfoil/lease"
	"github.com/counterfoil-dev/counterfoil/license"
	"github.com/counterfoil-dev/counterfoil/token"
)

const checksPath = "/v1/checks"

func (t *tour) device(context.Context) error {
	t.head("Which device is this?", "Welches Gerät ist das?")
	r, err := t.c.fingerprint(tourProduct, false)
	if err != nil {
		return err
	}
	r.print(t.page)
	if len(r.Fingerprint) == 0 {
		t.c.device = "demo-device"
		t.page.gap()
		t.say("The tour goes on as an application in a container would, with an identity of its own: Config.Device = %q.",
			"Der Rundgang geht weiter wie eine Anwendung in einem Container, mit einer eigenen Kennung: Config.Device = %q.", t.c.device)
	}
	return nil
}

func (t *tour) open(context.Context) (err error) {
	t.head("The application starts", "Die Anwendung startet")
	t.call("lic, err := license.Open(license.Config{Product: …, Server: …, Keys: …})")
	keys, err := lease.ParseKeySet(t.sold.Key)
	if err != nil {
		return err
	}
	t.lic, err = t.c.openWith(license.Config{
		Product: tourProduct, Server: t.sold.Server, Keys: keys, Dir: t.dir, Device: t.c.device, Now: t.clock.Now,
	})
	if err != nil {
		return err
	}
	t.stands(t.lic.Status())
	return nil
}

func (t *tour) activate(ctx context.Context) error {
	t.head("Activation", "Aktivierung")
	t.call("err := lic.Activate(ctx, license.Code(\"" + t.sold.Code + "\"))")
	stop := t.patience()
	err := t.lic.Activate(ctx, license.Code(t.sold.Code))
	stop()
	if e, ok := errors.AsType[*license.Error](err); ok && errors.Is(err, license.ErrNotStored) {
		t.say("%s", "%s", e.Message(t.c.lang)) // usable in this process, which is all that a tour needs
	} else if err != nil {
		return err
	}
	s := t.lic.Status()
	t.stands(s)
	used, total := s.Seats()
	t.row("seats", "Plätze", seats(used, total, t.c.lang))
	t.row("st.Has(\"export.pdf\")", "st.Has(\"export.pdf\")", fmt.Sprint(s.Has("export.pdf")))
	t.row("fields sent", "gesendete Felder", t.fields())
	return nil
}

// fields names what the latest request held.
func (t *tour) fields() string {
	requests := t.srv.Requests()
	var body map[string]json.RawMessage
	if len(requests) == 0 || json.Unmarshal(requests[len(requests)-1].Body, &body) != nil {
		return ""
	}
	return strings.Join(slices.Sorted(maps.Keys(body)), ", ")
}

func (t *tour) token(ctx context.Context) error {
	t.head("Where the token is kept", "Wo das Token liegt")
	t.say("The server has issued a token, the secret that proves from now on which activation asks.",
		"Der Server hat ein Token ausgestellt: das Geheimnis, mit dem sich diese Aktivierung von nun an ausweist.")
	t.c.tokenOf(ctx, t.lic.Token()).print(t.page)
	return nil
}

func (t *tour) checkToday(ctx context.Context) error {
	t.head("A check on the day of the activation", "Eine Prüfung am Tag der Aktivierung")
	return t.check(ctx, 0)
}

func (t *tour) checkTomorrow(ctx context.Context) error {
	t.head("The next day, and a second check on it", "Der nächste Tag, und eine zweite Prüfung daran")
	t.clock.Advance(24 * time.Hour)
	if err := t.check(ctx, 1); err != nil {
		return err
	}
	t.row("fields sent", "gesendete Felder", t.fields())
	t.clock.Advance(time.Hour)
	return t.check(ctx, 0)
}

// check makes a check that must reach the server as often as given.
func (t *tour) check(ctx context.Context, want int) error {
	t.call("st := lic.Check(ctx)")
	before := t.srv.Count(checksPath)
	s := t.lic.Check(ctx)
	sent := t.srv.Count(checksPath) - before
	t.stands(s)
	t.row("requests sent", "gesendete Anfragen", fmt.Sprint(sent))
	switch {
	case s.State != license.Active:
		return errors.Join(fmt.Errorf("the state is %s, want %s", s.State, license.Active), s.CheckErr())
	case sent != want:
		return fmt.Errorf("%d requests were sent, want %d", sent, want)
	}
	return nil
}

func (t *tour) outage(ctx context.Context) error {
	t.head("Another day, and the server is away", "Noch ein Tag, und der Server ist fort")
	t.srv.Close()
	t.clock.Advance(23 * time.Hour)
	t.call("st := lic.Check(ctx)")
	s := t.lic.Check(ctx)
	t.stands(s)
	t.row("st.Usable()", "st.Usable()", fmt.Sprint(s.Usable()))
	t.row("until", "bis", date(s.LeaseEnd()))
	if s.State != license.Grace {
		return fmt.Errorf("the state is %s, want %s", s.State, license.Grace)
	}

	t.page.gap()
	t.say("Should it never come back, the license lapses by itself on that day. Asked then, without any network or disk:",
		"Käme er nie zurück, verfiele die Lizenz an jenem Tag von selbst. Dann gefragt, ohne Netz und Festplatte:")
	t.call("st := lic.Status()")
	now := t.clock.Now()
	t.clock.Set(s.LeaseEnd())
	lapsed := t.lic.Status()
	t.stands(lapsed)
	t.clock.Set(now)
	if lapsed.State != license.Lapsed {
		return fmt.Errorf("the state is %s, want %s", lapsed.State, license.Lapsed)
	}
	return nil
}

func (t *tour) back(ctx context.Context) error {
	t.head("Later that day the server is back", "Später am selben Tag ist der Server wieder da")
	if err := t.srv.Start(); err != nil {
		return err
	}
	t.clock.Advance(time.Hour) // failed checks are repeated after a quarter of an hour at the earliest
	return t.check(ctx, 1)
}

func (t *tour) deactivate(ctx context.Context) error {
	t.head("Deactivation", "Deaktivierung")
	t.call("err := lic.Deactivate(ctx)")
	stop := t.patience()
	err := t.lic.Deactivate(ctx)
	stop()
	if err != nil {
		return err
	}
	s := t.lic.Status()
	t.stands(s)
	t.row("seats", "Plätze", seats(t.record.Seats(), 2, t.c.lang))
	kept := t.c.tokenOf(ctx, t.lic.Token())
	kept.print(t.page)
	if kept.Store != token.KindNone {
		return errors.New("the token is still stored")
	}
	t.lic = nil // nothing is left to clean up
	t.page.gap()
	t.say("That was the tour: the seat is free, the token is gone, and so is the folder %s. Next: README.md, and the commands of this program with \"help\".",
		"Das war der Rundgang: Der Platz ist frei, das Token ist gelöscht, ebenso der Ordner %s. Weiter geht es in README.md und mit den Befehlen dieses Programms: \"help\".", t.dir)
	return nil
}

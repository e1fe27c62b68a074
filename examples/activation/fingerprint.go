package main

import (
	"context"
	"errors"
	"flag"
	"slices"

	"github.com/counterfoil-dev/counterfoil/fingerprint"
)

func fingerprintCommand() *command {
	return &command{
		name:  "fingerprint",
		about: text{"show what identifies this device, and what the server sees of it", "zeigen, was dieses Gerät kennzeichnet und was der Server davon sieht"},
		more: text{
			"It reads the same sources as an activation would, with -product and -device, and sends nothing. With -server and -key it compares them with the stored license.",
			"Liest dieselben Quellen wie eine Aktivierung, mit -product und -device, und sendet nichts. Mit -server und -key vergleicht es sie mit der gespeicherten Lizenz.",
		},
		flags: func(c *cli, fs *flag.FlagSet) {
			fs.BoolVar(&c.reveal, "reveal", c.reveal, text{"show the raw identifiers too", "auch die Kennungen selbst zeigen"}.in(c.lang))
		},
		run: func(_ context.Context, c *cli, _ []string) (result, error) {
			return c.fingerprint(c.product, c.reveal)
		},
	}
}

type fingerprintResult struct {
	Product     string          `json:"product"`
	Fingerprint fingerprint.Set `json:"fingerprint"`
	Sources     []sourceResult  `json:"sources"`
	Verdict     string          `json:"verdict,omitempty"` // where a license is stored
	Container   string          `json:"container,omitempty"`
	Virtual     string          `json:"virtual_machine,omitempty"`
}

type sourceResult struct {
	Kind    fingerprint.Kind `json:"kind,omitempty"`
	Name    string           `json:"name"`
	Reads   string           `json:"reads"`
	Purpose string           `json:"purpose"`
	Used    bool             `json:"used"`
	Skipped string           `json:"skipped,omitempty"` // why
	Hint    string           `json:"hint,omitempty"`
	ID      string           `json:"id,omitempty"` // with -reveal alone

	why string // Skipped, for people
}

// why says the reason for which a source was skipped.
func why(r fingerprint.Reason) text {
	switch r {
	case fingerprint.Placeholder:
		return text{"a placeholder that many devices share", "ein Platzhalter, den viele Geräte gemeinsam haben"}
	case fingerprint.Permission:
		return text{"only an administrator may read it", "nur ein Administrator darf sie lesen"}
	case fingerprint.Malformed:
		return text{"damaged", "beschädigt"}
	case fingerprint.Container:
		return text{"the host's, seen from inside a container", "die des Wirts, aus einem Container gesehen"}
	case fingerprint.Unsupported:
		return text{"no way to it here", "hier kein Weg dorthin"}
	}
	return text{"not present", "nicht vorhanden"}
}

// fingerprint reads everything once. That nothing identifies the device is a result too.
func (c *cli) fingerprint(product string, reveal bool) (*fingerprintResult, error) {
	cfg := fingerprint.Config{Product: product, Caller: c.device}
	sources, err := fingerprint.Sources(cfg)
	if err != nil {
		return nil, &usageError{err}
	}
	where := fingerprint.ReadEnvironment()
	r := &fingerprintResult{Product: cfg.Product, Container: where.Container, Virtual: where.VirtualMachine}
	for _, s := range sources {
		v := sourceResult{Kind: s.Kind, Name: s.Name, Reads: s.Reads(c.lang), Purpose: s.Purpose(c.lang), Used: s.Used, Hint: s.Hint(c.lang)}
		if s.Err != nil {
			v.Skipped, v.why = s.Err.Reason.String(), why(s.Err.Reason).in(c.lang)
		}
		if reveal {
			v.ID, _ = s.Reveal()
		}
		r.Sources = append(r.Sources, v)
	}
	device, err := fingerprint.Read(cfg)
	if err != nil && !errors.Is(err, fingerprint.ErrUnavailable) {
		return nil, err
	}
	r.Fingerprint = device.Derive()
	r.Verdict, err = c.verdict(device)
	return r, err
}

// verdict compares the device with the one that the stored license names; nothing where the options name no license.
func (c *cli) verdict(device *fingerprint.Device) (string, error) {
	if c.server == "" || len(c.keys) == 0 {
		return "", nil
	}
	lic, err := c.open()
	if err != nil {
		return "", err
	}
	pinned := lic.Status().Fingerprints()
	if len(pinned) == 0 {
		return text{"no license is stored to compare with", "keine Lizenz zum Vergleich gespeichert"}.in(c.lang), nil
	}
	return device.Verify(pinned).Message(c.lang), nil
}

func (r *fingerprintResult) exit() int {
	if len(r.Fingerprint) == 0 {
		return exitFailed
	}
	return exitOK
}

func (r *fingerprintResult) print(p *page) {
	say := func(en, de string) string { return text{en, de}.in(p.lang) }
	if len(r.Fingerprint) == 0 {
		p.para(say(
			"Nothing here identifies the device. In a container that is as it should be: there the application supplies an identity (-device).",
			"Nichts hier kennzeichnet das Gerät. In einem Container ist das richtig so: Dort gibt die Anwendung eine Kennung mit (-device)."))
	} else {
		p.para(say("This is what the license server is told to recognize the device by:",
			"Daran erkennt der Lizenzserver das Gerät; mehr wird ihm darüber nicht mitgeteilt:"))
	}
	for _, kind := range kinds {
		p.row(string(kind), r.Fingerprint[kind])
	}
	p.row(say("compared", "verglichen"), r.Verdict)
	for _, kind := range kinds {
		r.printSources(p, kind)
	}
	if r.Container != "" || r.Virtual != "" {
		p.head(text{"This program runs in", "Dieses Programm läuft in"})
		p.row(say("container", "Container"), r.Container)
		p.row(say("virtual machine", "virtuelle Maschine"), r.Virtual)
	}
}

var kinds = [...]fingerprint.Kind{fingerprint.BIOSUUID, fingerprint.OSInstall, fingerprint.Caller}

// printSources shows the sources of a kind: those that were skipped for one reason together.
func (r *fingerprintResult) printSources(p *page, kind fingerprint.Kind) {
	say := func(en, de string) string { return text{en, de}.in(p.lang) }
	var skipped []sourceResult // one for each reason, with all names
	begun := false
	for _, s := range r.Sources {
		if s.Kind != kind {
			continue
		}
		if !begun {
			p.gap()
			p.para(string(kind) + ": " + s.Reads)
			begun = true
		}
		if s.Used {
			p.row(say("used", "genutzt"), s.Name)
			p.row(say("what for", "wozu"), s.Purpose)
			p.row(say("raw identifier", "Kennung"), s.ID)
			continue
		}
		if s.why == "" {
			s.why = say("not needed", "nicht gebraucht")
		}
		i := slices.IndexFunc(skipped, func(o sourceResult) bool { return o.why == s.why && o.Hint == s.Hint })
		if i < 0 {
			skipped = append(skipped, s)
		} else {
			skipped[i].Name += ", " + s.Name
		}
	}
	for _, s := range skipped {
		p.row(say("not used", "nicht genutzt"), s.why+" ("+s.Name+")")
		p.row(say("what helps", "was hilft"), s.Hint)
	}
}

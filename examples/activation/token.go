package main

import (
	"context"

	"github.com/counterfoil-dev/counterfoil/token"
)

func tokenCommand() *command {
	return &command{
		name: "token", args: "[status|migrate]", most: 1,
		about: text{"say where the token is kept, or move it into the keyring", "sagen, wo das Token liegt, oder es in den Schlüsselbund bringen"},
		more: text{
			"The token itself is never shown. migrate may ask to unlock the keyring.",
			"Das Token selbst wird nie gezeigt. migrate kann darum bitten, den Schlüsselbund zu entsperren.",
		},
		run: func(ctx context.Context, c *cli, args []string) (result, error) {
			do := "status"
			if len(args) > 0 {
				do = args[0]
			}
			if do != "status" && do != "migrate" {
				return nil, usagef("token %s: want status or migrate", do)
			}
			lic, err := c.open()
			if err != nil {
				return nil, err
			}
			if do == "migrate" {
				if err := lic.Token().Migrate(ctx); err != nil {
					return nil, err
				}
			}
			return c.tokenOf(ctx, lic.Token()), nil
		},
	}
}

type tokenResult struct {
	Store      token.Kind `json:"store"`
	Place      string     `json:"place,omitempty"`
	Unsaved    bool       `json:"unsaved,omitempty"`
	Protection string     `json:"protection,omitempty"`
	Why        string     `json:"why,omitempty"` // not in a keyring
	Advice     string     `json:"advice,omitempty"`
}

func (c *cli) tokenOf(ctx context.Context, v *token.Vault) *tokenResult {
	s := v.Status(ctx)
	return &tokenResult{
		Store: s.Store, Place: s.Place, Unsaved: s.Unsaved,
		Protection: s.Protection(c.lang), Why: s.Reason(c.lang), Advice: s.Advice(c.lang),
	}
}

func (r *tokenResult) exit() int { return exitOK }

func (r *tokenResult) print(p *page) {
	say := func(en, de string) string { return text{en, de}.in(p.lang) }
	if r.Store == token.KindNone && !r.Unsaved {
		p.row(say("token", "Token"), say("none is stored", "keines gespeichert"))
	} else {
		p.row(say("token kept in", "Token liegt in"), map[token.Kind]string{
			token.KindCustom:      say("a store of the application", "einem Speicher der Anwendung"),
			token.KindEnvironment: say("the environment", "der Umgebung"),
			token.KindCredentials: say("systemd's credentials", "den Credentials von systemd"),
			token.KindKeyring:     say("the keyring", "dem Schlüsselbund"),
			token.KindFile:        say("a file", "einer Datei"),
			token.KindNone:        say("memory alone", "dem Arbeitsspeicher"),
		}[r.Store])
	}
	p.row(say("place", "Ort"), r.Place)
	p.row(say("protection", "Schutz"), r.Protection)
	p.row(say("no keyring", "kein Schlüsselbund"), r.Why)
	p.row(say("what helps", "was hilft"), r.Advice)
}

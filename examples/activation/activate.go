package main

import (
	"context"
	"flag"

	"github.com/counterfoil-dev/counterfoil/license"
)

func activateCommand() *command {
	return &command{
		name: "activate", args: "[CODE]", most: 1,
		about: text{"activate this device with an activation code", "dieses Gerät mit einem Aktivierungscode aktivieren"},
		more: text{
			"Without CODE it is asked for, or read from standard input: better, since a machine's other users can see the arguments of its programs. Repeating the activation takes no second seat.",
			"Ohne CODE wird danach gefragt, oder er wird von der Standardeingabe gelesen: Das ist besser, denn die Argumente eines Programms kann jeder Benutzer des Rechners sehen. Eine Wiederholung belegt keinen zweiten Platz.",
		},
		flags: labelFlag,
		run: func(ctx context.Context, c *cli, args []string) (result, error) {
			code, err := c.code(ctx, args)
			if err != nil {
				return nil, err
			}
			return c.activate(ctx, license.Code(code))
		},
	}
}

func loginCommand() *command {
	return &command{
		name: "login", args: "[E-MAIL]", most: 1,
		about: text{"activate this device with an account", "dieses Gerät mit einem Konto aktivieren"},
		more: text{
			"The password is asked for without showing it, or read from standard input: first the e-mail if it is no argument, then the password, a line each. It is sent once and kept nowhere. An account with several licenses gets a list: choose with -license.",
			"Das Passwort wird verdeckt abgefragt oder von der Standardeingabe gelesen: erst die E-Mail, wenn sie kein Argument ist, dann das Passwort, je eine Zeile. Es wird einmal gesendet und nirgends aufbewahrt. Ein Konto mit mehreren Lizenzen bekommt eine Liste: Wählen Sie mit -license.",
		},
		flags: func(c *cli, fs *flag.FlagSet) {
			labelFlag(c, fs)
			fs.StringVar(&c.license, "license", c.license, text{"`id` of one of the account's licenses", "`Id` einer der Lizenzen des Kontos"}.in(c.lang))
		},
		run: func(ctx context.Context, c *cli, args []string) (result, error) {
			email, err := c.arg(ctx, args, text{"E-mail", "E-Mail"})
			if err != nil {
				return nil, err
			}
			password, err := c.in.secret(ctx, text{"Password", "Passwort"}.in(c.lang))
			if err != nil {
				return nil, err
			}
			claim := license.Account(email, password)
			claim.License = c.license
			return c.activate(ctx, claim)
		},
	}
}

func labelFlag(c *cli, fs *flag.FlagSet) {
	fs.StringVar(&c.label, "label", c.label, text{
		"`name` that tells your devices apart in the vendor's lists (default: none is sent)",
		"`Name`, der Ihre Geräte in den Listen des Anbieters unterscheidet (Vorgabe: keiner wird gesendet)",
	}.in(c.lang))
}

func (c *cli) activate(ctx context.Context, claim license.Claim) (result, error) {
	lic, err := c.open()
	if err != nil {
		return nil, err
	}
	claim.Label = c.label
	if err := lic.Activate(ctx, claim); err != nil {
		return nil, err
	}
	r := c.statusOf(lic.Status())
	r.Token = c.tokenOf(ctx, lic.Token())
	return r, nil
}

func (c *cli) code(ctx context.Context, args []string) (string, error) {
	return c.arg(ctx, args, text{"Activation code", "Aktivierungscode"})
}

// arg is the argument, or else what a person enters.
func (c *cli) arg(ctx context.Context, args []string, prompt text) (string, error) {
	if len(args) > 0 {
		return args[0], nil
	}
	return c.in.line(ctx, prompt.in(c.lang))
}

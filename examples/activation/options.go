package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
)

// options are the flags of all commands. Secrets are never among them: other users of a machine can see the arguments
// of its processes.
type options struct {
	server, product, state, device, lang string
	keys                                 []string
	json, help                           bool

	label, license string // activate, login
	qr, reveal     bool   // offline-request, fingerprint
}

// defaults are the options before any flag, from the environment.
func defaults(env func(string) string) options {
	o := options{
		server:  env("COUNTERFOIL_SERVER"),
		product: env("COUNTERFOIL_PRODUCT"),
		state:   env("COUNTERFOIL_STATE"),
		device:  env("COUNTERFOIL_DEVICE"),
		keys:    strings.Fields(env("COUNTERFOIL_KEY")),
	}
	if o.product == "" {
		o.product = "acme-editor"
	}
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if o.lang = env(name); o.lang != "" {
			break
		}
	}
	return o
}

// flagSet defines the flags that every command has, and those of cmd. What was parsed before it stays.
func (c *cli) flagSet(cmd *command) *flag.FlagSet {
	fs := flag.NewFlagSet("", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.Usage = func() {}
	say := func(en, de string) string { return text{en, de}.in(c.lang) }
	fs.StringVar(&c.server, "server", c.server, say("address of the license server, a `URL`", "Adresse des Lizenzservers, eine `URL`"))
	given := false
	fs.Func("key", say("public `key` of the license server, as \"id:key\"; repeat it for several",
		"öffentlicher `Schlüssel` des Lizenzservers, als \"id:schlüssel\"; mehrfach für mehrere"), func(s string) error {
		if !given { // the first one replaces the environment's
			c.keys, given = nil, true
		}
		c.keys = append(c.keys, s)
		return nil
	})
	fs.StringVar(&c.product, "product", c.product, say("`name` of the product at the license server", "`Name` des Produkts beim Lizenzserver"))
	fs.StringVar(&c.state, "state", c.state, say("`folder` for license and token (default: the product's own among the user's state)",
		"`Ordner` für Lizenz und Token (Vorgabe: der des Produkts beim Benutzer)"))
	fs.StringVar(&c.device, "device", c.device, say("`identity` to use in place of the system's, as in containers",
		"`Kennung` anstelle derer des Systems, etwa in Containern"))
	fs.StringVar(&c.lang, "lang", c.lang, say("`language`: en or de (default: the environment's)", "`Sprache`: en oder de (Vorgabe: die der Umgebung)"))
	fs.BoolVar(&c.json, "json", c.json, say("print one JSON object, errors too", "ein JSON-Objekt ausgeben, auch bei Fehlern"))
	fs.BoolVar(&c.help, "help", c.help, say("show this help", "diese Hilfe zeigen"))
	fs.BoolVar(&c.help, "h", c.help, "")
	if cmd != nil && cmd.flags != nil {
		cmd.flags(c, fs)
	}
	return fs
}

func (c *cli) helpAll() {
	p := c.page(c.out)
	p.para("activation [command] [flags]")
	p.para(text{
		"Without a command it is a tour of the library on this machine: nothing needs to be set up, nothing leaves the machine, and nothing stays behind.",
		"Ohne Befehl ist es ein Rundgang durch die Bibliothek auf diesem Rechner: Nichts muss eingerichtet werden, nichts verlässt den Rechner, nichts bleibt zurück.",
	}.in(c.lang))
	p.head(text{"Commands", "Befehle"})
	for _, cmd := range commands() {
		p.row(cmd.name, cmd.about.in(c.lang))
	}
	c.helpFlags(p, nil)
	p.head(text{"Environment", "Umgebung"})
	p.para(text{
		"COUNTERFOIL_SERVER, COUNTERFOIL_KEY (several separated by spaces), COUNTERFOIL_PRODUCT, COUNTERFOIL_STATE and COUNTERFOIL_DEVICE stand in for flags that are not given.",
		"COUNTERFOIL_SERVER, COUNTERFOIL_KEY (mehrere durch Leerzeichen getrennt), COUNTERFOIL_PRODUCT, COUNTERFOIL_STATE und COUNTERFOIL_DEVICE treten an die Stelle fehlender Angaben.",
	}.in(c.lang))
	p.head(text{"Exit codes", "Rückgabewerte"})
	for _, e := range exits {
		p.row(fmt.Sprint(e.code), e.about.in(c.lang))
	}
}

func (c *cli) helpFor(cmd *command) {
	p := c.page(c.out)
	p.para(strings.TrimSpace("activation " + cmd.name + " " + cmd.args + " [flags]"))
	about := cmd.about.in(c.lang)
	p.para(strings.ToUpper(about[:1]) + about[1:] + ".") // all begin with a letter of ASCII
	if more := cmd.more.in(c.lang); more != "" {
		p.para(more)
	}
	c.helpFlags(p, cmd)
}

func (c *cli) helpFlags(p *page, cmd *command) {
	p.head(text{"Flags", "Angaben"})
	c.flagSet(cmd).VisitAll(func(f *flag.Flag) {
		if f.Usage == "" {
			return
		}
		name, usage := flag.UnquoteUsage(f)
		p.row(strings.TrimSpace("-"+f.Name+" "+name), usage)
	})
}

// text is a sentence in the two languages of this program.
type text struct{ en, de string }

func (t text) in(lang string) string {
	if strings.HasPrefix(strings.ToLower(lang), "de") {
		return t.de
	}
	return t.en
}

var errNoInput = errors.New("nothing was entered")

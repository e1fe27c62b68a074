package main

import (
	"context"
	"fmt"

	"github.com/counterfoil-dev/counterfoil/lease"
	"github.com/counterfoil-dev/counterfoil/licensetest"
)

func serveCommand() *command {
	return &command{
		name:  "serve",
		about: text{"run a license server for practice, in memory and on loopback", "einen Lizenzserver zum Üben betreiben, im Arbeitsspeicher und nur auf diesem Rechner"},
		more: text{
			"It forgets everything when it ends. It answers offline requests too: paste one and press Enter.",
			"Er vergisst alles, wenn er endet. Er beantwortet auch Offline-Anfragen: Fügen Sie eine ein und drücken Sie die Eingabetaste.",
		},
		run: func(ctx context.Context, c *cli, _ []string) (result, error) {
			srv := licensetest.NewServer(licensetest.Config{})
			if err := srv.Start(); err != nil {
				return nil, err
			}
			defer srv.Close()
			sold, _ := practice(srv, c.product)
			c.done("serve", sold)
			c.answer(ctx, srv)
			return nil, nil
		},
	}
}

const (
	demoEmail    = "demo@example.com"
	demoPassword = "correct horse battery staple"
)

// practice fills a server with something to claim, and returns the license of the code too.
func practice(srv *licensetest.Server, product string) (*practiceResult, *licensetest.Record) {
	projects := int64(10)
	single := srv.AddLicense(licensetest.License{
		Product: product, Edition: "Pro", Seats: 2,
		Entitlements: map[string]lease.Entitlement{"export.pdf": {}, "projects": {Limit: &projects}},
	})
	subscription := srv.AddLicense(licensetest.License{Product: product, Kind: lease.KindSubscription, Edition: "Team", Seats: 5})
	srv.AddAccount(demoEmail, demoPassword, subscription)
	return &practiceResult{
		Server: srv.URL(), Key: srv.PublicKey(), Product: product, Code: single.Code, Email: demoEmail, Password: demoPassword,
	}, single
}

type practiceResult struct {
	Server   string `json:"server"`
	Key      string `json:"key"`
	Product  string `json:"product"`
	Code     string `json:"code"`
	Email    string `json:"email"`
	Password string `json:"password"`
}

func (r *practiceResult) exit() int { return exitOK }

func (r *practiceResult) print(p *page) {
	say := func(en, de string) string { return text{en, de}.in(p.lang) }
	p.para(say("A license server for practice runs until Ctrl-C. In another terminal:",
		"Ein Lizenzserver zum Üben läuft bis Strg-C. In einem anderen Terminal:"))
	p.gap()
	fmt.Fprintf(p.w, "  export COUNTERFOIL_SERVER=%s\n  export COUNTERFOIL_KEY=%s\n  export COUNTERFOIL_PRODUCT=%s\n", r.Server, r.Key, r.Product)
	fmt.Fprintln(p.w, "  go run ./examples/activation activate")
	p.gap()
	p.row(say("activation code", "Aktivierungscode"), r.Code)
	p.row(say("account", "Konto"), r.Email)
	p.row(say("password", "Passwort"), r.Password)
}

// answer answers offline requests, a line each, until ctx ends.
func (c *cli) answer(ctx context.Context, srv *licensetest.Server) {
	lines := make(chan string)
	go func() { // ends with the input, or with the process
		defer close(lines)
		for {
			s, err := c.in.readLine()
			if err != nil {
				return
			}
			select {
			case lines <- s:
			case <-ctx.Done():
				return
			}
		}
	}()
	for {
		select {
		case <-ctx.Done():
			return
		case s, ok := <-lines:
			if !ok {
				lines = nil
				continue
			}
			if s == "" {
				continue
			}
			answer, err := srv.AnswerOffline(s)
			if err != nil {
				fmt.Fprintln(c.err, err)
				continue
			}
			fmt.Fprintln(c.out, answer)
		}
	}
}

package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/counterfoil-dev/counterfoil/server"
)

type accountCmd struct {
	Create   accountCreate   `cmd:"" help:"Add an account. Its password is read from standard input."`
	Claim    accountClaim    `cmd:"" help:"Let an account claim more licenses."`
	Password accountPassword `cmd:"" help:"Replace a password, read from standard input."`
	List     accountList     `cmd:"" help:"List accounts."`
	Delete   accountDelete   `cmd:"" help:"Delete an account. Its licenses stay."`
}

type accountCreate struct {
	Email    string   `arg:""`
	License  []string `help:"License that the account claims." placeholder:"LICENSE"`
	Generate bool     `help:"Make a password and print it."`
}

func (c *accountCreate) Run(ctx context.Context, a *app) error {
	v, err := a.vendor(ctx)
	if err != nil {
		return err
	}
	password, made, err := a.password(c.Generate)
	if err != nil {
		return err
	}
	account, err := v.AddAccount(ctx, c.Email, password, c.License...)
	if err != nil {
		return err
	}
	return a.showAccount(account, made)
}

// showAccount shows an account; a password that was made just now too.
func (a *app) showAccount(account server.Account, made string) error {
	view := struct {
		Account  string `json:"account"`
		Email    string `json:"email"`
		Password string `json:"password,omitempty"`
	}{account.ID, account.Email, made}
	return a.out.show(view, func(w io.Writer) {
		fmt.Fprintf(w, "account   %s\n", account.Email)
		if made != "" {
			fmt.Fprintf(w, "password  %s\n", made)
		}
	})
}

type accountClaim struct {
	Email   string   `arg:""`
	License []string `arg:"" help:"Licenses."`
}

func (c *accountClaim) Run(ctx context.Context, a *app) error {
	return a.act(ctx, func(v *server.Vendor) error { return v.Claim(ctx, c.Email, c.License...) })
}

type accountPassword struct {
	Email    string `arg:""`
	Generate bool   `help:"Make a password and print it."`
}

func (c *accountPassword) Run(ctx context.Context, a *app) error {
	v, err := a.vendor(ctx)
	if err != nil {
		return err
	}
	password, made, err := a.password(c.Generate)
	if err != nil {
		return err
	}
	if err := v.SetPassword(ctx, c.Email, password); err != nil {
		return err
	}
	return a.showAccount(server.Account{Email: c.Email}, made)
}

type accountList struct{}

func (c *accountList) Run(ctx context.Context, a *app) error {
	v, err := a.vendor(ctx)
	if err != nil {
		return err
	}
	list, err := v.Accounts(ctx)
	if err != nil {
		return err
	}
	type accountView struct {
		Account string `json:"account"`
		Email   string `json:"email"`
		Created string `json:"created"`
	}
	views := []accountView{}
	for _, l := range list {
		views = append(views, accountView{l.ID, l.Email, day(l.Created)})
	}
	return a.out.show(views, table("EMAIL\tCREATED", views, func(v accountView) []any { return []any{v.Email, v.Created} }))
}

type accountDelete struct {
	Email string `arg:""`
}

func (c *accountDelete) Run(ctx context.Context, a *app) error {
	return a.act(ctx, func(v *server.Vendor) error { return v.DeleteAccount(ctx, c.Email) })
}

// act runs f, which answers nothing but whether it worked.
func (a *app) act(ctx context.Context, f func(*server.Vendor) error) error {
	v, err := a.vendor(ctx)
	if err == nil {
		err = f(v)
	}
	if err != nil {
		return err
	}
	return a.done()
}

func (a *app) done() error {
	return a.out.show(struct {
		Done bool `json:"done"`
	}{true}, func(w io.Writer) { fmt.Fprintln(w, "done") })
}

// password reads one, or makes one.
func (a *app) password(generate bool) (password, made string, err error) {
	if generate {
		p := rand.Text()
		return p, p, nil
	}
	password, err = a.line("password")
	return password, "", err
}

// line reads a line from standard input: secrets are no arguments, which others on the machine can see.
func (a *app) line(what string) (string, error) {
	if f, ok := a.stdin.(*os.File); ok {
		if st, err := f.Stat(); err == nil && st.Mode()&os.ModeCharDevice != 0 {
			fmt.Fprintf(a.out.stderr, "%s: ", what)
		}
	}
	text, err := bufio.NewReader(io.LimitReader(a.stdin, 4096)).ReadString('\n')
	if err != nil && (!errors.Is(err, io.EOF) || text == "") {
		return "", usage(fmt.Errorf("%s: want a line on standard input: %w", what, err))
	}
	return strings.TrimRight(text, "\r\n"), nil
}

type activationCmd struct {
	List        activationList    `cmd:"" help:"List the devices that hold a license, or how often it moved."`
	Release     activationRelease `cmd:"" help:"Take the seat of a device back."`
	RenewToken  activationRenew   `cmd:"" help:"Have a device replace its token."`
	AllowRebind activationAllow   `cmd:"" help:"Allow a license more moves to other hardware."`
}

type activationList struct {
	License string `arg:""`
	Rebinds bool   `help:"List the moves of the last 365 days that count towards the limit."`
}

func (c *activationList) Run(ctx context.Context, a *app) error {
	v, err := a.vendor(ctx)
	if err != nil {
		return err
	}
	if c.Rebinds {
		return c.moves(ctx, a, v)
	}
	list, err := v.Activations(ctx, c.License)
	if err != nil {
		return err
	}
	type activationView struct {
		Activation string `json:"activation"`
		Seat       string `json:"seat"`
		Label      string `json:"label,omitempty"`
		Created    string `json:"created"`
		Seen       string `json:"seen"`
	}
	views := []activationView{}
	for _, in := range list {
		views = append(views, activationView{in.ID, in.Seat, in.Label, day(in.Created), day(in.Seen)})
	}
	return a.out.show(views, table("ACTIVATION\tSEAT\tLABEL\tCREATED\tSEEN (checks are not recorded)", views, func(v activationView) []any {
		return []any{v.Activation, v.Seat, v.Label, v.Created, v.Seen}
	}))
}

func (c *activationList) moves(ctx context.Context, a *app, v *server.Vendor) error {
	list, err := v.Moves(ctx, c.License)
	if err != nil {
		return err
	}
	type moveView struct {
		Time string `json:"time"`
		Kind string `json:"kind"`
		Seat string `json:"seat"`
	}
	views := []moveView{}
	for _, m := range list {
		kind := "deactivation"
		if m.Rebind {
			kind = "rebinding"
		}
		views = append(views, moveView{day(m.At), kind, m.Seat})
	}
	return a.out.show(views, table("TIME\tKIND\tSEAT", views, func(v moveView) []any { return []any{v.Time, v.Kind, v.Seat} }))
}

type activationRelease struct {
	Activation string `arg:""`
}

func (c *activationRelease) Run(ctx context.Context, a *app) error {
	return a.act(ctx, func(v *server.Vendor) error { return v.Release(ctx, c.Activation) })
}

type activationRenew struct {
	Activation string `arg:""`
}

func (c *activationRenew) Run(ctx context.Context, a *app) error {
	return a.act(ctx, func(v *server.Vendor) error { return v.RenewToken(ctx, c.Activation) })
}

type activationAllow struct {
	License string `arg:""`
	Moves   int    `arg:"" optional:"" default:"1" help:"How many more."`
}

func (c *activationAllow) Run(ctx context.Context, a *app) error {
	return a.change(ctx, c.License, func(v *server.Vendor) error { return v.AllowRebind(ctx, c.License, c.Moves) })
}

package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/counterfoil-dev/counterfoil/lease"
	"github.com/counterfoil-dev/counterfoil/server"
)

type licenseCmd struct {
	Create    licenseCreate    `cmd:"" help:"Make licenses, with an activation code each."`
	List      licenseList      `cmd:"" help:"List licenses."`
	Show      licenseShow      `cmd:"" help:"Show a license."`
	Find      licenseFind      `cmd:"" help:"Find the license of an activation code, read from standard input."`
	Suspend   licenseSuspend   `cmd:"" help:"Pause a license."`
	Reinstate licenseReinstate `cmd:"" help:"Undo suspend and revoke."`
	Revoke    licenseRevoke    `cmd:"" help:"End a license early."`
	Renew     licenseRenew     `cmd:"" help:"Set when a license ends."`
	Codes     licenseCodes     `cmd:"" help:"List what is known of a license's codes, or make a new one."`
}

type licenseCreate struct {
	Product      string   `required:"" help:"Product."`
	NewProduct   bool     `help:"Add the product if there is none of that name."`
	Edition      string   `help:"Edition of the product."`
	Entitlement  []string `help:"One more capability, or another limit than the edition's: name or name=limit." placeholder:"NAME[=LIMIT]"`
	Subscription bool     `help:"A subscription, which an account claims instead of a code."`
	Seats        int      `help:"How many devices may hold it; 0 for any number." default:"1"`
	End          string   `help:"Last day, such as 2027-12-31, or never." default:"never"`
	Note         string   `help:"Your own reference, such as an order number. Devices never see it."`
	Count        int      `help:"How many licenses, as for a distributor." default:"1"`
	Batch        string   `help:"Name of the batch."`
	CSV          string   `name:"csv" help:"Write ids and codes into this new file instead." placeholder:"FILE"`
}

type soldView struct {
	License string `json:"license"`
	Code    string `json:"code,omitempty"`
}

func (c *licenseCreate) Run(ctx context.Context, a *app) (err error) {
	end, err := parseEnd(c.End)
	if err != nil {
		return err
	}
	ents, err := parseEntitlements(c.Entitlement)
	if err != nil {
		return err
	}
	v, err := a.vendor(ctx)
	if err != nil {
		return err
	}
	// Codes are shown once: find out before they are made whether they can be written.
	var file *os.File
	made := false // once the licenses are, the file may be the only one that knows their codes
	if c.CSV != "" {
		if file, err = os.OpenFile(c.CSV, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600); err != nil {
			return usage(fmt.Errorf("--csv: %w", err))
		}
		defer func() {
			err = errors.Join(err, file.Close())
			if !made {
				err = errors.Join(err, os.Remove(c.CSV))
			}
		}()
	}
	if err := c.product(ctx, v); err != nil {
		return err
	}
	t := server.Terms{Product: c.Product, Kind: lease.KindSingle, Edition: c.Edition, Entitlements: ents, Seats: c.Seats, End: end, Note: c.Note}
	if c.Subscription {
		t.Kind = lease.KindSubscription
	}
	sold, err := v.Sell(ctx, t, c.Count, c.Batch)
	if err != nil {
		return err
	}
	made = true
	if file != nil {
		if err := writeCSV(file, sold); err != nil {
			return fmt.Errorf("--csv: the licenses are made, but not all is in the file; `counterfoild license codes LICENSE --replace` makes a new code: %w", err)
		}
		return a.out.show(map[string]any{"licenses": len(sold), "csv": c.CSV}, func(w io.Writer) {
			fmt.Fprintf(w, "%d licenses with codes in %s\nThe codes are nowhere else: keep the file safe.\n", len(sold), filepath.Clean(c.CSV))
		})
	}
	views := []soldView{}
	for _, s := range sold {
		views = append(views, soldView(s))
	}
	return a.out.show(views, func(w io.Writer) {
		for _, s := range sold {
			fmt.Fprintf(w, "license  %s\n", s.License)
			if s.Code != "" {
				fmt.Fprintf(w, "code     %s\n", s.Code)
			}
		}
		if t.Kind == lease.KindSingle {
			fmt.Fprintln(w, "\nThe code is shown this once; the server keeps only its hash.")
		} else {
			fmt.Fprintf(w, "\nLet an account claim it: counterfoild account create EMAIL --license %s\n", sold[0].License)
		}
	})
}

func (c *licenseCreate) product(ctx context.Context, v *server.Vendor) error {
	_, _, err := v.Product(ctx, c.Product)
	if !errors.Is(err, server.ErrNotFound) {
		return err
	}
	if !c.NewProduct {
		return coded{fmt.Errorf("--product: there is no product %q; `counterfoild product list` lists them, --new-product adds it", c.Product), exitNotFound}
	}
	_, err = v.PutProduct(ctx, server.Product{Name: c.Product})
	return err
}

func writeCSV(f *os.File, sold []server.Sold) error {
	w := csv.NewWriter(f)
	rows := [][]string{{"license", "code"}}
	for _, s := range sold {
		rows = append(rows, []string{s.License, s.Code})
	}
	return errors.Join(w.WriteAll(rows), f.Sync())
}

type licenseView struct {
	License      string                       `json:"license"`
	Product      string                       `json:"product"`
	Kind         lease.Kind                   `json:"kind"`
	Standing     string                       `json:"standing"`
	Edition      string                       `json:"edition,omitempty"`
	Entitlements map[string]lease.Entitlement `json:"entitlements,omitempty"`
	Used         int                          `json:"seats_used"`
	Seats        int                          `json:"seats"`
	End          string                       `json:"end,omitempty"`
	Suspended    string                       `json:"suspended,omitempty"`
	Revoked      string                       `json:"revoked,omitempty"`
	Granted      int                          `json:"moves_granted,omitempty"`
	Batch        string                       `json:"batch,omitempty"`
	Note         string                       `json:"note,omitempty"`
	Created      string                       `json:"created"`
}

func (a *app) viewLicense(l server.License) licenseView {
	standing := string(l.Standing(a.unix()))
	if standing == "ok" {
		standing = "active"
	}
	return licenseView{
		License: l.ID, Product: l.Product, Kind: l.Kind, Standing: standing, Edition: l.Edition, Entitlements: l.Entitlements,
		Used: l.Used, Seats: l.Seats, End: day(l.End), Suspended: day(l.Suspended), Revoked: day(l.Revoked), Granted: l.Granted,
		Batch: l.Batch, Note: l.Note, Created: day(l.Created),
	}
}

func (v licenseView) seats() string {
	if v.Seats == 0 {
		return fmt.Sprintf("%d of any number", v.Used)
	}
	return fmt.Sprintf("%d of %d", v.Used, v.Seats)
}

func (a *app) showLicense(l server.License) error {
	v := a.viewLicense(l)
	return a.out.show(v, func(w io.Writer) {
		for _, f := range []struct{ name, value string }{
			{"license", v.License}, {"product", v.Product}, {"kind", string(v.Kind)}, {"standing", v.Standing}, {"edition", v.Edition},
			{"entitlements", spellEntitlements(v.Entitlements)}, {"seats", v.seats()}, {"end", v.End}, {"suspended", v.Suspended},
			{"revoked", v.Revoked}, {"batch", v.Batch}, {"note", v.Note}, {"created", v.Created},
		} {
			if f.value != "" {
				fmt.Fprintf(w, "%-13s %s\n", f.name, f.value)
			}
		}
	})
}

type licenseList struct {
	Product string `help:"Of this product only."`
	Limit   int    `help:"At most so many." default:"1000"`
	After   string `help:"Go on after this id." placeholder:"LICENSE"`
}

func (c *licenseList) Run(ctx context.Context, a *app) error {
	v, err := a.vendor(ctx)
	if err != nil {
		return err
	}
	list, err := v.Licenses(ctx, c.Product, c.After, max(c.Limit, 1))
	if err != nil {
		return err
	}
	views := []licenseView{}
	for _, l := range list {
		views = append(views, a.viewLicense(l))
	}
	return a.out.show(views, table("LICENSE\tPRODUCT\tKIND\tSTANDING\tEDITION\tSEATS\tEND\tNOTE", views, func(v licenseView) []any {
		return []any{v.License, v.Product, v.Kind, v.Standing, v.Edition, v.seats(), v.End, v.Note}
	}))
}

type licenseShow struct {
	License string `arg:""`
}

func (c *licenseShow) Run(ctx context.Context, a *app) error {
	v, err := a.vendor(ctx)
	if err != nil {
		return err
	}
	l, err := v.License(ctx, c.License)
	if err != nil {
		return err
	}
	return a.showLicense(l)
}

type licenseFind struct{}

func (c *licenseFind) Run(ctx context.Context, a *app) error {
	v, err := a.vendor(ctx)
	if err != nil {
		return err
	}
	code, err := a.line("activation code")
	if err != nil {
		return err
	}
	l, err := v.LicenseByCode(ctx, code)
	if err != nil {
		return err
	}
	return a.showLicense(l)
}

// change does something to a license and shows it.
func (a *app) change(ctx context.Context, id string, f func(*server.Vendor) error) error {
	v, err := a.vendor(ctx)
	if err != nil {
		return err
	}
	if err := f(v); err != nil {
		return err
	}
	l, err := v.License(ctx, id)
	if err != nil {
		return err
	}
	return a.showLicense(l)
}

type licenseSuspend struct {
	License string `arg:""`
}

func (c *licenseSuspend) Run(ctx context.Context, a *app) error {
	return a.change(ctx, c.License, func(v *server.Vendor) error { return v.Suspend(ctx, c.License) })
}

type licenseReinstate struct {
	License string `arg:""`
}

func (c *licenseReinstate) Run(ctx context.Context, a *app) error {
	return a.change(ctx, c.License, func(v *server.Vendor) error { return v.Reinstate(ctx, c.License) })
}

type licenseRevoke struct {
	License string `arg:""`
}

func (c *licenseRevoke) Run(ctx context.Context, a *app) error {
	return a.change(ctx, c.License, func(v *server.Vendor) error { return v.Revoke(ctx, c.License) })
}

type licenseRenew struct {
	License string `arg:""`
	End     string `arg:"" help:"Last day, such as 2027-12-31, or never."`
}

func (c *licenseRenew) Run(ctx context.Context, a *app) error {
	end, err := parseEnd(c.End)
	if err != nil {
		return err
	}
	return a.change(ctx, c.License, func(v *server.Vendor) error { return v.Renew(ctx, c.License, end) })
}

type licenseCodes struct {
	License string `arg:""`
	Add     bool   `help:"Make one more code."`
	Replace bool   `help:"Make a new code and end the others, as when one got lost."`
}

func (c *licenseCodes) Run(ctx context.Context, a *app) error {
	v, err := a.vendor(ctx)
	if err != nil {
		return err
	}
	if c.Add || c.Replace {
		code, err := v.AddCode(ctx, c.License, c.Replace)
		if err != nil {
			return err
		}
		return a.out.show(soldView{c.License, code}, func(w io.Writer) { fmt.Fprintf(w, "code     %s\n", code) })
	}
	list, err := v.Codes(ctx, c.License)
	if err != nil {
		return err
	}
	type codeView struct {
		Created string `json:"created"`
	}
	views := []codeView{}
	for _, c := range list {
		views = append(views, codeView{day(c.Created)})
	}
	return a.out.show(views, table("CREATED (the codes themselves are not kept)", views, func(v codeView) []any { return []any{v.Created} }))
}

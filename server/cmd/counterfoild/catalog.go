package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/counterfoil-dev/counterfoil/lease"
	"github.com/counterfoil-dev/counterfoil/server"
)

type productCmd struct {
	Put  productPut  `cmd:"" help:"Add a product, or change how long its leases run."`
	List productList `cmd:"" help:"List products."`
	Show productShow `cmd:"" help:"Show a product with its editions."`
}

type productPut struct {
	Name        string `arg:"" help:"Name that the program is configured with, such as acme-editor."`
	LeaseDays   *int64 `help:"Days that a device may go without a check (default: as before, or 14)."`
	OfflineDays *int64 `help:"Days that a device without a network may go (default: as before, or 180)."`
}

type productView struct {
	Product     string        `json:"product"`
	LeaseDays   float64       `json:"lease_days"`
	OfflineDays float64       `json:"offline_days"`
	Created     string        `json:"created"`
	Editions    []editionView `json:"editions,omitempty"`
}

func viewProduct(p server.Product) productView {
	return productView{Product: p.Name, LeaseDays: float64(p.Lease) / 86400, OfflineDays: float64(p.Offline) / 86400, Created: day(p.Created)}
}

func (c *productPut) Run(ctx context.Context, a *app) error {
	v, err := a.vendor(ctx)
	if err != nil {
		return err
	}
	p, _, err := v.Product(ctx, c.Name)
	if errors.Is(err, server.ErrNotFound) {
		p, err = server.Product{Name: c.Name}, nil
	}
	if err != nil {
		return err
	}
	for _, f := range []struct {
		days    *int64
		seconds *int64
	}{{c.LeaseDays, &p.Lease}, {c.OfflineDays, &p.Offline}} {
		if f.days == nil {
			continue
		}
		if *f.days < 1 || *f.days > 400 {
			return usage(errors.New("--lease-days, --offline-days: want 1 to 400"))
		}
		*f.seconds = *f.days * 86400
	}
	if p, err = v.PutProduct(ctx, p); err != nil {
		return err
	}
	return a.out.show(viewProduct(p), func(w io.Writer) { fmt.Fprintf(w, "product %s\n", p.Name) })
}

type productList struct{}

func (c *productList) Run(ctx context.Context, a *app) error {
	v, err := a.vendor(ctx)
	if err != nil {
		return err
	}
	list, err := v.Products(ctx)
	if err != nil {
		return err
	}
	views := []productView{}
	for _, p := range list {
		views = append(views, viewProduct(p))
	}
	return a.out.show(views, table("PRODUCT\tLEASE DAYS\tOFFLINE DAYS\tCREATED", views, func(p productView) []any {
		return []any{p.Product, p.LeaseDays, p.OfflineDays, p.Created}
	}))
}

type productShow struct {
	Name string `arg:""`
}

func (c *productShow) Run(ctx context.Context, a *app) error {
	v, err := a.vendor(ctx)
	if err != nil {
		return err
	}
	p, editions, err := v.Product(ctx, c.Name)
	if err != nil {
		return err
	}
	view := viewProduct(p)
	for _, e := range editions {
		view.Editions = append(view.Editions, viewEdition(e))
	}
	return a.out.show(view, func(w io.Writer) {
		fmt.Fprintf(w, "product   %s\nlease     %v days\noffline   %v days\ncreated   %s\n", view.Product, view.LeaseDays, view.OfflineDays, view.Created)
		for _, e := range editions {
			fmt.Fprintf(w, "edition   %s: %s\n", e.Name, spellEntitlements(e.Entitlements))
		}
	})
}

type editionCmd struct {
	Put  editionPut  `cmd:"" help:"Add an edition, or replace its entitlements. Licenses follow at their next check."`
	List editionList `cmd:"" help:"List the editions of a product."`
}

type editionPut struct {
	Product      string   `arg:""`
	Name         string   `arg:"" help:"Name of the edition, such as pro."`
	Entitlements []string `arg:"" optional:"" help:"Capabilities: a name, such as export.pdf, or name=limit, such as projects=5."`
}

type editionView struct {
	Product      string                       `json:"product"`
	Edition      string                       `json:"edition"`
	Entitlements map[string]lease.Entitlement `json:"entitlements"`
}

func viewEdition(e server.Edition) editionView {
	v := editionView{e.Product, e.Name, e.Entitlements}
	if v.Entitlements == nil {
		v.Entitlements = map[string]lease.Entitlement{}
	}
	return v
}

func (c *editionPut) Run(ctx context.Context, a *app) error {
	ents, err := parseEntitlements(c.Entitlements)
	if err != nil {
		return err
	}
	v, err := a.vendor(ctx)
	if err != nil {
		return err
	}
	e := server.Edition{Product: c.Product, Name: c.Name, Entitlements: ents}
	if err := v.PutEdition(ctx, e); err != nil {
		return err
	}
	return a.out.show(viewEdition(e), func(w io.Writer) {
		fmt.Fprintf(w, "edition %s of %s: %s\n", e.Name, e.Product, spellEntitlements(ents))
	})
}

type editionList struct {
	Product string `arg:""`
}

func (c *editionList) Run(ctx context.Context, a *app) error {
	v, err := a.vendor(ctx)
	if err != nil {
		return err
	}
	_, editions, err := v.Product(ctx, c.Product)
	if err != nil {
		return err
	}
	views := []editionView{}
	for _, e := range editions {
		views = append(views, viewEdition(e))
	}
	return a.out.show(views, table("EDITION\tENTITLEMENTS", views, func(e editionView) []any {
		return []any{e.Edition, spellEntitlements(e.Entitlements)}
	}))
}

func parseEntitlements(args []string) (server.Entitlements, error) {
	ents := make(server.Entitlements)
	for _, arg := range args {
		name, limit, limited := strings.Cut(arg, "=")
		var e lease.Entitlement
		if limited {
			n, err := strconv.ParseInt(limit, 10, 64)
			if err != nil {
				return nil, usage(fmt.Errorf("entitlement %q: want name or name=limit, the limit a whole number", arg))
			}
			e.Limit = &n
		}
		ents[name] = e
	}
	return ents, nil
}

func spellEntitlements(e server.Entitlements) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(e)) {
		if l := e[name].Limit; l != nil {
			name += "=" + strconv.FormatInt(*l, 10)
		}
		parts = append(parts, name)
	}
	return strings.Join(parts, " ")
}

// table writes rows for people.
func table[T any](head string, rows []T, cells func(T) []any) func(io.Writer) {
	return func(w io.Writer) {
		t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
		fmt.Fprintln(t, head)
		for _, r := range rows {
			for i, c := range cells(r) {
				if i > 0 {
					fmt.Fprint(t, "\t")
				}
				fmt.Fprint(t, c)
			}
			fmt.Fprintln(t)
		}
		t.Flush()
	}
}

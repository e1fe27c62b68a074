package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/counterfoil-dev/counterfoil/lease"
	"github.com/counterfoil-dev/counterfoil/license"
)

const (
	pageWidth  = 88
	labelWidth = 22
)

// page prints for people: paragraphs and labelled rows, wrapped.
type page struct {
	w     io.Writer
	lang  string
	begun bool
}

func (c *cli) page(w io.Writer) *page { return &page{w: w, lang: c.lang} }

// head begins a section.
func (p *page) head(t text) {
	p.gap()
	fmt.Fprintln(p.w, t.in(p.lang))
}

func (p *page) gap() {
	if p.begun {
		fmt.Fprintln(p.w)
	}
	p.begun = true
}

// para prints a paragraph.
func (p *page) para(s string) {
	p.begun = true
	if s != "" {
		fmt.Fprintln(p.w, wrap(s, 0))
	}
}

// row prints a label with its value; nothing if the value is empty.
func (p *page) row(label, value string) {
	p.begun = true
	if value == "" {
		return
	}
	pad := strings.Repeat(" ", max(labelWidth-utf8.RuneCountInString(label), 1))
	fmt.Fprintln(p.w, "  "+label+pad+wrap(value, 2+max(labelWidth, utf8.RuneCountInString(label)+1)))
}

// wrap breaks lines between words; all but the first are indented.
func wrap(s string, indent int) string {
	var b strings.Builder
	column := indent
	for i, word := range strings.Fields(s) {
		n := utf8.RuneCountInString(word)
		switch {
		case i == 0:
		case column+1+n > pageWidth:
			b.WriteString("\n" + strings.Repeat(" ", indent))
			column = indent
		default:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += n
	}
	return b.String()
}

// envelope is what -json prints.
type envelope struct {
	Command string   `json:"command"`
	OK      bool     `json:"ok"`
	Exit    int      `json:"exit"`
	Result  result   `json:"result,omitempty"`
	Error   *failure `json:"error,omitempty"`
}

type failure struct {
	Op         string         `json:"op,omitempty"`
	Reason     license.Reason `json:"reason,omitempty"`
	Message    string         `json:"message"` // for people
	Detail     string         `json:"detail"`  // for support
	RetryAfter int            `json:"retry_after_seconds,omitempty"`
	Licenses   []lease.Choice `json:"licenses,omitempty"`
}

func (c *cli) done(name string, r result) int {
	if r == nil { // all was said already
		return exitOK
	}
	code := r.exit()
	if c.json {
		return c.encode(envelope{Command: name, OK: code == exitOK, Exit: code, Result: r})
	}
	r.print(c.page(c.out))
	return code
}

func (c *cli) fail(name string, err error) int {
	code := exitOf(err)
	f := failure{Message: license.Message(err, c.lang), Detail: err.Error()}
	if e, ok := errors.AsType[*license.Error](err); ok {
		f.Op, f.Reason, f.Licenses = e.Op, e.Reason, e.Licenses
		f.RetryAfter = int(e.RetryAfter.Seconds())
	}
	if c.json {
		return c.encode(envelope{Command: name, Exit: code, Error: &f})
	}
	p := c.page(c.err)
	p.para(f.Message)
	for _, l := range f.Licenses {
		p.row("-license "+l.License, describe(l, c.lang))
	}
	if f.RetryAfter > 0 {
		p.row(text{"try again after", "erneut versuchen in"}.in(c.lang), fmt.Sprintf("%d s", f.RetryAfter))
	}
	if f.Detail != f.Message {
		p.row(text{"detail", "Einzelheit"}.in(c.lang), f.Detail)
	}
	return code
}

func describe(l lease.Choice, lang string) string {
	var parts []string
	if l.Edition != "" {
		parts = append(parts, l.Edition)
	}
	parts = append(parts, seats(l.Seats.Used, l.Seats.Total, lang))
	if l.LicenseEnd != 0 {
		parts = append(parts, text{"until ", "bis "}.in(lang)+date(unix(l.LicenseEnd)))
	}
	return strings.Join(parts, ", ")
}

func (c *cli) encode(e envelope) int {
	enc := json.NewEncoder(c.out)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(e); err != nil {
		fmt.Fprintln(c.err, err)
		return max(e.Exit, exitFailed)
	}
	return e.Exit
}

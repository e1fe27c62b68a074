package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/counterfoil-dev/counterfoil/license"
)

func statusCommand() *command {
	return &command{
		name:  "status",
		about: text{"say where the license stands; sends nothing", "sagen, wie es um die Lizenz steht; sendet nichts"},
		run: func(_ context.Context, c *cli, _ []string) (result, error) {
			lic, err := c.open()
			if err != nil {
				return nil, err
			}
			return c.statusOf(lic.Status()), nil
		},
	}
}

func checkCommand() *command {
	return &command{
		name:  "check",
		about: text{"confirm the license, over the network at most once a day", "die Lizenz bestätigen, höchstens einmal am Tag über das Netz"},
		run: func(ctx context.Context, c *cli, _ []string) (result, error) {
			lic, err := c.open()
			if err != nil {
				return nil, err
			}
			return c.statusOf(lic.Check(ctx)), nil
		},
	}
}

// statusResult is a license.Status for print and for -json.
type statusResult struct {
	State      string         `json:"state"`
	Reason     license.Reason `json:"reason"`
	Usable     bool           `json:"usable"`
	Message    string         `json:"message"`
	License    string         `json:"license,omitempty"`
	Activation string         `json:"activation,omitempty"`
	Edition    string         `json:"edition,omitempty"`
	SeatsUsed  int            `json:"seats_used,omitempty"`
	SeatsTotal int            `json:"seats_total,omitempty"` // 0: no limit
	Offline    bool           `json:"offline,omitempty"`
	Holds      []string       `json:"entitlements,omitempty"`
	Confirmed  time.Time      `json:"confirmed,omitzero"`
	LeaseEnd   time.Time      `json:"lease_end,omitzero"`
	LicenseEnd time.Time      `json:"license_end,omitzero"`
	CheckError string         `json:"check_error,omitempty"` // why the latest check did not get through
	Token      *tokenResult   `json:"token,omitempty"`       // after an activation
}

func (c *cli) statusOf(s license.Status) *statusResult {
	r := &statusResult{
		State: s.State.String(), Reason: s.Reason, Usable: s.Usable(), Message: s.Message(c.lang),
		License: s.LicenseID(), Activation: s.ActivationID(), Edition: s.Edition(), Offline: s.Offline(),
		Confirmed: s.Confirmed(), LeaseEnd: s.LeaseEnd(), LicenseEnd: s.LicenseEnd(),
	}
	for name, e := range s.Entitlements() {
		if e.Limit != nil {
			name = fmt.Sprintf("%s=%d", name, *e.Limit)
		}
		r.Holds = append(r.Holds, name)
	}
	slices.Sort(r.Holds)
	r.SeatsUsed, r.SeatsTotal = s.Seats()
	if err := s.CheckErr(); err != nil {
		r.CheckError = err.Error()
	}
	return r
}

func (r *statusResult) exit() int {
	if !r.Usable {
		return exitNotUsable
	}
	return exitOK
}

func (r *statusResult) print(p *page) {
	say := func(en, de string) string { return text{en, de}.in(p.lang) }
	p.para(r.Message)
	p.row(say("state", "Zustand"), r.State)
	p.row(say("reason", "Grund"), string(r.Reason))
	p.row(say("check", "Prüfung"), r.CheckError)
	if r.License != "" {
		p.row(say("license", "Lizenz"), r.License)
		p.row(say("activation", "Aktivierung"), r.Activation)
		p.row(say("edition", "Ausgabe"), r.Edition)
		p.row(say("entitlements", "Berechtigungen"), strings.Join(r.Holds, ", "))
		p.row(say("seats", "Plätze"), seats(r.SeatsUsed, r.SeatsTotal, p.lang))
		p.row(say("last confirmed", "zuletzt bestätigt"), date(r.Confirmed))
		p.row(say("usable offline", "offline nutzbar"), say("until ", "bis ")+date(r.LeaseEnd))
		p.row(say("license ends", "Lizenz endet"), date(r.LicenseEnd))
	}
	if r.Token != nil {
		r.Token.print(p)
	}
}

func seats(used, total int, lang string) string {
	if total == 0 {
		return fmt.Sprintf(text{"%d in use, no limit", "%d belegt, unbegrenzt"}.in(lang), used)
	}
	return fmt.Sprintf(text{"%d of %d in use", "%d von %d belegt"}.in(lang), used, total)
}

// date shows a time as a day and a minute, in UTC like the days of the checks; the zero time as nothing.
func date(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04") + " UTC"
}

func unix(s int64) time.Time { return time.Unix(s, 0) }

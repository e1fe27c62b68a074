package main

import (
	"context"

	"github.com/counterfoil-dev/counterfoil/license"
)

func deactivateCommand() *command {
	return &command{
		name:  "deactivate",
		about: text{"give this device's seat back", "den Platz dieses Geräts zurückgeben"},
		run: func(ctx context.Context, c *cli, _ []string) (result, error) {
			return c.change(func(lic *license.Client) error { return lic.Deactivate(ctx) }, text{
				"The seat is free again; license and token are gone from this device.",
				"Der Platz ist wieder frei; Lizenz und Token sind von diesem Gerät entfernt.",
			})
		},
	}
}

func forgetCommand() *command {
	return &command{
		name:  "forget",
		about: text{"remove license and token from this device and tell nobody", "Lizenz und Token von diesem Gerät entfernen und niemandem Bescheid geben"},
		more:  text{"The seat stays taken. Prefer deactivate.", "Der Platz bleibt belegt. Besser ist deactivate."},
		run: func(_ context.Context, c *cli, _ []string) (result, error) {
			return c.change(func(lic *license.Client) error { return lic.Forget() }, text{
				"License and token are gone from this device. The seat stays taken until the vendor releases it or this device activates again.",
				"Lizenz und Token sind von diesem Gerät entfernt. Der Platz bleibt belegt, bis der Anbieter ihn freigibt oder dieses Gerät erneut aktiviert wird.",
			})
		},
	}
}

func rebindCommand() *command {
	return &command{
		name:  "rebind",
		about: text{"tie the stored license to this device, after a new mainboard or a move", "die gespeicherte Lizenz an dieses Gerät binden, nach neuer Hauptplatine oder Umzug"},
		more: text{
			"It takes no second seat and ends the license on the device before. The vendor limits how often.",
			"Das belegt keinen zweiten Platz und beendet die Lizenz auf dem früheren Gerät. Der Anbieter begrenzt, wie oft.",
		},
		run: func(ctx context.Context, c *cli, _ []string) (result, error) {
			lic, err := c.open()
			if err != nil {
				return nil, err
			}
			if err := lic.Rebind(ctx); err != nil {
				return nil, err
			}
			return c.statusOf(lic.Status()), nil
		},
	}
}

// change does something after which the device is not activated, as it was asked to.
func (c *cli) change(do func(*license.Client) error, done text) (result, error) {
	lic, err := c.open()
	if err != nil {
		return nil, err
	}
	if err := do(lic); err != nil {
		return nil, err
	}
	return &doneResult{State: lic.Status().State.String(), Message: done.in(c.lang)}, nil
}

type doneResult struct {
	State   string `json:"state"`
	Message string `json:"message"`
}

func (r *doneResult) exit() int     { return exitOK }
func (r *doneResult) print(p *page) { p.para(r.Message) }

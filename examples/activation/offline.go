package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"rsc.io/qr"

	"github.com/counterfoil-dev/counterfoil/license"
)

const maxImport = 256 << 10 // bytes

func offlineRequestCommand() *command {
	return &command{
		name: "offline-request", args: "[CODE]", most: 1,
		about: text{"make a text that activates this device without a network", "einen Text erstellen, der dieses Gerät ohne Netz aktiviert"},
		more: text{
			"Carry the text to the vendor, and the answer back: see import. The text holds the activation code; CODE is read as activate does.",
			"Bringen Sie den Text zum Anbieter und die Antwort zurück: siehe import. Der Text enthält den Aktivierungscode; CODE wird wie bei activate gelesen.",
		},
		flags: func(c *cli, fs *flag.FlagSet) {
			labelFlag(c, fs)
			fs.BoolVar(&c.qr, "qr", c.qr, text{"draw it as a QR code", "als QR-Code zeichnen"}.in(c.lang))
		},
		run: func(ctx context.Context, c *cli, args []string) (result, error) {
			code, err := c.code(ctx, args)
			if err != nil {
				return nil, err
			}
			lic, err := c.open()
			if err != nil {
				return nil, err
			}
			claim := license.Code(code)
			claim.Label = c.label
			request, err := lic.OfflineRequest(ctx, claim)
			if err != nil {
				return nil, err
			}
			r := &requestResult{Request: request}
			if c.qr {
				if r.code, err = qr.Encode(request, qr.L); err != nil {
					return nil, fmt.Errorf("the request does not fit a QR code: %w", err)
				}
			}
			return r, nil
		},
	}
}

type requestResult struct {
	Request string `json:"request"`
	code    *qr.Code
}

func (r *requestResult) exit() int { return exitOK }

// print writes the request alone, so that it can be redirected.
func (r *requestResult) print(p *page) {
	if r.code != nil {
		io.WriteString(p.w, drawQR(r.code))
		return
	}
	fmt.Fprintln(p.w, r.Request)
}

// drawQR draws black on white whatever the terminal's colors, two modules to a character, with the quiet zone of four
// modules that ISO/IEC 18004 asks for.
func drawQR(code *qr.Code) string {
	const quiet = 4
	var b strings.Builder
	for y := -quiet; y < code.Size+quiet; y += 2 {
		b.WriteString("\x1b[30;47m")
		for x := -quiet; x < code.Size+quiet; x++ {
			switch upper, lower := code.Black(x, y), code.Black(x, y+1); {
			case upper && lower:
				b.WriteRune('█')
			case upper:
				b.WriteRune('▀')
			case lower:
				b.WriteRune('▄')
			default:
				b.WriteByte(' ')
			}
		}
		b.WriteString("\x1b[0m\n")
	}
	return b.String()
}

func importCommand() *command {
	return &command{
		name: "import", args: "[FILE]", most: 1,
		about: text{"take the vendor's answer to an offline request", "die Antwort des Anbieters auf eine Offline-Anfrage übernehmen"},
		more:  text{"Without FILE it is read from standard input.", "Ohne FILE wird sie von der Standardeingabe gelesen."},
		run: func(ctx context.Context, c *cli, args []string) (result, error) {
			answer, err := c.file(ctx, args)
			if err != nil {
				return nil, err
			}
			lic, err := c.open()
			if err != nil {
				return nil, err
			}
			if err := lic.Import(ctx, answer); err != nil {
				return nil, err
			}
			return c.statusOf(lic.Status()), nil
		},
	}
}

// file reads the file that is named, or else standard input to its end, or to an empty line.
func (c *cli) file(ctx context.Context, args []string) (string, error) {
	if len(args) > 0 {
		f, err := os.Open(args[0])
		if err != nil {
			return "", err
		}
		defer f.Close()
		return readText(f)
	}
	return c.in.text(ctx, text{"Answer (paste it, then an empty line)", "Antwort (einfügen, dann eine leere Zeile)"}.in(c.lang))
}

func readText(r io.Reader) (string, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxImport+1))
	switch {
	case err != nil:
		return "", err
	case len(b) > maxImport:
		return "", fmt.Errorf("text is longer than %d bytes", maxImport)
	}
	return string(b), nil
}

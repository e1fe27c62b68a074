// Counterfoild is the Counterfoil license server, and the tool that manages it.
//
//	counterfoild serve
//
// needs nothing else: it makes its data folder, keys, database and certificate, listens on loopback, and prints what to
// do next. All other commands work on the same data folder, also while the server runs. `counterfoild --help` lists
// them.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/counterfoil-dev/counterfoil/server"
	"github.com/counterfoil-dev/counterfoil/server/sqlstore"
)

// Exit codes.
const (
	exitFailed   = 1 // something went wrong; the message says what
	exitUsage    = 2 // the command line or a value in it makes no sense
	exitNotFound = 3 // what was named does not exist
	exitExists   = 4 // what was to be made exists already
	exitConfig   = 5 // a setting, the master key, or the database is wrong
)

// commands is the command line.
type commands struct {
	settings

	Serve      serveCmd      `cmd:"" help:"Run the server."`
	Product    productCmd    `cmd:"" help:"Products: what you license."`
	Edition    editionCmd    `cmd:"" help:"Editions: named sets of entitlements."`
	License    licenseCmd    `cmd:"" help:"Licenses: what customers bought."`
	Account    accountCmd    `cmd:"" help:"Accounts: customers who claim subscriptions."`
	Activation activationCmd `cmd:"" help:"Activations: devices that hold licenses."`
	Offline    offlineCmd    `cmd:"" help:"Answer the request of a device without a network."`
	Keys       keysCmd       `cmd:"" help:"Signing keys."`
	Backup     backupCmd     `cmd:"" help:"Write a backup, also while the server runs."`
	Restore    restoreCmd    `cmd:"" help:"Replace everything by a backup, also while the server runs."`
	Doctor     doctorCmd     `cmd:"" help:"Find out what is wrong."`
	Config     configCmd     `cmd:"" help:"Settings."`
	Bench      benchCmd      `cmd:"" help:"Measure this machine."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(200) // the heap is a few MB: it would be collected dozens of times a second under load
	}
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run is main without the process.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) (code int) {
	var c commands
	exited := -1
	parser, err := kong.New(&c, kong.Name("counterfoild"), kong.Description("The Counterfoil license server."),
		kong.Writers(stdout, stderr), kong.Exit(func(code int) { exited = code }), kong.UsageOnError(),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}))
	if err != nil {
		fmt.Fprintln(stderr, "counterfoild:", err)
		return exitFailed
	}
	args = slices.Clone(args)
	for i, a := range args {
		if a == "-json" { // as Go's own tools spell it
			args[i] = "--json"
		}
	}
	k, err := parser.Parse(args)
	if exited >= 0 { // --help
		return exited
	}
	out := &output{stdout: stdout, stderr: stderr, json: slices.Contains(args, "--json")}
	if err != nil {
		return out.fail(usage(err))
	}
	a := &app{settings: c.settings, out: out, stdin: stdin}
	defer func() {
		if err := a.close(); err != nil && code == 0 {
			code = out.fail(err)
		}
	}()
	k.BindTo(ctx, (*context.Context)(nil))
	if err := k.Run(a); err != nil {
		return out.fail(err)
	}
	return 0
}

// coded is an error with the exit code that tells it.
type coded struct {
	error
	code int
}

func (c coded) Unwrap() error { return c.error }

func usage(err error) error { return coded{err, exitUsage} }

// config is an error that names the setting to look at.
func config(setting string, err error) error {
	return coded{fmt.Errorf("%s: %w", setting, err), exitConfig}
}

func exitCode(err error) int {
	if c, ok := errors.AsType[coded](err); ok {
		return c.code
	}
	switch {
	case errors.Is(err, server.ErrSecret):
		return exitConfig
	case errors.Is(err, server.ErrNotFound):
		return exitNotFound
	case errors.Is(err, server.ErrExists), errors.Is(err, sqlstore.ErrNotEmpty):
		return exitExists
	case errors.Is(err, server.ErrInvalid):
		return exitUsage
	}
	return exitFailed
}

// output writes results for people, or as JSON.
type output struct {
	stdout, stderr io.Writer
	json           bool
}

// show writes v as JSON, or calls text to write it for people.
func (o *output) show(v any, text func(w io.Writer)) error {
	if !o.json {
		w := &sticky{w: o.stdout}
		text(w)
		return w.err
	}
	e := json.NewEncoder(o.stdout)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// sticky keeps the first error of a writer.
type sticky struct {
	w   io.Writer
	err error
}

func (s *sticky) Write(p []byte) (n int, err error) {
	if s.err != nil {
		return 0, s.err
	}
	n, s.err = s.w.Write(p)
	return n, s.err
}

// fail writes an error and returns the exit code that goes with it.
func (o *output) fail(err error) int {
	code := exitCode(err)
	if o.json {
		e := json.NewEncoder(o.stderr)
		e.SetEscapeHTML(false)
		_ = e.Encode(struct {
			Error string `json:"error"`
			Exit  int    `json:"exit"`
		}{err.Error(), code})
		return code
	}
	fmt.Fprintln(o.stderr, "counterfoild:", err)
	return code
}

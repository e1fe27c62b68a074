package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"

	"github.com/counterfoil-dev/counterfoil/lease"
	"github.com/counterfoil-dev/counterfoil/license"
)

// cli is one call of the program.
type cli struct {
	in     *input
	out    io.Writer // what was asked for
	err    io.Writer // prompts, remarks and errors
	env    func(string) string
	adjust func(*license.Config) // nil; tests stay clear of the system's keyring and network with it

	options
}

// command is one subcommand.
type command struct {
	name  string
	args  string // for the usage line
	most  int    // positional arguments
	about text
	more  text // further lines of help
	flags func(*cli, *flag.FlagSet)
	run   func(context.Context, *cli, []string) (result, error)
}

// result is what a command has to say. It is encoded as it is for -json.
type result interface {
	print(*page)
	exit() int
}

func commands() []*command {
	return []*command{
		activateCommand(), loginCommand(), statusCommand(), checkCommand(), rebindCommand(), deactivateCommand(), forgetCommand(),
		offlineRequestCommand(), importCommand(), fingerprintCommand(), tokenCommand(), serveCommand(),
	}
}

// run is the whole program; it returns the exit code.
func (c *cli) run(ctx context.Context, args []string) int {
	c.options = defaults(c.env)
	c.json = slices.Contains(args, "-json") || slices.Contains(args, "--json") // for what goes wrong before it is parsed, too
	before := c.flagSet(nil)
	if err := before.Parse(args); err != nil {
		return c.fail("", &usageError{err})
	}
	args = before.Args()
	switch {
	case len(args) == 0 && c.help, len(args) == 1 && args[0] == "help":
		c.helpAll()
		return exitOK
	case len(args) == 0:
		return c.tour(ctx)
	case args[0] == "help":
		args = append([]string{args[1], "-help"}, args[2:]...)
	}
	list := commands()
	i := slices.IndexFunc(list, func(cmd *command) bool { return cmd.name == args[0] })
	if i < 0 {
		return c.fail("", usagef("there is no command %q; see: help", args[0]))
	}
	cmd := list[i]
	rest, err := parse(c.flagSet(cmd), args[1:])
	switch {
	case c.help:
		c.helpFor(cmd)
		return exitOK
	case err != nil:
		return c.fail(cmd.name, &usageError{err})
	case len(rest) > cmd.most:
		return c.fail(cmd.name, usagef("too many arguments; see: help %s", cmd.name))
	}
	r, err := cmd.run(ctx, c, rest)
	if err != nil {
		if ctx.Err() != nil {
			err = errInterrupted
		}
		return c.fail(cmd.name, err)
	}
	return c.done(cmd.name, r)
}

// parse takes flags before, between and after the positional arguments.
func parse(fs *flag.FlagSet, args []string) (positional []string, err error) {
	for {
		if err := fs.Parse(args); err != nil {
			return nil, err
		}
		rest := fs.Args()
		ended := len(rest) < len(args) && args[len(args)-len(rest)-1] == "--"
		if len(rest) == 0 || ended {
			return append(positional, rest...), nil
		}
		positional, args = append(positional, rest[0]), rest[1:]
	}
}

// open opens the license that the options name.
func (c *cli) open() (*license.Client, error) {
	if c.server == "" || len(c.keys) == 0 {
		return nil, usagef("%s", text{
			"-server and -key are needed: the address and the public key that the license server prints",
			"-server und -key werden gebraucht: Adresse und öffentlicher Schlüssel, die der Lizenzserver ausgibt",
		}.in(c.lang))
	}
	keys, err := lease.ParseKeySet(c.keys...)
	if err != nil {
		return nil, &usageError{err}
	}
	return c.openWith(license.Config{Product: c.product, Server: c.server, Keys: keys, Dir: c.state, Device: c.device})
}

func (c *cli) openWith(cfg license.Config) (*license.Client, error) {
	if c.adjust != nil {
		c.adjust(&cfg)
	}
	return license.Open(cfg)
}

// usageError is a mistake in the command line.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error { return &usageError{fmt.Errorf(format, args...)} }

var errInterrupted = errors.New("interrupted")

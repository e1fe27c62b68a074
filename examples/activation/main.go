// Activation shows Counterfoil at work. Without arguments it is a tour that needs nothing and changes nothing: it plays
// both the license server and the application, on this machine alone. With a subcommand it is a real client:
//
//	go run ./examples/activation
//	go run ./examples/activation help
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	c := &cli{in: newInput(os.Stdin, os.Stderr), out: os.Stdout, err: os.Stderr, env: os.Getenv}
	code := c.run(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

const maxLine = 4 << 10 // bytes of what a person types

// input is standard input: a terminal, which is prompted, or a pipe, which is not.
type input struct {
	r       *bufio.Reader
	prompts io.Writer
	fd      int // of the terminal; -1 if it is none
}

func newInput(r io.Reader, prompts io.Writer) *input {
	in := &input{r: bufio.NewReader(r), prompts: prompts, fd: -1}
	if f, ok := r.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		in.fd = int(f.Fd())
	}
	return in
}

// line reads a line that may be seen while it is typed.
func (in *input) line(ctx context.Context, prompt string) (string, error) {
	in.prompt(prompt)
	return in.wait(ctx, in.readLine)
}

// secret reads a line that must not be seen.
func (in *input) secret(ctx context.Context, prompt string) (string, error) {
	if in.fd < 0 {
		return in.wait(ctx, in.readLine)
	}
	before, err := term.GetState(in.fd)
	if err != nil {
		return "", fmt.Errorf("terminal: %w", err)
	}
	in.prompt(prompt)
	s, err := in.wait(ctx, func() (string, error) {
		b, err := term.ReadPassword(in.fd)
		return string(b), err
	})
	term.Restore(in.fd, before) // the reader may still wait, without echo
	fmt.Fprintln(in.prompts)
	return s, err
}

// text reads all there is; from a terminal, until an empty line.
func (in *input) text(ctx context.Context, prompt string) (string, error) {
	if in.fd < 0 {
		return in.wait(ctx, func() (string, error) { return readText(in.r) })
	}
	in.prompt(prompt)
	return in.wait(ctx, func() (string, error) {
		var b strings.Builder
		for b.Len() <= maxImport {
			s, err := in.readLine()
			if err != nil || s == "" {
				return b.String(), err
			}
			b.WriteString(s + "\n")
		}
		return b.String(), nil
	})
}

func (in *input) prompt(s string) {
	if in.fd >= 0 {
		fmt.Fprint(in.prompts, s+": ")
	}
}

func (in *input) readLine() (string, error) {
	var b strings.Builder
	for b.Len() <= maxLine {
		c, err := in.r.ReadByte()
		if errors.Is(err, io.EOF) && b.Len() > 0 || err == nil && c == '\n' {
			return strings.TrimRight(b.String(), "\r"), nil
		}
		if err != nil {
			return "", err
		}
		b.WriteByte(c)
	}
	return "", fmt.Errorf("a line longer than %d bytes was entered", maxLine)
}

// wait reads until ctx ends. A read from a terminal cannot be interrupted: it ends with the process, which is about to.
func (in *input) wait(ctx context.Context, read func() (string, error)) (string, error) {
	type outcome struct {
		s   string
		err error
	}
	ch := make(chan outcome, 1)
	go func() {
		s, err := read()
		ch <- outcome{s, err}
	}()
	select {
	case <-ctx.Done():
		return "", errInterrupted
	case o := <-ch:
		switch {
		case errors.Is(o.err, io.EOF), o.err == nil && o.s == "":
			return "", &usageError{errNoInput}
		case o.err != nil:
			return "", fmt.Errorf("standard input: %w", o.err)
		}
		return o.s, nil
	}
}

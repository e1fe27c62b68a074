package main

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/counterfoil-dev/counterfoil/server"
)

type offlineCmd struct {
	Answer offlineAnswer `cmd:"" default:"withargs" help:"Answer a request file."`
}

type offlineAnswer struct {
	Request string `arg:"" help:"File with the request; - for standard input."`
	Out     string `help:"Write the answer into this file." short:"o" placeholder:"FILE"`
}

func (c *offlineAnswer) Run(ctx context.Context, a *app) error {
	in := a.stdin
	if c.Request != "-" {
		f, err := os.Open(c.Request)
		if err != nil {
			return usage(err)
		}
		defer f.Close()
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, 256<<10))
	if err != nil {
		return err
	}
	desk, err := a.desk(ctx)
	if err != nil {
		return err
	}
	reply, err := desk.Offline(ctx, string(text))
	if err != nil {
		return err
	}
	if c.Out != "" {
		if err := os.WriteFile(c.Out, []byte(reply.Statement+"\n"), 0o600); err != nil {
			return err
		}
	}
	view := struct {
		Code      string `json:"code"`
		Statement string `json:"statement"`
	}{string(reply.Code), reply.Statement}
	return a.out.show(view, func(w io.Writer) {
		if c.Out == "" {
			fmt.Fprintln(w, reply.Statement)
		}
		if reply.Code != "ok" {
			fmt.Fprintf(a.out.stderr, "The answer is a refusal: %s. Send it back all the same; the program explains it.\n", reply.Code)
		}
	})
}

type keysCmd struct {
	List   keysList   `cmd:"" help:"List signing keys. The first that is not retired signs."`
	Add    keysAdd    `cmd:"" help:"Make a signing key, for the next release of your program to pin."`
	Retire keysRetire `cmd:"" help:"Stop signing with a key, and destroy its private half."`
}

type keyView struct {
	ID      string `json:"id"`
	Public  string `json:"public"`
	State   string `json:"state"`
	Created string `json:"created"`
	Retired string `json:"retired,omitempty"`
}

func viewKeys(list []server.SealedKey) []keyView {
	views := []keyView{}
	state := "signing"
	for _, k := range list {
		v := keyView{ID: k.ID, Public: k.Public, State: "retired", Created: day(k.Created), Retired: day(k.Retired)}
		if k.Retired == 0 {
			v.State, state = state, "waiting"
		}
		views = append(views, v)
	}
	return views
}

type keysList struct{}

func (c *keysList) Run(ctx context.Context, a *app) error {
	v, err := a.vendor(ctx)
	if err != nil {
		return err
	}
	list, err := v.Keys(ctx)
	if err != nil {
		return err
	}
	return a.out.show(viewKeys(list), func(w io.Writer) {
		table("KEY\tSTATE\tCREATED\tRETIRED", viewKeys(list), func(v keyView) []any {
			return []any{v.Public, v.State, v.Created, v.Retired}
		})(w)
		fmt.Fprintf(w, "\nIn your program: %s\n", server.KeyLine(list, a.unix()))
		fmt.Fprintln(w, "It lists a retired key for 400 days more, which is how long leases of it can run.")
	})
}

type keysAdd struct{}

func (c *keysAdd) Run(ctx context.Context, a *app) error {
	v, err := a.vendor(ctx)
	if err != nil {
		return err
	}
	k, err := v.AddKey(ctx)
	if err != nil {
		return err
	}
	view := keyView{ID: k.ID, Public: k.Public, State: "waiting", Created: day(k.Created)}
	return a.out.show(view, func(w io.Writer) {
		fmt.Fprintf(w, "key %s\nRelease your program with it added; once devices have that release, retire the key before it.\n", k.Public)
	})
}

type keysRetire struct {
	ID string `arg:""`
}

func (c *keysRetire) Run(ctx context.Context, a *app) error {
	v, err := a.vendor(ctx)
	if err == nil {
		err = v.RetireKey(ctx, c.ID)
	}
	if err != nil {
		return err
	}
	return (&keysList{}).Run(ctx, a)
}

type backupCmd struct {
	File string `arg:"" help:"New file; one that ends in .gz is compressed."`
}

func (c *backupCmd) Run(ctx context.Context, a *app) (err error) {
	db, err := a.db(ctx)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(c.File, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return usage(err)
	}
	rows, err := writeBackup(ctx, f, strings.HasSuffix(c.File, ".gz"), db.Backup)
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(c.File))
	}
	return a.out.show(map[string]any{"file": c.File, "rows": rows}, func(w io.Writer) {
		fmt.Fprintf(w, "%d rows in %s\nIt is of use only with the master key, which is not in it: keep that too, elsewhere.\n", rows, c.File)
	})
}

func writeBackup(ctx context.Context, f *os.File, compress bool, backup func(context.Context, io.Writer) (int64, error)) (rows int64, err error) {
	if compress {
		z := gzip.NewWriter(f)
		rows, err = backup(ctx, z)
		err = errors.Join(err, z.Close())
	} else {
		rows, err = backup(ctx, f)
	}
	return rows, errors.Join(err, f.Sync())
}

type restoreCmd struct {
	File      string `arg:"" help:"A backup."`
	Overwrite bool   `help:"Replace what the database holds now, but for signing keys: those made since the backup stay."`
}

func (c *restoreCmd) Run(ctx context.Context, a *app) error {
	f, err := os.Open(c.File)
	if err != nil {
		return usage(err)
	}
	defer f.Close()
	var in io.ReadSeeker = f
	if strings.HasSuffix(c.File, ".gz") {
		plain, err := unzip(f)
		if err != nil {
			return err
		}
		defer os.Remove(plain.Name())
		defer plain.Close()
		in = plain
	}
	db, err := a.db(ctx)
	if err != nil {
		return err
	}
	rows, err := db.Restore(ctx, in, c.Overwrite)
	if err != nil {
		return err
	}
	// Is it of this master key? The rows are there either way: the right key can still be given.
	if _, err := a.rules(ctx); err != nil {
		return err
	}
	return a.out.show(map[string]any{"rows": rows}, func(w io.Writer) {
		fmt.Fprintf(w, "%d rows restored. Devices that activated since the backup go on in grace, and heal by activating again.\n", rows)
	})
}

// unzip unpacks into a temporary file: a transaction that is repeated reads from the start.
func unzip(f *os.File) (*os.File, error) {
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, fmt.Errorf("restore: %w", err)
	}
	plain, err := os.CreateTemp("", "counterfoil-restore-")
	if err != nil {
		return nil, err
	}
	if _, err := io.Copy(plain, z); err != nil {
		return nil, errors.Join(fmt.Errorf("restore: %w", err), plain.Close(), os.Remove(plain.Name()))
	}
	return plain, nil
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// unix is the time of commands.
func (a *app) unix() int64 {
	if a.now != nil {
		return a.now().Unix()
	}
	return time.Now().Unix()
}

type configCmd struct {
	Check configCheck `cmd:"" help:"Check the settings of serve, given as flags and in the environment, and start nothing."`
}

type configCheck struct {
	serveCmd
}

func (c *configCheck) Run(_ context.Context, a *app) error {
	_, _, err := c.check()
	if err == nil && c.Cert != "" {
		if _, certErr := (&keyPair{cert: c.Cert, key: c.CertKey}).get(nil); certErr != nil {
			err = config("--cert, --cert-key", certErr)
		}
	}
	if a.MasterKeyFile != "" || os.Getenv(masterKeyEnv) != "" {
		_, _, keyErr := a.masterKey()
		err = errors.Join(err, keyErr)
	}
	if err != nil {
		return coded{err, exitConfig}
	}
	return a.out.show(struct {
		OK bool `json:"ok"`
	}{true}, func(w io.Writer) { fmt.Fprintln(w, "The settings make sense.") })
}

type doctorCmd struct{}

// finding is one thing that doctor looked at.
type finding struct {
	What string `json:"what"`
	OK   bool   `json:"ok"`
	Says string `json:"says"`
}

func (c *doctorCmd) Run(ctx context.Context, a *app) error {
	list := a.examine(ctx)
	sick := false
	for _, f := range list {
		sick = sick || !f.OK
	}
	err := a.out.show(list, func(w io.Writer) {
		for _, f := range list {
			mark := "ok  "
			if !f.OK {
				mark = "BAD "
			}
			fmt.Fprintf(w, "%s%-14s %s\n", mark, f.What, f.Says)
		}
	})
	if sick {
		err = errors.Join(err, errors.New("something is wrong: see above"))
	}
	return err
}

// examine looks at one thing after the other, as far as it gets.
func (a *app) examine(ctx context.Context) (list []finding) {
	note := func(what string, err error, says string) bool {
		if err != nil {
			says = err.Error()
		}
		list = append(list, finding{what, err == nil, says})
		return err == nil
	}
	dir, err := a.folder()
	if err == nil {
		err = private(dir, 0o077)
	}
	note("data folder", err, dir)
	key := a.MasterKeyFile
	switch {
	case key == "" && os.Getenv(masterKeyEnv) != "":
		note("master key", nil, "from "+masterKeyEnv)
	default:
		if key == "" {
			key = filepath.Join(dir, "master.key")
		}
		err := private(key, 0o077)
		if errors.Is(err, os.ErrNotExist) {
			err = fmt.Errorf("%s is not there; put the one of the database back, or let `counterfoild serve` make one for a new database", key)
		}
		if !note("master key", err, key) {
			return list
		}
	}
	db, err := a.db(ctx)
	if !note("database", err, "opens, and its schema is up to date") {
		return list
	}
	list[len(list)-1].Says += " (" + db.Engine() + ")"
	v, err := a.vendor(ctx)
	if !note("keys", err, "the master key is the database's") {
		return list
	}
	desk, err := a.desk(ctx)
	if err == nil {
		err = desk.Ready(ctx)
	}
	note("signing", err, "there is a key to sign with")
	newest, wrong, err := v.Audit(ctx)
	if err == nil && newest > a.unix()+300 {
		err = fmt.Errorf("the clock says %s, but the database knows %s; leases would be dated wrong: set the clock", day(a.unix()), day(newest))
	}
	note("clock", err, day(a.unix()))
	err = nil
	if len(wrong) > 0 {
		err = fmt.Errorf("%d licenses count seats that nobody holds, or the reverse: %v", len(wrong), wrong[:min(len(wrong), 5)])
	}
	note("seats", err, "every license counts the seats that devices hold")
	return list
}

// private reports a file that others may read or write.
func private(path string, mode os.FileMode) error {
	st, err := os.Stat(path)
	if err == nil && st.Mode().Perm()&mode != 0 {
		err = fmt.Errorf("%s: others can read or write it (mode %o); run chmod go= on it", path, st.Mode().Perm())
	}
	return err
}

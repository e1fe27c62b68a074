package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/counterfoil-dev/counterfoil/server"
	"github.com/counterfoil-dev/counterfoil/server/sqlstore"
)

// settings are what all commands share.
type settings struct {
	Data          string `help:"Folder of database, master key and certificate (default: ${env}, systemd's STATE_DIRECTORY, or counterfoild below the user's data folder)." env:"COUNTERFOIL_DATA" placeholder:"DIR"`
	DB            string `name:"db" help:"Database: the path of a SQLite file, or a postgres:// URL (default: counterfoil.db in the data folder)." env:"COUNTERFOIL_DB" placeholder:"ADDRESS"`
	DBRead        string `name:"db-read" help:"A PostgreSQL replica that checks may read from." env:"COUNTERFOIL_DB_READ" placeholder:"URL"`
	MasterKeyFile string `help:"File of the master key (default: master.key in the data folder, or the key itself in COUNTERFOIL_MASTER_KEY)." env:"COUNTERFOIL_MASTER_KEY_FILE" placeholder:"FILE"`
	JSON          bool   `name:"json" help:"Write JSON."`
}

// masterKeyEnv holds the master key itself, for replicas that have no disk.
const masterKeyEnv = "COUNTERFOIL_MASTER_KEY"

// app is a command on its way. What it needs is opened when first asked for.
type app struct {
	settings
	out   *output
	stdin io.Reader

	store  *sqlstore.DB
	secret server.Secret
	sales  *server.Vendor
	now    func() time.Time // nil: time.Now
}

func (a *app) close() error {
	if a.store == nil {
		return nil
	}
	return a.store.Close()
}

// folder returns the data folder, made if need be.
func (a *app) folder() (string, error) {
	dir := a.Data
	if dir == "" {
		dir, _, _ = strings.Cut(os.Getenv("STATE_DIRECTORY"), ":")
	}
	if dir == "" {
		base := os.Getenv("XDG_DATA_HOME")
		if !filepath.IsAbs(base) {
			home, err := os.UserHomeDir()
			if err != nil {
				return "", config("--data", fmt.Errorf("no home folder to put it in; name a folder: %w", err))
			}
			base = filepath.Join(home, ".local", "share")
		}
		dir = filepath.Join(base, "counterfoild")
	}
	dir, err := filepath.Abs(dir)
	if err == nil {
		err = os.MkdirAll(dir, 0o700)
	}
	if err != nil {
		return "", config("--data", err)
	}
	return dir, nil
}

// db opens the database.
func (a *app) db(ctx context.Context) (*sqlstore.DB, error) {
	if a.store != nil {
		return a.store, nil
	}
	url := a.DB
	if url == "" {
		dir, err := a.folder()
		if err != nil {
			return nil, err
		}
		url = filepath.Join(dir, "counterfoil.db")
	}
	db, err := sqlstore.Open(ctx, sqlstore.Config{URL: url, ReadURL: a.DBRead})
	if err != nil {
		return nil, config("--db", err)
	}
	a.store = db
	return db, nil
}

// masterKey reads the master key, or makes it if there is none. made is the file that it was written to just now.
func (a *app) masterKey() (secret server.Secret, made string, err error) {
	if text := os.Getenv(masterKeyEnv); text != "" && a.MasterKeyFile == "" {
		if secret, err = server.ParseSecret(text); err != nil {
			return secret, "", config(masterKeyEnv, err)
		}
		return secret, "", nil
	}
	path := a.MasterKeyFile
	if path == "" {
		dir, err := a.folder()
		if err != nil {
			return secret, "", err
		}
		path = filepath.Join(dir, "master.key")
	}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && a.MasterKeyFile == "" {
		if err = writeOnce(path, server.NewSecretText()+"\n"); err == nil {
			made = path
		} else if errors.Is(err, fs.ErrExist) { // another process was a moment faster
			err = nil
		}
		if err == nil {
			text, err = os.ReadFile(path)
		}
	}
	if err == nil {
		secret, err = server.ParseSecret(string(text))
	}
	if err != nil {
		return secret, "", config("--master-key-file", fmt.Errorf("%s: %w", path, err))
	}
	return secret, made, nil
}

// writeOnce writes a file whole or not at all, durably, readable by its owner alone. One that is there stays, and is
// fs.ErrExist.
func writeOnce(path, text string) error {
	temp := path + "." + rand.Text()
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer os.Remove(temp)
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Link(temp, path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// rules opens the database with the master key.
func (a *app) rules(ctx context.Context) (server.Config, error) {
	db, err := a.db(ctx)
	if err != nil {
		return server.Config{}, err
	}
	if a.secret.IsZero() {
		secret, made, err := a.masterKey()
		if err != nil {
			return server.Config{}, err
		}
		a.sales, err = server.NewVendor(ctx, server.Config{Store: db, Secret: secret, Now: a.now})
		if err != nil {
			if made != "" && errors.Is(err, server.ErrSecret) { // the key just made is nobody's
				err = errors.Join(err, os.Remove(made))
			}
			return server.Config{}, err
		}
		a.secret = secret
	}
	return server.Config{Store: db, Secret: a.secret, Now: a.now}, nil
}

func (a *app) vendor(ctx context.Context) (*server.Vendor, error) {
	_, err := a.rules(ctx)
	return a.sales, err
}

func (a *app) desk(ctx context.Context) (*server.Desk, error) {
	cfg, err := a.rules(ctx)
	if err != nil {
		return nil, err
	}
	return server.NewDesk(ctx, cfg)
}

// day spells a time of the database for people and JSON; "" for 0.
func day(unix int64) string {
	if unix == 0 {
		return ""
	}
	return time.Unix(unix, 0).UTC().Format(time.RFC3339)
}

// parseEnd reads a license's end: a day, whose last second is meant, a time, or "never".
func parseEnd(s string) (int64, error) {
	if s == "never" {
		return 0, nil
	}
	if t, err := time.Parse(time.DateOnly, s); err == nil {
		return checkEnd(s, t.AddDate(0, 0, 1))
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return 0, usage(fmt.Errorf("end %q: want a day such as 2027-12-31, a time such as 2027-12-31T23:59:59Z, or never", s))
	}
	return checkEnd(s, t)
}

// checkEnd refuses what the database would take for no end.
func checkEnd(s string, t time.Time) (int64, error) {
	if t.Unix() <= 0 {
		return 0, usage(fmt.Errorf("end %q: want one after 1970, or never", s))
	}
	return t.Unix(), nil
}

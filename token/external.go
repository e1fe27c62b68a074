package token

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// external is a token that an administrator supplies: to be read, never to be written.
type external struct {
	kind  Kind
	place string // the variable, or the file
	value string // of a variable
	path  string // of a file; empty for a variable
}

// externalOf finds out, by environment variables alone, whether the administrator supplies a token. An empty variable
// is no variable, since compose files cannot unset one.
func externalOf(product string, getenv func(string) string) (external, bool) {
	name := envName(product)
	if v := getenv(name); v != "" {
		return external{kind: KindEnvironment, place: name, value: v}, true
	}
	if path := getenv(name + "_FILE"); path != "" {
		return external{kind: KindEnvironment, place: name + "_FILE, " + path, path: path}, true
	}
	// systemd sets CREDENTIALS_DIRECTORY for every unit that has any credential, ours or not (systemd.exec(5)).
	if dir := getenv("CREDENTIALS_DIRECTORY"); filepath.IsAbs(dir) {
		path := filepath.Join(dir, product+"-license-token")
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			return external{kind: KindCredentials, place: path, path: path}, true
		}
	}
	return external{}, false
}

// Supplied reports whether an administrator supplies the token, by an environment variable or as a systemd credential.
// It reads no token.
func (v *Vault) Supplied() bool {
	if v.custom != nil {
		return false
	}
	_, ok := externalOf(v.product, v.getenv)
	return ok
}

// envName is <PRODUCT>_LICENSE_TOKEN: upper case, and an underscore for all that is neither letter nor digit.
func envName(product string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z':
			return r - 'a' + 'A'
		case 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
			return r
		}
		return '_'
	}, product) + "_LICENSE_TOKEN"
}

func (e external) Get(context.Context) (Token, error) {
	text := e.value
	if e.path != "" {
		var err error
		if text, err = readSmall(e.path); err != nil {
			return Token{}, err
		}
	}
	// Editors and "echo" end a file with a newline.
	return New(strings.TrimSpace(text))
}

// Room for a token, a newline and a little more: a longer file is told by its size, and none is read whole.
const maxExternal = MaxSize + 64

// readSmall reads a file that somebody mounted for us. Links are followed, because Kubernetes mounts secrets as links,
// and read permission of others is none of our business there. A pipe or a device would make us wait, so it is
// refused.
func readSmall(path string) (string, error) {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		return "", as(ErrInvalid, errors.New("it is not a regular file"))
	}
	if err != nil {
		return "", ofFile(err)
	}
	f, err := os.Open(path)
	if err != nil {
		return "", ofFile(err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxExternal+1))
	if err != nil {
		return "", ofFile(err)
	}
	if len(b) > maxExternal {
		return "", fmt.Errorf("%w: more than %d bytes", ErrTooLarge, MaxSize)
	}
	return string(b), nil
}

func ofFile(err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return as(ErrAbsent, err)
	case errors.Is(err, fs.ErrPermission):
		return as(ErrDeclined, err)
	}
	return as(ErrLocked, err)
}

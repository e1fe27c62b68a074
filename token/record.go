package token

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"

	"github.com/counterfoil-dev/counterfoil/internal/statefile"
)

// recordName is the file in Config.Dir that says where the token is. Where there is no keyring it holds the token, too.
const recordName = "token.json"

// record is the content of token.json.
type record struct {
	About  string `json:"about"`            // for whoever opens the file
	Store  Kind   `json:"store"`            // KindKeyring or KindFile
	Reason string `json:"reason,omitempty"` // why it is not in a keyring: one of the reasons below
	Secret string `json:"secret,omitempty"` // with KindFile alone
}

// Why a token went into the file.
const (
	reasonNoKeyring = "no_keyring"
	reasonLocked    = "keyring_locked"
	reasonTooLarge  = "keyring_too_small"
)

func reasonOf(err error) string {
	switch {
	case errors.Is(err, ErrUnsupported):
		return reasonNoKeyring
	case errors.Is(err, ErrTooLarge):
		return reasonTooLarge
	}
	return reasonLocked
}

const (
	aboutFile = "This file is the license of %s on this device, in clear text: whoever has a copy can use the license in your name. " +
		"Do not share it, and keep it out of backups that others can read. / Diese Datei ist die Lizenz von %[1]s auf diesem Gerät, " +
		"unverschlüsselt: Wer eine Kopie hat, kann die Lizenz in Ihrem Namen nutzen. Geben Sie sie nicht weiter, und halten Sie " +
		"sie aus Datensicherungen heraus, die andere lesen können."
	aboutKeyring = "This file says that the license token of %s is in the keyring of the operating system. It holds no secret. / " +
		"Diese Datei sagt, dass das Lizenz-Token von %[1]s im Schlüsselbund des Betriebssystems liegt. Sie enthält kein Geheimnis."
)

// encodeRecord lays a record out for people: one member a line.
func encodeRecord(product string, kind Kind, reason string, t Token) []byte {
	r := record{Store: kind, Reason: reason, Secret: t.Reveal()}
	r.About = fmt.Sprintf(aboutKeyring, product)
	if kind == KindFile {
		r.About = fmt.Sprintf(aboutFile, product)
	}
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return nil // not possible: strings alone. An empty record is refused when it is read back.
	}
	return append(b, '\n')
}

var errRecord = errors.New("token.json does not say where the token is")

// decodeRecord accepts what encodeRecord writes, and members that a later version may add.
func decodeRecord(b []byte) (record, Token, error) {
	var r record
	if err := json.Unmarshal(b, &r); err != nil {
		return record{}, Token{}, errRecord // not err, which may quote the secret
	}
	switch {
	case r.Store == KindKeyring && r.Secret == "":
		return r, Token{}, nil
	case r.Store == KindFile:
		t, err := New(r.Secret)
		if err != nil {
			return record{}, Token{}, err
		}
		return r, t, nil
	}
	return record{}, Token{}, errRecord
}

// readRecord returns what token.json says. The zero record means that there is none. A *statefile.UnreadableError is
// something that we must not touch; any other error means damage.
func (v *Vault) readRecord() (record, Token, error) {
	if v.file == nil {
		return record{}, Token{}, nil
	}
	b, err := v.file.Read()
	if errors.Is(err, fs.ErrNotExist) {
		return record{}, Token{}, nil
	}
	if err != nil {
		return record{}, Token{}, err
	}
	return decodeRecord(b)
}

func untouchable(err error) bool {
	_, ok := errors.AsType[*statefile.UnreadableError](err)
	return ok
}

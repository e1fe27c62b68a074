package token

import (
	"errors"
	"strings"
)

// text is a sentence for people.
type text struct{ en, de string }

// in returns the text in German for "de", "de-AT", "de_CH.UTF-8" and the like, and in English for everything else.
func (t text) in(lang string) string {
	if lang = strings.ToLower(lang); lang == "de" || strings.HasPrefix(lang, "de-") || strings.HasPrefix(lang, "de_") {
		return t.de
	}
	return t.en
}

// Protection says in one sentence how well the token is protected.
func (s Status) Protection(lang string) string {
	if s.Unsaved {
		return text{"The token is in memory only and is lost when the program ends.",
			"Das Token liegt nur im Arbeitsspeicher und geht verloren, wenn das Programm endet."}.in(lang)
	}
	switch s.Store {
	case KindCustom:
		return text{"The application keeps the token itself, in a place of its choice.",
			"Die Anwendung verwahrt das Token selbst, an einem Ort ihrer Wahl."}.in(lang)
	case KindEnvironment:
		return text{"The administrator supplies the token; other programs of the same user may be able to read it.",
			"Die Administration stellt das Token bereit; andere Programme desselben Benutzers können es unter Umständen lesen."}.in(lang)
	case KindCredentials:
		return text{"systemd supplies the token; only this service and administrators can read it.",
			"systemd stellt das Token bereit; nur dieser Dienst und Administratoren können es lesen."}.in(lang)
	case KindFile:
		return text{"The token is in a file, not encrypted: other users are kept out; programs of the same user, administrators " +
			"and whoever reads a backup are not.",
			"Das Token liegt unverschlüsselt in einer Datei: Anderen Benutzern ist sie verschlossen; Programmen desselben Benutzers, " +
				"Administratoren und Lesern einer Datensicherung nicht."}.in(lang)
	case KindKeyring:
		return ringProtection(s.ring).in(lang)
	}
	return ""
}

// What the keyrings are called.
const (
	ringLinux   = "Secret Service"
	ringMacOS   = "macOS keychain"
	ringWindows = "Windows Credential Manager"
)

func ringProtection(ring string) text {
	switch ring {
	case ringMacOS:
		return text{"The token is encrypted in the macOS keychain; other programs of the same user can read it through /usr/bin/security.",
			"Das Token liegt verschlüsselt im macOS-Schlüsselbund; andere Programme desselben Benutzers können es über " +
				"/usr/bin/security lesen."}
	case ringWindows:
		return text{"The token is in the Windows Credential Manager, encrypted under the user's logon; while the user is logged on, " +
			"other programs of the same user and administrators can read it.",
			"Das Token liegt in der Windows-Anmeldeinformationsverwaltung, verschlüsselt unter der Anmeldung des Benutzers; " +
				"solange er angemeldet ist, können andere Programme desselben Benutzers und Administratoren es lesen."}
	}
	return text{"The token is encrypted in the desktop's keyring; while that is unlocked, other programs of the same user can read it.",
		"Das Token liegt verschlüsselt im Schlüsselbund des Desktops; solange er entsperrt ist, können andere Programme desselben " +
			"Benutzers es lesen."}
}

// Reason says why the token is in the file and not in a keyring.
func (s Status) Reason(lang string) string {
	switch {
	case s.Store != KindFile:
		return ""
	case s.reason == reasonNoKeyring:
		return text{"There was no keyring when the token was stored.",
			"Als das Token gespeichert wurde, gab es keinen Schlüsselbund."}.in(lang)
	case s.reason == reasonTooLarge:
		return text{"The token is too large for the keyring.", "Das Token ist zu groß für den Schlüsselbund."}.in(lang)
	}
	return text{"The keyring was locked or did not answer when the token was stored.",
		"Als das Token gespeichert wurde, war der Schlüsselbund gesperrt oder antwortete nicht."}.in(lang)
}

// Advice says what the person can do about the latest error, about a token that is not stored, or for a better place;
// often there is nothing.
func (s Status) Advice(lang string) string {
	if e, ok := errors.AsType[*Error](s.Err); ok {
		return advice(e.kind, e.Err).in(lang)
	}
	if s.Unsaved {
		return text{"The token is not stored. Unlock the keyring (log in to the desktop, or open the password manager) and try again.",
			"Das Token ist nicht gespeichert. Entsperren Sie den Schlüsselbund (am Desktop anmelden oder die Passwortverwaltung " +
				"öffnen) und versuchen Sie es noch einmal."}.in(lang)
	}
	if s.Keyring {
		return text{"A keyring is available now: the token can be moved there.",
			"Ein Schlüsselbund ist jetzt verfügbar: Das Token kann dorthin verschoben werden."}.in(lang)
	}
	return ""
}

// advice says what to do about err in a store of that kind.
func advice(kind Kind, err error) text {
	switch kind {
	case KindEnvironment, KindCredentials:
		return adviceOutside(err)
	case KindFile:
		return adviceFile(err)
	case KindCustom:
		return text{"The application keeps the token itself; ask its vendor.",
			"Die Anwendung verwahrt das Token selbst; fragen Sie ihren Hersteller."}
	}
	switch {
	case err == nil:
		return text{}
	case errors.Is(err, ErrAbsent):
		return text{"Activate the license.", "Aktivieren Sie die Lizenz."}
	case errors.Is(err, ErrDeclined):
		return text{"Allow access to the keyring and try again.",
			"Erlauben Sie den Zugriff auf den Schlüsselbund und versuchen Sie es noch einmal."}
	case errors.Is(err, ErrUnsupported), errors.Is(err, errElsewhere):
		return text{"Use a desktop session that has a keyring, or let the administrator supply the token. If that keyring is gone for " +
			"good, remove the license from this device and activate again.",
			"Verwenden Sie eine Desktop-Sitzung mit Schlüsselbund, oder lassen Sie das Token von der Administration bereitstellen. Ist " +
				"der Schlüsselbund endgültig weg, entfernen Sie die Lizenz von diesem Gerät und aktivieren Sie neu."}
	case errors.Is(err, ErrTooLarge), errors.Is(err, ErrInvalid):
		return text{"Activate again; if it comes back, ask the vendor.",
			"Aktivieren Sie noch einmal; tritt es wieder auf, fragen Sie den Hersteller."}
	}
	return text{"Unlock the keyring (log in to the desktop, or open the password manager) and try again.",
		"Entsperren Sie den Schlüsselbund (am Desktop anmelden oder die Passwortverwaltung öffnen) und versuchen Sie es noch einmal."}
}

func adviceOutside(err error) text {
	if errors.Is(err, errReadOnly) {
		return text{"Change or remove it where the administrator set it; this program cannot.",
			"Ändern oder entfernen Sie es dort, wo die Administration es gesetzt hat; dieses Programm kann das nicht."}
	}
	return text{"Ask the administrator to check what the variable or the credential holds: the token alone, readable for this user.",
		"Bitten Sie die Administration zu prüfen, was die Variable oder das Credential enthält: nur das Token, lesbar für diesen Benutzer."}
}

func adviceFile(err error) text {
	switch {
	case errors.Is(err, ErrAbsent):
		return text{"The file is damaged; activate again. It is kept beside the new one for support.",
			"Die Datei ist beschädigt; aktivieren Sie noch einmal. Sie bleibt für den Support neben der neuen erhalten."}
	case errors.Is(err, ErrDeclined):
		return text{"Make token.json a regular file of this user with permissions 0600 (chmod 600), or remove it and activate again.",
			"Machen Sie token.json zu einer gewöhnlichen Datei dieses Benutzers mit Zugriffsrechten 0600 (chmod 600), oder entfernen Sie " +
				"sie und aktivieren Sie noch einmal."}
	case errors.Is(err, ErrUnsupported):
		return text{"Make the directory writable for this user, or choose another one (Config.Dir), and store the token again.",
			"Machen Sie das Verzeichnis für diesen Benutzer beschreibbar oder wählen Sie ein anderes (Config.Dir), und speichern Sie " +
				"das Token noch einmal."}
	}
	return text{"Check that the disk is not full and try again.",
		"Prüfen Sie, ob der Datenträger voll ist, und versuchen Sie es noch einmal."}
}

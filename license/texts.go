package license

// Reason is why a status or an error is what it is: a stable code for programs.
type Reason string

// Reasons of a status.
const (
	ReasonNone          Reason = ""                  // not activated, and never was
	ReasonReleased      Reason = "released"          // not activated: the vendor took the seat back
	ReasonUnconfirmed   Reason = "unconfirmed"       // not activated as far as is stored, but a token may be: a check tells
	ReasonConfirmed     Reason = "confirmed"         // active: the server confirmed the license
	ReasonOfflineLease  Reason = "offline_lease"     // active: under a lease for devices without a network
	ReasonCheckOverdue  Reason = "check_overdue"     // grace
	ReasonLeaseEnded    Reason = "lease_ended"       // lapsed
	ReasonExpired       Reason = "expired"           // expired
	ReasonSuspended     Reason = "suspended"         // suspended
	ReasonRevoked       Reason = "revoked"           // revoked
	ReasonWrongDevice   Reason = "wrong_device"      // wrong device
	ReasonClockRollback Reason = "clock_rolled_back" // clock rolled back
)

// Further reasons, of errors alone.
const (
	ReasonConfig           Reason = "config"             // a field of Config is wrong
	ReasonStateUnreadable  Reason = "state_unreadable"   // the state file is not ours or cannot be read
	ReasonStateUnwritable  Reason = "state_unwritable"   // the state directory cannot be written
	ReasonBusyElsewhere    Reason = "busy_elsewhere"     // another process held the lock until the context ended
	ReasonNoDevice         Reason = "no_device"          // no identifier of the device can be read
	ReasonCodeMistyped     Reason = "code_mistyped"      // told by the code's checksum; nothing was sent
	ReasonInput            Reason = "input"              // what was typed is empty or too long; nothing was sent
	ReasonCodeInvalid      Reason = "code_invalid"       // the server does not know the code for this product
	ReasonSeatsUsed        Reason = "seats_used"         //
	ReasonCredentials      Reason = "credentials_wrong"  //
	ReasonWrongProduct     Reason = "wrong_product"      // the token belongs to another product
	ReasonChooseLicense    Reason = "choose_license"     // the account has several licenses
	ReasonNoLicense        Reason = "no_license"         // the account has no license of this product
	ReasonRebindLimit      Reason = "rebind_limit"       //
	ReasonRateLimited      Reason = "rate_limited"       //
	ReasonServerBusy       Reason = "busy"               //
	ReasonRefused          Reason = "refused"            // the server does not understand this version's request
	ReasonTokenUnknown     Reason = "token_unknown"      // the server does not know the token
	ReasonTokenUnavailable Reason = "token_unavailable"  // the token's store is locked, declined or failing
	ReasonUnreachable      Reason = "unreachable"        // no signed answer came
	ReasonNotStored        Reason = "not_stored"         // activated, but a store failed
	ReasonNoOfflineRequest Reason = "no_offline_request" // the file answers no request of this device
	ReasonImportInvalid    Reason = "import_invalid"     // not a signed answer or lease
	ReasonImportOld        Reason = "import_old"         // older than what is stored
)

// message says what a reason means and what to do about it.
func message(r Reason, l language) string {
	if h := hint(r, l); h != "" {
		return sentence(r, l) + " " + h
	}
	return sentence(r, l)
}

// sentence says what a reason means, in one sentence for people.
func sentence(r Reason, l language) string {
	en, de, _, _ := texts(r)
	if l == german {
		return de
	}
	return en
}

// hint says what the person can do about it; empty where nothing needs doing.
func hint(r Reason, l language) string {
	_, _, en, de := texts(r)
	if l == german {
		return de
	}
	return en
}

// texts is a switch and not a table: a table would be built at the start of every program.
func texts(r Reason) (en, de, hintEn, hintDe string) {
	const (
		support   = "If this is wrong, contact the vendor."
		supportDe = "Falls das nicht stimmt, wenden Sie sich bitte an den Anbieter."
	)
	switch r {
	case ReasonNone:
		return "This device is not activated.",
			"Dieses Gerät ist nicht aktiviert.",
			"Activate it with your activation code or your account.",
			"Aktivieren Sie es mit Ihrem Aktivierungscode oder Ihrem Konto."
	case ReasonReleased:
		return "The vendor has released this device's seat.",
			"Der Anbieter hat den Lizenzplatz dieses Geräts freigegeben.",
			"Activate again if you want to go on using the software here.",
			"Aktivieren Sie erneut, wenn Sie die Software hier weiter nutzen möchten."
	case ReasonUnconfirmed:
		return "The license has yet to be confirmed on this device.",
			"Die Lizenz muss auf diesem Gerät noch bestätigt werden.",
			"Connect to the internet once; the rest happens by itself.",
			"Verbinden Sie das Gerät einmal mit dem Internet; alles Weitere geschieht von selbst."
	case ReasonConfirmed:
		return "The license is active.", "Die Lizenz ist aktiv.", "", ""
	case ReasonOfflineLease:
		return "The license is active, without a network.", "Die Lizenz ist ohne Netzwerk aktiv.", "", ""
	case ReasonCheckOverdue:
		return "The license could not be confirmed lately; the software can be used until the grace period ends.",
			"Die Lizenz konnte zuletzt nicht bestätigt werden; die Software kann bis zum Ende der Karenzzeit genutzt werden.",
			"Connect to the internet in the next days.",
			"Verbinden Sie das Gerät in den nächsten Tagen mit dem Internet."
	case ReasonLeaseEnded:
		return "The license could not be confirmed for too long.",
			"Die Lizenz konnte zu lange nicht bestätigt werden.",
			"Connect to the internet and start the software again.",
			"Verbinden Sie das Gerät mit dem Internet und starten Sie die Software erneut."
	case ReasonExpired:
		return "The license has ended.", "Die Lizenz ist abgelaufen.",
			"Renew it with the vendor; it works again after the next check.",
			"Verlängern Sie sie beim Anbieter; nach der nächsten Prüfung gilt sie wieder."
	case ReasonSuspended:
		return "The vendor has suspended the license.", "Der Anbieter hat die Lizenz ausgesetzt.", support, supportDe
	case ReasonRevoked:
		return "The vendor has revoked the license.", "Der Anbieter hat die Lizenz widerrufen.", support, supportDe
	case ReasonWrongDevice:
		return "The license stored here belongs to another device.",
			"Die hier gespeicherte Lizenz gehört zu einem anderen Gerät.",
			"If this is the same computer with a new mainboard, or the license has moved here, rebind it; otherwise activate this device.",
			"Falls dies derselbe Computer mit neuer Hauptplatine ist oder die Lizenz hierher umzieht, binden Sie sie neu; sonst aktivieren Sie dieses Gerät."
	case ReasonClockRollback:
		return "The clock of this device has been set back.", "Die Uhr dieses Geräts wurde zurückgestellt.",
			"Set the clock right, or connect to the internet.",
			"Stellen Sie die Uhr richtig oder verbinden Sie das Gerät mit dem Internet."
	}
	return errorTexts(r)
}

func errorTexts(r Reason) (en, de, hintEn, hintDe string) {
	const (
		later   = "Try again later."
		laterDe = "Versuchen Sie es später noch einmal."
	)
	switch r {
	case ReasonConfig:
		return "The licensing of this program is not set up correctly.",
			"Die Lizenzierung dieses Programms ist nicht richtig eingerichtet.",
			"The program's developer must correct the named fields.",
			"Der Entwickler des Programms muss die genannten Felder berichtigen."
	case ReasonStateUnreadable:
		return "The license's state on this device belongs to someone else or cannot be read.",
			"Der Lizenzstand auf diesem Gerät gehört jemand anderem oder ist nicht lesbar.",
			"Correct the owner and the permissions of the named file, or start the software as the user who activated it.",
			"Berichtigen Sie Besitzer und Zugriffsrechte der genannten Datei, oder starten Sie die Software als der Benutzer, der sie aktiviert hat."
	case ReasonStateUnwritable:
		return "The license's state on this device cannot be written.",
			"Der Lizenzstand auf diesem Gerät kann nicht geschrieben werden.",
			"Make room on the disk, and let the software write to the named folder.",
			"Schaffen Sie Platz auf dem Datenträger und lassen Sie die Software in den genannten Ordner schreiben."
	case ReasonBusyElsewhere:
		return "Another program was using the license's state.", "Ein anderes Programm nutzte gerade den Lizenzstand.", later, laterDe
	case ReasonNoDevice:
		return "This device cannot be told from others: none of its identifiers can be read.",
			"Dieses Gerät lässt sich nicht von anderen unterscheiden: Keine seiner Kennungen ist lesbar.",
			"In a container, let the application pass an identity of its own; elsewhere the named sources show what is missing.",
			"In einem Container muss die Anwendung eine eigene Kennung übergeben; sonst zeigen die genannten Quellen, was fehlt."
	case ReasonCodeMistyped:
		return "The activation code has a typing mistake.", "Der Aktivierungscode enthält einen Tippfehler.",
			"Compare it with the original: 25 letters and digits in five groups.",
			"Vergleichen Sie ihn mit dem Original: 25 Buchstaben und Ziffern in fünf Gruppen."
	case ReasonInput:
		return "What was entered is empty or too long.", "Die Eingabe ist leer oder zu lang.", "Enter it again.", "Geben Sie sie erneut ein."
	case ReasonCodeInvalid:
		return "The activation code is not valid for this product.", "Der Aktivierungscode gilt nicht für dieses Produkt.",
			"Compare it with the original and with the product it was bought for.",
			"Vergleichen Sie ihn mit dem Original und mit dem Produkt, für das er gekauft wurde."
	case ReasonSeatsUsed:
		return "Every seat of the license is in use.", "Alle Plätze der Lizenz sind belegt.",
			"Deactivate a device that no longer needs it, or buy a further seat.",
			"Deaktivieren Sie ein Gerät, das sie nicht mehr braucht, oder kaufen Sie einen weiteren Platz."
	case ReasonCredentials:
		return "E-mail or password is wrong.", "E-Mail oder Passwort ist falsch.",
			"Enter them again, or reset the password.", "Geben Sie beides erneut ein oder setzen Sie das Passwort zurück."
	case ReasonWrongProduct:
		return "The stored token belongs to another product.", "Das gespeicherte Token gehört zu einem anderen Produkt.",
			"Activate again.", "Aktivieren Sie erneut."
	case ReasonChooseLicense:
		return "The account has several licenses for this product.", "Das Konto hat mehrere Lizenzen für dieses Produkt.",
			"Choose one of them.", "Wählen Sie eine davon aus."
	case ReasonNoLicense:
		return "The account has no license for this product.", "Das Konto hat keine Lizenz für dieses Produkt.",
			"Sign in with the account that the license was bought with.",
			"Melden Sie sich mit dem Konto an, mit dem die Lizenz gekauft wurde."
	case ReasonRebindLimit:
		return "The license has changed devices too often.", "Die Lizenz hat zu oft das Gerät gewechselt.",
			"Ask the vendor to allow another change.", "Bitten Sie den Anbieter, einen weiteren Wechsel zu erlauben."
	case ReasonRateLimited:
		return "There were too many tries.", "Es gab zu viele Versuche.", later, laterDe
	case ReasonServerBusy:
		return "The license server is busy.", "Der Lizenzserver ist überlastet.", later, laterDe
	case ReasonRefused:
		return "The license server does not accept this version's request.",
			"Der Lizenzserver nimmt die Anfrage dieser Version nicht an.",
			"Update the software.", "Aktualisieren Sie die Software."
	case ReasonTokenUnknown:
		return "The license server does not know this installation.", "Der Lizenzserver kennt diese Installation nicht.",
			"Activate again with the same code or account; this takes no further seat.",
			"Aktivieren Sie erneut mit demselben Code oder Konto; das belegt keinen weiteren Platz."
	case ReasonTokenUnavailable:
		return "The token of this installation could not be read from its store.",
			"Das Token dieser Installation konnte nicht aus seinem Speicher gelesen werden.",
			"Unlock the system's keyring and start the software again.",
			"Entsperren Sie den Schlüsselbund des Systems und starten Sie die Software erneut."
	case ReasonUnreachable:
		return "The license server cannot be reached.", "Der Lizenzserver ist nicht erreichbar.",
			"Connect to the internet and try again.", "Verbinden Sie das Gerät mit dem Internet und versuchen Sie es noch einmal."
	case ReasonNotStored:
		return "The device is activated, but this could not be stored.",
			"Das Gerät ist aktiviert, aber das ließ sich nicht speichern.",
			"The software can be used until it ends. See to the named cause, then activate again; this takes no further seat.",
			"Die Software ist bis zu ihrem Ende nutzbar. Beheben Sie die genannte Ursache und aktivieren Sie dann erneut; das belegt keinen weiteren Platz."
	case ReasonNoOfflineRequest:
		return "The text answers no request of this device.", "Der Text beantwortet keine Anfrage dieses Geräts.",
			"Make a new offline request here and have that one answered.",
			"Erstellen Sie hier eine neue Offline-Anfrage und lassen Sie diese beantworten."
	case ReasonImportInvalid:
		return "The text is not a signed answer of the vendor.", "Der Text ist keine signierte Antwort des Anbieters.",
			"Copy it again, whole and unchanged.", "Kopieren Sie ihn noch einmal vollständig und unverändert."
	case ReasonImportOld:
		return "The text is older than what is stored here.", "Der Text ist älter als das, was hier gespeichert ist.",
			"Use the newest one.", "Verwenden Sie den neuesten."
	}
	return "The operation failed.", "Der Vorgang ist fehlgeschlagen.", "", ""
}

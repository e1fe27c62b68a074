package license

// Reason is why a status or an error is what it is: a stable code for programs.
type Reason string

// Reasons of a status.
const (
	ReasonNone            Reason = ""                  // not activated, and never was
	ReasonReleased        Reason = "released"          // not activated: the vendor took the seat back
	ReasonUnconfirmed     Reason = "unconfirmed"       // not activated as far as is stored, but a token may be: a check tells
	ReasonConfirmed       Reason = "confirmed"         // active: the server confirmed the license
	ReasonOfflineLease    Reason = "offline_lease"     // active: under a lease for devices without a network
	ReasonCheckOverdue    Reason = "check_overdue"     // grace
	ReasonLeaseEnded      Reason = "lease_ended"       // lapsed
	ReasonExpired         Reason = "expired"           // expired
	ReasonSuspended       Reason = "suspended"         // suspended
	ReasonRevoked         Reason = "revoked"           // revoked
	ReasonWrongDevice     Reason = "wrong_device"      // wrong device
	ReasonClockRolledBack Reason = "clock_rolled_back" // clock rolled back
)

// Further reasons, of errors alone.
const (
	ReasonConfig           Reason = "config"             // a field of Config is wrong
	ReasonStateUnreadable  Reason = "state_unreadable"   // the state file is not ours or cannot be read
	ReasonStateUnwritable  Reason = "state_unwritable"   // the state directory cannot be written
	ReasonBusyElsewhere    Reason = "busy_elsewhere"     // another process held the lock until the context ended
	ReasonNoDevice         Reason = "no_device"          // no identifier of the device can be read
	ReasonCodeMistyped     Reason = "code_mistyped"      // told by the code's checksum; nothing was sent
	ReasonInput            Reason = "input"              // what was entered cannot be used; nothing was sent
	ReasonCanceled         Reason = "canceled"           // the context had ended before anything was done
	ReasonCodeInvalid      Reason = "code_invalid"       // the server does not know the code for this product
	ReasonSeatsUsed        Reason = "seats_used"         // every seat is taken
	ReasonCredentialsWrong Reason = "credentials_wrong"  // e-mail or password is wrong, or there is no such account
	ReasonWrongProduct     Reason = "wrong_product"      // the token belongs to another product
	ReasonChooseLicense    Reason = "choose_license"     // the account has several licenses
	ReasonNoLicense        Reason = "no_license"         // the account has no license of this product
	ReasonRebindLimit      Reason = "rebind_limit"       // the license has changed devices too often
	ReasonRateLimited      Reason = "rate_limited"       // too many tries
	ReasonBusy             Reason = "busy"               // the server is overloaded
	ReasonRefused          Reason = "refused"            // the server does not understand this version's request
	ReasonTokenUnknown     Reason = "token_unknown"      // the server does not know the token
	ReasonCannotRebind     Reason = "cannot_rebind"      // the token that would prove the right to is not here
	ReasonTokenUnavailable Reason = "token_unavailable"  // the token's store is locked, declined or failing
	ReasonUnreachable      Reason = "unreachable"        // no signed answer came
	ReasonNotStored        Reason = "not_stored"         // activated, but a store failed
	ReasonNoOfflineRequest Reason = "no_offline_request" // the file answers no request of this device
	ReasonImportInvalid    Reason = "import_invalid"     // not a signed answer or lease
	ReasonImportOld        Reason = "import_old"         // older than what is stored
)

// words are a text in the languages that end users read.
type words struct{ en, de string }

func (w words) in(l language) string {
	if l == german {
		return w.de
	}
	return w.en
}

// texts say what a reason means and, where something needs doing, what the person can do. An array of constants: it
// costs a program nothing at its start.
var texts = [...]struct {
	reason     Reason
	says, hint words
}{
	{ReasonNone,
		words{"This device is not activated.",
			"Dieses Gerät ist nicht aktiviert."},
		words{"Activate it with your activation code or your account.",
			"Aktivieren Sie es mit Ihrem Aktivierungscode oder Ihrem Konto."}},
	{ReasonReleased,
		words{"The vendor has released this device's seat.",
			"Der Anbieter hat den Lizenzplatz dieses Geräts freigegeben."},
		words{"Activate again if you want to go on using the software here.",
			"Aktivieren Sie erneut, wenn Sie die Software hier weiter nutzen möchten."}},
	{ReasonUnconfirmed,
		words{"The license has yet to be confirmed on this device.",
			"Die Lizenz muss auf diesem Gerät noch bestätigt werden."},
		words{"Connect to the internet once; the rest happens by itself.",
			"Verbinden Sie das Gerät einmal mit dem Internet; alles Weitere geschieht von selbst."}},
	{ReasonConfirmed,
		words{"The license is active.",
			"Die Lizenz ist aktiv."},
		words{}},
	{ReasonOfflineLease,
		words{"The license is active (activated offline).",
			"Die Lizenz ist aktiv (offline aktiviert)."},
		words{}},
	{ReasonCheckOverdue,
		words{"The license could not be confirmed lately; the software can be used until the grace period ends.",
			"Die Lizenz konnte zuletzt nicht bestätigt werden; die Software kann bis zum Ende der Karenzzeit genutzt werden."},
		words{"Connect to the internet within the next few days.",
			"Verbinden Sie das Gerät in den nächsten Tagen mit dem Internet."}},
	{ReasonLeaseEnded,
		words{"The license could not be confirmed for too long.",
			"Die Lizenz konnte zu lange nicht bestätigt werden."},
		words{"Connect to the internet and start the software again.",
			"Verbinden Sie das Gerät mit dem Internet und starten Sie die Software erneut."}},
	{ReasonExpired,
		words{"The license has ended.",
			"Die Lizenz ist abgelaufen."},
		words{"Renew it with the vendor; it works again after the next check.",
			"Verlängern Sie sie beim Anbieter; nach der nächsten Prüfung gilt sie wieder."}},
	{ReasonSuspended,
		words{"The vendor has suspended the license.",
			"Der Anbieter hat die Lizenz vorübergehend gesperrt."},
		words{"If this is wrong, contact the vendor.",
			"Falls das nicht stimmt, wenden Sie sich bitte an den Anbieter."}},
	{ReasonRevoked,
		words{"The vendor has revoked the license.",
			"Der Anbieter hat die Lizenz widerrufen."},
		words{"If this is wrong, contact the vendor.",
			"Falls das nicht stimmt, wenden Sie sich bitte an den Anbieter."}},
	{ReasonWrongDevice,
		words{"The license stored here belongs to another device.",
			"Die hier gespeicherte Lizenz gehört zu einem anderen Gerät."},
		words{"If this computer got a new mainboard, or the license has moved here, rebind it; otherwise activate this device.",
			"Wurde in diesem Computer die Hauptplatine getauscht oder ist die Lizenz auf dieses Gerät umgezogen, übertragen Sie sie hierher; andernfalls aktivieren Sie dieses Gerät."}},
	{ReasonClockRolledBack,
		words{"The clock of this device has been set back.",
			"Die Uhr dieses Geräts wurde zurückgestellt."},
		words{"Set the clock right, or connect to the internet.",
			"Stellen Sie die Uhr richtig oder verbinden Sie das Gerät mit dem Internet."}},
	{ReasonConfig,
		words{"The licensing of this program is not set up correctly.",
			"Die Lizenzierung dieses Programms ist nicht richtig eingerichtet."},
		words{"The program's developer must correct the named fields.",
			"Der Entwickler des Programms muss die genannten Felder korrigieren."}},
	{ReasonStateUnreadable,
		words{"The license data on this device belongs to another user or cannot be read.",
			"Die Lizenzdaten auf diesem Gerät gehören einem anderen Benutzer oder sind nicht lesbar."},
		words{"Correct the owner and the permissions of the named file, or start the software as the user who activated it.",
			"Korrigieren Sie Besitzer und Zugriffsrechte der genannten Datei oder starten Sie die Software als der Benutzer, der sie aktiviert hat."}},
	{ReasonStateUnwritable,
		words{"The license data on this device cannot be written.",
			"Die Lizenzdaten auf diesem Gerät können nicht geschrieben werden."},
		words{"Make room on the disk, and let the software write to the named folder.",
			"Schaffen Sie Platz auf dem Datenträger und lassen Sie die Software in den genannten Ordner schreiben."}},
	{ReasonBusyElsewhere,
		words{"Another program was using the license data.",
			"Ein anderes Programm hat gerade auf die Lizenzdaten zugegriffen."},
		words{"Try again later.",
			"Versuchen Sie es später noch einmal."}},
	{ReasonCanceled,
		words{"The operation was canceled.",
			"Der Vorgang wurde abgebrochen."},
		words{"Start it again when you are ready.",
			"Starten Sie ihn erneut, sobald Sie möchten."}},
	{ReasonNoDevice,
		words{"This device cannot be told from others: none of its identifiers can be read.",
			"Dieses Gerät lässt sich nicht von anderen unterscheiden: Keine seiner Kennungen ist lesbar."},
		words{"In a container, let the application pass an identity of its own; elsewhere the named sources show what is missing.",
			"In einem Container muss die Anwendung eine eigene Kennung übergeben; andernfalls zeigen die genannten Quellen, was fehlt."}},
	{ReasonCodeMistyped,
		words{"The activation code has a typing mistake.",
			"Der Aktivierungscode enthält einen Tippfehler."},
		words{"Compare it with the original: 25 letters and digits in five groups.",
			"Vergleichen Sie ihn mit dem Original: 25 Buchstaben und Ziffern in fünf Gruppen."}},
	{ReasonInput,
		words{"What was entered cannot be used: it is empty, too long, or of a form that is not allowed here.",
			"Die Eingabe ist ungültig: Sie ist leer, zu lang oder hier nicht zulässig."},
		words{"Enter it again.",
			"Geben Sie sie erneut ein."}},
	{ReasonCodeInvalid,
		words{"The activation code is not valid for this product.",
			"Der Aktivierungscode gilt nicht für dieses Produkt."},
		words{"Compare it with the original and with the product it was bought for.",
			"Vergleichen Sie ihn mit dem Original und mit dem Produkt, für das er gekauft wurde."}},
	{ReasonSeatsUsed,
		words{"Every seat of the license is in use.",
			"Alle Plätze der Lizenz sind belegt."},
		words{"Deactivate a device that no longer needs the license, or buy a further seat.",
			"Deaktivieren Sie ein Gerät, das die Lizenz nicht mehr benötigt, oder kaufen Sie einen weiteren Platz."}},
	{ReasonCredentialsWrong,
		words{"E-mail or password is wrong.",
			"E-Mail-Adresse oder Passwort ist falsch."},
		words{"Enter them again, or reset the password.",
			"Geben Sie beides erneut ein oder setzen Sie das Passwort zurück."}},
	{ReasonWrongProduct,
		words{"The stored activation belongs to another product.",
			"Die gespeicherte Aktivierung gehört zu einem anderen Produkt."},
		words{"Activate again.",
			"Aktivieren Sie erneut."}},
	{ReasonChooseLicense,
		words{"The account has several licenses for this product.",
			"Das Konto hat mehrere Lizenzen für dieses Produkt."},
		words{"Choose one of them.",
			"Wählen Sie eine davon aus."}},
	{ReasonNoLicense,
		words{"The account has no license for this product.",
			"Das Konto hat keine Lizenz für dieses Produkt."},
		words{"Sign in with the account that the license was bought with.",
			"Melden Sie sich mit dem Konto an, mit dem die Lizenz gekauft wurde."}},
	{ReasonRebindLimit,
		words{"The license has changed devices too often.",
			"Die Lizenz hat zu oft das Gerät gewechselt."},
		words{"Ask the vendor to allow another change.",
			"Bitten Sie den Anbieter, einen weiteren Wechsel zu erlauben."}},
	{ReasonRateLimited,
		words{"There were too many tries in a short time.",
			"Zu viele Versuche in kurzer Zeit."},
		words{"Try again later.",
			"Versuchen Sie es später noch einmal."}},
	{ReasonBusy,
		words{"The license server is busy.",
			"Der Lizenzserver ist überlastet."},
		words{"Try again later.",
			"Versuchen Sie es später noch einmal."}},
	{ReasonRefused,
		words{"The license server does not accept requests of this version.",
			"Der Lizenzserver akzeptiert keine Anfragen dieser Programmversion."},
		words{"Update the software.",
			"Aktualisieren Sie die Software."}},
	{ReasonTokenUnknown,
		words{"The license server does not know this installation.",
			"Der Lizenzserver kennt diese Installation nicht."},
		words{"Activate again with the same code or account; this takes no further seat.",
			"Aktivieren Sie erneut mit demselben Code oder Konto; das belegt keinen weiteren Platz."}},
	{ReasonCannotRebind,
		words{"This device cannot prove that the license may move here.",
			"Dieses Gerät kann nicht nachweisen, dass die Lizenz hierher umziehen darf."},
		words{"Deactivate the other device, or ask the vendor to release its seat; then activate here.",
			"Deaktivieren Sie das andere Gerät oder bitten Sie den Anbieter, dessen Platz freizugeben; aktivieren Sie dann hier."}},
	{ReasonTokenUnavailable,
		words{"The token of this installation cannot be used.",
			"Der Zugangsschlüssel dieser Installation ist nicht verwendbar."},
		words{"Unlock the system's keyring; where an administrator supplies the token, check its file.",
			"Entsperren Sie den Schlüsselbund des Systems; stellt der Administrator den Zugangsschlüssel bereit, prüfen Sie dessen Datei."}},
	{ReasonUnreachable,
		words{"The license server cannot be reached.",
			"Der Lizenzserver ist nicht erreichbar."},
		words{"Connect to the internet and try again.",
			"Verbinden Sie das Gerät mit dem Internet und versuchen Sie es noch einmal."}},
	{ReasonNotStored,
		words{"The device is activated, but this could not be stored.",
			"Das Gerät ist aktiviert, aber das ließ sich nicht speichern."},
		words{"You can use the software until you close it. Remove the named cause, then activate again; this takes no further seat.",
			"Bis Sie die Software beenden, können Sie sie nutzen. Beheben Sie die genannte Ursache und aktivieren Sie dann erneut; das belegt keinen weiteren Platz."}},
	{ReasonNoOfflineRequest,
		words{"The text answers no open request of this device.",
			"Dieser Text gehört zu keiner offenen Anfrage dieses Geräts."},
		words{"Make a new offline request here and have that one answered.",
			"Erstellen Sie hier eine neue Offline-Anfrage und lassen Sie diese beantworten."}},
	{ReasonImportInvalid,
		words{"The text is not a signed answer of the vendor.",
			"Der Text ist keine signierte Antwort des Anbieters."},
		words{"Copy it again, whole and unchanged.",
			"Kopieren Sie ihn noch einmal vollständig und unverändert."}},
	{ReasonImportOld,
		words{"The text is older than what is stored here.",
			"Der Text ist älter als das, was hier gespeichert ist."},
		words{"Use the newest answer.",
			"Verwenden Sie die neueste Antwort."}},
}

// sentence says what a reason means, in one sentence for people.
func sentence(r Reason, l language) string {
	for i := range texts {
		if texts[i].reason == r {
			return texts[i].says.in(l)
		}
	}
	return words{"The operation failed.", "Der Vorgang ist fehlgeschlagen."}.in(l)
}

// hint says what the person can do about it; empty where nothing needs doing.
func hint(r Reason, l language) string {
	for i := range texts {
		if texts[i].reason == r {
			return texts[i].hint.in(l)
		}
	}
	return ""
}

// message says both.
func message(r Reason, l language) string {
	if h := hint(r, l); h != "" {
		return sentence(r, l) + " " + h
	}
	return sentence(r, l)
}

package fingerprint

import "strings"

// text is a sentence in the two languages that end users read.
type text struct{ en, de string }

// in returns the text in German for "de", "de-AT", "de_CH.UTF-8" and the like, and in English for everything else.
func (t text) in(lang string) string {
	if lang = strings.ToLower(lang); lang == "de" || strings.HasPrefix(lang, "de-") || strings.HasPrefix(lang, "de_") {
		return t.de
	}
	return t.en
}

var (
	identityPurpose = text{
		"to recognize this device; only a value derived from it in one direction leaves the device",
		"um dieses Gerät wiederzuerkennen; nur ein daraus in einer Richtung abgeleiteter Wert verlässt das Gerät",
	}
	probePurpose = text{
		"to see whether the identifiers are this device's own, or those of the host of a container or a virtual machine; never leaves the device",
		"um zu sehen, ob die Kennungen zu diesem Gerät gehören oder zum Wirt eines Containers oder einer virtuellen Maschine; verlässt das Gerät nie",
	}
	callerReads = text{
		"the identifier that the application supplied",
		"die Kennung, die die Anwendung mitgegeben hat",
	}
	biosReads = text{
		"the system UUID that the firmware stores on the main board",
		"die System-UUID, die die Firmware auf der Hauptplatine speichert",
	}
	osReads = text{
		"the identifier of the installed operating system",
		"die Kennung des installierten Betriebssystems",
	}
	containerReads = text{
		"whether this is a container",
		"ob dies ein Container ist",
	}
	vendorReads = text{
		"the names of the system's vendor and product",
		"die Namen von Hersteller und Modell des Systems",
	}
)

var outcomeTexts = [...]text{
	Unavailable: {
		"It cannot be determined now whether this is the activated device, because none of the identifiers it was activated with can be read.",
		"Ob dies das aktivierte Gerät ist, lässt sich gerade nicht feststellen: Keine der Kennungen, mit denen es aktiviert wurde, ist lesbar.",
	},
	Same: {
		"This is the activated device.",
		"Dies ist das aktivierte Gerät.",
	},
	SameReinstalled: {
		"This is the activated device; its operating system has been installed anew.",
		"Dies ist das aktivierte Gerät; sein Betriebssystem wurde neu installiert.",
	},
	SameDegraded: {
		"This is the activated device, as far as can be read now.",
		"Dies ist das aktivierte Gerät, soweit es sich gerade lesen lässt.",
	},
	CopyOrNewBoard: {
		"The installed system is the activated one, but the main board is another. Either the system was copied to a second device, or the main board was replaced. If it was replaced, transfer the license to this device.",
		"Das installierte System ist das aktivierte, die Hauptplatine aber eine andere. Entweder wurde das System auf ein zweites Gerät kopiert, oder die Hauptplatine wurde getauscht. Wurde sie getauscht, übertragen Sie die Lizenz auf dieses Gerät.",
	},
	Different: {
		"This is not the activated device. To use the license here, transfer it to this device or activate it with a free seat.",
		"Dies ist nicht das aktivierte Gerät. Um die Lizenz hier zu nutzen, übertragen Sie sie auf dieses Gerät oder aktivieren Sie sie mit einem freien Platz.",
	},
}

var kindNames = map[Kind]text{
	BIOSUUID:  {"the system UUID of the main board", "die System-UUID der Hauptplatine"},
	OSInstall: {"the identifier of the operating system", "die Kennung des Betriebssystems"},
	Caller:    {"the identifier from the application", "die Kennung der Anwendung"},
}

var reasonTexts = [...]text{
	NotPresent:  {"this device has none", "Dieses Gerät hat keine"},
	Placeholder: {"it is a placeholder that many devices share", "Sie ist ein Platzhalter, den viele Geräte gemeinsam haben"},
	Permission:  {"only an administrator may read it", "Nur ein Administrator darf sie lesen"},
	Malformed:   {"it is damaged", "Sie ist beschädigt"},
	Container:   {"inside a container it is the host's", "In einem Container ist es die des Wirts"},
	Unsupported: {"this program has no way to it", "Dieses Programm kommt nicht an sie heran"},
}

// Message says the outcome in one or two sentences for the person at the device, and which identifier could not be read
// and why. The language is "de", otherwise English.
func (v Verdict) Message(lang string) string {
	o := v.Outcome
	if o < 0 || int(o) >= len(outcomeTexts) {
		o = Unavailable
	}
	var b strings.Builder
	b.WriteString(outcomeTexts[o].in(lang))
	for _, e := range v.Evidence {
		if s := e.Message(lang); s != "" && e.Finding == Unreadable {
			b.WriteString(" ")
			b.WriteString(s)
		}
	}
	return b.String()
}

// Message says the finding of one kind in a sentence.
func (e Evidence) Message(lang string) string {
	name, ok := kindNames[e.Kind]
	if !ok {
		return ""
	}
	s := name.in(lang) + " "
	switch e.Finding {
	case Match:
		s += text{"is the same.", "stimmt überein."}.in(lang)
	case Differs:
		s += text{"is another.", "ist eine andere."}.in(lang)
	case NotPinned:
		s += text{"was not known when the license was activated.", "war bei der Aktivierung nicht bekannt."}.in(lang)
	default:
		s += text{"cannot be read now", "ist gerade nicht lesbar"}.in(lang)
		if r, ok := e.reason(); ok {
			s += ": " + r.text().in(lang)
		}
		s += "."
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// reason is the most telling of the reasons why sources were skipped: what somebody can change goes before what nobody
// can.
func (e Evidence) reason() (Reason, bool) {
	for _, r := range [...]Reason{Container, Permission, Placeholder, Malformed, Unsupported, NotPresent} {
		for _, s := range e.Skipped {
			if s.Reason == r {
				return r, true
			}
		}
	}
	return 0, false
}

func (r Reason) text() text {
	if r < 0 || int(r) >= len(reasonTexts) {
		return text{}
	}
	return reasonTexts[r]
}

package fingerprint

import "slices"

// Hint says what a person, or an administrator, can do about it. The language is "de", otherwise English.
func (e *Error) Hint(lang string) string {
	if h := e.hint(); h != (text{}) {
		return h.in(lang)
	}
	return lastHint.in(lang)
}

func (e *Error) hint() text {
	switch {
	case e.Kind == OSInstall && e.Reason == Permission:
		return text{
			"Let this program's user read it, or run the program as an administrator.",
			"Geben Sie dem Benutzer dieses Programms Leserecht, oder starten Sie das Programm als Administrator.",
		}
	case e.Kind == OSInstall && e.Reason != Unsupported:
		return systemHints.newID
	case e.Reason == Permission:
		return systemHints.permission
	case e.Reason == Container:
		return text{
			"Inside a container the application should supply an identifier of its own; set AllowContainer only where every container on a host may count as one device.",
			"In einem Container sollte die Anwendung eine eigene Kennung mitgeben; AllowContainer ist nur sinnvoll, wo alle Container eines Wirts als ein Gerät gelten dürfen.",
		}
	case e.Reason == Placeholder:
		return text{
			"The maker left a placeholder in the firmware; a firmware update or the maker's service can set a real UUID. Until then the identifier of the operating system stands in.",
			"Der Hersteller hat einen Platzhalter in der Firmware gelassen; ein Firmware-Update oder der Service des Herstellers kann eine echte UUID setzen. Bis dahin tritt die Kennung des Betriebssystems an ihre Stelle.",
		}
	case e.Reason == Malformed:
		return text{
			"The firmware's table is damaged; a firmware update may help. Until then the identifier of the operating system stands in.",
			"Die Tabelle der Firmware ist beschädigt; ein Firmware-Update kann helfen. Bis dahin tritt die Kennung des Betriebssystems an ihre Stelle.",
		}
	case e.Kind == BIOSUUID && e.Reason == NotPresent:
		return text{
			"Nothing to do: this device does not have it.",
			"Nichts zu tun: Dieses Gerät hat sie nicht.",
		}
	}
	return text{}
}

var lastHint = text{
	"The application can supply an identifier of its own.",
	"Die Anwendung kann eine eigene Kennung mitgeben.",
}

// Hint gives the hint of the source with the best prospect.
func (e *unavailable) Hint(lang string) string {
	for _, r := range [...]Reason{Permission, Container, Placeholder, Malformed} {
		for _, s := range slices.Backward(e.skipped) { // the identifier of the system first: it is the easier one
			if s.Reason == r {
				return s.Hint(lang)
			}
		}
	}
	for _, s := range e.skipped {
		if s.Kind == OSInstall {
			return s.Hint(lang)
		}
	}
	return lastHint.in(lang)
}

// hints are those that depend on the system.
type hints struct{ permission, newID text }

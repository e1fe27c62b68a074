package main

import (
	"errors"

	"github.com/counterfoil-dev/counterfoil/license"
)

// The exit codes. They are part of what scripts rely on.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2
	exitNotUsable   = 3
	exitUnreachable = 4
	exitRefused     = 5
	exitNotStored   = 6
	exitInterrupted = 130
)

var exits = [...]struct {
	code  int
	about text
}{
	{exitOK, text{"done; with status and check: the license is usable", "erledigt; bei status und check: Die Lizenz ist nutzbar"}},
	{exitFailed, text{"failed on this device", "auf diesem Gerät fehlgeschlagen"}},
	{exitUsage, text{"wrong command line", "falscher Aufruf"}},
	{exitNotUsable, text{"the license is not usable, or the device not activated", "die Lizenz ist nicht nutzbar oder das Gerät nicht aktiviert"}},
	{exitUnreachable, text{"the license server could not be reached; nothing changed", "der Lizenzserver war nicht erreichbar; nichts hat sich geändert"}},
	{exitRefused, text{"refused: wrong code, wrong password, no free seat and the like", "abgelehnt: falscher Code, falsches Passwort, kein freier Platz und Ähnliches"}},
	{exitNotStored, text{"activated, but it could not be stored", "aktiviert, aber es ließ sich nicht speichern"}},
	{exitInterrupted, text{"interrupted", "unterbrochen"}},
}

func exitOf(err error) int {
	if _, ok := errors.AsType[*usageError](err); ok {
		return exitUsage
	}
	if errors.Is(err, errInterrupted) {
		return exitInterrupted
	}
	e, ok := errors.AsType[*license.Error](err)
	if !ok {
		return exitFailed
	}
	switch e.Reason {
	case license.ReasonConfig:
		return exitUsage
	case license.ReasonUnreachable:
		return exitUnreachable
	case license.ReasonNotStored:
		return exitNotStored
	case license.ReasonNone, license.ReasonReleased, license.ReasonUnconfirmed:
		return exitNotUsable
	case license.ReasonStateUnreadable, license.ReasonStateUnwritable, license.ReasonBusyElsewhere, license.ReasonNoDevice,
		license.ReasonTokenUnavailable:
		return exitFailed
	}
	return exitRefused
}

package fingerprint

// Only root may read machdep.dmi.system-uuid. NetBSD always swaps the bytes, and filters nothing.
const (
	systemUUID    = "machdep.dmi.system-uuid"
	systemVendor  = "machdep.dmi.system-vendor"
	systemProduct = "machdep.dmi.system-product"
)

var systemHints = hints{permission: text{
	"NetBSD shows it to root alone: run the program as root, or let the application supply an identifier.",
	"NetBSD zeigt sie nur root: Starten Sie das Programm als root, oder die Anwendung gibt eine eigene Kennung mit.",
}}

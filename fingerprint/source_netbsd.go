package fingerprint

// Only root may read machdep.dmi.system-uuid. NetBSD always swaps the bytes, and filters nothing.
const (
	systemUUID    = "machdep.dmi.system-uuid"
	systemVendor  = "machdep.dmi.system-vendor"
	systemProduct = "machdep.dmi.system-product"
)

var systemHints = hints{permission: text{
	"NetBSD shows it to administrators (root) alone: run the program as an administrator, or let the application supply an identifier.",
	"NetBSD zeigt sie nur dem Administrator (root): Starten Sie das Programm als Administrator, oder die Anwendung gibt eine eigene Kennung mit.",
}}

package fingerprint

// hw.uuid is open to every user. OpenBSD never swaps the bytes, and says "Not Set" where all are FF.
const (
	systemUUID    = "hw.uuid"
	systemVendor  = "hw.vendor"
	systemProduct = "hw.product"
)

var systemHints = hints{}

//go:build !((linux && !android) || windows || (darwin && !ios) || freebsd || dragonfly || openbsd || netbsd || solaris || aix)

package fingerprint

// system has no source: nothing below the SDKs of Android and iOS can be trusted, and Plan 9, JavaScript and WASI have
// none. The application supplies an identifier.
type system struct {
	container      string
	containerKnown bool
}

func (*system) origins() []origin                { return nil }
func (*system) probes() []probe                  { return nil }
func (*system) detectContainer() string          { return "" }
func (*system) vendor() (vendor, product string) { return "", "" }

// randomInstall: there is no such identifier.
const randomInstall = false

var systemHints hints

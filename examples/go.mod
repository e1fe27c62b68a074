module github.com/counterfoil-dev/counterfoil/examples

go 1.26.0

replace github.com/counterfoil-dev/counterfoil => ../

require (
	github.com/counterfoil-dev/counterfoil v0.0.0-00010101000000-000000000000
	golang.org/x/term v0.47.0
	rsc.io/qr v0.2.0
)

require (
	github.com/danieljoos/wincred v1.2.3 // indirect
	github.com/denisbrodbeck/machineid v1.0.1 // indirect
	github.com/godbus/dbus/v5 v5.2.4 // indirect
	github.com/hashicorp/go-cleanhttp v0.5.2 // indirect
	github.com/hashicorp/go-retryablehttp v0.7.8 // indirect
	github.com/zalando/go-keyring v0.2.8 // indirect
	golang.org/x/crypto v0.58.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
)

module github.com/counterfoil-dev/counterfoil

go 1.26.0

require (
	github.com/denisbrodbeck/machineid v1.0.1
	github.com/godbus/dbus/v5 v5.2.4
	github.com/hashicorp/go-retryablehttp v0.7.8
	github.com/zalando/go-keyring v0.2.8
	golang.org/x/crypto v0.58.0
	golang.org/x/sys v0.49.0
)

require (
	github.com/danieljoos/wincred v1.2.3 // indirect
	github.com/hashicorp/go-cleanhttp v0.5.2 // indirect
)

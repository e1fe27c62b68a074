package token

// NewSecretService is the keyring of Linux on a bus of the test's own.
func NewSecretService(service, account, address, display string) Store {
	env := map[string]string{"DBUS_SESSION_BUS_ADDRESS": address, "DISPLAY": display}
	return &secretService{service, account, func(name string) string { return env[name] }}
}

var BusAddress = busAddress

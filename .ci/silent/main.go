// Silent is a Secret Service on the session bus that says its collection is unlocked, and then never answers: as a keyring
// does whose dialog nobody sees. It prints "ready" when it has the name.
package main

import (
	"fmt"
	"os"

	"github.com/godbus/dbus/v5"
)

const path = dbus.ObjectPath("/org/freedesktop/secrets")

type secretStruct struct {
	Session    dbus.ObjectPath
	Parameters []byte
	Value      []byte
	Type       string
}

type service struct{}

// Get is of org.freedesktop.DBus.Properties: the property Locked.
func (service) Get(_, _ string) (dbus.Variant, *dbus.Error) { return dbus.MakeVariant(false), nil }

func (service) ReadAlias(string) (dbus.ObjectPath, *dbus.Error) {
	return path + "/collection/login", nil
}

func (service) OpenSession(string, dbus.Variant) (dbus.Variant, dbus.ObjectPath, *dbus.Error) {
	return dbus.MakeVariant(""), path + "/session/1", nil
}

func (service) SearchItems(map[string]string) ([]dbus.ObjectPath, *dbus.Error) {
	select {}
}

func (service) CreateItem(map[string]dbus.Variant, secretStruct, bool) (item, prompt dbus.ObjectPath, _ *dbus.Error) {
	select {}
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("ready")
	select {}
}

func run() error {
	bus, err := dbus.SessionBus()
	if err != nil {
		return err
	}
	for _, p := range []dbus.ObjectPath{path, path + "/collection/login"} {
		for _, iface := range []string{
			"org.freedesktop.DBus.Properties", "org.freedesktop.Secret.Service", "org.freedesktop.Secret.Collection",
		} {
			if err := bus.Export(service{}, p, iface); err != nil {
				return err
			}
		}
	}
	_, err = bus.RequestName("org.freedesktop.secrets", dbus.NameFlagDoNotQueue)
	return err
}

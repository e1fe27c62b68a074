package server

import (
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"github.com/counterfoil-dev/counterfoil/internal/strictjson"
	"github.com/counterfoil-dev/counterfoil/internal/wire"
	"github.com/counterfoil-dev/counterfoil/lease"
)

// The default times of a product.
const (
	DefaultLease   = 14 * 24 * time.Hour
	DefaultOffline = 180 * 24 * time.Hour
)

// Product is a program that the vendor licenses.
type Product struct {
	Name    string // as the program configures it, such as "acme-editor"
	Lease   int64  // seconds that a lease runs
	Offline int64  // seconds that a lease against an offline request runs
	Created int64  // Unix seconds
}

func (p Product) validate() error {
	if err := wire.CheckProduct(p.Name); err != nil {
		return invalid("%v", err)
	}
	for _, d := range []struct {
		name    string
		seconds int64
	}{{"lease time", p.Lease}, {"offline time", p.Offline}} {
		if most := int64(lease.MaxDuration / time.Second); d.seconds < 3600 || d.seconds > most {
			return invalid("%s: want one hour to %d days", d.name, most/86400)
		}
	}
	return nil
}

// Edition is a named set of entitlements of a product. A change reaches every license of the edition at its next check.
type Edition struct {
	Product      string
	Name         string
	Entitlements Entitlements
}

// What a lease can hold.
const (
	maxEntitlements = 128 // of an edition, and as many of a license: a lease holds 256
	maxEdition      = 128 // bytes
)

func (e Edition) validate() error {
	if e.Name == "" || !isText(e.Name, maxEdition) {
		return invalid("edition: want a name of 1 to %d bytes of UTF-8 without control characters, such as \"pro\"", maxEdition)
	}
	return e.Entitlements.validate()
}

// Entitlements are capabilities by name.
type Entitlements map[string]lease.Entitlement

func (e Entitlements) validate() error {
	if len(e) > maxEntitlements {
		return invalid("entitlements: more than %d", maxEntitlements)
	}
	for name, v := range e {
		if !strictjson.ValidName(name) {
			return invalid("entitlement %.80q: want 1 to 64 of a-z, 0-9 and \". _ -\"", name)
		}
		if v.Limit != nil && (*v.Limit < 0 || *v.Limit > 1<<53-1) {
			return invalid("entitlement %q: limit: want 0 to 2^53-1", name)
		}
	}
	return nil
}

// Merge returns e with what more adds or overrides.
func (e Entitlements) Merge(more Entitlements) Entitlements {
	if len(e)+len(more) == 0 {
		return nil
	}
	all := make(Entitlements, len(e)+len(more))
	maps.Copy(all, e)
	maps.Copy(all, more)
	return all
}

// MarshalText spells entitlements as a store keeps them: JSON, "" for none.
func (e Entitlements) MarshalText() ([]byte, error) {
	if len(e) == 0 {
		return nil, nil
	}
	return json.Marshal(map[string]lease.Entitlement(e))
}

// UnmarshalText reads what MarshalText wrote.
func (e *Entitlements) UnmarshalText(text []byte) error {
	*e = nil
	if len(text) == 0 {
		return nil
	}
	if err := json.Unmarshal(text, (*map[string]lease.Entitlement)(e)); err != nil {
		return fmt.Errorf("entitlements: %w", err)
	}
	return nil
}

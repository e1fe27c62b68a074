package fingerprint

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"unicode/utf8"
)

// Bounds of what a caller may configure.
const (
	maxProduct      = 64   // bytes
	maxCaller       = 4096 // bytes
	maxPlaceholders = 1000
)

// check reports every problem of the configuration at once, and returns the caller's placeholders in canonical form.
func (c *Config) check() (refused []uuid, err error) {
	var errs []error
	if c.Product == "" || len(c.Product) > maxProduct || !utf8.ValidString(c.Product) {
		errs = append(errs, fmt.Errorf("product: want 1 to %d bytes of UTF-8, such as \"acme-editor\"", maxProduct))
	}
	if c.Caller != "" {
		switch {
		case len(c.Caller) > maxCaller:
			errs = append(errs, fmt.Errorf("caller: want at most %d bytes, have %d", maxCaller, len(c.Caller)))
		case callerPlaceholder(c.Caller):
			errs = append(errs, errors.New("caller: this value identifies no device; "+
				"leave the field empty where the application has no identifier"))
		}
	}
	if len(c.Placeholders) > maxPlaceholders {
		errs = append(errs, fmt.Errorf("placeholders: want at most %d, have %d", maxPlaceholders, len(c.Placeholders)))
	} else {
		for i, s := range c.Placeholders {
			u, err := parseUUID([]byte(s))
			if err != nil {
				errs = append(errs, fmt.Errorf("placeholders[%d]: %w", i, err))
				continue
			}
			refused = append(refused, u.canonical())
		}
	}
	if len(errs) > 0 {
		return nil, fmt.Errorf("fingerprint: config: %w", errors.Join(errs...))
	}
	return refused, nil
}

// callerIdentity makes 32 bytes of whatever the application supplied.
func callerIdentity(s string) []byte {
	sum := sha256.Sum256([]byte(s))
	return sum[:]
}

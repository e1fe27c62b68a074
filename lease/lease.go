// Package lease reads and writes the signed statements that a license server makes: the lease, which says what this
// device may do and until when, and the answer, which says what became of one request.
//
// Applications need one thing of it: the keys whose signatures they accept, pinned in the program.
//
//	var keys = lease.MustKeySet("k1:11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo") // yours, not this one
//
// License servers need a [Signer]. Everything between belongs to package license.
//
// A statement is a compact JWS (RFC 7515) signed with Ed25519 (EdDSA, RFC 8037). There is no other algorithm, no
// unsigned statement, no key that arrives with a statement, and no way to read one without verifying it: a [Verified]
// comes from [KeySet.Verify] alone. The package has no clock and does no I/O; whether a lease still runs is for
// package license to say.
//
// Statements of version 1 will be read by every later version of this package.
package lease

import "time"

// Type is what kind of statement a text is. It is signed with the text (header "typ"), so that a statement of one kind
// can never pass for another.
type Type string

// The kinds of statement.
const (
	TypeAnswer Type = "counterfoil.answer.v1"
	TypeLease  Type = "counterfoil.lease.v1"
)

// MaxDuration is the longest time from issue to end that [KeySet.Verify] accepts of a lease: an untended mistake at the
// server must not license a device for ever.
const MaxDuration = 400 * 24 * time.Hour

// Status is the standing of the license at the time when the lease was issued.
type Status string

// The standings of a license.
const (
	StatusActive    Status = "active"
	StatusSuspended Status = "suspended"
	StatusRevoked   Status = "revoked"
	StatusExpired   Status = "expired"
)

// Kind is how a license was bought.
type Kind string

// The kinds of license.
const (
	KindSingle       Kind = "single"       // bought once, claimed with an activation code
	KindSubscription Kind = "subscription" // claimed with an account
)

// Lease is the dated permission that one installation on one device holds.
type Lease struct {
	Product    string `json:"product"`
	License    string `json:"license"`    // random id of the license
	Activation string `json:"activation"` // random id of this installation's activation
	Kind       Kind   `json:"kind"`
	Status     Status `json:"status"`

	Edition      string                 `json:"edition,omitempty"`
	Entitlements map[string]Entitlement `json:"entitlements,omitempty"` // by name, such as "export.pdf"
	Seats        Seats                  `json:"seats"`

	// Fingerprints identify the device: by kind of source, the value that the device derived. At least one.
	Fingerprints map[string]string `json:"fingerprints"`

	// Offline marks a lease issued against an offline request: no daily check is expected while it runs.
	Offline bool `json:"offline,omitempty"`

	IssuedAt   int64 `json:"issued_at"`             // Unix seconds, by the server's clock
	LeaseEnd   int64 `json:"lease_end"`             // Unix seconds; the first second that is not covered
	LicenseEnd int64 `json:"license_end,omitempty"` // Unix seconds; 0: the license has no end
}

// Entitlement is a named capability. Its zero value is one without a limit.
type Entitlement struct {
	// Limit bounds the capability, in its own unit. Nil means that no limit applies.
	Limit *int64 `json:"limit,omitempty"`
}

// Seats says how many devices hold the license, this one included, of how many. A total of 0 is no limit.
type Seats struct {
	Used  int `json:"used"`
	Total int `json:"total"`
}

// Answer is what a server says of one request. It is bound to that request by nonce and hash, and is never stored.
type Answer struct {
	Code     string `json:"code"`      // "ok", or why not; docs/protocol.md lists them
	Nonce    string `json:"nonce"`     // the request's nonce
	Request  string `json:"request"`   // the request's hash, which covers method, path and body
	IssuedAt int64  `json:"issued_at"` // Unix seconds, by the server's clock

	Lease      string   `json:"lease,omitempty"`       // a statement of TypeLease
	Token      string   `json:"token,omitempty"`       // a fresh token, to be used from now on
	RetryAfter int      `json:"retry_after,omitempty"` // seconds to wait before the next try
	Licenses   []Choice `json:"licenses,omitempty"`    // with code choose_license: what the account can claim
}

// Choice is one of several licenses that an account can claim.
type Choice struct {
	License    string `json:"license"`
	Edition    string `json:"edition,omitempty"`
	Seats      Seats  `json:"seats"`
	LicenseEnd int64  `json:"license_end,omitempty"` // Unix seconds; 0: no end
}

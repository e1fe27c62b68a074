package wire

import (
	"encoding/json"
	"fmt"

	"github.com/counterfoil-dev/counterfoil/internal/strictjson"
)

// Activation asks for a seat: with a code, or with an account. It is an upsert on (license, device).
type Activation struct {
	Nonce        string            `json:"nonce"`
	Product      string            `json:"product"`
	Installation string            `json:"installation"` // random, made once by this installation
	Fingerprints map[string]string `json:"fingerprints"` // every kind readable now
	Code         string            `json:"code,omitempty"`
	Account      *Account          `json:"account,omitempty"`
	Label        string            `json:"label,omitempty"` // what a person typed to tell their devices apart
}

// Account claims a subscription license.
type Account struct {
	Email    string `json:"email"`
	Password string `json:"password"`
	License  string `json:"license,omitempty"` // which one, after choose_license
}

// Check asks whether the license still stands. The token proves who asks; without one, the lease does, and the answer
// brings a token.
type Check struct {
	Nonce        string            `json:"nonce"`
	Product      string            `json:"product"`
	Fingerprints map[string]string `json:"fingerprints"`     // the pinned kinds that are readable now
	Pinned       map[string]string `json:"pinned,omitempty"` // the whole set of the stored lease
	Lease        string            `json:"lease,omitempty"`  // the stored lease, if there is no token
}

// Deactivation gives the device's seat back.
type Deactivation struct {
	Nonce   string `json:"nonce"`
	Product string `json:"product"`
	Lease   string `json:"lease,omitempty"` // the stored lease, if there is no token
}

// Rebinding ties the seat that the token holds to the device that asks.
type Rebinding struct {
	Nonce        string            `json:"nonce"`
	Product      string            `json:"product"`
	Installation string            `json:"installation"`
	Fingerprints map[string]string `json:"fingerprints"` // every kind readable now
}

// Request is one of the request types.
type Request interface {
	validate() error
	nonce() string
}

// Encode validates r and returns its bytes.
func Encode(r Request) ([]byte, error) {
	if err := r.validate(); err != nil {
		return nil, err
	}
	b, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	if len(b) > MaxRequest {
		return nil, fmt.Errorf("request of %d bytes is longer than %d", len(b), MaxRequest)
	}
	return b, nil
}

// Decode is for servers: it reads a request's body into r, which must be new, and validates it. If it fails, r is not
// to be used, and nonce is still the request's nonce wherever the body is JSON and holds a good one, so that the
// refusal can be signed.
func Decode(body []byte, r Request) (nonce string, err error) {
	if len(body) > MaxRequest {
		return "", fmt.Errorf("request is longer than %d bytes", MaxRequest)
	}
	if err := strictjson.Unmarshal(body, r); err != nil {
		if n := r.nonce(); checkRandom("nonce", n) == nil {
			return n, err
		}
		return "", err
	}
	if err := checkRandom("nonce", r.nonce()); err != nil {
		return "", err
	}
	return r.nonce(), r.validate()
}

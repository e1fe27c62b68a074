// Package wire is protocol version 1 as bytes: the requests a device makes, the codes a server answers with, and what
// binds the two. docs/protocol.md is its text. Client, test server and license server share it; nothing here opens a
// connection.
package wire

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/counterfoil-dev/counterfoil/internal/strictjson"
)

// Paths of the operations, all POST, below the server's base URL.
const (
	PathActivations   = "/v1/activations"
	PathChecks        = "/v1/checks"
	PathDeactivations = "/v1/deactivations"
	PathRebindings    = "/v1/rebindings"
)

// Bounds on what travels.
const (
	MaxRequest  = 64 << 10 // bytes of a request's body
	MaxResponse = 64 << 10 // bytes of a response's body
	MaxToken    = 2 << 10  // bytes of a token
	MaxLabel    = 64       // bytes of a device label
	MaxEmail    = 254      // bytes (RFC 5321 section 4.5.3.1.3, less the angle brackets)
	MaxPassword = 256      // bytes
	maxKinds    = 8        // fingerprints in a request
	maxValue    = 128      // bytes of a fingerprint's value
	maxID       = 64       // bytes of an id or a product name
	maxLease    = 60 << 10 // bytes of a lease
)

// Media types.
const (
	TypeJSON    = "application/json"
	TypeProblem = "application/problem+json" // RFC 9457
)

// Code says what became of a request. Every code travels inside a signed answer.
type Code string

// The codes. What each does to the device is the table in docs/protocol.md and nothing else.
const (
	OK Code = "ok"

	Revoked      Code = "revoked"
	Suspended    Code = "suspended"
	Expired      Code = "expired"
	Released     Code = "released"
	WrongDevice  Code = "wrong_device"
	TokenUnknown Code = "token_unknown"

	CodeInvalid      Code = "code_invalid"
	SeatsUsed        Code = "seats_used"
	CredentialsWrong Code = "credentials_wrong"
	WrongProduct     Code = "wrong_product"
	ChooseLicense    Code = "choose_license"
	RebindLimit      Code = "rebind_limit"
	RateLimited      Code = "rate_limited"
	Busy             Code = "busy"
	TooLarge         Code = "too_large"
	Malformed        Code = "malformed"
)

// Refusals returns every code but OK.
func Refusals() []Code {
	return []Code{
		Revoked, Suspended, Expired, Released, WrongDevice, TokenUnknown, CodeInvalid, SeatsUsed, CredentialsWrong,
		WrongProduct, ChooseLicense, RebindLimit, RateLimited, Busy, TooLarge, Malformed,
	}
}

// Refusal returns the HTTP status and the title of a refusal's problem document. The client goes by the signed code
// alone. ok is false for OK and for codes that this version does not know.
func Refusal(c Code) (status int, title string, ok bool) {
	switch c {
	case Revoked:
		return 403, "The license has been revoked.", true
	case Suspended:
		return 403, "The license is suspended.", true
	case Expired:
		return 403, "The license has ended.", true
	case Released:
		return 403, "This device's seat has been released.", true
	case WrongDevice:
		return 403, "The token belongs to another device.", true
	case TokenUnknown:
		return 401, "The token is not known here.", true
	case CodeInvalid:
		return 403, "The activation code is not valid for this product.", true
	case SeatsUsed:
		return 409, "Every seat of the license is in use.", true
	case CredentialsWrong:
		return 403, "E-mail or password is wrong.", true
	case WrongProduct:
		return 403, "The token belongs to another product.", true
	case ChooseLicense:
		return 409, "The account has several licenses; name one.", true
	case RebindLimit:
		return 409, "The license has changed devices too often.", true
	case RateLimited:
		return 429, "Too many requests.", true
	case Busy:
		return 503, "The server is busy.", true
	case TooLarge:
		return 413, "The request is too large.", true
	case Malformed:
		return 400, "The request is malformed.", true
	}
	return 0, "", false
}

// Response is the body of a reply. Everything the device acts on is inside the statement, a signed answer.
type Response struct {
	Statement string `json:"statement"`
}

// Problem is the body of a refusal (RFC 9457). Code repeats what the statement says, for people and tools; the device
// does not read it. A request too broken to hold a nonce gets no statement.
type Problem struct {
	Type      string `json:"type"`
	Title     string `json:"title"`
	Status    int    `json:"status"`
	Code      Code   `json:"code"`
	Statement string `json:"statement,omitempty"`
}

// NewProblem is the problem document for a refusal.
func NewProblem(c Code, statement string) Problem {
	status, title, _ := Refusal(c)
	return Problem{Type: "urn:counterfoil:problem:" + string(c), Title: title, Status: status, Code: c, Statement: statement}
}

// Statement finds the signed answer in a response's body, of success and refusal alike.
func Statement(body []byte) (string, error) {
	if len(body) > MaxResponse {
		return "", fmt.Errorf("response is longer than %d bytes", MaxResponse)
	}
	var r Response
	if err := strictjson.Unmarshal(body, &r); err != nil {
		return "", fmt.Errorf("response: %w", err)
	}
	if r.Statement == "" {
		return "", errors.New("response holds no statement")
	}
	return r.Statement, nil
}

// NewNonce returns 128 random bits in base64url.
func NewNonce() string { return randomText() }

// NewInstallation returns a random id for an installation.
func NewInstallation() string { return randomText() }

func randomText() string {
	b := make([]byte, 16)
	rand.Read(b) // never fails (crypto/rand)
	return base64.RawURLEncoding.EncodeToString(b)
}

// Hash binds an answer to a request: SHA-256 over method, LF, path, LF, body, in base64url.
func Hash(method, path string, body []byte) string {
	h := sha256.New()
	fmt.Fprintf(h, "%s\n%s\n", method, path)
	h.Write(body)
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

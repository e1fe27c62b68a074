// Package link is the one configured connection to the license server: product, server, pinned keys and token, set
// up once by package license and handed on by its Client.Link to the packages that send something of their own.
//
// Applications pass a *Link along and need nothing of it. Its methods are for the packages of this module and may
// change with them.
package link

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/counterfoil-dev/counterfoil/fingerprint"
	"github.com/counterfoil-dev/counterfoil/internal/apiclient"
	"github.com/counterfoil-dev/counterfoil/internal/wire"
	"github.com/counterfoil-dev/counterfoil/lease"
	"github.com/counterfoil-dev/counterfoil/token"
)

// Config is what a Link needs. All but HTTPClient is required.
type Config struct {
	Product    string       // name of the product
	Version    string       // version of the application
	Server     string       // base URL of the license server
	Keys       lease.KeySet // keys that sign its answers
	Token      *token.Vault // where this installation's token is kept
	HTTPClient *http.Client // nil: one with timeouts that honors the system's proxies
}

// Link is a connection to one license server for one product. It is safe for concurrent use.
type Link struct {
	cfg Config
	api *apiclient.Client
}

// New returns a Link. It sends nothing. The error is about cfg.Server.
func New(cfg Config) (*Link, error) {
	api, err := apiclient.New(cfg.Server, cfg.HTTPClient)
	if err != nil {
		return nil, err
	}
	return &Link{cfg: cfg, api: api}, nil
}

// Product is the name of the product.
func (l *Link) Product() string { return l.cfg.Product }

// Version is the version of the application.
func (l *Link) Version() string { return l.cfg.Version }

// Token is where this installation's token is kept.
func (l *Link) Token() *token.Vault { return l.cfg.Token }

// Call is one request to be answered with a signed statement.
type Call struct {
	Path    string
	Request wire.Request
	Nonce   string      // the request's nonce
	Token   token.Token // zero: sent without
	Tries   int         // at most this many requests; below 1 counts as 1
}

// Reply is a verified answer to exactly the request that was made.
type Reply struct {
	lease.Answer
	Verified lease.Verified // the lease inside; zero if there is none
	Tries    int            // how many requests left the device
}

// UnreachableError says that no signed answer came. What came instead, a captive portal's page or a proxy's error,
// has no meaning for the license.
type UnreachableError struct {
	Err        error
	Tries      int           // how many requests left the device
	RetryAfter time.Duration // how long not to try again, as far as anybody asked: 0 to 24 h
}

func (e *UnreachableError) Error() string {
	return "license server cannot be reached: " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *UnreachableError) Unwrap() error { return e.Err }

// Exchange makes a request and verifies the answer: signature, nonce, hash of the request, and the lease inside. Its
// error is an *UnreachableError, or a fault in the request, of which nothing left the device. A refusal is a Reply with
// another code than wire.OK.
func (l *Link) Exchange(ctx context.Context, call Call) (Reply, error) {
	body, err := wire.Encode(call.Request)
	if err != nil {
		return Reply{}, err
	}
	resp, err := l.api.Post(ctx, apiclient.Request{
		Path: call.Path, Body: body, Token: call.Token.Reveal(), Tries: call.Tries,
	})
	if err == nil {
		var r Reply
		if r, err = l.verify(call, body, resp.Body); err == nil {
			r.Tries = resp.Tries
			return r, nil
		}
	}
	return Reply{}, &UnreachableError{Err: err, Tries: resp.Tries, RetryAfter: resp.RetryAfter}
}

func (l *Link) verify(call Call, request, response []byte) (Reply, error) {
	text, err := wire.Statement(response)
	if err != nil {
		return Reply{}, err
	}
	r, err := VerifyAnswer(l.cfg.Keys, l.cfg.Product, text, call.Nonce, wire.Hash(http.MethodPost, call.Path, request))
	if err == nil && wire.Code(r.Code) == wire.OK {
		err = call.satisfied(r)
	}
	return r, err
}

// satisfied reports whether an answer brings what was asked for. One that does not is as good as none.
func (c Call) satisfied(r Reply) error {
	switch req := c.Request.(type) {
	case *wire.Activation:
		return r.Brings(req.Fingerprints, true)
	case *wire.Rebinding:
		return r.Brings(req.Fingerprints, true)
	case *wire.Check:
		return r.Brings(req.Fingerprints, c.Token.IsZero())
	}
	return nil
}

// Brings reports whether the answer brings a lease for the device with the given fingerprints and, where one is
// needed, a token.
func (r Reply) Brings(prints map[string]string, needsToken bool) error {
	if r.Lease == "" {
		return errors.New("answer brings no lease")
	}
	if needsToken && r.Token == "" {
		return errors.New("answer brings no token")
	}
	if v := fingerprint.Compare(fingerprint.SetOf(r.Verified.Lease().Fingerprints), fingerprint.SetOf(prints)); !v.Same() {
		return errors.New("answer brings a lease for another device")
	}
	return nil
}

// VerifyAnswer verifies the text of an answer to the request with the given nonce and hash.
func VerifyAnswer(keys lease.KeySet, product, text, nonce, hash string) (Reply, error) {
	v, err := keys.Verify(lease.TypeAnswer, text)
	if err != nil {
		return Reply{}, err
	}
	r := Reply{Answer: v.Answer()}
	if r.Nonce != nonce || r.Request != hash {
		return Reply{}, errors.New("answer belongs to another request")
	}
	if _, _, known := wire.Refusal(wire.Code(r.Code)); !known && wire.Code(r.Code) != wire.OK {
		return Reply{}, fmt.Errorf("answer has a code that this version does not know: %.40q", r.Code)
	}
	if wire.Code(r.Code) != wire.OK { // a refusal brings nothing
		r.Lease, r.Token = "", ""
		return r, nil
	}
	if r.Lease == "" {
		return r, nil
	}
	if r.Verified, err = keys.Verify(lease.TypeLease, r.Lease); err != nil {
		return Reply{}, fmt.Errorf("answer: lease: %w", err)
	}
	if p := r.Verified.Lease().Product; p != product {
		return Reply{}, fmt.Errorf("answer: lease: is for product %q", p)
	}
	return r, nil
}

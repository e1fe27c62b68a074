// Package apiclient is the one place of the library that opens a connection. It sends a request's bytes and brings
// back the response's, bounded in size, time and tries; what they mean is not its business.
package apiclient

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/counterfoil-dev/counterfoil/internal/wire"
)

// UserAgent is all that a request says of the software that sends it.
const UserAgent = "counterfoil/1"

const (
	tryTimeout    = 30 * time.Second // one try, from dialing to the last byte
	maxRetryAfter = 60 * time.Second // longest wait between two tries of one call; a longer one ends the call
	maxPersisted  = 24 * time.Hour   // longest Retry-After that is reported at all
)

// Client sends to one server. It is safe for concurrent use.
type Client struct {
	base string
	http *http.Client
}

// New returns a Client for the server at the given base URL: https, or http on a loopback address alone. A nil
// httpClient stands for one that honors the system's proxies. The caller's is copied and left unmodified; redirects
// are not followed and cookies not kept, whatever it says.
func New(server string, httpClient *http.Client) (*Client, error) {
	u, err := url.Parse(server)
	switch {
	case server == "":
		return nil, errors.New("is empty")
	case err != nil:
		return nil, errors.New("is not a URL") // the cause would repeat what may hold a password
	case u.User != nil:
		return nil, errors.New("must not hold a user name or password")
	case u.Hostname() == "" || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, errors.New("must be of the form https://host, with an optional port and path")
	case !validPort(u.Port()):
		return nil, errors.New("has a port that does not exist")
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return nil, errors.New("must begin with https:// (plain http is for loopback addresses)")
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, errors.New("must begin with https://")
	}
	return &Client{base: strings.TrimRight(u.String(), "/"), http: prepare(httpClient)}, nil
}

func validPort(port string) bool {
	n, err := strconv.ParseUint(port, 10, 16)
	return port == "" || err == nil && n > 0
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

func prepare(given *http.Client) *http.Client {
	var c http.Client
	if given != nil {
		c = *given
	}
	switch t := c.Transport.(type) {
	case nil:
		c.Transport = &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout:    10 * time.Second,
			MaxResponseHeaderBytes: wire.MaxResponse,
			ForceAttemptHTTP2:      true,
			DisableKeepAlives:      true, // one request a day: an idle connection would only be watched
		}
	case *http.Transport:
		if t.TLSClientConfig != nil && t.TLSClientConfig.MinVersion != 0 && t.TLSClientConfig.MinVersion < tls.VersionTLS12 {
			t = t.Clone()
			t.TLSClientConfig.MinVersion = tls.VersionTLS12
			c.Transport = t
		}
	}
	c.Jar = nil
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if c.Timeout <= 0 || c.Timeout > tryTimeout {
		c.Timeout = tryTimeout
	}
	return &c
}

// Request is one POST.
type Request struct {
	Path  string
	Body  []byte
	Token string // empty: none is sent
	Tries int    // at most this many; below 1 counts as 1
}

// Response is what came back.
type Response struct {
	Body  []byte // at most wire.MaxResponse bytes
	Tries int    // how many requests left the device; set with an error as well
	// RetryAfter is how long the server, or what stands before it, asks not to be bothered: 0 to 24 h. It is set with
	// an error as well.
	RetryAfter time.Duration
}

// Post sends r. It tries again, while tries remain and ctx lasts, after a failure that may pass: no connection, a
// broken response, 429, 502, 503 or 504. A response that holds a statement is an answer, whatever its status, and is
// never retried. The error never holds the request's body or token.
func (c *Client) Post(ctx context.Context, r Request) (Response, error) {
	req, err := retryablehttp.NewRequestWithContext(ctx, http.MethodPost, c.base+r.Path, r.Body)
	if err != nil {
		return Response{}, err
	}
	req.Header.Set("Content-Type", wire.TypeJSON)
	req.Header.Set("Accept", wire.TypeJSON+", "+wire.TypeProblem)
	req.Header.Set("Accept-Encoding", "identity")
	req.Header.Set("User-Agent", UserAgent)
	if r.Token != "" {
		req.Header.Set("Authorization", "Bearer "+r.Token)
	}

	var out Response
	var failure error // of the latest try
	client := retryablehttp.Client{
		HTTPClient:     c.http,
		RetryMax:       max(r.Tries, 1) - 1,
		ErrorHandler:   retryablehttp.PassthroughErrorHandler,
		RequestLogHook: func(retryablehttp.Logger, *http.Request, int) { out.Tries++ },
		CheckRetry: func(ctx context.Context, resp *http.Response, err error) (bool, error) {
			out.Body, out.RetryAfter, failure = nil, 0, err
			if err != nil {
				return ctx.Err() == nil && mayPass(err), nil
			}
			defer resp.Body.Close()
			out.Body, failure = readBody(resp.Body)
			resp.Body = http.NoBody // for retryablehttp, which drains it
			if failure != nil {
				return ctx.Err() == nil, nil
			}
			if _, err := wire.Statement(out.Body); err == nil {
				return false, nil
			}
			failure = fmt.Errorf("HTTP status %d without a signed answer", resp.StatusCode)
			switch resp.StatusCode {
			case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
				out.RetryAfter = retryAfter(resp.Header.Get("Retry-After"), time.Now())
				return out.RetryAfter <= maxRetryAfter, nil
			}
			return false, nil
		},
		Backoff: func(_, _ time.Duration, _ int, _ *http.Response) time.Duration {
			return max(out.RetryAfter, 500*time.Millisecond+rand.N(time.Second))
		},
	}
	resp, err := client.Do(req)
	if resp != nil {
		resp.Body.Close()
	}
	if failure == nil {
		failure = err // the context ended between two tries
	}
	return out, failure
}

// readBody reads what a response may hold and not a byte more.
func readBody(r io.Reader) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, wire.MaxResponse+1))
	if err != nil {
		return nil, fmt.Errorf("response broke off: %w", err)
	}
	if len(b) > wire.MaxResponse {
		return nil, fmt.Errorf("response is longer than %d bytes", wire.MaxResponse)
	}
	return b, nil
}

// mayPass reports whether a failed try is worth another. What is wrong with a certificate stays wrong for seconds.
func mayPass(err error) bool {
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return false
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return false
	}
	_, ok := errors.AsType[tls.RecordHeaderError](err) // not TLS at all
	return !ok
}

// retryAfter reads the header of RFC 9110 section 10.2.3, clamped to 0 to 24 h.
func retryAfter(h string, now time.Time) time.Duration {
	if s, err := strconv.ParseUint(h, 10, 64); err == nil || errors.Is(err, strconv.ErrRange) {
		return time.Duration(min(s, uint64(maxPersisted/time.Second))) * time.Second
	}
	t, err := http.ParseTime(h)
	if err != nil {
		return 0
	}
	return min(max(t.Sub(now), 0), maxPersisted)
}

package httpd

import (
	"bytes"
	"context"
	_ "embed" // openapi.json
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/counterfoil-dev/counterfoil/internal/wire"
	"github.com/counterfoil-dev/counterfoil/server"
)

// openAPI is the description of the interface, OpenAPI 3.1 in JSON.
//
//go:embed openapi.json
var openAPI []byte

// Desk is what answers devices: a *server.Desk.
type Desk interface {
	Activate(context.Context, server.Request, *wire.Activation) (server.Reply, error)
	Check(context.Context, server.Request, *wire.Check) (server.Reply, error)
	Deactivate(context.Context, server.Request, *wire.Deactivation) (server.Reply, error)
	Rebind(context.Context, server.Request, *wire.Rebinding) (server.Reply, error)
	Refuse(context.Context, server.Request, wire.Code, time.Duration) (server.Reply, error)
	Ready(context.Context) error
}

// Config of a handler. Only Desk is required.
type Config struct {
	Desk Desk

	// Log takes failures of the server, never anything of a request but its path. Default: silence.
	Log *slog.Logger

	// Proxies are the networks of reverse proxies whose X-Forwarded-For counts. Default: none.
	Proxies []netip.Prefix

	// Rate is how many requests a second one address prefix (IPv4 /32, IPv6 /56) may send in the long run, after a
	// burst of ten seconds' worth; activations take ten of them each. Default: 50. Negative: any number.
	Rate float64
}

// handler serves protocol v1.
type handler struct {
	cfg    Config
	limits *limiter
}

// New returns the handler of all paths.
func New(cfg Config) (http.Handler, error) {
	if cfg.Desk == nil {
		return nil, errors.New("httpd: Desk: missing")
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Rate == 0 {
		cfg.Rate = 50
	}
	h := &handler{cfg: cfg, limits: newLimiter(cfg.Rate)}
	mux := http.NewServeMux()
	mux.Handle(wire.PathActivations, operation(h, 10, func() *wire.Activation { return new(wire.Activation) }, cfg.Desk.Activate))
	mux.Handle(wire.PathChecks, operation(h, 1, func() *wire.Check { return new(wire.Check) }, cfg.Desk.Check))
	mux.Handle(wire.PathDeactivations, operation(h, 1, func() *wire.Deactivation { return new(wire.Deactivation) }, cfg.Desk.Deactivate))
	mux.Handle(wire.PathRebindings, operation(h, 10, func() *wire.Rebinding { return new(wire.Rebinding) }, cfg.Desk.Rebind))
	mux.HandleFunc("/healthz", get(func(w http.ResponseWriter, _ *http.Request) { ok(w) }))
	mux.HandleFunc("/readyz", get(h.ready))
	mux.HandleFunc("/openapi.json", get(func(w http.ResponseWriter, _ *http.Request) { write(w, http.StatusOK, wire.TypeJSON, openAPI) }))
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { plain(w, http.StatusNotFound) })
	return h.guard(mux), nil
}

// guard sets what every response has, and turns a panic into a problem document. The mux is asked by exact path: its
// redirects would say where else to look.
func (h *handler) guard(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		head := w.Header()
		head.Set("Cache-Control", "no-store")
		head.Set("X-Content-Type-Options", "nosniff")
		defer func() {
			if v := recover(); v != nil && v != http.ErrAbortHandler {
				h.cfg.Log.Error("panic", "path", known(r.URL.Path)) // the value may hold what was sent
				plain(w, http.StatusInternalServerError)
			} else if v != nil {
				panic(v)
			}
		}()
		if known(r.URL.Path) == "" || r.URL.RawQuery != "" {
			plain(w, http.StatusNotFound)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// known returns the path if it is one of ours, so that nothing else reaches a log.
func known(path string) string {
	switch path {
	case wire.PathActivations, wire.PathChecks, wire.PathDeactivations, wire.PathRebindings, "/healthz", "/readyz", "/openapi.json":
		return path
	}
	return ""
}

// operation is the handler of one operation of the protocol. The cost counts towards the limit of the address prefix.
func operation[R wire.Request](h *handler, cost int, fresh func() R, serve func(context.Context, server.Request, R) (server.Reply, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			w.Header().Set("Allow", http.MethodPost)
			plain(w, http.StatusMethodNotAllowed)
			return
		}
		media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
		if err != nil || media != wire.TypeJSON || r.Header.Get("Content-Encoding") != "" {
			plain(w, http.StatusUnsupportedMediaType)
			return
		}
		body, status := read(w, r)
		switch status {
		case http.StatusOK:
		case http.StatusRequestEntityTooLarge:
			refuse(w, server.Reply{Code: wire.TooLarge})
			return
		default:
			plain(w, status)
			return
		}
		in := fresh()
		nonce, malformed := wire.Decode(body, in)
		if nonce == "" {
			refuse(w, server.Reply{Code: wire.Malformed})
			return
		}
		req := server.Request{Nonce: nonce, Hash: wire.Hash(http.MethodPost, r.URL.Path, body), Token: bearer(r.Header)}
		var reply server.Reply
		if wait := h.limits.wait(h.prefix(r), cost); wait > 0 {
			reply, err = h.cfg.Desk.Refuse(r.Context(), req, wire.RateLimited, wait)
		} else if malformed != nil {
			reply, err = h.cfg.Desk.Refuse(r.Context(), req, wire.Malformed, 0)
		} else {
			reply, err = serve(r.Context(), req, in)
		}
		switch {
		case err != nil && r.Context().Err() != nil:
			panic(http.ErrAbortHandler) // nobody is there to tell
		case err != nil:
			h.cfg.Log.Error("request failed", "path", r.URL.Path, "error", err)
			w.Header().Set("Retry-After", "60")
			plain(w, http.StatusServiceUnavailable)
		case reply.Code != wire.OK:
			refuse(w, reply)
		default:
			send(w, http.StatusOK, wire.TypeJSON, wire.Response{Statement: reply.Statement})
		}
	})
}

// firstRead is more than most bodies.
const firstRead = 4 << 10

// read reads a body of up to wire.MaxRequest bytes.
func read(w http.ResponseWriter, r *http.Request) (body []byte, status int) {
	if r.ContentLength > wire.MaxRequest {
		w.Header().Set("Connection", "close") // the rest is not read
		return nil, http.StatusRequestEntityTooLarge
	}
	var b bytes.Buffer
	if r.ContentLength > 0 {
		b.Grow(int(min(r.ContentLength, firstRead)) + bytes.MinRead) // who says much may send nothing
	}
	_, err := b.ReadFrom(http.MaxBytesReader(w, r.Body, wire.MaxRequest))
	switch _, tooLarge := errors.AsType[*http.MaxBytesError](err); {
	case tooLarge:
		return nil, http.StatusRequestEntityTooLarge
	case errors.Is(err, io.ErrUnexpectedEOF):
		panic(http.ErrAbortHandler) // the client is gone
	case err != nil:
		return nil, http.StatusRequestTimeout
	}
	return b.Bytes(), http.StatusOK
}

// bearer reads the token of an Authorization header (RFC 6750 section 2.1); "" if there is none. What cannot be a token
// is one that nobody has.
func bearer(h http.Header) string {
	scheme, token, _ := strings.Cut(h.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// refuse writes a problem document with the signed answer in it, if there is one.
func refuse(w http.ResponseWriter, reply server.Reply) {
	doc := wire.NewProblem(reply.Code, reply.Statement)
	if doc.Status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer") // RFC 9110 section 15.5.2
	}
	if reply.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(reply.RetryAfter))
	}
	send(w, doc.Status, wire.TypeProblem, doc)
}

// plain writes a problem that HTTP itself explains, with no decision in it.
func plain(w http.ResponseWriter, status int) {
	send(w, status, wire.TypeProblem, struct {
		Type   string `json:"type"`
		Title  string `json:"title"`
		Status int    `json:"status"`
	}{"about:blank", http.StatusText(status), status})
}

func send(w http.ResponseWriter, status int, media string, v any) {
	body, err := json.Marshal(v)
	if err != nil { // of our own few types: cannot be
		status, media, body = http.StatusInternalServerError, wire.TypeProblem, []byte(`{"type":"about:blank","status":500}`)
	}
	write(w, status, media, body)
}

func write(w http.ResponseWriter, status int, media string, body []byte) {
	w.Header().Set("Content-Type", media)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	w.Write(body) // who does not take it, does not
}

func get(f http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			plain(w, http.StatusMethodNotAllowed)
			return
		}
		f(w, r)
	}
}

func ok(w http.ResponseWriter) { write(w, http.StatusOK, wire.TypeJSON, []byte(`{"status":"ok"}`)) }

// ready says whether requests can be served now. The reason goes to the log: the path is open to all.
func (h *handler) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
	defer cancel()
	if err := h.cfg.Desk.Ready(ctx); err != nil {
		h.cfg.Log.Warn("not ready", "error", err)
		plain(w, http.StatusServiceUnavailable)
		return
	}
	ok(w)
}

package licensetest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/counterfoil-dev/counterfoil/internal/wire"
	"github.com/counterfoil-dev/counterfoil/lease"
)

// reply is a response on its way out.
type reply struct {
	status int
	header http.Header
	body   []byte
	code   wire.Code // of the signed answer

	delay time.Duration // waits first
	drop  bool          // breaks the connection instead; lost says that the server did its work
	lost  bool
	cut   bool // breaks the connection after half of the body
}

// Header, Write and WriteHeader make a reply what a fault's handler writes to.
func (p *reply) Header() http.Header { return p.header }

func (p *reply) WriteHeader(status int) {
	if p.status == 0 {
		p.status = status
	}
}

func (p *reply) Write(b []byte) (int, error) {
	p.WriteHeader(http.StatusOK)
	p.body = append(p.body, b...)
	return len(b), nil
}

// answer does what a server does with a request. It waits for nothing but the handler of a fault.
func (s *Server) answer(r *http.Request, body []byte) reply {
	sc, now, entry := s.arrive(r, body)
	p := reply{header: make(http.Header)}
	switch {
	case sc.drop:
	case sc.handler != nil:
		in := r.WithContext(r.Context()) // a copy, for its body
		in.Body = io.NopCloser(bytes.NewReader(body))
		sc.handler.ServeHTTP(&p, in)
		p.WriteHeader(http.StatusOK)
	default:
		p = s.decide(now, r, body, sc)
	}
	p.drop, p.lost, p.delay, p.cut = sc.drop || sc.lose, sc.lose, sc.delay, sc.cut
	if p.header.Get("Date") == "" {
		p.header.Set("Date", now.UTC().Format(http.TimeFormat))
	}
	if !p.drop {
		s.mu.Lock()
		s.requests[entry].Status, s.requests[entry].Code = p.status, string(p.code)
		s.mu.Unlock()
	}
	return p
}

// decide applies the rules, or gives an old answer once more.
func (s *Server) decide(now time.Time, r *http.Request, body []byte, sc script) reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	if old, ok := s.last[r.URL.Path]; ok && sc.replay {
		old.header = old.header.Clone()
		return old
	}
	p := reply{header: make(http.Header)}
	s.process(&p, now, r, body, sc)
	if !sc.replay {
		s.last[r.URL.Path] = reply{status: p.status, header: p.header.Clone(), body: p.body, code: p.code}
	}
	return p
}

// process routes a request and writes the signed answer. The caller holds s.mu.
func (s *Server) process(p *reply, now time.Time, r *http.Request, body []byte, sc script) {
	op, ok := s.operation(r.URL.Path)
	switch {
	case !ok:
		p.plain(http.StatusNotFound)
		return
	case r.Method != http.MethodPost:
		p.header.Set("Allow", http.MethodPost)
		p.plain(http.StatusMethodNotAllowed)
		return
	case len(body) > wire.MaxRequest:
		p.problem(wire.TooLarge, "", 0)
		return
	}
	nonce, apply, err := op(body, bearer(r.Header))
	var res result
	var after time.Duration
	switch {
	case sc.refuse != nil && sc.refuse.unsigned:
		p.problem(sc.refuse.code, "", 0)
		return
	case nonce == "":
		p.problem(wire.Malformed, "", 0)
		return
	case err != nil:
		res = refused(wire.Malformed)
	case sc.refuse != nil:
		res = refused(sc.refuse.code)
		after = sc.refuse.after
	default:
		res = apply(now)
	}
	if sc.replay {
		sc.alter = func(a *lease.Answer, _ *lease.Lease) { a.Nonce = wire.NewNonce() }
	}
	statement, err := s.sign(res, now, nonce, wire.Hash(r.Method, r.URL.Path, body), after, sc)
	if err != nil {
		p.plain(http.StatusInternalServerError)
		return
	}
	p.code = res.code
	if res.code != wire.OK {
		p.problem(res.code, statement, after)
		return
	}
	p.json(http.StatusOK, wire.TypeJSON, wire.Response{Statement: statement})
}

// operation reads a request and returns its nonce, and the rule to apply unless there is an error.
type operation func(body []byte, token string) (nonce string, apply rule, err error)

type rule func(now time.Time) result

// operation finds what serves a path.
func (s *Server) operation(path string) (op operation, ok bool) {
	switch path {
	case wire.PathActivations:
		return func(body []byte, _ string) (string, rule, error) {
			var r wire.Activation
			nonce, err := wire.Decode(body, &r)
			return nonce, func(now time.Time) result { return s.book.activate(now, &r, false) }, err
		}, true
	case wire.PathChecks:
		return func(body []byte, token string) (string, rule, error) {
			var r wire.Check
			nonce, err := wire.Decode(body, &r)
			return nonce, func(now time.Time) result { return s.book.check(now, s.proof(token, r.Lease), &r) }, err
		}, true
	case wire.PathDeactivations:
		return func(body []byte, token string) (string, rule, error) {
			var r wire.Deactivation
			nonce, err := wire.Decode(body, &r)
			return nonce, func(now time.Time) result { return s.book.deactivate(now, s.proof(token, r.Lease), r.Product) }, err
		}, true
	case wire.PathRebindings:
		return func(body []byte, token string) (string, rule, error) {
			var r wire.Rebinding
			nonce, err := wire.Decode(body, &r)
			return nonce, func(now time.Time) result { return s.book.rebind(now, s.proof(token, ""), &r) }, err
		}, true
	}
	return nil, false
}

// proof takes the token, else the lease if this server signed it, also one that has run out.
func (s *Server) proof(token, statement string) proof {
	if token != "" || statement == "" {
		return proof{token: token}
	}
	v, err := s.keys.Verify(lease.TypeLease, statement)
	if err != nil {
		return proof{}
	}
	return proof{activation: v.Lease().Activation}
}

// sign makes the answer. The caller holds s.mu.
func (s *Server) sign(res result, now time.Time, nonce, hash string, after time.Duration, sc script) (string, error) {
	a := lease.Answer{
		Code:       string(res.code),
		Nonce:      nonce,
		Request:    hash,
		IssuedAt:   now.Unix(),
		Token:      res.token,
		RetryAfter: int(after / time.Second),
		Licenses:   res.licenses,
	}
	l := res.lease
	if l != nil {
		d := s.cfg.LeaseTime
		if l.Offline {
			d = s.cfg.OfflineTime
		}
		l.IssuedAt, l.LeaseEnd = now.Unix(), now.Add(d).Unix()
	}
	if sc.alter != nil {
		sc.alter(&a, l)
	}
	if l != nil && a.Lease == "" {
		text, err := s.signer.SignLease(*l)
		if err != nil {
			return "", err
		}
		a.Lease = text
	}
	if sc.impostor {
		return s.impostor.SignAnswer(a)
	}
	return s.signer.SignAnswer(a)
}

// problem writes a refusal. A code that does not exist yet has status 400.
func (p *reply) problem(c wire.Code, statement string, after time.Duration) {
	doc := wire.NewProblem(c, statement)
	if doc.Status == 0 {
		doc.Status, doc.Title = http.StatusBadRequest, "The request is refused."
	}
	if doc.Status == http.StatusUnauthorized {
		p.header.Set("WWW-Authenticate", "Bearer")
	}
	if after > 0 {
		p.header.Set("Retry-After", strconv.FormatInt(int64(after/time.Second), 10))
	}
	p.json(doc.Status, wire.TypeProblem, doc)
}

// plain writes a problem that HTTP itself explains, with no decision in it.
func (p *reply) plain(status int) {
	p.json(status, wire.TypeProblem, struct {
		Type   string `json:"type"`
		Title  string `json:"title"`
		Status int    `json:"status"`
	}{"about:blank", http.StatusText(status), status})
}

func (p *reply) json(status int, media string, v any) {
	p.header.Set("Content-Type", media)
	p.header.Set("Cache-Control", "no-store")
	p.status = status
	body, err := json.Marshal(v)
	if err != nil {
		p.status, body = http.StatusInternalServerError, fmt.Appendf(nil, "%q", err)
	}
	p.body = body
}

// readBody reads what a request may hold, and one byte more to tell that it holds too much.
func readBody(r io.Reader) ([]byte, error) {
	return io.ReadAll(io.LimitReader(r, wire.MaxRequest+1))
}

// ServeHTTP answers over a socket.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := readBody(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler) // the client is gone
	}
	p := s.answer(r, body)
	if wait(r.Context(), p.delay) != nil || p.drop {
		panic(http.ErrAbortHandler)
	}
	p.send(w)
}

func (p *reply) send(w http.ResponseWriter) {
	maps.Copy(w.Header(), p.header)
	w.Header().Set("Content-Length", strconv.Itoa(len(p.body)))
	w.WriteHeader(p.status)
	if p.cut {
		w.Write(p.body[:len(p.body)/2])
		http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
	w.Write(p.body)
}

// bearer reads the token of an Authorization header (RFC 6750 section 2.1); "" if there is none.
func bearer(h http.Header) string {
	scheme, token, _ := strings.Cut(h.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

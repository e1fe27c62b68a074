package licensetest

import (
	"net/http"
	"slices"
	"time"
)

// Request is one that arrived, or would have if a fault had let it. It holds codes, passwords and tokens as they were
// sent.
type Request struct {
	Time   time.Time // by the server's clock
	Method string
	Host   string
	Path   string
	Header http.Header // as a server sees it: with what the transport added
	Body   []byte      // at most 64 KiB and a byte
	Status int         // of the response; 0: there was none
	Code   string      // in the signed answer, such as "ok"; empty where there was none
}

// Requests returns all requests so far, in the order of their arrival.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := slices.Clone(s.requests)
	for i := range list {
		list[i].Header = list[i].Header.Clone()
		list[i].Body = slices.Clone(list[i].Body)
	}
	return list
}

// Count returns how many requests came to a path so far, such as "/v1/checks".
func (s *Server) Count(path string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, r := range s.requests {
		if r.Path == path {
			n++
		}
	}
	return n
}

// arrive logs a request and says what happens to it.
func (s *Server) arrive(r *http.Request, body []byte) (sc script, now time.Time, entry int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now = s.clock()
	s.requests = append(s.requests, Request{
		Time: now, Method: r.Method, Host: r.Host, Path: r.URL.Path, Header: r.Header.Clone(), Body: slices.Clone(body),
	})
	return s.strike(r.URL.Path), now, len(s.requests) - 1
}

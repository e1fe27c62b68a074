package licensetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

// RoundTrip answers without a network and without a goroutine, as a transport over HTTP/1.1 would: the request is left
// unmodified and its body closed, the end of its context ends the call and the reading of the response, and headers
// are logged as a server would see them. Requests to every host come here; the log says which one was meant.
func (s *Server) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		defer r.Body.Close()
	}
	ctx := r.Context()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	switch {
	case r.URL == nil || r.URL.Scheme != "https" && r.URL.Scheme != "http":
		return nil, errors.New("licensetest: want an http or https URL")
	case r.URL.Host == "":
		return nil, errors.New("licensetest: no host in the URL")
	}
	if r.Body != nil {
		b, err := readBody(r.Body)
		if err != nil {
			return nil, fmt.Errorf("licensetest: request body: %w", err)
		}
		body = b
	}

	p := s.answer(arrived(r, len(body)), body)
	if err := wait(ctx, p.delay); err != nil {
		return nil, err
	}
	switch {
	case p.lost:
		return nil, io.EOF // what net/http's transport says of a connection that closed before the answer
	case p.drop:
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
	}
	content := &responseBody{ctx: ctx, rest: bytes.NewReader(p.body)}
	if p.cut {
		content.rest = io.MultiReader(bytes.NewReader(p.body[:len(p.body)/2]), broken{})
	}
	p.header.Set("Content-Length", strconv.Itoa(len(p.body)))
	return &http.Response{
		Status:        strconv.Itoa(p.status) + " " + http.StatusText(p.status),
		StatusCode:    p.status,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        p.header,
		Body:          content,
		ContentLength: int64(len(p.body)),
		Request:       r,
	}, nil
}

// arrived is the request as it comes out of the wire at a server.
func arrived(r *http.Request, length int) *http.Request {
	in := r.Clone(r.Context())
	if in.Method == "" {
		in.Method = http.MethodGet
	}
	if in.Host == "" {
		in.Host = in.URL.Host
	}
	in.Body = http.NoBody
	if in.Header == nil {
		in.Header = make(http.Header)
	}
	if agent, ok := in.Header["User-Agent"]; !ok {
		in.Header.Set("User-Agent", "Go-http-client/1.1")
	} else if len(agent) == 0 || agent[0] == "" {
		in.Header.Del("User-Agent")
	}
	if in.Header.Get("Accept-Encoding") == "" {
		in.Header.Set("Accept-Encoding", "gzip")
	}
	if length > 0 || in.Method != http.MethodGet && in.Method != http.MethodHead {
		in.Header.Set("Content-Length", strconv.Itoa(length))
	}
	return in
}

// wait waits for d or the end of ctx, and returns why ctx ended.
func wait(ctx context.Context, d time.Duration) error {
	if d > 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		select {
		case <-t.C:
		case <-ctx.Done():
		}
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

// responseBody is read until its request's context ends.
type responseBody struct {
	ctx    context.Context
	rest   io.Reader
	closed bool
}

func (b *responseBody) Read(p []byte) (int, error) {
	switch {
	case b.closed:
		return 0, http.ErrBodyReadAfterClose
	case b.ctx.Err() != nil:
		return 0, context.Cause(b.ctx)
	}
	return b.rest.Read(p)
}

func (b *responseBody) Close() error {
	b.closed = true
	return nil
}

// broken is the end of a connection in the middle of a body.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

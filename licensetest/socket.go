package licensetest

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"
)

// socket is a listener with its goroutines.
type socket struct {
	http   http.Server
	cancel context.CancelFunc
	serve  sync.WaitGroup

	mu       sync.Mutex
	closed   bool
	handlers sync.WaitGroup // grows only while not closed
}

func serve(l net.Listener, h http.Handler) *socket {
	ctx, cancel := context.WithCancel(context.Background())
	k := &socket{cancel: cancel}
	k.http = http.Server{
		ReadHeaderTimeout: 10 * time.Second,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !k.enter() {
				panic(http.ErrAbortHandler)
			}
			defer k.handlers.Done()
			h.ServeHTTP(w, r)
		}),
	}
	k.serve.Go(func() { k.http.Serve(l) }) // ends with ErrServerClosed
	return k
}

func (k *socket) enter() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.closed {
		k.handlers.Add(1)
	}
	return !k.closed
}

func (k *socket) close() {
	k.mu.Lock()
	k.closed = true
	k.mu.Unlock()
	k.cancel() // wakes slow handlers
	k.http.Close()
	k.serve.Wait()
	k.handlers.Wait()
}

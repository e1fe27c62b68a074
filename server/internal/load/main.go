// Load is the devices of the server's rigs: it activates many, in one of three ways, and says what became of them.
package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"encoding/base64"

	"github.com/counterfoil-dev/counterfoil/internal/wire"
	"github.com/counterfoil-dev/counterfoil/lease"
)

const product = "acme-editor"

// load is the devices and where they send to.
type load struct {
	urls   []string
	client *http.Client
	code   string
	next   atomic.Int64
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	urls := flag.String("url", "", "servers, separated by commas")
	cert := flag.String("cert", "", "certificates to trust")
	code := flag.String("code", "", "activation code")
	log := flag.String("log", "", "activate until interrupted, and log what was acknowledged")
	verify := flag.String("verify", "", "check all that a log holds")
	workers := flag.Int("workers", 8, "devices at once")
	race := flag.Int("race", 0, "activate so many devices at once")
	want := flag.Int("want", -1, "of the race, so many must succeed and the others be told that all seats are used")
	limited := flag.Int("limited", -1, "of the race, so many must pass the limit and the others be told to wait")
	signed := flag.String("signed", "", "key that must have signed")
	flag.Parse()
	pem, err := os.ReadFile(*cert)
	if err != nil {
		return err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	l := &load{urls: strings.Split(*urls, ","), code: *code, client: &http.Client{Timeout: 30 * time.Second,
		Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, MaxIdleConnsPerHost: 64}}}
	switch {
	case *log != "":
		return l.until(ctx, *log, *workers)
	case *verify != "":
		return l.verify(ctx, *verify, *workers)
	}
	return l.race(ctx, *race, *want, *limited, *signed)
}

// device is what is logged of an acknowledged activation.
type device struct {
	Name, Print, Token, Activation string
}

func newDevice() device { return device{Name: wire.NewInstallation(), Print: "fp1:" + wire.NewNonce()} }

// post sends a request and reads the answer, without verifying it: the rigs do not test the client.
func (l *load) post(ctx context.Context, path, token string, r wire.Request) (a lease.Answer, kid string, err error) {
	body, err := wire.Encode(r)
	if err != nil {
		return a, "", err
	}
	url := l.urls[int(l.next.Add(1))%len(l.urls)]
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+path, bytes.NewReader(body))
	if err != nil {
		return a, "", err
	}
	req.Header.Set("Content-Type", wire.TypeJSON)
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := l.client.Do(req)
	if err != nil {
		return a, "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, wire.MaxResponse+1))
	if err != nil {
		return a, "", err
	}
	statement, err := wire.Statement(text)
	if err != nil {
		return a, "", fmt.Errorf("status %d: %w", resp.StatusCode, err)
	}
	parts := strings.Split(statement, ".")
	if len(parts) != 3 {
		return a, "", errors.New("no statement")
	}
	var head struct{ Kid string }
	for i, v := range []any{&head, &a} {
		b, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err == nil {
			err = json.Unmarshal(b, v)
		}
		if err != nil {
			return a, "", err
		}
	}
	return a, head.Kid, nil
}

func (l *load) activate(ctx context.Context, d device) (lease.Answer, string, error) {
	return l.post(ctx, wire.PathActivations, "", &wire.Activation{Nonce: wire.NewNonce(), Product: product, Installation: d.Name,
		Fingerprints: map[string]string{"os-install": d.Print}, Code: l.code})
}

// until activates devices until the context ends, each again until it is acknowledged, and logs the acknowledged.
func (l *load) until(ctx context.Context, path string, workers int) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	var mu sync.Mutex
	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			for ctx.Err() == nil {
				d := newDevice()
				for ctx.Err() == nil {
					// Not to be interrupted: what the server acknowledged is to be logged.
					a, _, err := l.activate(context.WithoutCancel(ctx), d)
					if err != nil || a.Code != "ok" {
						time.Sleep(20 * time.Millisecond)
						continue
					}
					d.Token = a.Token
					line, err := json.Marshal(d)
					mu.Lock()
					if err == nil {
						_, err = f.Write(append(line, '\n'))
					}
					mu.Unlock()
					if err != nil {
						fmt.Fprintln(os.Stderr, "load:", err)
					}
					break
				}
			}
		})
	}
	group.Wait()
	return nil
}

// verify checks each logged device with its token, and activates some again: the same seats.
func (l *load) verify(ctx context.Context, path string, workers int) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	devices := make(chan device)
	var lost, fine atomic.Int64
	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			for d := range devices {
				a, _, err := l.post(ctx, wire.PathChecks, d.Token, &wire.Check{Nonce: wire.NewNonce(), Product: product,
					Fingerprints: map[string]string{"os-install": d.Print}})
				if err != nil || a.Code != "ok" {
					fmt.Fprintf(os.Stderr, "load: lost: %s %v\n", a.Code, err)
					lost.Add(1)
					continue
				}
				fine.Add(1)
			}
		})
	}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var d device
		if err := json.Unmarshal(lines.Bytes(), &d); err != nil {
			return err
		}
		devices <- d
	}
	close(devices)
	group.Wait()
	if lost.Load() > 0 || fine.Load() == 0 {
		return fmt.Errorf("%d of %d acknowledged activations are lost", lost.Load(), lost.Load()+fine.Load())
	}
	return lines.Err()
}

// race activates n devices at once.
func (l *load) race(ctx context.Context, n, want, limited int, signed string) error {
	var mu sync.Mutex
	codes := make(map[string]int)
	start := make(chan struct{})
	var group sync.WaitGroup
	for range n {
		group.Go(func() {
			<-start
			a, kid, err := l.activate(ctx, newDevice())
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err != nil:
				codes["failed: "+err.Error()]++
			case signed != "" && kid != signed:
				codes["signed with "+kid]++
			default:
				codes[a.Code]++
			}
		})
	}
	close(start)
	group.Wait()
	fmt.Println(codes)
	switch {
	case want >= 0 && (codes["ok"] != want || codes["ok"]+codes["seats_used"] != n):
		return fmt.Errorf("want %d ok and the others seats_used", want)
	case limited >= 0 && n-codes["rate_limited"] != limited:
		return fmt.Errorf("want %d to pass the limit and the others rate_limited", limited)
	}
	return nil
}

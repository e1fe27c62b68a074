package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/counterfoil-dev/counterfoil/server"
	"github.com/counterfoil-dev/counterfoil/server/httpd"
)

type serveCmd struct {
	Listen      string   `help:"Address to listen on (default: 127.0.0.1:8443, with --http 127.0.0.1:8080)." env:"COUNTERFOIL_LISTEN" placeholder:"HOST:PORT"`
	URL         string   `name:"url" help:"Address that programs use, if it is another." env:"COUNTERFOIL_URL"`
	HTTP        bool     `name:"http" help:"Speak plain HTTP: on loopback, or behind a proxy." env:"COUNTERFOIL_HTTP"`
	Cert        string   `help:"Certificate chain, PEM. Default: a self-made one for loopback. A renewed file is noticed within a minute." env:"COUNTERFOIL_CERT" placeholder:"FILE"`
	CertKey     string   `help:"Private key of the certificate, PEM." env:"COUNTERFOIL_CERT_KEY" placeholder:"FILE"`
	BehindProxy []string `help:"Networks of the reverse proxies in front, whose X-Forwarded-For counts." env:"COUNTERFOIL_BEHIND_PROXY" placeholder:"CIDR"`
	Activations string   `name:"limit-activations" help:"Activations of one license: a burst, and the interval of one more (default: 60 and 4 for each seat, 10s)." env:"COUNTERFOIL_LIMIT_ACTIVATIONS" placeholder:"N/TIME"`
	SignIns     string   `name:"limit-sign-ins" help:"Tries of one e-mail (default: 20/30s)." env:"COUNTERFOIL_LIMIT_SIGN_INS" placeholder:"N/TIME"`
	Rate        float64  `help:"Requests a second from one address prefix; an activation counts for ten." default:"50" env:"COUNTERFOIL_RATE"`
}

const (
	stopTimeout = 20 * time.Second
	maxHeader   = 16 << 10
	purgeEvery  = time.Hour
)

// patience bounds a connection: who is slower has no use for an answer.
type patience struct{ header, read, write, idle time.Duration }

// patient is the patience of the server.
func patient() patience {
	return patience{header: 10 * time.Second, read: 20 * time.Second, write: 30 * time.Second, idle: 2 * time.Minute}
}

// newServer returns a server that waits for nobody without end.
func newServer(h http.Handler, log *slog.Logger, p patience) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: p.header,
		ReadTimeout:       p.read,
		WriteTimeout:      p.write,
		IdleTimeout:       p.idle,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(quiet{log.Handler()}, slog.LevelDebug),
	}
}

func (c *serveCmd) Run(ctx context.Context, a *app) (err error) {
	proxies, limits, err := c.check()
	if err != nil {
		return err
	}
	cfg, err := a.rules(ctx)
	if err != nil {
		return err
	}
	cfg.Limits = limits
	desk, err := server.NewDesk(ctx, cfg)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(a.out.stderr, nil))
	if a.JSON {
		log = slog.New(slog.NewJSONHandler(a.out.stderr, nil))
	}
	handler, err := httpd.New(httpd.Config{Desk: desk, Log: log, Proxies: proxies, Rate: c.Rate})
	if err != nil {
		return err
	}
	srv := newServer(handler, log, patient())
	trust := ""
	if !c.HTTP {
		if srv.TLSConfig, trust, err = c.tls(a); err != nil {
			return err
		}
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", c.listen())
	if err != nil {
		return config("--listen", err)
	}
	if err := c.greet(ctx, a, l.Addr(), trust); err != nil {
		return errors.Join(err, l.Close())
	}

	var upkeep sync.WaitGroup
	background, stop := context.WithCancel(ctx)
	upkeep.Go(func() { purge(background, a.sales, log) })
	defer upkeep.Wait()
	defer stop()

	served := make(chan error, 1)
	go func() {
		if c.HTTP {
			served <- srv.Serve(l)
			return
		}
		served <- srv.ServeTLS(l, "", "")
	}()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	log.Info("stopping")
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	if err := srv.Shutdown(grace); err != nil {
		err = errors.Join(err, srv.Close())
		return fmt.Errorf("stopping: %w", err)
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// check finds what is wrong with the settings, all of it at once.
func (c *serveCmd) check() (proxies []netip.Prefix, limits server.Limits, err error) {
	var errs []error
	for _, s := range c.BehindProxy {
		p, err := netip.ParsePrefix(s)
		if err != nil {
			errs = append(errs, fmt.Errorf("--behind-proxy: %q: want a network such as 10.0.0.0/8", s))
			continue
		}
		proxies = append(proxies, p.Masked())
	}
	if (c.Cert == "") != (c.CertKey == "") {
		errs = append(errs, errors.New("--cert, --cert-key: want both or none"))
	}
	if c.HTTP && c.Cert != "" {
		errs = append(errs, errors.New("--http: plain HTTP has no use for --cert"))
	}
	host, _, err := net.SplitHostPort(c.listen())
	if err != nil {
		errs = append(errs, fmt.Errorf("--listen: want HOST:PORT: %w", err))
	} else if !loopback(host) {
		if c.HTTP && len(proxies) == 0 {
			errs = append(errs, errors.New("--http: plain HTTP is for loopback, or behind a proxy that speaks TLS (--behind-proxy)"))
		}
		if !c.HTTP && c.Cert == "" {
			errs = append(errs, errors.New("--listen: the self-made certificate is for loopback; give --cert and --cert-key, or --http with --behind-proxy"))
		}
	}
	if c.Rate <= 0 {
		errs = append(errs, errors.New("--rate: want more than 0"))
	}
	for _, l := range []struct {
		flag, text string
		rate       *server.Rate
	}{{"--limit-activations", c.Activations, &limits.Activation}, {"--limit-sign-ins", c.SignIns, &limits.SignIn}} {
		if l.text == "" {
			continue
		}
		if *l.rate, err = server.ParseRate(l.text); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", l.flag, err))
		}
	}
	if len(errs) > 0 {
		return nil, limits, coded{errors.Join(errs...), exitConfig}
	}
	return proxies, limits, nil
}

func (c *serveCmd) listen() string {
	switch {
	case c.Listen != "":
		return c.Listen
	case c.HTTP:
		return "127.0.0.1:8080"
	}
	return "127.0.0.1:8443"
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.IsLoopback()
}

// greet says where the server is, what to put into a program, and how to make a first license.
func (c *serveCmd) greet(ctx context.Context, a *app, addr net.Addr, trust string) error {
	url := c.URL
	if url == "" {
		scheme := "https"
		if c.HTTP {
			scheme = "http"
		}
		url = scheme + "://" + addr.String()
	}
	keys, err := a.sales.Keys(ctx)
	if err != nil {
		return err
	}
	licenses, err := a.sales.Licenses(ctx, "", "", 1)
	if err != nil {
		return err
	}
	view := struct {
		URL         string    `json:"url"`
		Database    string    `json:"database"`
		Keys        []keyView `json:"keys"`
		KeySet      string    `json:"key_set"`
		Certificate string    `json:"certificate,omitempty"`
		First       string    `json:"first_license,omitempty"`
		Example     string    `json:"example"`
	}{URL: url, Database: a.store.Engine(), Keys: viewKeys(keys), KeySet: server.KeyLine(keys, a.unix()), Certificate: trust}
	var public []string
	for _, k := range keys {
		if k.Retired == 0 {
			public = append(public, k.Public)
		}
	}
	view.Example = fmt.Sprintf("export COUNTERFOIL_SERVER=%s COUNTERFOIL_KEY='%s'", url, strings.Join(public, " "))
	if trust != "" {
		view.Example += fmt.Sprintf(" SSL_CERT_FILE='%s'", trust)
	}
	if len(licenses) == 0 {
		view.First = self() + a.flags() + " license create --product acme-editor --new-product"
	}
	return a.out.show(view, func(w io.Writer) {
		fmt.Fprintf(w, "counterfoild is ready (%s).\n\n", view.Database)
		fmt.Fprintf(w, "  URL     %s\n  keys    %s\n", url, view.KeySet)
		if trust != "" {
			fmt.Fprintf(w, "  trust   SSL_CERT_FILE=%s (the certificate is self-made)\n", trust)
		}
		if view.First != "" {
			fmt.Fprintf(w, "\nMake a first license, in another terminal:\n\n  %s\n", view.First)
		}
		fmt.Fprintf(w, "\nTell the example program of the library where this is:\n\n  %s\n\n", view.Example)
	})
}

// self is how this program was called.
func self() string {
	if strings.Contains(os.Args[0], "go-build") {
		return "go run ./server/cmd/counterfoild"
	}
	return filepath.Base(os.Args[0])
}

// flags repeats the settings that name the database; those of the environment reach the other terminal or do not.
func (a *app) flags() string {
	s := ""
	if a.Data != "" {
		s += " --data " + a.Data
	}
	if a.DB != "" && !strings.Contains(a.DB, "://") { // a URL may hold a password
		s += " --db " + a.DB
	}
	return s
}

// purge forgets, now and every hour, what has run its course.
func purge(ctx context.Context, v *server.Vendor, log *slog.Logger) {
	t := time.NewTicker(purgeEvery)
	defer t.Stop()
	for {
		if err := v.Purge(ctx); err != nil && ctx.Err() == nil {
			log.Error("purge failed", "error", err)
		}
		select {
		case <-t.C:
		case <-ctx.Done():
			return
		}
	}
}

// quiet drops what net/http logs of connections: it holds addresses.
type quiet struct{ slog.Handler }

func (quiet) Enabled(context.Context, slog.Level) bool { return false }

func (quiet) Handle(context.Context, slog.Record) error { return nil }

// tls finds the certificate. trust is the file that programs must trust, if it is self-made.
func (c *serveCmd) tls(a *app) (cfg *tls.Config, trust string, err error) {
	cert, key := c.Cert, c.CertKey
	if cert == "" {
		dir, err := a.folder()
		if err != nil {
			return nil, "", err
		}
		cert, key = filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
		if err := selfMade(cert, key, time.Now()); err != nil {
			return nil, "", config("--data", err)
		}
		trust = cert
	}
	k := &keyPair{cert: cert, key: key}
	if _, err := k.get(nil); err != nil {
		return nil, "", config("--cert, --cert-key", err)
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: k.get}, trust, nil
}

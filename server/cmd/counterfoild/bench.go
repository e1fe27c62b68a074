package main

import (
	"bufio"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/counterfoil-dev/counterfoil/internal/wire"
	"github.com/counterfoil-dev/counterfoil/lease"
	"github.com/counterfoil-dev/counterfoil/server"
	"github.com/counterfoil-dev/counterfoil/server/httpd"
)

// benchCmd measures this machine, as ratios to a floor of the same run: bare net/http with one Ed25519 signature. It works
// on a database of its own, or on the empty one that --db names.
type benchCmd struct {
	Activations int           `help:"Activations to make first." default:"100000"`
	Connections int           `help:"Connections at once." default:"32"`
	Time        time.Duration `help:"How long each round takes." default:"300ms"`
	Rounds      int           `help:"Rounds; the best of each kind counts, the one that nothing else disturbed." default:"25"`
}

// benchView is what it measured. A check makes two signatures, of lease and answer.
type benchView struct {
	Database       string  `json:"database"`
	Floor          float64 `json:"floor_per_second"`
	Checks         float64 `json:"checks_per_second"`
	Ratio          float64 `json:"check_signatures_to_floor"`
	CPURatio       float64 `json:"check_signatures_to_floor_cpu,omitempty"` // by this process's processor time; the median of the rounds
	FloorP99       float64 `json:"floor_p99_ms"`
	CheckP99       float64 `json:"check_p99_ms"`
	P99Ratio       float64 `json:"p99_to_floor"`
	Activations    float64 `json:"activations_per_second"`
	ResidentMemory int64   `json:"resident_bytes,omitempty"`
}

func (c *benchCmd) Run(ctx context.Context, a *app) error {
	dir, err := os.MkdirTemp("", "counterfoil-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if a.Data = dir; a.DB == "" {
		a.DB = filepath.Join(dir, "bench.db")
	}
	b := &bench{benchCmd: c}
	if err := b.prepare(ctx, a); err != nil {
		return err
	}
	view := benchView{Database: a.store.Engine()}
	if view.Activations, err = b.fill(ctx); err != nil {
		return err
	}
	handler, err := httpd.New(httpd.Config{Desk: b.desk, Rate: -1})
	if err != nil {
		return err
	}
	var byCPU []float64
	for range c.Rounds {
		floor, err := b.measure(ctx, http.HandlerFunc(floorHandler()))
		if err != nil {
			return err
		}
		checks, err := b.measure(ctx, handler)
		if err != nil {
			return err
		}
		view.Floor, view.Checks = max(view.Floor, floor.perSecond), max(view.Checks, checks.perSecond)
		view.FloorP99, view.CheckP99 = least(view.FloorP99, floor.p99), least(view.CheckP99, checks.p99)
		if checks.cpu > 0 {
			byCPU = append(byCPU, 2*floor.cpu/checks.cpu)
		}
	}
	if slices.Sort(byCPU); len(byCPU) > 0 && view.Database == "sqlite" { // PostgreSQL's time is spent elsewhere
		view.CPURatio = byCPU[len(byCPU)/2]
	}
	view.Ratio = 2 * view.Checks / view.Floor
	view.P99Ratio = view.CheckP99 / view.FloorP99
	view.ResidentMemory = resident()
	return a.out.show(view, func(w io.Writer) {
		fmt.Fprintf(w, "database      %s, %d activations\n", view.Database, c.Activations)
		fmt.Fprintf(w, "floor         %.0f requests/s with one signature each; p99 %.2f ms\n", view.Floor, view.FloorP99)
		fmt.Fprintf(w, "checks        %.0f requests/s with two signatures each: %.2f of the floor per signature; p99 %.2f ms, %.1f times the floor's\n", view.Checks, view.Ratio, view.CheckP99, view.P99Ratio)
		if view.CPURatio > 0 {
			fmt.Fprintf(w, "              %.2f of the floor per signature by processor time, whatever else the machine did\n", view.CPURatio)
		}
		fmt.Fprintf(w, "activations   %.0f a second\n", view.Activations)
		fmt.Fprintf(w, "memory        %d MB resident, the load included\n", view.ResidentMemory>>20)
	})
}

func least(a, b float64) float64 {
	if a == 0 {
		return b
	}
	return min(a, b)
}

// checkEvery is which of the devices check: every so many, since each of them needs a write first.
const checkEvery = 5

func (c *benchCmd) checking() int { return (c.Activations + checkEvery - 1) / checkEvery }

// bench is one measurement on its way.
type bench struct {
	*benchCmd
	desk   *server.Desk
	code   string
	tokens []string
}

func (b *bench) prepare(ctx context.Context, a *app) error {
	cfg, err := a.rules(ctx)
	if err != nil {
		return err
	}
	if some, err := a.sales.Licenses(ctx, "", "", 1); err != nil || len(some) > 0 {
		return errors.Join(err, config("--db", errors.New("bench wants an empty database")))
	}
	cfg.Limits.Activation = server.Rate{Every: time.Microsecond, Burst: 1 << 30}
	if b.desk, err = server.NewDesk(ctx, cfg); err != nil {
		return err
	}
	if _, err := a.sales.PutProduct(ctx, server.Product{Name: "bench"}); err != nil {
		return err
	}
	limit := int64(5)
	edition := server.Edition{Product: "bench", Name: "pro", Entitlements: server.Entitlements{"export.pdf": {}, "projects": {Limit: &limit}}}
	if err := a.sales.PutEdition(ctx, edition); err != nil {
		return err
	}
	sold, err := a.sales.Sell(ctx, server.Terms{Product: "bench", Kind: lease.KindSingle, Edition: "pro"}, 1, "")
	if err == nil {
		b.code = sold[0].Code
	}
	return err
}

// prints are the fingerprints of the i-th device.
func prints(i int) map[string]string {
	sum := sha256.Sum256([]byte(strconv.Itoa(i)))
	v := base64.RawURLEncoding.EncodeToString(sum[:])
	return map[string]string{"bios-uuid": "fp1:b" + v[1:], "os-install": "fp1:o" + v[1:]}
}

// fill makes the activations, timed in the second half by parts of which the best counts, and uses the tokens that the
// checks will bear: what follows writes nothing.
func (b *bench) fill(ctx context.Context) (perSecond float64, err error) {
	b.tokens = make([]string, b.Activations)
	part := max(b.Activations/40, 1)
	for from := 0; from < b.Activations; from += part {
		to := min(from+part, b.Activations)
		start := time.Now()
		err = b.each(from, to, func(i int) error {
			r := &wire.Activation{Nonce: wire.NewNonce(), Product: "bench", Installation: wire.NewInstallation(), Fingerprints: prints(i), Code: b.code}
			reply, err := b.desk.Activate(ctx, server.Request{Nonce: r.Nonce, Hash: wire.NewNonce()}, r)
			if err != nil {
				return err
			}
			b.tokens[i], err = tokenOf(reply.Statement)
			return err
		})
		if err != nil {
			return 0, err
		}
		if from >= b.Activations/2 {
			perSecond = max(perSecond, float64(to-from)/time.Since(start).Seconds())
		}
	}
	return perSecond, b.each(0, b.checking(), func(i int) error {
		i *= checkEvery
		r := &wire.Check{Nonce: wire.NewNonce(), Product: "bench", Fingerprints: prints(i)}
		reply, err := b.desk.Check(ctx, server.Request{Nonce: r.Nonce, Hash: wire.NewNonce(), Token: b.tokens[i]}, r)
		if err == nil && reply.Code != wire.OK {
			err = fmt.Errorf("check: %s", reply.Code)
		}
		return err
	})
}

// tokenOf reads the token of an answer that this process signed a moment ago.
func tokenOf(statement string) (string, error) {
	parts := strings.Split(statement, ".")
	if len(parts) != 3 {
		return "", errors.New("no statement")
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	_, rest, ok := strings.Cut(string(payload), `"token":"`)
	token, _, ok2 := strings.Cut(rest, `"`)
	if err != nil || !ok || !ok2 {
		return "", errors.Join(errors.New("an answer without a token"), err)
	}
	return strings.Clone(token), nil // not the whole answer
}

// each calls f for the activations of a range, several at once.
func (b *bench) each(from, to int, f func(i int) error) error {
	var next atomic.Int64
	next.Store(int64(from))
	var failed atomic.Pointer[error]
	var group sync.WaitGroup
	for range b.Connections {
		group.Go(func() {
			for failed.Load() == nil {
				i := int(next.Add(1)) - 1
				if i >= to {
					return
				}
				if err := f(i); err != nil {
					failed.Store(&err)
				}
			}
		})
	}
	group.Wait()
	if err := failed.Load(); err != nil {
		return *err
	}
	return nil
}

// floorHandler reads a body, signs once, and answers as much as a check does.
func floorHandler() func(http.ResponseWriter, *http.Request) {
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	answer := make([]byte, 1800)
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		sig := ed25519.Sign(key, append(body, answer[:600]...))
		out := append(slices.Clone(answer), sig...)
		w.Header().Set("Content-Length", strconv.Itoa(len(out)))
		w.Write(out)
	}
}

// round is what one round measured.
type round struct {
	perSecond float64
	p99       float64 // ms
	cpu       float64 // seconds of processor time for each request, the load included; 0: not known
}

// measure sends checks to a handler over loopback, on connections that stay open.
func (b *bench) measure(ctx context.Context, h http.Handler) (round, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return round{}, err
	}
	srv := &http.Server{Handler: h}
	var serving sync.WaitGroup
	serving.Go(func() { srv.Serve(l) }) // ends with ErrServerClosed
	defer serving.Wait()
	defer srv.Close()

	times := make([][]time.Duration, b.Connections)
	errs := make([]error, b.Connections)
	end := time.Now().Add(b.Time)
	start, cpu := time.Now(), processorTime()
	var group sync.WaitGroup
	for n := range b.Connections {
		group.Go(func() { times[n], errs[n] = b.drive(l.Addr().String(), n, end) })
	}
	group.Wait()
	took := time.Since(start)
	cpu = processorTime() - cpu
	if err := errors.Join(errs...); err != nil {
		return round{}, err
	}
	all := slices.Concat(times...)
	if len(all) == 0 {
		return round{}, errors.New("nothing was answered in time")
	}
	slices.Sort(all)
	n := float64(len(all))
	return round{perSecond: n / took.Seconds(), p99: all[len(all)*99/100].Seconds() * 1000, cpu: cpu.Seconds() / n}, nil
}

// drive sends one check after the other, each of another device.
func (b *bench) drive(addr string, n int, end time.Time) (times []time.Duration, err error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	in := bufio.NewReader(conn)
	for i := n; time.Now().Before(end); i += b.Connections {
		d := i * 7919 % b.checking() * checkEvery
		set := prints(d)
		body, err := wire.Encode(&wire.Check{Nonce: wire.NewNonce(), Product: "bench", Fingerprints: set, Pinned: set})
		if err != nil {
			return nil, err
		}
		start := time.Now()
		_, err = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n%s",
			wire.PathChecks, b.tokens[d], len(body), body)
		if err != nil {
			return nil, err
		}
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			return nil, err
		}
		if _, err = io.Copy(io.Discard, resp.Body); err != nil {
			return nil, err
		}
		if resp.StatusCode != http.StatusOK {
			return nil, fmt.Errorf("check: status %d", resp.StatusCode)
		}
		times = append(times, time.Since(start))
	}
	return times, nil
}

// resident is this process's memory, where the system tells it; 0 elsewhere.
func resident() int64 {
	runtime.GC()
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), "VmHWM:")
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		return 0
	}
	kb, err := strconv.ParseInt(fields[0], 10, 64)
	if err != nil {
		return 0
	}
	return kb << 10
}

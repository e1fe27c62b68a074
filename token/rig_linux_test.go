//go:build rig

package token_test

// What .ci/token shows for real on Linux. These tests use the process's own environment, so none is parallel.

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
	"github.com/zalando/go-keyring"

	"github.com/counterfoil-dev/counterfoil/licensetest"
	"github.com/counterfoil-dev/counterfoil/token"
)

const (
	rigProduct = "acme-editor"
	rigService = rigProduct + " license"
	rigToken   = "rig-token-0123456789.abcdefghijklmnopqrstuvwxyz_ABCDEFGHIJKLMNOPQRSTUVWXYZ"
)

// startGnomeKeyring runs a private bus and gnome-keyring on it, with an unlocked login collection, and points this
// process at the bus.
func startGnomeKeyring(t testing.TB) *dbus.Conn {
	t.Helper()
	address := startBus(t)
	home := t.TempDir()
	cmd := exec.Command("gnome-keyring-daemon", "--foreground", "--unlock", "--components=secrets")
	cmd.Env = []string{"HOME=" + home, "XDG_RUNTIME_DIR=" + home, "DBUS_SESSION_BUS_ADDRESS=" + address, "PATH=" + os.Getenv("PATH"),
		"COUNTERFOIL_RIG=" + os.Getenv("COUNTERFOIL_RIG")}
	cmd.Stdin = strings.NewReader("pw")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	conn := connect(t, address)
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		var v dbus.Variant
		err := conn.Object("org.freedesktop.secrets", collection).CallWithContext(t.Context(), "org.freedesktop.DBus.Properties.Get",
			dbus.FlagNoAutoStart, "org.freedesktop.Secret.Collection", "Locked").Store(&v)
		if err == nil && v.Value() == false {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("gnome-keyring does not come up: %v %v", v, err)
		}
	}
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", address)
	return conn
}

// inAnotherProcess runs TestRigChild there.
func inAnotherProcess(t testing.TB, dir, what string, env ...string) string {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestRigChild$", "-test.v")
	cmd.Env = append(os.Environ(), append(env, "COUNTERFOIL_RIG_CHILD="+what, "COUNTERFOIL_RIG_DIR="+dir)...)
	var out, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v\n%s%s", what, err, &out, &stderr)
	}
	for line := range strings.Lines(out.String()) {
		if answer, ok := strings.CutPrefix(line, "answer: "); ok {
			return strings.TrimSpace(answer)
		}
	}
	t.Fatalf("%s: no answer\n%s%s", what, &out, &stderr)
	return ""
}

// TestRigChild does one thing in a process of its own and says what came of it.
func TestRigChild(t *testing.T) {
	what := os.Getenv("COUNTERFOIL_RIG_CHILD")
	if what == "" {
		return
	}
	v := token.Open(token.Config{Product: rigProduct, Dir: os.Getenv("COUNTERFOIL_RIG_DIR")})
	environ := os.Environ()
	begin := time.Now()
	var secret string
	var err error
	switch what {
	case "get":
		var tok token.Token
		tok, err = v.Get(t.Context())
		secret = tok.Reveal()
	case "put":
		err = v.Put(t.Context(), mustToken(t, rigToken))
		secret = rigToken
	case "bare get":
		secret, err = keyring.Get(rigService, "token")
	case "bare get, ignoring errors":
		_, _ = keyring.Get(rigService, "token")
	}
	took := time.Since(begin)
	if err != nil {
		fmt.Println("answer: error", err)
		return
	}
	if what != "bare get, ignoring errors" {
		if secret != rigToken {
			t.Fatal("another token")
		}
		if !slices.Equal(environ, os.Environ()) {
			t.Fatal("the environment was changed")
		}
	}
	fmt.Println("answer:", took.Microseconds(), "µs", v.Status(t.Context()).Store)
}

// marked counts living processes that inherited this run's mark, by name.
func marked(t testing.TB, pids *[]int) map[string]int {
	t.Helper()
	mark := os.Getenv("COUNTERFOIL_RIG")
	if mark == "" {
		t.Fatal("COUNTERFOIL_RIG is not set: run this through .ci/token")
	}
	found := map[string]int{}
	environs, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, path := range environs {
		env, err := os.ReadFile(path)
		if err != nil || !slices.Contains(strings.Split(string(env), "\x00"), "COUNTERFOIL_RIG="+mark) {
			continue
		}
		name, _ := os.ReadFile(filepath.Join(filepath.Dir(path), "comm"))
		switch n := strings.TrimSpace(string(name)); n {
		case "dbus-daemon", "dbus-launch", "gnome-keyring-d":
			found[n]++
			if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path))); err == nil && pids != nil {
				*pids = append(*pids, pid)
			}
		}
	}
	return found
}

func TestRigGnomeKeyring(t *testing.T) {
	before := marked(t, nil)
	t.Run("session", func(t *testing.T) {
		conn := startGnomeKeyring(t)
		dir := t.TempDir()
		during := marked(t, nil)
		t.Logf("running: %v", during)
		open := func() *token.Vault { return token.Open(token.Config{Product: rigProduct, Dir: dir}) }

		v := open()
		if err := v.Put(t.Context(), mustToken(t, rigToken)); err != nil {
			t.Fatal(err)
		}
		t.Logf("stored: %+v; %s", v.Status(t.Context()), v.Status(t.Context()).Protection("en"))
		t.Log("read in another process after", inAnotherProcess(t, dir, "get"))
		t.Log("and by go-keyring after", inAnotherProcess(t, dir, "bare get"))

		out, err := exec.Command("secret-tool", "search", "--all", "service", rigService).CombinedOutput()
		if err != nil {
			t.Fatalf("secret-tool: %v\n%s", err, out)
		}
		shown := strings.ReplaceAll(string(out), rigToken, "[the token]")
		t.Logf("secret-tool search finds\n%s", shown)
		if strings.Contains(shown, "@") || !strings.Contains(shown, "label = "+rigService) || !strings.Contains(shown, "secret = [the token]") {
			t.Error("not what should be there in clear")
		}

		service := conn.Object("org.freedesktop.secrets", secrets)
		var locked []dbus.ObjectPath
		var prompt dbus.ObjectPath
		if err := service.Call("org.freedesktop.Secret.Service.Lock", 0, []dbus.ObjectPath{collection}).Store(&locked, &prompt); err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		_, err = open().Get(t.Context())
		wantErr(t, err, token.ErrLocked)
		t.Logf("locked: %v, after %v", err, time.Since(begin))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		for _, display := range []string{"", ":99"} {
			t.Setenv("DISPLAY", display)
			begin = time.Now()
			_, err = open().Unlock(ctx)
			t.Logf("Unlock with DISPLAY=%q and no prompter: %v, after %v", display, err, time.Since(begin))
			if display == "" {
				wantErr(t, err, token.ErrLocked)
			} else {
				wantErr(t, err, token.ErrDeclined)
			}
		}
		wantErr(t, v.Replace(t.Context(), mustToken(t, "new")), token.ErrLocked)
		want(t, v, rigToken)

		var session dbus.ObjectPath
		var unused dbus.Variant
		if err := service.Call("org.freedesktop.Secret.Service.OpenSession", 0, "plain", dbus.MakeVariant("")).Store(&unused, &session); err != nil {
			t.Fatal(err)
		}
		err = service.Call("org.gnome.keyring.InternalUnsupportedGuiltRiddenInterface.UnlockWithMasterPassword", 0, collection,
			fakeSecret{session, []byte{}, []byte("pw"), "text/plain"}).Err
		if err != nil {
			t.Fatal(err)
		}
		want(t, open(), rigToken)
		t.Log("unlocked: ready")

		if err := open().Delete(t.Context()); err != nil {
			t.Fatal(err)
		}
		_, err = open().Get(t.Context())
		wantErr(t, err, token.ErrAbsent)
		t.Log("deleted:", err)
		licensetest.TestTokenStore(t, func() token.Store {
			return token.NewSecretService("conformance", "token", os.Getenv("DBUS_SESSION_BUS_ADDRESS"), "")
		})
		if after := marked(t, nil); !maps.Equal(during, after) {
			t.Errorf("daemons: %v before, %v after", during, after)
		}
	})
	if after := marked(t, nil); !maps.Equal(before, after) {
		t.Errorf("daemons: %v before, %v after", before, after)
	} else {
		t.Logf("daemons before: %v, after: %v", before, after)
	}
}

// TestRigNoSession runs where dbus-launch is installed and no session is there. The contrast shows that the trap is
// real.
func TestRigNoSession(t *testing.T) {
	if _, err := exec.LookPath("dbus-launch"); err != nil {
		t.Fatal(err)
	}
	var pids []int
	before := marked(t, nil)
	dir := t.TempDir()
	none := []string{"DBUS_SESSION_BUS_ADDRESS=", "XDG_RUNTIME_DIR="}
	t.Log("put:", inAnotherProcess(t, dir, "put", none...))
	answer := inAnotherProcess(t, dir, "get", none...)
	t.Log("get:", answer)
	if !strings.HasSuffix(answer, " file") {
		t.Error("the file was not used")
	}
	after := marked(t, nil)
	if !maps.Equal(before, after) {
		t.Errorf("daemons: %v before, %v after", before, after)
	}
	inAnotherProcess(t, dir, "bare get, ignoring errors", none...)
	contrast := marked(t, &pids)
	for _, pid := range pids {
		if p, err := os.FindProcess(pid); err == nil {
			p.Kill()
		}
	}
	t.Logf("daemons before: %v, after: %v; after a bare keyring.Get, for contrast: %v (ended again)", before, after, contrast)
	if maps.Equal(contrast, after) {
		t.Error("the contrast shows no daemon: this rig could not fail")
	}
}

// TestRigSupplied reads what .ci/token/supplied put into the environment.
func TestRigSupplied(t *testing.T) {
	v := token.Open(token.Config{Product: rigProduct, Dir: os.Getenv("COUNTERFOIL_RIG_DIR")})
	want(t, v, rigToken)
	s := v.Status(t.Context())
	if s.Store != token.Kind(os.Getenv("COUNTERFOIL_RIG_WANT")) {
		t.Errorf("store: %s", s.Store)
	}
	wantErr(t, v.Replace(t.Context(), mustToken(t, "new")), token.ErrUnsupported)
	_, machineID := os.Stat("/etc/machine-id")
	t.Logf("uid %d, machine-id: %v; %s (%s): %s", os.Geteuid(), machineID, s.Store, s.Place, s.Protection("en"))
}

// TestRigSpeed compares first reads in fresh processes, in turns, and warm ones in this process.
func TestRigSpeed(t *testing.T) {
	startGnomeKeyring(t)
	dir := t.TempDir()
	if err := token.Open(token.Config{Product: rigProduct, Dir: dir}).Put(t.Context(), mustToken(t, rigToken)); err != nil {
		t.Fatal(err)
	}
	const rounds = 41
	var bare, ours []int
	micros := func(what string) int {
		n, err := strconv.Atoi(strings.Fields(inAnotherProcess(t, dir, what))[0])
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	for range rounds {
		bare = append(bare, micros("bare get"))
		ours = append(ours, micros("get"))
	}
	compare(t, "first read of a process", bare, ours)

	bare, ours = nil, nil
	for range 400 {
		begin := time.Now()
		if _, err := keyring.Get(rigService, "token"); err != nil {
			t.Fatal(err)
		}
		bare = append(bare, int(time.Since(begin).Microseconds()))
		v := token.Open(token.Config{Product: rigProduct, Dir: dir})
		begin = time.Now()
		want(t, v, rigToken)
		ours = append(ours, int(time.Since(begin).Microseconds()))
	}
	compare(t, "every read on a new Vault, go-keyring on its open connection", bare, ours)
}

func compare(t *testing.T, what string, bare, ours []int) {
	t.Helper()
	slices.Sort(bare)
	slices.Sort(ours)
	b, o := bare[len(bare)/2], ours[len(ours)/2]
	ratio := float64(o) / float64(b)
	t.Logf("%s: bare keyring.Get %d µs, Vault.Get with probe %d µs (medians of %d), ratio %.2f, at most 1.30", what, b, o, len(bare), ratio)
	if ratio > 1.3 {
		t.Errorf("%s: ratio %.2f", what, ratio)
	}
}

package token_test

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/godbus/dbus/v5"

	"github.com/counterfoil-dev/counterfoil/token"
)

const busConfig = `<busconfig><type>session</type><listen>unix:path=%s</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*"/><allow receive_sender="*"/><allow own="*"/></policy></busconfig>`

// startBus runs a message bus for the length of a test, and returns its address.
func startBus(t testing.TB) string {
	t.Helper()
	address, _ := startMortalBus(t)
	return address
}

// startMortalBus is startBus for tests that end it early.
func startMortalBus(t testing.TB) (address string, kill func()) {
	t.Helper()
	path, err := exec.LookPath("dbus-daemon")
	if err != nil {
		t.Skip("no dbus-daemon") // .ci/token/fake runs this, and fails if it is skipped
	}
	dir, err := os.MkdirTemp("", "bus") // short: a socket's path has 108 bytes at most
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	config := filepath.Join(dir, "session.conf")
	if err := os.WriteFile(config, fmt.Appendf(nil, busConfig, filepath.Join(dir, "bus")), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, "--nofork", "--nopidfile", "--print-address", "--config-file="+config)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill = sync.OnceFunc(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	t.Cleanup(kill)
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(line), kill
}

func connect(t testing.TB, address string) *dbus.Conn {
	t.Helper()
	conn, err := dbus.Connect(address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func TestBusAddress(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if l, err := net.Listen("unix", filepath.Join(dir, "bus")); err != nil {
		t.Fatal(err)
	} else {
		t.Cleanup(func() { l.Close() })
	}
	file := t.TempDir()
	if err := os.WriteFile(filepath.Join(file, "bus"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	runtime := "unix:path=" + dbus.EscapeBusAddressValue(dir+"/bus")
	for name, c := range map[string]struct{ given, dir, want string }{
		"given":               {"unix:path=/run/x/bus", dir, "unix:path=/run/x/bus"},
		"several":             {"tcp:host=h,port=1;unix:path=/a;unixexec:path=evil;unix:abstract=b", "", "unix:path=/a;unix:abstract=b"},
		"network only":        {"tcp:host=h,port=1", dir, ""},
		"a program":           {"unixexec:path=evil", dir, ""},
		"nonsense":            {"; ;x", dir, ""},
		"runtime directory":   {"", dir, runtime},
		"autolaunch":          {"autolaunch:", dir, runtime},
		"autolaunch, nothing": {"autolaunch:", "", ""},
		"no socket":           {"", file, ""},
		"no such file":        {"", filepath.Dir(dir), ""},
		"relative":            {"", ".", ""},
		"nothing":             {"", "", ""},
	} {
		env := map[string]string{"DBUS_SESSION_BUS_ADDRESS": c.given, "XDG_RUNTIME_DIR": c.dir}
		if got := token.BusAddress(func(name string) string { return env[name] }); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

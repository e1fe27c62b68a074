package token_test

import (
	"context"
	"errors"
	"maps"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/counterfoil-dev/counterfoil/licensetest"
	"github.com/counterfoil-dev/counterfoil/token"
)

const (
	secrets    = dbus.ObjectPath("/org/freedesktop/secrets")
	collection = secrets + "/collection/login"
	item       = collection + "/1"
	other      = secrets + "/collection/other"
	prompt     = secrets + "/prompt/1"
)

// fakeService is a Secret Service with two collections and room for one item, and with manners to choose.
type fakeService struct {
	conn  *dbus.Conn
	stuck chan struct{} // closed when the client waits for what will not come

	mu         sync.Mutex
	noLogin    bool            // there is no collection "login"
	alias      dbus.ObjectPath // what the default then is
	locked     bool
	otherHas   bool            // the item is in the collection "other"
	otherLocks bool            // and that is locked
	confirms   bool            // CreateItem wants to ask first
	dismissals int             // by the client
	itemLocked bool            // the item, too, as KeePassXC does
	hangs      map[string]bool // methods that never answer
	dies       map[string]bool // methods in which the process ends
	noDialog   bool            // a prompt is never completed
	leaves     bool            // the process ends while a prompt is open
	dismissed  bool            // a prompt is dismissed
	prompts    int
	calls      []string
	attributes map[string]string
	value      []byte
	label      string
}

type fakeSecret struct {
	Session     dbus.ObjectPath
	Parameters  []byte
	Value       []byte
	ContentType string
}

func startFake(t testing.TB, address string, f *fakeService) *fakeService {
	t.Helper()
	f.conn = connect(t, address)
	f.stuck = make(chan struct{})
	f.hangs, f.dies = map[string]bool{}, map[string]bool{}
	if f.alias == "" {
		f.alias = "/"
	}
	for path, methods := range map[dbus.ObjectPath]map[string]map[string]any{
		secrets: {
			"org.freedesktop.Secret.Service": {"OpenSession": f.openSession, "Unlock": f.unlock, "ReadAlias": f.readAlias},
		},
		collection:                      {"org.freedesktop.Secret.Collection": {"SearchItems": f.searchItems, "CreateItem": f.createItem}},
		other:                           {"org.freedesktop.Secret.Collection": {"SearchItems": f.searchOther, "CreateItem": f.createOther}},
		secrets + "/collection/session": {"org.freedesktop.Secret.Collection": {"CreateItem": f.createItem}},
		item:                            {"org.freedesktop.Secret.Item": {"GetSecret": f.getSecret, "Delete": f.delete}},
		prompt:                          {"org.freedesktop.Secret.Prompt": {"Prompt": f.prompt, "Dismiss": f.dismiss}},
	} {
		for iface, table := range methods {
			if err := f.conn.ExportMethodTable(table, path, iface); err != nil {
				t.Fatal(err)
			}
		}
		get := f.get
		if path == other {
			get = f.getOther
		}
		if err := f.conn.ExportMethodTable(map[string]any{"Get": get}, path, "org.freedesktop.DBus.Properties"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := f.conn.RequestName("org.freedesktop.secrets", dbus.NameFlagDoNotQueue); err != nil {
		t.Fatal(err)
	}
	return f
}

// enter is the start of every method: it may be its end.
func (f *fakeService) enter(method string) (leave func()) {
	f.mu.Lock()
	f.calls = append(f.calls, method)
	hangs, dies := f.hangs[method], f.dies[method]
	if hangs || dies {
		f.mu.Unlock()
		if hangs {
			close(f.stuck)
		}
		if dies {
			f.conn.Close()
		}
		<-f.conn.Context().Done()
		runtime.Goexit()
	}
	return f.mu.Unlock
}

func (f *fakeService) get(iface, name string) (dbus.Variant, *dbus.Error) {
	defer f.enter(name)()
	switch name {
	case "Collections":
		if f.noLogin {
			return dbus.MakeVariant([]dbus.ObjectPath{}), nil
		}
		return dbus.MakeVariant([]dbus.ObjectPath{secrets + "/collection/session", collection}), nil
	case "Locked":
		return dbus.MakeVariant(f.locked), nil
	}
	return dbus.Variant{}, dbus.NewError("org.freedesktop.DBus.Error.UnknownProperty", nil)
}

func (f *fakeService) getOther(string, string) (dbus.Variant, *dbus.Error) {
	defer f.enter("Locked, other")()
	return dbus.MakeVariant(f.otherLocks), nil
}

func (f *fakeService) readAlias(string) (dbus.ObjectPath, *dbus.Error) {
	defer f.enter("ReadAlias")()
	return f.alias, nil
}

func (f *fakeService) openSession(string, dbus.Variant) (dbus.Variant, dbus.ObjectPath, *dbus.Error) {
	defer f.enter("OpenSession")()
	return dbus.MakeVariant(""), secrets + "/session/1", nil
}

func (f *fakeService) unlock(objects []dbus.ObjectPath) ([]dbus.ObjectPath, dbus.ObjectPath, *dbus.Error) {
	defer f.enter("Unlock")()
	if f.locked || f.otherLocks && objects[0] == other || f.itemLocked && objects[0] == item {
		return nil, prompt, nil
	}
	return objects, "/", nil
}

func (f *fakeService) prompt(string) *dbus.Error {
	defer f.enter("Prompt")()
	f.prompts++
	if f.leaves {
		time.AfterFunc(50*time.Millisecond, func() { f.conn.Close() }) // after the reply
	}
	if f.noDialog {
		if !f.leaves {
			close(f.stuck)
		}
		return nil
	}
	if !f.dismissed {
		f.locked, f.itemLocked, f.otherLocks = false, false, false
	}
	f.conn.Emit(prompt, "org.freedesktop.Secret.Prompt.Completed", f.dismissed, dbus.MakeVariant([]dbus.ObjectPath{}))
	return nil
}

func (f *fakeService) searchItems(attributes map[string]string) ([]dbus.ObjectPath, *dbus.Error) {
	defer f.enter("SearchItems")()
	if f.value == nil || f.otherHas || !maps.Equal(attributes, f.attributes) {
		return nil, nil
	}
	return []dbus.ObjectPath{item}, nil
}

func (f *fakeService) searchOther(attributes map[string]string) ([]dbus.ObjectPath, *dbus.Error) {
	defer f.enter("SearchItems, other")()
	if f.value == nil || !f.otherHas {
		return nil, nil
	}
	return []dbus.ObjectPath{item}, nil
}

func (f *fakeService) createOther(map[string]dbus.Variant, fakeSecret, bool) (dbus.ObjectPath, dbus.ObjectPath, *dbus.Error) {
	defer f.enter("CreateItem, other")()
	return item, "/", nil
}

func (f *fakeService) dismiss() *dbus.Error {
	defer f.enter("Dismiss")()
	f.dismissals++
	return nil
}

func (f *fakeService) createItem(p map[string]dbus.Variant, s fakeSecret, replace bool) (dbus.ObjectPath, dbus.ObjectPath, *dbus.Error) {
	defer f.enter("CreateItem")()
	if f.confirms {
		return "/", prompt, nil
	}
	f.value, f.attributes = s.Value, map[string]string{}
	f.label, _ = p["org.freedesktop.Secret.Item.Label"].Value().(string)
	if err := p["org.freedesktop.Secret.Item.Attributes"].Store(&f.attributes); err != nil || !replace {
		return "", "", dbus.NewError("org.freedesktop.DBus.Error.InvalidArgs", nil)
	}
	return item, "/", nil
}

func (f *fakeService) getSecret(session dbus.ObjectPath) (fakeSecret, *dbus.Error) {
	defer f.enter("GetSecret")()
	if f.itemLocked {
		return fakeSecret{}, dbus.NewError("org.freedesktop.Secret.Error.IsLocked", nil)
	}
	return fakeSecret{session, []byte{}, f.value, "text/plain"}, nil
}

func (f *fakeService) delete() (dbus.ObjectPath, *dbus.Error) {
	defer f.enter("Delete")()
	f.value = nil
	return "/", nil
}

// TestSecretService runs the client against a fake on a real bus. Not parallel: it counts goroutines.
func TestSecretService(t *testing.T) {
	type kr = token.Store
	get := func(ctx context.Context, k kr) error { _, err := k.Get(ctx); return err }
	unlock := func(ctx context.Context, k kr) error { _, err := k.(token.Unlocker).Unlock(ctx); return err }
	set := func(ctx context.Context, k kr) error { return k.Set(ctx, token.Wrap("new")) }
	setAsking := func(ctx context.Context, k kr) error {
		return k.(interface {
			SetAsking(context.Context, token.Token) error
		}).SetAsking(ctx, token.Wrap("new"))
	}
	inOther := func(f *fakeService) { f.alias, f.otherHas = other, true }
	inOtherLocked := func(f *fakeService) { f.alias, f.otherHas, f.otherLocks = other, true, true }
	del := func(ctx context.Context, k kr) error { return k.Delete(ctx) }
	probe := func(ctx context.Context, k kr) error {
		return k.(interface{ Probe(context.Context) error }).Probe(ctx)
	}
	for name, c := range map[string]struct {
		manners func(*fakeService)
		do      func(context.Context, kr) error
		want    error
		prompts int
	}{
		"reads":                       {nil, get, nil, 0},
		"replaces":                    {nil, set, nil, 0},
		"deletes":                     {nil, del, nil, 0},
		"probes":                      {nil, probe, nil, 0},
		"unlocked needs no dialog":    {nil, unlock, nil, 0},
		"empty":                       {func(f *fakeService) { f.value = nil }, get, token.ErrAbsent, 0},
		"empty, delete":               {func(f *fakeService) { f.value = nil }, del, token.ErrAbsent, 0},
		"another's item":              {func(f *fakeService) { f.attributes["username"] = "x" }, get, token.ErrAbsent, 0},
		"nonsense stored":             {func(f *fakeService) { f.value = []byte("a\xffb") }, get, token.ErrInvalid, 0},
		"no login, default elsewhere": {func(f *fakeService) { f.noLogin, f.alias = true, collection }, get, nil, 0},
		"no collection":               {func(f *fakeService) { f.noLogin, f.alias = true, "/" }, set, token.ErrUnsupported, 0},
		"session collection":          {func(f *fakeService) { f.noLogin, f.alias = true, secrets+"/collection/session" }, set, token.ErrUnsupported, 0},

		"item in the default, get":            {inOther, get, nil, 0},
		"item in the default, delete":         {inOther, del, nil, 0},
		"default is empty, too":               {func(f *fakeService) { f.alias, f.value = other, nil }, get, token.ErrAbsent, 0},
		"item in the default, locked":         {inOtherLocked, get, token.ErrLocked, 0},
		"item in the default, locked, unlock": {inOtherLocked, unlock, nil, 1},
		"confirms a write":                    {func(f *fakeService) { f.confirms = true }, set, token.ErrLocked, 0},
		"confirms a write, and may ask":       {func(f *fakeService) { f.confirms = true }, setAsking, nil, 1},

		"locked, get":               {func(f *fakeService) { f.locked = true }, get, token.ErrLocked, 0},
		"locked, set":               {func(f *fakeService) { f.locked = true }, set, token.ErrLocked, 0},
		"locked, delete":            {func(f *fakeService) { f.locked = true }, del, token.ErrLocked, 0},
		"locked, probe":             {func(f *fakeService) { f.locked = true }, probe, token.ErrLocked, 0},
		"locked, unlock":            {func(f *fakeService) { f.locked = true }, unlock, nil, 1},
		"item locked, get":          {func(f *fakeService) { f.itemLocked = true }, get, token.ErrLocked, 0},
		"item locked, unlock":       {func(f *fakeService) { f.itemLocked = true }, unlock, nil, 1},
		"dialog dismissed":          {func(f *fakeService) { f.locked, f.dismissed = true, true }, unlock, token.ErrDeclined, 1},
		"no display, unlock":        {func(f *fakeService) { f.locked = true }, unlock, token.ErrLocked, 0},
		"dialog never answered":     {func(f *fakeService) { f.locked, f.noDialog = true, true }, unlock, token.ErrLocked, 1},
		"Unlock never answers":      {func(f *fakeService) { f.locked = true; f.hangs["Unlock"] = true }, unlock, token.ErrLocked, 0},
		"Prompt never answers":      {func(f *fakeService) { f.locked = true; f.hangs["Prompt"] = true }, unlock, token.ErrLocked, 0},
		"SearchItems never answers": {func(f *fakeService) { f.hangs["SearchItems"] = true }, get, token.ErrLocked, 0},
		"CreateItem never answers":  {func(f *fakeService) { f.hangs["CreateItem"] = true }, set, token.ErrLocked, 0},
		"Locked never answers":      {func(f *fakeService) { f.hangs["Locked"] = true }, probe, token.ErrLocked, 0},
		"dies at the start":         {func(f *fakeService) { f.dies["Collections"] = true }, get, token.ErrUnsupported, 0},
		"dies in Unlock":            {func(f *fakeService) { f.locked = true; f.dies["Unlock"] = true }, unlock, token.ErrUnsupported, 0},
		"dies in Prompt":            {func(f *fakeService) { f.locked = true; f.dies["Prompt"] = true }, unlock, token.ErrUnsupported, 0},
		"dies with a dialog open":   {func(f *fakeService) { f.locked, f.noDialog, f.leaves = true, true, true }, unlock, token.ErrUnsupported, 1},
		"dies in GetSecret":         {func(f *fakeService) { f.dies["GetSecret"] = true }, get, token.ErrUnsupported, 0},
		"dies in CreateItem":        {func(f *fakeService) { f.dies["CreateItem"] = true }, set, token.ErrUnsupported, 0},
	} {
		t.Run(name, func(t *testing.T) {
			address := startBus(t)
			f := startFake(t, address, &fakeService{
				attributes: map[string]string{"service": "acme-editor license", "username": "token"}, value: []byte("tok"),
			})
			if c.manners != nil {
				f.mu.Lock()
				c.manners(f)
				f.mu.Unlock()
			}
			display := ":0"
			if strings.HasPrefix(name, "no display") {
				display = ""
			}
			k := token.NewSecretService("acme-editor license", "token", address, display)
			before := runtime.NumGoroutine()
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			begin := time.Now()
			go func() { // once the fake hangs
				select {
				case <-f.stuck:
					time.AfterFunc(100*time.Millisecond, cancel)
				case <-ctx.Done():
				}
			}()
			err := c.do(ctx, k)
			took := time.Since(begin)
			cancel()
			if !errors.Is(err, c.want) {
				t.Fatalf("%v, want %v", err, c.want)
			}
			f.mu.Lock()
			prompts, dismissals, pending := f.prompts, f.dismissals, f.confirms
			f.mu.Unlock()
			if pending && prompts+dismissals != 1 {
				t.Errorf("%d dialogs, %d dismissed: one is left pending", prompts, dismissals)
			}
			if prompts != c.prompts {
				t.Errorf("%d dialogs, want %d", prompts, c.prompts)
			}
			if left := settled(before + len(f.hangs)); left > before+len(f.hangs) { // the fake's own call hangs
				buf := make([]byte, 1<<16)
				t.Errorf("%d goroutines, %d before:\n%s", left, before, buf[:runtime.Stack(buf, true)])
			}
			t.Logf("%s: %v, after %v", name, err, took.Round(time.Millisecond))
		})
	}
}

// settled waits for goroutines that are ending, and returns how many there are then.
func settled(want int) int {
	deadline := time.Now().Add(20 * time.Second)
	for runtime.NumGoroutine() > want && time.Now().Before(deadline) {
		runtime.Gosched()
	}
	return runtime.NumGoroutine()
}

// TestSetReplacesWhereTheItemIs: a second item would be left behind by Delete.
func TestSetReplacesWhereTheItemIs(t *testing.T) {
	t.Parallel()
	address := startBus(t)
	f := startFake(t, address, &fakeService{alias: other, otherHas: true, value: []byte("tok")})
	if err := token.NewSecretService("s", "a", address, "").Set(t.Context(), mustToken(t, "new")); err != nil {
		t.Fatal(err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if !slices.Contains(f.calls, "CreateItem, other") || slices.Contains(f.calls, "CreateItem") {
		t.Errorf("calls: %v", f.calls)
	}
}

// TestSecretServiceFromActivationOn is the whole way of a token through a keyring that is locked at first.
func TestSecretServiceFromActivationOn(t *testing.T) {
	t.Parallel()
	address := startBus(t)
	f := startFake(t, address, &fakeService{locked: true})
	b := newBench(t)
	start := func() *token.Vault {
		return token.OpenWith(b.cfg, token.NewSecretService("acme-editor license", "token", address, ":0"), nil)
	}
	v := start()
	if _, err := v.Unlock(t.Context()); !errors.Is(err, token.ErrAbsent) {
		t.Fatal(err)
	}
	put(t, v, "tok")
	want(t, start(), "tok")
	if s := start().Status(t.Context()); s.Store != token.KindKeyring || s.Place == "" {
		t.Errorf("Status: %+v", s)
	}
	f.mu.Lock()
	label, attributes := f.label, f.attributes
	f.mu.Unlock()
	if label != "acme-editor license" || !maps.Equal(attributes, map[string]string{"service": "acme-editor license", "username": "token"}) {
		t.Errorf("in clear: %q %v", label, attributes)
	}
	if err := v.Delete(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, err := start().Get(t.Context())
	wantErr(t, err, token.ErrAbsent)
}

func TestSecretServiceConforms(t *testing.T) {
	t.Parallel()
	address := startBus(t)
	startFake(t, address, &fakeService{})
	licensetest.TestTokenStore(t, func() token.Store { return token.NewSecretService("s", "a", address, "") })
}

func TestBusEndsMeanwhile(t *testing.T) {
	t.Parallel()
	address, kill := startMortalBus(t)
	f := startFake(t, address, &fakeService{})
	f.mu.Lock()
	f.hangs["SearchItems"] = true
	f.mu.Unlock()
	go func() {
		<-f.stuck
		kill()
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	_, err := token.NewSecretService("s", "a", address, "").Get(ctx)
	if !errors.Is(err, token.ErrUnsupported) {
		t.Errorf("%v, want %v", err, token.ErrUnsupported)
	}
}

func TestSecretServiceWithoutService(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	deaf, err := net.Listen("unix", filepath.Join(dir, "deaf"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { deaf.Close() })
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	ended, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, "ended"), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	ended.SetUnlinkOnClose(false)
	ended.Close()
	for name, c := range map[string]struct {
		address string
		want    error
	}{
		"no bus":                {"", token.ErrUnsupported},
		"a bus that is gone":    {"unix:path=" + dir + "/gone", token.ErrUnsupported},
		"a socket nobody reads": {"unix:path=" + dir + "/ended", token.ErrUnsupported},
		"a path too long":       {"unix:path=/" + strings.Repeat("x", 200), token.ErrLocked},
		"no room in the queue":  {"unix:path=" + fullSocket(t, filepath.Join(dir, "full")), token.ErrLocked},
		"not a bus":             {"unix:path=" + dir + "/file/x", token.ErrLocked},
		"a bus that is deaf":    {"unix:path=" + dir + "/deaf", token.ErrLocked},
		"no service on the bus": {startBus(t), token.ErrUnsupported},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bound := 30 * time.Second
			if c.want == token.ErrLocked {
				bound = 300 * time.Millisecond
			}
			ctx, cancel := context.WithTimeout(t.Context(), bound)
			defer cancel()
			_, err := token.NewSecretService("s", "a", c.address, "").Get(ctx)
			if !errors.Is(err, c.want) {
				t.Errorf("%v, want %v", err, c.want)
			}
		})
	}
}

// fullSocket is a bus that accepts no more connections for now.
func fullSocket(t *testing.T, path string) string {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(fd) })
	if err := errors.Join(syscall.Bind(fd, &syscall.SockaddrUnix{Name: path}), syscall.Listen(fd, 0)); err != nil {
		t.Fatal(err)
	}
	for range 4 {
		conn, err := net.Dial("unix", path)
		if err != nil {
			return path
		}
		t.Cleanup(func() { conn.Close() })
	}
	t.Fatal("the queue does not fill")
	return ""
}

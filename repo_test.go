// Package counterfoil_test holds the rules of this repository. Files are parsed one by one, whatever their build tags,
// so that the rules hold on every system, and `go test` knows which files were read and does not answer from its cache.
package counterfoil_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/counterfoil-dev/counterfoil"

// A fence says what the files of a package that ship (its tests are free) may import, and why not more.
type fence struct {
	ours, others []string
	std          []string // of the guarded packages below
	why          string
}

// Each package of the library needs an entry. Whoever lengthens a list changes what users link, or trust.
var fences = map[string]fence{
	"lease": {ours: list("internal/strictjson"),
		why: "verifying is a function of text and keys, and links nothing else"},
	"fingerprint": {ours: list("internal/redact"), std: list("os syscall unsafe"),
		others: list("denisbrodbeck/machineid x/crypto x/sys"),
		why:    "a device has an identity without license, server or token"},
	"token": {ours: list("internal/redact internal/statefile"), std: list("os os/exec syscall unsafe"),
		others: list("godbus/dbus/v5 zalando/go-keyring x/sys"),
		why:    "a secret is kept without knowing what it opens (os/exec is for exit codes that go-keyring passes on)"},
	"link": {ours: list("fingerprint internal/apiclient internal/redact internal/wire lease token"), std: list("net/http"),
		why: "it is handed to packages that must not reach license"},
	"license": {ours: list("fingerprint link " + common), std: list("net/http os"),
		why: "enforcement must not depend on measuring people, and who wants licensing links only licensing"},
	"licensetest": {ours: list("internal/redact internal/strictjson internal/wire lease testdata token"),
		std: list("net net/http os testing"),
		why: "a server is tested without our client, and the client's own tests use it"},

	"consent": {ours: list("internal/redact internal/statefile"), std: list("net/http os"),
		why: "a decision is kept for whoever asks, and knows neither what it allows nor enforcement"},
	"telemetry": {ours: list("consent link " + common), others: list("cloudflare/circl x/sys"),
		std: list("os syscall unsafe"), why: "measuring people never reaches enforcement"},
	"feedback": {ours: list("consent link " + common), std: list("net/http os"),
		why: "a message never reaches enforcement"},
	"privacy": {ours: list("consent feedback link telemetry " + common), std: list("os"),
		why: "what tells and answers people never reaches enforcement"},

	"internal/apiclient": {ours: list("internal/redact internal/wire"), std: list("net net/http"),
		others: list("hashicorp/go-retryablehttp"),
		why:    "the one place that sends knows the protocol, not who speaks it"},
	"internal/statefile": {others: list("x/sys"), std: list("os syscall"),
		why: "a leaf: it keeps bytes and understands none of them"},
	"internal/wire": {ours: list("internal/strictjson"),
		why: "the bytes of the protocol, for client and server alike: no I/O"},
	"internal/redact":     {why: "a leaf"},
	"internal/strictjson": {why: "a leaf below everything that is signed"},
	"testdata":            {why: "vectors are data"},
}

// common is what the packages with a state or a connection stand on. They send by way of link.
const common = "internal/apiclient internal/redact internal/statefile internal/strictjson internal/wire lease token"

// Packages of the standard library that reach out of the process, or into every program that links them.
var guarded = list("C expvar log net net/http net/rpc net/smtp os os/exec os/user plugin syscall testing unsafe")

// The dependencies of the library, all of them, and what they bring. One more needs a page in docs/adr.
var (
	direct = list("cloudflare/circl denisbrodbeck/machineid godbus/dbus/v5 hashicorp/go-retryablehttp " +
		"zalando/go-keyring x/crypto x/sys")
	indirect = list("danieljoos/wincred hashicorp/go-cleanhttp")
)

func list(words string) []string { return strings.Fields(words) }

// short is a module or import path as in the tables above.
func short(p string) string {
	return strings.TrimPrefix(strings.TrimPrefix(p, "github.com/"), "golang.org/")
}

// file is one parsed Go file.
type file struct {
	*ast.File
	path    string
	lines   int
	test    bool // a _test.go file
	library bool // in the root module, in a package for users or below one
}

func (f file) dir() string { return path.Dir(f.path) }

func (f file) ships() bool { return f.library && !f.test }

var positions = token.NewFileSet()

func at(n ast.Node) string { return positions.Position(n.Pos()).String() }

// eachText visits the text files of the repository.
func eachText(t *testing.T, visit func(name, text string)) {
	t.Helper()
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.Name() == ".git" && d.IsDir():
			return fs.SkipDir
		case !d.Type().IsRegular():
			return nil
		}
		text, err := os.ReadFile(name)
		if err == nil && !bytes.ContainsRune(text, 0) {
			visit(filepath.ToSlash(name), string(text))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// goFiles parses every Go file of all modules.
func goFiles(t *testing.T) []file {
	t.Helper()
	var files []file
	outside := list(".ci/")
	eachText(t, func(name, text string) {
		if path.Base(name) == "go.mod" && name != "go.mod" {
			outside = append(outside, path.Dir(name)+"/")
		}
		if path.Ext(name) != ".go" {
			return
		}
		parsed, err := parser.ParseFile(positions, name, text, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		test := strings.HasSuffix(name, "_test.go")
		files = append(files, file{File: parsed, path: name, lines: strings.Count(text, "\n"), test: test})
	})
	for i, f := range files {
		in := func(dir string) bool { return strings.HasPrefix(f.path, dir) }
		files[i].library = f.dir() != "." && !slices.ContainsFunc(outside, in)
	}
	if len(files) < 2*len(fences) {
		t.Fatalf("only %d Go files found", len(files))
	}
	return files
}

func TestImports(t *testing.T) {
	t.Parallel()
	for _, f := range goFiles(t) {
		if !f.ships() {
			continue
		}
		fence, ok := fences[f.dir()]
		if !ok {
			t.Errorf("%s: package %s has no entry in the import table", f.path, f.dir())
		}
		for _, spec := range f.Imports {
			name, _ := strconv.Unquote(spec.Path.Value)
			ours, isOurs := strings.CutPrefix(name, module+"/")
			var allowed bool
			switch {
			case isOurs:
				allowed = slices.Contains(fence.ours, ours)
			case strings.Contains(name, "."):
				allowed = slices.ContainsFunc(fence.others, func(m string) bool {
					return strings.HasPrefix(short(name)+"/", m+"/")
				})
			default:
				allowed = !slices.Contains(guarded, name) || slices.Contains(fence.std, name)
			}
			if !allowed {
				t.Errorf("%s: %s may not import %s: %s", at(spec), f.dir(), name, fence.why)
			}
		}
	}
}

func TestDependencies(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	var imported strings.Builder
	for _, f := range goFiles(t) {
		for _, spec := range f.Imports {
			if f.ships() {
				imported.WriteString(short(strings.Trim(spec.Path.Value, `"`)) + "/\n")
			}
		}
	}
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(strings.TrimPrefix(strings.TrimSpace(line), "require "))
		switch {
		case len(words) < 2 || words[0] == "module" || words[0] == "go" || words[1] == "(" && words[0] == "require":
		case words[1][0] != 'v':
			t.Errorf("go.mod: %q has no place in a library's go.mod", strings.TrimSpace(line))
		case slices.Contains(words, "indirect"):
			if !slices.Contains(indirect, short(words[0])) {
				t.Errorf("go.mod: indirect dependency %s is not on the list", words[0])
			}
		case !slices.Contains(direct, short(words[0])):
			t.Errorf("go.mod: dependency %s is not on the list", words[0])
		case !strings.Contains(imported.String(), short(words[0])+"/"):
			t.Errorf("go.mod: dependency %s is imported by no package of the library", words[0])
		}
	}
}

func TestPackageComments(t *testing.T) {
	t.Parallel()
	comments := make(map[string]int)
	for _, f := range goFiles(t) {
		if f.test {
			continue
		}
		comments[f.dir()] += 0
		want := "Package " + f.Name.Name + " "
		if f.Name.Name == "main" {
			want = "" // any words will do
		}
		if f.Doc != nil && strings.HasPrefix(f.Doc.Text(), want) {
			comments[f.dir()]++
		}
	}
	for dir, n := range comments {
		if n != 1 {
			t.Errorf("package %s has %d package comments; want 1", dir, n)
		}
	}
}

// What is at package level never changes: it is given a value there, by something known to give an unchanging one, and
// nothing in the package, tests included, assigns to it or takes its address.
func TestNoMutableState(t *testing.T) {
	t.Parallel()
	declared := make(map[string]string) // package and name
	files := goFiles(t)
	for _, f := range files {
		if !f.ships() {
			continue
		}
		for _, decl := range f.Decls {
			if fn, ok := decl.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				t.Errorf("%s: no init functions: importing a package does nothing", at(decl))
			}
			gen, ok := decl.(*ast.GenDecl)
			if !ok || gen.Tok != token.VAR {
				continue
			}
			for _, spec := range gen.Specs {
				spec := spec.(*ast.ValueSpec)
				if spec.Names[0].Name == "_" {
					continue
				}
				zero := len(spec.Values) == 0 && source(spec.Type) != "embed.FS" // a type from elsewhere has methods
				if zero && strings.Contains(source(spec.Type), ".") || slices.ContainsFunc(spec.Values, changeable) {
					t.Errorf("%s: variable %s may change", at(spec), spec.Names[0])
				}
				for _, name := range spec.Names {
					declared[f.dir()+"."+name.Name] = at(name)
				}
			}
		}
	}
	for _, f := range files {
		if !f.library || strings.HasSuffix(f.Name.Name, "_test") {
			continue
		}
		for _, target := range changes(f.File) {
			if target.Obj != nil && f.Scope.Lookup(target.Name) != target.Obj {
				continue // a local one
			}
			if where, ok := declared[f.dir()+"."+target.Name]; ok {
				t.Errorf("%s: changes %s, declared at %s", at(target), target.Name, where)
			}
		}
	}
}

// steady are the calls that make something that does not change: of our own functions and conversions, and these.
var steady = regexp.MustCompile(`^(\w+|\[\]byte|errors\.New|fmt\.Errorf|sync\.OnceValues?|strings\.NewReplacer|` +
	`.*\.Must.*|.*\.Strict|.*\.WithPadding|windows\.NewLazySystemDLL|.*\.NewProc)$`)

// changeable reports whether a variable that starts with value e could change without an assignment to its name.
func changeable(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.UnaryExpr:
		return e.Op == token.AND // a pointer to what may change
	case *ast.CallExpr:
		name := source(e.Fun)
		return name == "new" || name == "make" || !steady.MatchString(name)
	}
	return false
}

// source prints a called expression as in the source, as far as changeable needs it.
func source(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return source(e.X) + "." + e.Sel.Name
	case *ast.ArrayType: // a conversion
		return "[]" + source(e.Elt)
	case *ast.CallExpr:
		return source(e.Fun)
	}
	return ""
}

// changes lists the variables that f assigns to, in whole or in part, or takes the address of.
func changes(f *ast.File) (targets []*ast.Ident) {
	var add func(exprs ...ast.Expr)
	add = func(exprs ...ast.Expr) {
		for _, e := range exprs {
			switch e := e.(type) {
			case *ast.Ident:
				targets = append(targets, e)
			case *ast.IndexExpr:
				add(e.X)
			case *ast.SelectorExpr:
				add(e.X)
			}
		}
	}
	changers := regexp.MustCompile(`^(delete|clear|copy|slices\.(Sort|Reverse).*|maps\.(Copy|DeleteFunc))$`)
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			if n.Tok != token.DEFINE {
				add(n.Lhs...)
			}
		case *ast.IncDecStmt:
			add(n.X)
		case *ast.RangeStmt:
			if n.Tok == token.ASSIGN {
				add(n.Key, n.Value)
			}
		case *ast.UnaryExpr:
			if n.Op == token.AND {
				add(n.X)
			}
		case *ast.CallExpr:
			if changers.MatchString(source(n.Fun)) {
				add(n.Args[0])
			}
		}
		return true
	})
	return targets
}

// The library does not panic (but for Must…, and for licensetest, which fails tests), exit, print or start processes.
func TestFailuresAreReturned(t *testing.T) {
	t.Parallel()
	forbidden := regexp.MustCompile(`^(panic|print|println|os\.Exit|fmt\.Print(f|ln)?|log\..*|exec\.Command.*)$`)
	for _, f := range goFiles(t) {
		if !f.ships() {
			continue
		}
		for _, decl := range f.Decls {
			fn, ok := decl.(*ast.FuncDecl)
			must := ok && strings.HasPrefix(fn.Name.Name, "Must") || f.dir() == "licensetest"
			ast.Inspect(decl, func(n ast.Node) bool {
				if call, ok := n.(*ast.CallExpr); ok {
					if name := source(call.Fun); forbidden.MatchString(name) && !(must && name == "panic") {
						t.Errorf("%s: calls %s; return an error", at(call), name)
					}
				}
				return true
			})
		}
	}
}

// Every fuzz target has seeds, in the code or in testdata/fuzz, and one that reads them from files fails without any.
// What can be skipped is run for real by a rig: one that names it, or that a comment in it names.
func TestTests(t *testing.T) {
	t.Parallel()
	rigs := make(map[string]string)
	eachText(t, func(name, text string) {
		if strings.HasPrefix(name, ".ci/") {
			rigs[name] = text
		}
	})
	skip := regexp.MustCompile(`^\w+\.(Skip|Skipf|SkipNow)$`)
	isF := func(e ast.Expr) bool { return source(e) == "f" } // handed on to a function that adds the seeds
	read := regexp.MustCompile(`(^|\.)(Glob|ReadDir|ReadFile|WalkDir)$`)
	for _, f := range goFiles(t) {
		for _, decl := range f.Decls {
			fn, ok := decl.(*ast.FuncDecl)
			if !ok || !f.test && f.dir() != "licensetest" {
				continue
			}
			var skips, reads, fails, seeds, real bool
			ast.Inspect(fn, func(n ast.Node) bool {
				if call, ok := n.(*ast.CallExpr); ok {
					name := source(call.Fun)
					skips = skips || skip.MatchString(name)
					reads = reads || read.MatchString(name)
					fails = fails || strings.HasPrefix(name, "f.Fatal")
					seeds = seeds || name == "f.Add" || slices.ContainsFunc(call.Args, isF)
				}
				return true
			})
			var comments []string // in words
			for _, c := range f.Comments {
				if fn.Pos() < c.Pos() && c.Pos() < fn.End() {
					comments = append(comments, list(c.Text())...)
				}
			}
			for rig, text := range rigs {
				real = real || strings.Contains(text, fn.Name.Name) || slices.Contains(comments, rig)
			}
			if skips && !real {
				t.Errorf("%s: %s can be skipped, and no rig in .ci is named that runs it for real", at(fn), fn.Name)
			}
			if !strings.HasPrefix(fn.Name.Name, "Fuzz") || !f.test {
				continue
			}
			corpus, _ := os.ReadDir(path.Join(f.dir(), "testdata", "fuzz", fn.Name.Name))
			if !seeds && len(corpus) == 0 {
				t.Errorf("%s: %s has no seeds", at(fn), fn.Name)
			}
			if reads && !fails {
				t.Errorf("%s: %s reads seeds from files but does not fail when there are none", at(fn), fn.Name)
			}
		}
	}
}

// Words that no file may hold, and sizes.
func TestTexts(t *testing.T) {
	t.Parallel()
	const self = "repo_test.go"
	unfit := regexp.MustCompile(`\b(TODO|FIXME)\b|(^|[\s"'(=:])/(work|root|home/\w+|Users/\w+|tmp/\w+)/`)
	eachText(t, func(name, text string) {
		if name == self {
			return
		}
		for n, line := range strings.Split(text, "\n") {
			if unfit.MatchString(line) {
				t.Errorf("%s:%d: unfinished, or names a path of one machine: %s", name, n+1, line)
			}
		}
	})
	for _, f := range goFiles(t) {
		if f.dir() == "." && f.path != self {
			t.Errorf("%s: no package at the root", f.path)
		}
		if f.lines > 500 {
			t.Errorf("%s has %d lines; split what is over 500", f.path, f.lines)
		}
		ast.Inspect(f.File, func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok && strings.Contains(strings.ToLower(id.Name), "licence") {
				t.Errorf("%s: %s: identifiers spell it license", at(id), id.Name)
			}
			return true
		})
	}
}

// The first Go block of the README is a piece of examples/quickstart/main.go: the same lines, in one run, but for
// indentation.
func TestReadmeIsCompiled(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(readme), "\n```go\n")
	block, _, closed := strings.Cut(rest, "\n```\n")
	if !ok || !closed || !strings.Contains(block, "license.Open(") {
		t.Fatal("README.md: its first block marked go is not the quick start, which calls license.Open")
	}
	program, err := os.ReadFile(filepath.Join("examples", "quickstart", "main.go"))
	if err != nil {
		t.Fatal(err)
	}
	flat := regexp.MustCompile(`(?m)^[ \t]+|[ \t]+$`)
	if !strings.Contains("\n"+flat.ReplaceAllString(string(program), ""), "\n"+flat.ReplaceAllString(block, "")+"\n") {
		t.Errorf("README.md: these lines are not in examples/quickstart/main.go, one after the other:\n%s", block)
	}
}

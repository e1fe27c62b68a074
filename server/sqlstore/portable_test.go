package sqlstore

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// notPortable is what SQLite and PostgreSQL, or what speaks PostgreSQL's language, do not share, or do each in its own
// way.
var notPortable = []struct {
	pattern string
	why     string
}{
	{`\bAUTOINCREMENT\b|\bSERIAL\b|\bBIGSERIAL\b|\bSEQUENCE\b|\bIDENTITY\b|\bNEXTVAL\b|\bROWID\b`, "keys are random; sequences are hot spots and tell an order"},
	{`\bLISTEN\b|\bNOTIFY\b|ADVISORY`, "not everywhere"},
	{`\bLOCK\s+TABLE\b|\bFOR\s+(UPDATE|SHARE|NO KEY)\b`, "lock a row by changing it"},
	{`\bDEFERRABLE\b|\bTRIGGER\b|\bPROCEDURE\b|\bFUNCTION\b`, "rules are in package server"},
	{`\bNOW\s*\(|\bCURRENT_(TIME|DATE|TIMESTAMP)\b|\bDATETIME\b|\bTIMESTAMP\b|\bTIMESTAMPTZ\b|\bINTERVAL\b|strftime`, "the clock is the caller's; times are BIGINT"},
	{`\bBOOLEAN\b|\bTRUE\b|\bFALSE\b`, "SQLite has none: BIGINT 0 and 1"},
	{`\bBYTEA\b|\bBLOB\b|\bJSONB?\b|\bUUID\b|\bVARCHAR\b|\bINTEGER\b|\bINT\b|\bREAL\b|\bNUMERIC\b|\bARRAY\b`, "columns are TEXT or BIGINT"},
	{`::|\bILIKE\b|\bLIKE\b|\bGLOB\b|\bREGEXP\b`, "casts and matching differ"},
	{`\bOR\s+(REPLACE|IGNORE)\b|\bREPLACE\s+INTO\b`, "ON CONFLICT"},
	{`\?`, "parameters are $1"},
	{`\bPRAGMA\b|\bVACUUM\b|\bATTACH\b`, "engines do this in their own file"},
	{"`|\"", "quoted names"},
}

// problems lists what is not portable in a text.
func problems(sql string) (list []string) {
	for _, p := range notPortable {
		if m := regexp.MustCompile(`(?i)` + p.pattern).FindString(sql); m != "" {
			list = append(list, m+": "+p.why)
		}
	}
	return list
}

// looksLikeSQL tells SQL from other strings.
var looksLikeSQL = regexp.MustCompile(`(?i)^\s*(SELECT|INSERT|UPDATE|DELETE|CREATE|ALTER|DROP|WITH|BEGIN|COMMIT|ROLLBACK)\b|\b(FROM|WHERE|JOIN|SET)\s+\w+`)

// ofEngines are the files in which the engines may differ.
var ofEngines = map[string]bool{"sqlite.go": true, "postgres.go": true}

func TestPortableSQL(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") || ofEngines[name] {
			continue
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			lit, ok := n.(*ast.BasicLit)
			if !ok || lit.Kind != token.STRING {
				return true
			}
			text, err := strconv.Unquote(lit.Value)
			if err != nil {
				t.Fatal(err)
			}
			if looksLikeSQL.MatchString(text) {
				seen++
				for _, p := range problems(text) {
					t.Errorf("%s: %s", set.Position(lit.Pos()), p)
				}
			}
			return true
		})
	}
	if seen < 40 {
		t.Errorf("found only %d texts of SQL: the test looks at the wrong thing", seen)
	}
}

func TestPortableMigrations(t *testing.T) {
	t.Parallel()
	files, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatal("no migrations", err)
	}
	for i, name := range files {
		if want := "migrations/" + leftPad(i+1); !strings.HasPrefix(name, want) {
			t.Errorf("%s: want the number %s: no gaps, no doubles", name, want)
		}
		b, err := migrations.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		text, ok := strings.CutPrefix(string(b), "-- +goose Up\n")
		if !ok || strings.Contains(text, "+goose") {
			t.Errorf("%s: want one section, Up: there is no way back but a backup", name)
		}
		if strings.Count(text, ";") != 1 || !strings.HasSuffix(text, ";\n") {
			t.Errorf("%s: want one statement", name)
		}
		if !regexp.MustCompile(`^(CREATE TABLE|CREATE INDEX|ALTER TABLE \w+ ADD COLUMN) `).MatchString(text) {
			t.Errorf("%s: want a statement that only adds, so that an old replica works beside a new one", name)
		}
		for _, p := range problems(text) {
			t.Errorf("%s: %s", name, p)
		}
	}
}

func leftPad(n int) string {
	s := strconv.Itoa(n)
	return strings.Repeat("0", 5-len(s)) + s
}

func TestProblems(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{
		`SELECT now() FROM a`, `INSERT OR REPLACE INTO a VALUES ($1)`, `SELECT a FROM b WHERE c = ?`, `SELECT a FROM b FOR UPDATE`,
		`CREATE TABLE a (b BYTEA)`, `SELECT a::text FROM b`, `CREATE TABLE a (id BIGSERIAL)`, `SELECT "a" FROM b`,
	} {
		if len(problems(bad)) == 0 {
			t.Errorf("passes: %s", bad)
		}
	}
}

// TestLibc: modernc.org/sqlite works with exactly the libc that it was made with.
func TestLibc(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	version := func(text, module string) string {
		m := regexp.MustCompile(regexp.QuoteMeta(module) + ` (v\S+)`).FindStringSubmatch(text)
		if m == nil {
			t.Fatalf("no %s", module)
		}
		return m[1]
	}
	ours := string(b)
	cache := os.Getenv("GOMODCACHE")
	if cache == "" {
		gopath := os.Getenv("GOPATH")
		if gopath == "" {
			home, err := os.UserHomeDir()
			if err != nil {
				t.Fatal(err)
			}
			gopath = filepath.Join(home, "go")
		}
		cache = filepath.Join(gopath, "pkg", "mod")
	}
	theirs, err := os.ReadFile(filepath.Join(cache, "modernc.org", "sqlite@"+version(ours, "modernc.org/sqlite"), "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	if have, want := version(ours, "modernc.org/libc"), version(string(theirs), "modernc.org/libc"); have != want {
		t.Errorf("modernc.org/libc %s, but modernc.org/sqlite wants exactly %s", have, want)
	}
}

// TestTables: a backup holds every table and column but the allowances.
func TestTables(t *testing.T) {
	t.Parallel()
	db, err := Open(t.Context(), Config{URL: filepath.Join(t.TempDir(), "test.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	known := map[string]string{"allowances": "name, tat"}
	for _, table := range tables {
		known[table.name] = table.columns
	}
	err = db.engine.view(t.Context(), func(r runner) error {
		names, err := list(t.Context(), r, scanText, `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'goose%' AND name NOT LIKE 'sqlite%'`)
		if err != nil {
			return err
		}
		if len(names) != len(known) {
			t.Errorf("tables %q, want %d", names, len(known))
		}
		for _, name := range names {
			columns, err := list(t.Context(), r, scanText, `SELECT name FROM pragma_table_info($1)`, name)
			if err != nil {
				return err
			}
			if have := strings.Join(columns, ", "); known[name] != have {
				t.Errorf("table %s has %s, the backup holds %s", name, have, known[name])
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

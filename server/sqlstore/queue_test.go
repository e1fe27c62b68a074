package sqlstore

import (
	"errors"
	"path/filepath"
	"testing"
)

// TestFailedCommit: what is not committed is no success to anybody whose job was in the batch.
func TestFailedCommit(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	e, err := openSQLite(ctx, filepath.Join(t.TempDir(), "test.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer e.close()
	for _, text := range []string{
		"CREATE TABLE parent (id INTEGER PRIMARY KEY)",
		"CREATE TABLE child (id INTEGER REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED)", // fails at COMMIT
	} {
		if _, err := e.writer.ExecContext(ctx, text); err != nil {
			t.Fatal(err)
		}
	}
	own := errors.New("of the job itself")
	insert := func(text string) func(runner) error {
		return func(r runner) error { _, err := r.exec(ctx, text); return err }
	}
	var batch []*job
	for _, f := range []func(runner) error{
		insert("INSERT INTO parent VALUES (1)"),
		insert("INSERT INTO child VALUES (7)"),
		func(runner) error { return own },
		insert("INSERT INTO parent VALUES (2)"),
	} {
		j := &job{f: f, done: make(chan struct{})}
		e.add(j)
		batch = append(batch, j)
	}
	e.turn <- struct{}{}
	e.lead(ctx, batch[0])
	<-e.turn
	for i, j := range batch {
		<-j.done
		if j.err == nil || errors.Is(j.err, own) != (i == 2) {
			t.Errorf("job %d: %v", i, j.err)
		}
	}
	err = e.update(ctx, func(r runner) error {
		n, err := one(ctx, r, scanNumber, "SELECT COUNT(*) FROM parent")
		if n != 0 {
			t.Errorf("%d rows of a batch that failed", n)
		}
		return errors.Join(err, insert("INSERT INTO parent VALUES (3)")(r))
	})
	if err != nil {
		t.Errorf("the next batch: %v", err)
	}
}

// TestKeywords: an address in keywords does not become a file that has the password in its name.
func TestKeywords(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, url := range []string{"host=db password=hunter2", "dbname=x", "user = x host = y"} {
		if _, err := Open(t.Context(), Config{URL: url}); err == nil {
			t.Errorf("%q: opened", url)
		}
	}
	if list, err := filepath.Glob("*"); err != nil || len(list) > 0 {
		t.Errorf("files %q, %v", list, err)
	}
	db, err := Open(t.Context(), Config{URL: "myhost=a.db"})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
}

package sqlstore

import (
	"context"
	"errors"
	"slices"
	"sync"
)

// queue holds the updates that wait for the one connection that writes. Who gets it commits for those behind too, so
// that one wait for the disk serves many.
type queue struct {
	mu   sync.Mutex
	jobs []*job
}

// maxBatch bounds how long the first of a batch waits for the others.
const maxBatch = 64

// job is one update.
type job struct {
	f     func(runner) error
	err   error
	panic any
	done  chan struct{} // closed once err and panic stand
}

func (q *queue) add(j *job) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.jobs = append(q.jobs, j)
}

// take removes the first jobs.
func (q *queue) take() []*job {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := min(len(q.jobs), maxBatch)
	batch := slices.Clone(q.jobs[:n])
	q.jobs = slices.Delete(q.jobs, 0, n)
	return batch
}

// withdraw removes a job that nobody took yet.
func (q *queue) withdraw(j *job) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	i := slices.Index(q.jobs, j)
	if i >= 0 {
		q.jobs = slices.Delete(q.jobs, i, i+1)
	}
	return i >= 0
}

func (e *sqliteEngine) update(ctx context.Context, f func(runner) error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	j := &job{f: f, done: make(chan struct{})}
	e.add(j)
	select {
	case e.turn <- struct{}{}:
		e.lead(ctx, j)
		<-e.turn
	case <-j.done:
	case <-ctx.Done():
		if e.withdraw(j) {
			return context.Cause(ctx)
		}
	}
	<-j.done
	if j.panic != nil {
		panic(j.panic)
	}
	return j.err
}

// lead commits batches until j is done. The caller has the turn.
func (e *sqliteEngine) lead(ctx context.Context, j *job) {
	for {
		select {
		case <-j.done:
			return
		default:
		}
		batch := e.take()
		err := e.commit(ctx, batch)
		for _, b := range batch {
			if b.err == nil {
				b.err = err
			}
			close(b.done)
		}
	}
}

// commit runs a batch in one transaction. Its error is that of all jobs that have none of their own: nothing of them is
// stored.
func (e *sqliteEngine) commit(ctx context.Context, batch []*job) (err error) {
	if _, err := e.exec(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			// After some errors, such as a full disk, SQLite has rolled back already, and says that nothing is begun.
			_, _ = e.exec(ctx, "ROLLBACK")
		}
	}()
	for _, j := range batch {
		if err := e.run(ctx, j); err != nil {
			return err
		}
	}
	_, err = e.exec(ctx, "COMMIT")
	return err
}

// run runs one job in a savepoint, so that it can fail by itself. An error of run itself is the end of the batch.
func (e *sqliteEngine) run(ctx context.Context, j *job) error {
	if _, err := e.exec(ctx, "SAVEPOINT job"); err != nil {
		return err
	}
	func() {
		defer func() {
			if j.panic = recover(); j.panic != nil {
				j.err = errors.New("panic") // nobody sees it
			}
		}()
		j.err = j.f(e)
	}()
	if j.err != nil {
		if _, err := e.exec(ctx, "ROLLBACK TO job"); err != nil {
			return err
		}
	}
	_, err := e.exec(ctx, "RELEASE job")
	return err
}

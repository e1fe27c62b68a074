package server

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/argon2"
)

func TestPassword(t *testing.T) {
	t.Parallel()
	p := newPasswords()
	phc, err := p.hash(t.Context(), "right")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(phc, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("PHC string %s", phc)
	}
	if again, err := p.hash(t.Context(), "right"); err != nil || again == phc {
		t.Errorf("two hashes alike, %v", err)
	}
	for _, c := range []struct {
		phc, password string
		ok            bool
	}{
		{phc, "right", true}, {phc, "Right", false}, {phc, "", false}, {"", "", false}, {"", "right", false}, {phc + "A", "right", false},
		{strings.Replace(phc, "t=2", "t=3", 1), "right", false}, {strings.Replace(phc, "argon2id", "argon2i", 1), "right", false},
		{strings.Replace(phc, "m=19456", "m=4294967295", 1), "right", false},
		{otherPHC(), "password", true},
	} {
		if ok, err := p.verify(t.Context(), c.phc, c.password); err != nil || ok != c.ok {
			t.Errorf("verify %q against %q: %t, %v", c.password, c.phc, ok, err)
		}
	}
}

// otherPHC is of other parameters than ours: hashes made before a change of them still verify.
func otherPHC() string {
	key := argon2.IDKey([]byte("password"), []byte("saltsaltsalt"), 3, 256, 1, 32)
	return fmt.Sprintf("$argon2id$v=19$m=256,t=3,p=1$c2FsdHNhbHRzYWx0$%s", base64.RawStdEncoding.EncodeToString(key))
}

// TestUnknownEmailWork: a sign-in with an unknown e-mail does the work of one with a wrong password.
func TestUnknownEmailWork(t *testing.T) {
	t.Parallel()
	p := newPasswords()
	phc, err := p.hash(t.Context(), "right")
	if err != nil {
		t.Fatal(err)
	}
	var work []string
	p.derive = func(_, salt []byte, passes, memory uint32, lanes uint8, keyLen uint32) []byte {
		work = append(work, fmt.Sprint(len(salt), passes, memory, lanes, keyLen))
		return make([]byte, keyLen)
	}
	for _, stored := range []string{phc, ""} {
		if ok, err := p.verify(t.Context(), stored, "wrong"); ok || err != nil {
			t.Errorf("verified: %t, %v", ok, err)
		}
	}
	if len(work) != 2 || work[0] != work[1] {
		t.Errorf("work %q", work)
	}
}

// TestPasswordQueue: a few hash at once, some wait for a while, and the rest are told at once that it is busy.
func TestPasswordQueue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPasswords()
		release := make(chan struct{})
		var mu sync.Mutex
		running, most := 0, 0
		p.derive = func(_, _ []byte, _, _ uint32, _ uint8, keyLen uint32) []byte {
			mu.Lock()
			running++
			most = max(most, running)
			mu.Unlock()
			<-release
			mu.Lock()
			running--
			mu.Unlock()
			return make([]byte, keyLen)
		}
		var group sync.WaitGroup
		outcome := make(map[string]int)
		try := func(ctx context.Context) {
			group.Go(func() {
				_, err := p.verify(ctx, "", "x")
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil:
					outcome["done"]++
				case errors.Is(err, ErrBusy):
					outcome["busy"]++
				case errors.Is(err, context.Canceled):
					outcome["canceled"]++
				}
			})
		}
		count := func(what string) int {
			mu.Lock()
			defer mu.Unlock()
			return outcome[what]
		}
		slots := cap(p.slots)
		for range slots {
			try(t.Context())
		}
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		try(ctx)
		for range passwordQueue - 1 + 10 {
			try(t.Context())
		}
		synctest.Wait()
		if count("busy") != 10 {
			t.Errorf("beyond the queue: %d busy", count("busy"))
		}
		cancel()
		synctest.Wait()
		if count("canceled") != 1 {
			t.Errorf("one that went away: %d canceled", count("canceled"))
		}
		time.Sleep(passwordWait)
		synctest.Wait()
		if count("busy") != 10+passwordQueue-1 {
			t.Errorf("after the wait: %d busy", count("busy"))
		}
		close(release)
		group.Wait()
		if outcome["done"] != slots || most != slots {
			t.Errorf("%d slots, %d at once, %v", slots, most, outcome)
		}
	})
}

package server

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/argon2"
)

// Argon2id (RFC 9106) as OWASP's password storage cheat sheet sets it: 19 MiB, two passes, one lane. One takes about 25 ms.
const (
	argonMemory = 19 << 10 // KiB
	argonTime   = 2
	argonLanes  = 1
	argonSalt   = 16
	argonKey    = 32

	passwordQueue = 64               // sign-ins that may wait; one more is told to come back
	passwordWait  = 10 * time.Second // how long they wait
)

// passwords hashes passwords, a few at a time: a hundred at once would take 2 GB.
type passwords struct {
	slots   chan struct{}
	waiting atomic.Int64
	derive  func(password, salt []byte, time, memory uint32, lanes uint8, keyLen uint32) []byte
}

func newPasswords() *passwords {
	return &passwords{slots: make(chan struct{}, runtime.GOMAXPROCS(0)), derive: argon2.IDKey}
}

// enter waits for a slot. The error wraps ErrBusy if there are too many before.
func (p *passwords) enter(ctx context.Context) (leave func(), err error) {
	if p.waiting.Add(1) > passwordQueue {
		p.waiting.Add(-1)
		return nil, fmt.Errorf("sign-in: %w", ErrBusy)
	}
	defer p.waiting.Add(-1)
	t := time.NewTimer(passwordWait)
	defer t.Stop()
	select {
	case p.slots <- struct{}{}:
		return func() { <-p.slots }, nil
	case <-t.C:
		return nil, fmt.Errorf("sign-in: %w", ErrBusy)
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// hash makes a PHC string (https://github.com/P-H-C/phc-string-format).
func (p *passwords) hash(ctx context.Context, password string) (string, error) {
	leave, err := p.enter(ctx)
	if err != nil {
		return "", err
	}
	defer leave()
	salt := make([]byte, argonSalt)
	rand.Read(salt) // never fails (crypto/rand)
	key := p.derive([]byte(password), salt, argonTime, argonMemory, argonLanes, argonKey)
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, argonMemory, argonTime, argonLanes, b64(salt), b64(key)), nil
}

// verify compares a password with a PHC string. Where phc is none of ours, as for an unknown e-mail, it does the same
// work and says no.
func (p *passwords) verify(ctx context.Context, phc, password string) (bool, error) {
	leave, err := p.enter(ctx)
	if err != nil {
		return false, err
	}
	defer leave()
	memory, passes, lanes, salt, want, known := parsePHC(phc)
	if !known {
		memory, passes, lanes, salt, want = argonMemory, argonTime, argonLanes, make([]byte, argonSalt), make([]byte, argonKey)
	}
	got := p.derive([]byte(password), salt, passes, memory, lanes, uint32(len(want)))
	return subtle.ConstantTimeCompare(got, want) == 1 && known, nil
}

func parsePHC(phc string) (memory, passes uint32, lanes uint8, salt, key []byte, ok bool) {
	parts := strings.Split(phc, "$")
	if len(parts) != 6 || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return
	}
	if n, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &memory, &passes, &lanes); err != nil || n != 3 {
		return
	}
	var err1, err2 error
	salt, err1 = base64.RawStdEncoding.DecodeString(parts[4])
	key, err2 = base64.RawStdEncoding.DecodeString(parts[5])
	bounded := 8 <= memory && memory <= 1<<20 && 1 <= passes && passes <= 16 && lanes >= 1
	ok = err1 == nil && err2 == nil && bounded && len(salt) >= 8 && len(key) >= 16 && len(key) <= 64
	return
}

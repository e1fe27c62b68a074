package license

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/counterfoil-dev/counterfoil/internal/wire"
	"github.com/counterfoil-dev/counterfoil/lease"
)

// record is what the state file keeps. Times are Unix seconds by the server's clock, that is local time plus Offset.
// Nothing in it depends on a password or an activation code, and no answer is kept: a stored hash of a request would
// let anyone who reads the file try passwords against it.
type record struct {
	Installation string    `json:"installation,omitempty"` // random, made at the first activation
	Lease        string    `json:"lease,omitempty"`        // the signed statement
	Standing     wire.Code `json:"standing,omitempty"`     // a refusal in force, or wrong_device as found here
	Lost         bool      `json:"lost,omitempty"`         // a token may exist although no lease does
	Confirmed    int64     `json:"confirmed,omitempty"`    // the latest answer that confirmed the license
	Answered     int64     `json:"answered,omitempty"`     // the latest answer that settled a day's check
	Offset       int64     `json:"offset,omitempty"`       // seconds to add to the local clock
	Mark         int64     `json:"mark,omitempty"`         // the latest time seen inside the lease's window
	Salt         string    `json:"salt,omitempty"`         // of Tag
	Tag          string    `json:"tag,omitempty"`          // of the os-install identifier, compared at start
	DeviceDay    int64     `json:"device_day,omitempty"`   // the UTC day on which the device was last compared in full
	Jitter       int64     `json:"jitter,omitempty"`       // seconds by which Run delays a day's check
	Attempts     attempts  `json:"attempts,omitzero"`
	Trouble      Reason    `json:"trouble,omitempty"` // why the latest check did not get through
	Pending      *pending  `json:"pending,omitempty"` // the offline request that awaits its answer
}

// pending binds an offline answer to the request that was made here. The hash covers an activation code of 100 random
// bits, never a password.
type pending struct {
	Nonce string `json:"nonce"`
	Hash  string `json:"hash"`
}

func (r *record) encode() ([]byte, error) { return json.Marshal(r) }

func decodeRecord(data []byte) (*record, error) {
	r := new(record)
	if err := json.Unmarshal(data, r); err != nil { // the file's own checksum has told any edit
		return nil, err
	}
	a := r.Attempts
	for _, t := range []int64{r.Confirmed, r.Answered, r.Mark, r.Offset, r.DeviceDay, a.Day, a.Next, a.Hold} {
		if t < -maxTime || t > maxTime {
			return nil, fmt.Errorf("%d is no time", t)
		}
	}
	if r.Jitter < 0 || r.Jitter > maxJitter || a.Count < 0 || a.Failures < 0 {
		return nil, errors.New("a number is out of its range")
	}
	return r, nil
}

const maxTime = 253402300799 // the last second of the year 9999

// view verifies the stored lease and draws from the record what the policy looks at.
func (r *record) view(keys lease.KeySet, product string) *view {
	v := &view{standing: r.Standing, lost: r.Lost, mark: r.Mark, offset: r.Offset}
	if r.Lease == "" {
		return v
	}
	s, err := keys.Verify(lease.TypeLease, r.Lease)
	if err != nil || s.Lease().Product != product {
		v.lost = true // signed by a key that this release no longer pins, or edited: the token heals it
		return v
	}
	v.held, v.lease, v.lost = true, s.Lease(), false
	v.confirmed, v.overdue = r.Confirmed, overdueAt(r.Confirmed)
	return v
}

// confirm takes over the lease of a live answer. The answer is fresh by its nonce alone, so that it replaces lease,
// clock offset and mark, also downwards.
func (r *record) confirm(text string, issuedAt, local int64) {
	r.Lease, r.Standing, r.Lost = text, "", false
	r.Confirmed = issuedAt
	if r.Jitter == 0 {
		r.Jitter = drawJitter()
	}
	r.settle(issuedAt, local)
}

// settle notes a live answer that ends the day's check, whatever it says.
func (r *record) settle(issuedAt, local int64) {
	r.Offset = issuedAt - local
	r.Mark = issuedAt
	r.Answered = issuedAt
	r.Attempts.settled(dayOf(issuedAt))
}

// heed keeps what a signed refusal says of the license; false if it says nothing of it. It is for requests that prove
// themselves with token or lease, so that the license is the one that is stored here.
func (r *record) heed(code wire.Code, issuedAt, local int64) bool {
	switch code {
	case wire.Revoked, wire.Suspended, wire.Expired:
	case wire.Released:
		r.Lease, r.Lost = "", false
	default:
		return false
	}
	r.Standing = code
	r.settle(issuedAt, local)
	return true
}

// markDue reports whether the mark is to be moved up to now: if now lies in the lease's own window. Times outside it
// are not stored: a clock that once ran ahead must not lock the device out when it is set right.
func (r *record) markDue(now int64, l lease.Lease) bool {
	const step = clockSlack / 4 // coarse, to spare the disk
	return now >= r.Mark+step && now < l.LeaseEnd && now >= l.IssuedAt
}

// trouble is what kept the latest check from getting through, as far as the record knows.
func (r *record) trouble() error {
	if r.Trouble == "" {
		return nil
	}
	return fail("check", r.Trouble, sentinelOf(r.Trouble), nil)
}

func drawJitter() int64 { return rand.Int64N(maxJitter + 1) }

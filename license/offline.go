package license

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/counterfoil-dev/counterfoil/fingerprint"
	"github.com/counterfoil-dev/counterfoil/internal/wire"
	"github.com/counterfoil-dev/counterfoil/lease"
	"github.com/counterfoil-dev/counterfoil/link"
)

// OfflineRequest returns a text that activates this device without a network: it is carried to the vendor, whose answer
// [Client.Import] takes. claim must be a [Code]. The text is printable ASCII without spaces, short enough for a QR
// code; it holds the activation code and this device's fingerprints. One request is open at a time: a new one replaces
// the one before it. A seat that was activated offline is given back by the vendor alone, unless the device gets a
// network.
func (c *Client) OfflineRequest(ctx context.Context, claim Claim) (string, error) {
	const op = "offline request"
	req, fault := claim.request()
	if fault != nil {
		fault.Op = op
		return "", fault
	}
	if claim.account {
		return "", fail(op, ReasonInput, errInput, errors.New("an account cannot activate offline; use an activation code"))
	}
	done, err := c.take(ctx, op)
	if err != nil {
		return "", err
	}
	defer done()
	_, set, err := c.derive(op)
	if err != nil {
		return "", err
	}
	req.Product, req.Installation, req.Fingerprints = c.cfg.Product, c.installation(), set.Plain()
	body, err := wire.Encode(req)
	if err != nil {
		return "", fail(op, ReasonInput, errInput, err)
	}
	before := *c.rec
	c.rec.Pending = &pending{Nonce: req.Nonce, Hash: wire.Hash(wire.MethodOffline, wire.PathActivations, body)}
	if err := c.save(); err != nil {
		c.restore(before)
		return "", fail(op, ReasonStateUnwritable, errUnwritable, err)
	}
	return wire.OfflineText(body), nil
}

// Import takes the vendor's answer to the open [Client.OfflineRequest], or a newer lease for the activation that is
// stored. White space around and within the text is ignored. Importing the same text again changes nothing.
func (c *Client) Import(ctx context.Context, text string) error {
	const op = "import"
	text = strings.Join(strings.Fields(text), "")
	done, err := c.take(ctx, op)
	if err != nil {
		return err
	}
	defer done()

	answer, answerErr := c.cfg.Keys.Verify(lease.TypeAnswer, text)
	if answerErr != nil { // no answer: a bare lease, then
		return c.importLease(op, text)
	}
	if p := c.rec.Pending; p != nil {
		reply, err := link.VerifyAnswer(c.cfg.Keys, c.cfg.Product, text, p.Nonce, p.Hash)
		if err == nil {
			return c.importAnswer(op, reply)
		}
	}
	if l := answer.Answer().Lease; l != "" { // answers another request; its lease may still be news, or known
		return c.importLease(op, l)
	}
	return fail(op, ReasonNoOfflineRequest, errImport, nil)
}

var errImport = errors.New("the text cannot be used here")

func (c *Client) importAnswer(op string, reply link.Reply) error {
	if wire.Code(reply.Code) != wire.OK {
		return refusal(op, reply)
	}
	if c.outdated(reply.Verified.Lease()) {
		return fail(op, ReasonImportOld, errImport, nil)
	}
	d, set, err := c.derive(op)
	if err != nil {
		return err
	}
	if !reply.Verified.Lease().Offline { // an intercepted online answer, for one
		return fail(op, ReasonNoOfflineRequest, errImport, errors.New("it brings no offline lease"))
	}
	if err := reply.Brings(set.Plain(), false); err != nil {
		return fail(op, ReasonWrongDevice, ErrWrongDevice, err)
	}
	return c.install(op, d, reply.Lease, reply.Verified)
}

// importLease takes a lease that no open request asked for: only for the activation stored here, and only if it is
// newer.
func (c *Client) importLease(op, text string) error {
	s, err := c.cfg.Keys.Verify(lease.TypeLease, text)
	if err != nil {
		return fail(op, ReasonImportInvalid, errImport, err)
	}
	v, l := c.view.Load(), s.Lease()
	switch {
	case v.held && text == c.rec.Lease:
		return nil
	case l.Product != c.cfg.Product:
		return fail(op, ReasonNoOfflineRequest, errImport, fmt.Errorf("it is for product %q", l.Product))
	case !v.held || l.Activation != v.lease.Activation:
		return fail(op, ReasonNoOfflineRequest, errImport, nil)
	case l.IssuedAt <= v.lease.IssuedAt || c.outdated(l):
		return fail(op, ReasonImportOld, errImport, nil)
	}
	d, err := c.theDevice()
	if err != nil {
		return fail(op, ReasonNoDevice, err, nil)
	}
	switch verdict := d.Verify(fingerprint.SetOf(l.Fingerprints)); {
	case verdict.Outcome == fingerprint.Unavailable:
		return fail(op, ReasonNoDevice, fingerprint.ErrUnavailable, nil)
	case !verdict.Same():
		return fail(op, ReasonWrongDevice, ErrWrongDevice, nil)
	}
	return c.install(op, d, text, s)
}

// outdated reports whether the server has refused this device since the lease was issued.
func (c *Client) outdated(l lease.Lease) bool {
	return c.rec.Standing != "" && c.rec.Standing != wire.WrongDevice && l.IssuedAt <= c.rec.Answered
}

// install stores an imported lease. It comes without a live nonce, so that it says of the time only that it is not
// earlier than the issue: a clock that stands before that is moved up, a mark that stands after now is taken back.
func (c *Client) install(op string, d device, text string, s lease.Verified) error {
	l := s.Lease()
	before := *c.rec
	r := c.rec
	c.checkErr = nil
	r.Lease, r.Standing, r.Lost, r.Pending, r.Trouble = text, "", false, nil, ""
	if c.now() < l.IssuedAt {
		r.Offset += l.IssuedAt - c.now()
	}
	now := c.now()
	if r.Mark = now; now >= l.LeaseEnd { // the clock runs ahead: set right, it must find the lease good
		r.Mark = l.IssuedAt
	}
	if r.Jitter == 0 {
		r.Jitter = drawJitter()
	}
	r.Confirmed = l.IssuedAt
	r.DeviceDay = dayOf(now)
	c.tie(d)
	if err := c.save(); err != nil {
		c.restore(before)
		return fail(op, ReasonStateUnwritable, errUnwritable, err)
	}
	return nil
}

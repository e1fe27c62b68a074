package licensetest

import (
	"net/http"
	"testing"
	"time"

	"github.com/counterfoil-dev/counterfoil/lease"
)

// Target is a license server under test.
type Target struct {
	URL    string       // base URL of the server, without a slash at the end
	Client *http.Client // default: one with a timeout of 30 s. It is copied; redirects are not followed
	Keys   lease.KeySet // what the server signs with
	Admin  Admin
}

// Admin is what the vendor can do at the server under test. Every function takes effect with the next request, is
// called from several goroutines at once, and knows licenses and activations by the ids that leases carry. All are
// required but Advance: the parts that need a missing one fail.
type Admin struct {
	// AddLicense adds a license and returns its id and, for a single license, its activation code.
	AddLicense func(License) (id, code string, err error)

	// AddAccount adds an account that claims the given licenses, if any.
	AddAccount func(email, password string, licenses ...string) error

	Suspend   func(license string) error
	Revoke    func(license string) error
	Reinstate func(license string) error // undoes Suspend and Revoke
	Expire    func(license string) error // the license's own end is now

	Release       func(activation string) error        // takes back the seat that the activation is in
	RenewToken    func(activation string) error        // asks the installation for the renewal of its token
	AllowRebind   func(license string, n int) error    // allows n moves beyond the limit
	AnswerOffline func(request string) (string, error) // answers an offline request, with a signed refusal too

	// Advance moves the server's clock. Optional: without it, what happens after 90 and 365 days is not tested.
	Advance func(d time.Duration) error
}

// TestServer tests that a server speaks protocol v1, through its URL. What passes serves every Counterfoil client. Each
// part uses licenses, accounts and devices of its own, with random names, so that the suite may run again and again,
// and next to others, on one server; only Advance must not disturb them. Parts run in parallel, those that advance
// the clock before the rest.
//
// A rate limit at the server must let some 500 requests pass in a few seconds.
func TestServer(t *testing.T, target Target) {
	t.Helper()
	if target.URL == "" || target.Keys.IsZero() {
		t.Fatal("licensetest: Target needs URL and Keys")
	}
	client := &http.Client{Timeout: 30 * time.Second}
	if target.Client != nil {
		c := *target.Client
		client = &c
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	target.Client = client

	if target.Admin.Advance != nil {
		t.Run("clock", func(t *testing.T) {
			for _, c := range clockCases() {
				t.Run(c.name, func(t *testing.T) { c.run(&probe{T: t, target: target}) })
			}
		})
	}
	for _, g := range []struct {
		name  string
		cases []conformanceCase
	}{
		{"activation", activationCases()},
		{"account", accountCases()},
		{"check", checkCases()},
		{"token", tokenCases()},
		{"deactivation", deactivationCases()},
		{"rebinding", rebindingCases()},
		{"offline", offlineCases()},
		{"http", httpCases()},
	} {
		t.Run(g.name, func(t *testing.T) {
			t.Parallel()
			for _, c := range g.cases {
				t.Run(c.name, func(t *testing.T) {
					t.Parallel()
					c.run(&probe{T: t, target: target})
				})
			}
		})
	}
}

// conformanceCase is one rule of the protocol.
type conformanceCase struct {
	name string
	run  func(*probe)
}

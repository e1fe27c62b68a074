package licensetest_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/counterfoil-dev/counterfoil/license"
	"github.com/counterfoil-dev/counterfoil/licensetest"
)

// An application's whole life with its license, without a network, a keyring, or a day's wait.
func ExampleServer() {
	clock := licensetest.NewClock(time.Date(2026, 5, 1, 9, 0, 0, 0, time.UTC))
	srv := licensetest.NewServer(licensetest.Config{Now: clock.Now})
	rec := srv.AddLicense(licensetest.License{Product: "acme-editor", Edition: "pro", Seats: 2})

	dir, err := os.MkdirTemp("", "example") // t.TempDir() in a test
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	lic, err := license.Open(license.Config{
		Product: "acme-editor", Server: srv.URL(), Keys: srv.Keys(), HTTPClient: srv.Client(),
		Dir: dir, Device: "example", TokenStore: &licensetest.Keyring{}, Now: clock.Now,
	})
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	if err := lic.Activate(ctx, license.Code(rec.Code)); err != nil {
		log.Fatal(err)
	}
	fmt.Println("activated:", lic.Status().Usable(), "with", rec.Seats(), "seat in use")

	clock.Advance(24 * time.Hour)
	lic.Check(ctx)
	lic.Check(ctx)
	fmt.Println("two checks on one day sent", srv.Count("/v1/checks"), "request")

	clock.Advance(24 * time.Hour)
	srv.Fail(licensetest.CaptivePortal())
	fmt.Println("in a hotel:", lic.Check(ctx).Usable())

	clock.Advance(24 * time.Hour)
	srv.Heal()
	rec.Suspend()
	fmt.Println("suspended:", lic.Check(ctx).Usable())

	clock.Advance(24 * time.Hour)
	rec.Reinstate()
	fmt.Println("reinstated:", lic.Check(ctx).Usable())

	// Output:
	// activated: true with 1 seat in use
	// two checks on one day sent 1 request
	// in a hotel: true
	// suspended: false
	// reinstated: true
}

// A fault strikes where and as often as it is told to.
func ExampleFault() {
	srv := licensetest.NewServer(licensetest.Config{})
	srv.Fail(licensetest.Status(503).On("/v1/checks").Times(2))
	for range 3 {
		resp, err := srv.Client().Post(srv.URL()+"/v1/checks", "application/json", nil)
		if err != nil {
			log.Fatal(err)
		}
		resp.Body.Close()
		fmt.Println(resp.StatusCode)
	}
	// Output:
	// 503
	// 503
	// 400
}

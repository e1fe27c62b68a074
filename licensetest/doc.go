// Package licensetest is for the tests of applications that use Counterfoil, and for those who write license servers.
//
// For an application's tests, start with [Server]: a whole license server in memory that needs no configuration, no
// network and no clean-up.
//
//	srv := licensetest.NewServer(licensetest.Config{})
//	rec := srv.AddLicense(licensetest.License{Product: "acme-editor", Seats: 2})
//	lic, err := license.Open(license.Config{
//		Product: "acme-editor", Server: srv.URL(), Keys: srv.Keys(), HTTPClient: srv.Client(),
//		Dir: t.TempDir(), Device: "test", TokenStore: &licensetest.Keyring{},
//	})
//	err = lic.Activate(ctx, license.Code(rec.Code))
//	rec.Suspend()                            // what does the application do now?
//	srv.Fail(licensetest.CaptivePortal())    // and now?
//
// [Clock] is a clock that a test sets, advances and sets back; [Keyring] is a keyring that locks, hangs and fails. For
// servers, [TestServer] is the conformance suite of protocol v1: what passes it, every Counterfoil client can talk to.
//
// The server here is a fake. It keeps passwords, codes and tokens in clear, forgets everything when the process ends,
// and limits no rates. It refuses nothing that a test wants to do to it; do not put it on a network.
//
// Faults, fields and methods may be added in later versions; the ones here keep their meaning.
package licensetest

package lease_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"fmt"

	"github.com/counterfoil-dev/counterfoil/lease"
)

// A server signs, an application verifies.
func Example() {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		panic(err)
	}
	signer, err := lease.NewSigner("k1", private)
	if err != nil {
		panic(err)
	}
	statement, err := signer.SignLease(lease.Lease{
		Product: "acme-editor", License: "lic_1", Activation: "act_1",
		Kind: lease.KindSingle, Status: lease.StatusActive, Seats: lease.Seats{Used: 1, Total: 3},
		Fingerprints: map[string]string{"os-install": "fp1:A"},
		IssuedAt:     1768478400, LeaseEnd: 1768478400 + 14*24*60*60,
	})
	if err != nil {
		panic(err)
	}

	keys := lease.MustKeySet(signer.PublicKey()) // in a program: the text that the server printed
	verified, err := keys.Verify(lease.TypeLease, statement)
	if err != nil {
		panic(err)
	}
	fmt.Println(verified.KeyID(), verified.Lease().Product, verified.Lease().Seats.Total)
	// Output: k1 acme-editor 3
}

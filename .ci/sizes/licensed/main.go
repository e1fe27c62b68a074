// Licensed is plain with the whole life of a license.
package main

import (
	"context"
	"fmt"
	"net/http"
	"os"

	"github.com/counterfoil-dev/counterfoil/lease"
	"github.com/counterfoil-dev/counterfoil/license"
)

// keys are those of nobody.
var keys = lease.MustKeySet("size:2pe_VN2dYopPrW7hl11zyb7YeiV6Ad4tRhZ4JB5sBXY")

func main() {
	fmt.Println(http.Get(os.Args[1]))

	ctx := context.Background()
	lic, err := license.Open(license.Config{Product: "size", Version: "1.0.0", Server: os.Args[1], Keys: keys})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(lic.Activate(ctx, license.Code(os.Args[2])))
	fmt.Println(lic.Check(ctx).Usable())
	go func() { fmt.Println(lic.Run(ctx)) }()
	fmt.Println(lic.Deactivate(ctx))
}

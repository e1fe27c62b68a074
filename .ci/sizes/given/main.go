// Given is plain with the dependencies of the library, used as the library uses them, without the library.
package main

import (
	"fmt"
	"net/http"
	"os"

	"github.com/denisbrodbeck/machineid"
	"github.com/hashicorp/go-retryablehttp"
	"github.com/zalando/go-keyring"
	"golang.org/x/crypto/argon2"
	"golang.org/x/sys/cpu"
)

func main() {
	fmt.Println(http.Get(os.Args[1]))

	fmt.Println(machineid.ID())
	fmt.Printf("%x\n", argon2.IDKey([]byte(os.Args[1]), []byte("salt"), 3, 64<<10, 4, 32))
	fmt.Println(keyring.Set("service", "user", os.Args[1]))
	fmt.Println(keyring.Get("service", "user"))
	fmt.Println(keyring.Delete("service", "user"))
	client := retryablehttp.NewClient()
	client.Logger = nil
	client.ErrorHandler = retryablehttp.PassthroughErrorHandler
	req, err := retryablehttp.NewRequest("POST", os.Args[1], []byte("body"))
	if err == nil {
		fmt.Println(client.Do(req))
	}
	fmt.Println(cpu.IsBigEndian)
}

// Standard is given with the two packages of the standard library that the library needs beyond net/http.
package main

import (
	"encoding/json"
	"fmt"
	"log/slog"
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

	var v struct {
		Text   string           `json:"text"`
		Counts map[string]int64 `json:"counts"`
	}
	fmt.Println(json.Unmarshal([]byte(os.Args[1]), &v))
	fmt.Println(json.Marshal(v))
	slog.New(slog.DiscardHandler).Warn("text", "value", v)
}

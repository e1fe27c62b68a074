package server_test

import (
	"testing"
	"time"

	"github.com/counterfoil-dev/counterfoil/server"
)

func TestParseRate(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]server.Rate{
		"20/30s": {Every: 30 * time.Second, Burst: 20}, "1/1us": {Every: time.Microsecond, Burst: 1},
		"": {}, "20": {}, "0/1s": {}, "-1/1s": {}, "1/0s": {}, "1/-1s": {}, "1/1ns": {}, "x/1s": {}, "1/1s/1s": {},
	} {
		if r, err := server.ParseRate(s); r != want || (err == nil) != (want.Burst > 0) {
			t.Errorf("%q: %v, %v", s, r, err)
		}
	}
}

package wire

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// MethodOffline stands in the hash of an offline request where HTTP has its method.
const MethodOffline = "OFFLINE"

// offlinePrefix begins an offline request. What follows is the body of an activation in base64url.
const offlinePrefix = "counterfoil-request-1."

// OfflineText spells the body of an activation as text that a person carries to a computer with a network.
func OfflineText(body []byte) string {
	return offlinePrefix + base64.RawURLEncoding.EncodeToString(body)
}

// OfflineBody reads what OfflineText wrote, line breaks and spaces that mail programs add aside.
func OfflineBody(text string) ([]byte, error) {
	if len(text) > 2*MaxRequest {
		return nil, errors.New("offline request: far too long")
	}
	rest, ok := strings.CutPrefix(strings.Join(strings.Fields(text), ""), offlinePrefix)
	if !ok {
		return nil, errors.New("offline request: the beginning " + strconv.Quote(offlinePrefix) + " is missing")
	}
	if base64.RawURLEncoding.DecodedLen(len(rest)) > MaxRequest {
		return nil, fmt.Errorf("offline request: longer than %d bytes", MaxRequest)
	}
	body, err := base64.RawURLEncoding.Strict().DecodeString(rest)
	if err != nil {
		return nil, errors.New("offline request: damaged on its way; copy it again, whole")
	}
	return body, nil
}

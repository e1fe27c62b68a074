package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"sync"
	"time"
)

// selfMade makes a certificate for loopback, unless there is one that still runs for a month.
func selfMade(certFile, keyFile string, now time.Time) error {
	if pair, err := tls.LoadX509KeyPair(certFile, keyFile); err == nil && now.AddDate(0, 1, 0).Before(pair.Leaf.NotAfter) {
		return nil
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: "counterfoild on this computer"},
		NotBefore:             now.Add(-time.Hour),
		NotAfter:              now.AddDate(2, 0, 0),
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
		IsCA:                  true, // so that it can be trusted by itself
		MaxPathLenZero:        true,
		DNSNames:              []string{"localhost"},
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	for _, f := range []struct {
		name, kind string
		der        []byte
	}{{keyFile, "PRIVATE KEY", private}, {certFile, "CERTIFICATE", der}} {
		if err := os.Remove(f.name); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		if err := writeOnce(f.name, string(pem.EncodeToMemory(&pem.Block{Type: f.kind, Bytes: f.der}))); err != nil {
			return err
		}
	}
	return nil
}

// keyPair is a certificate that is read again when its file changed, so that a renewed one needs no restart.
type keyPair struct {
	cert, key string

	mu     sync.Mutex
	looked time.Time
	mod    time.Time
	pair   *tls.Certificate
}

func (k *keyPair) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.pair != nil && time.Since(k.looked) < time.Minute {
		return k.pair, nil
	}
	k.looked = time.Now()
	st, err := os.Stat(k.cert)
	if err == nil && k.pair != nil && st.ModTime().Equal(k.mod) {
		return k.pair, nil
	}
	if err == nil {
		var pair tls.Certificate
		if pair, err = tls.LoadX509KeyPair(k.cert, k.key); err == nil {
			k.pair, k.mod = &pair, st.ModTime()
		}
	}
	if k.pair != nil { // half-written: the old one does until it is whole
		return k.pair, nil
	}
	return nil, err
}

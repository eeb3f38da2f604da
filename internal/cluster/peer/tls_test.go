package peer

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"testing"
	"time"
)

// mutual makes both sides of mutual TLS with one self-signed certificate for 127.0.0.1.
func mutual(t *testing.T) (server, client *tls.Config) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	must(t, err)
	parsed, err := x509.ParseCertificate(der)
	must(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	own := []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}
	return &tls.Config{Certificates: own, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert, MinVersion: tls.VersionTLS13},
		&tls.Config{Certificates: own, RootCAs: pool, MinVersion: tls.VersionTLS13}
}

func TestCallsAndWatchesWorkUnderTLSAndStrangersAreKeptOut(t *testing.T) {
	t.Parallel()
	server, client := mutual(t)
	a := listen(t, Options{ServerTLS: server, ClientTLS: client})
	b := listen(t, Options{ServerTLS: server, ClientTLS: client})
	b.Handle(echo)
	b.OpenRaft()
	got, err := a.Call(within(t, 5*time.Second), b.Addr(), "status", []byte("x"))
	if err != nil || string(got) != "status:x" {
		t.Fatalf("%q %v", got, err)
	}
	gone := make(chan error, 1)
	go func() { gone <- a.Watch(within(t, 10*time.Second), b.Addr()) }()
	eventually(t, "the connection stands", func() bool { return a.Alive(b.Addr()) })
	stranger := listen(t, Options{})
	if _, err := stranger.Call(within(t, 5*time.Second), b.Addr(), "status", []byte("x")); err == nil {
		t.Fatal("a stranger without TLS was answered")
	}
	must(t, b.Close())
	if err := <-gone; err == nil {
		t.Fatal("no error")
	}
}

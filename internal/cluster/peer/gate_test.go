package peer

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"math/big"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// crowd issues certificates in which the common name is the member.
type crowd struct {
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
	pool *x509.CertPool
}

func newCrowd(t *testing.T) *crowd {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	must(t, err)
	cert, err := x509.ParseCertificate(der)
	must(t, err)
	c := &crowd{key: key, cert: cert, pool: x509.NewCertPool()}
	c.pool.AddCert(cert)
	return c
}

func nameOf(c *x509.Certificate) (string, error) {
	if c.Subject.CommonName == "" {
		return "", errors.New("a certificate without a name")
	}
	return c.Subject.CommonName, nil
}

// member returns options for a member's port.
func (c *crowd) member(t *testing.T, id string) Options {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: id}, NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, c.cert, &c.key.PublicKey, c.key)
	must(t, err)
	own := []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: c.key}}
	return Options{
		ID:        id,
		Identify:  nameOf,
		ServerTLS: &tls.Config{Certificates: own, ClientCAs: c.pool, ClientAuth: tls.RequireAndVerifyClientCert, MinVersion: tls.VersionTLS13},
		ClientTLS: &tls.Config{Certificates: own, RootCAs: c.pool, MinVersion: tls.VersionTLS13},
	}
}

// club is a gate with a list.
type club struct {
	mu      sync.Mutex
	members map[string]bool
	at      map[string]string
}

func (c *club) Admits(_ context.Context, id string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.members[id]
}

func (c *club) MemberAt(addr string) string { return c.at[addr] }

func (c *club) drop(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.members, id)
}

func TestOnlyMembersMayCallAndHandlersLearnWhoCalls(t *testing.T) {
	t.Parallel()
	ca := newCrowd(t)
	host := listen(t, ca.member(t, "host"))
	friend, stranger := listen(t, ca.member(t, "friend")), listen(t, ca.member(t, "stranger"))
	host.Handle(func(ctx context.Context, method string, _ []byte) ([]byte, error) {
		return []byte(method + " by " + Caller(ctx)), nil
	})
	if _, err := friend.Call(within(t, 5*time.Second), host.Addr(), "status", nil); err != nil {
		t.Fatalf("before there is a gate: %v", err)
	}
	gate := &club{members: map[string]bool{"friend": true}}
	host.Guard(gate, "join")
	for _, c := range []struct {
		name, method, want string
		from               *Port
	}{
		{"a member", "propose", "propose by friend", friend},
		{"a stranger", "propose", "stranger is not a member of this cluster", stranger},
		{"a stranger with an open call", "join", "join by stranger", stranger},
	} {
		answer, err := c.from.Call(within(t, 5*time.Second), host.Addr(), c.method, nil)
		got := string(answer)
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, c.want) || err != nil && !errors.Is(err, ErrNotSent) {
			t.Errorf("%s: got %q", c.name, got)
		}
	}
}

func TestARemovedMemberIsCutOffAtOnce(t *testing.T) {
	t.Parallel()
	ca := newCrowd(t)
	host, friend := listen(t, ca.member(t, "host")), listen(t, ca.member(t, "friend"))
	gate := &club{members: map[string]bool{"friend": true}}
	host.Handle(echo)
	host.Guard(gate)
	host.OpenRaft()
	watching, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	go func() { _ = friend.Watch(watching, host.Addr()) }()
	eventually(t, "the connection stands", func() bool { return friend.Alive(host.Addr()) })
	raft, err := friend.dial(within(t, 5*time.Second), host.Addr(), "host", net.KeepAliveConfig{})
	must(t, err)
	defer raft.Close()
	if _, err := raft.Write([]byte{0}); err != nil { // the first byte of an append
		t.Fatal(err)
	}
	if _, err := friend.Call(within(t, 5*time.Second), host.Addr(), "status", nil); err != nil {
		t.Fatal(err)
	}
	host.Recheck(within(t, 5*time.Second)) // nothing has changed
	if !friend.Alive(host.Addr()) {
		t.Error("a member was cut off")
	}
	gate.drop("friend")
	host.Recheck(within(t, 5*time.Second))
	must(t, raft.SetReadDeadline(time.Now().Add(5*time.Second)))
	if _, err := io.Copy(io.Discard, raft); err != nil && errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the raft connection stands: %v", err)
	}
	eventually(t, "a fresh call is refused with a sentence", func() bool {
		_, err := friend.Call(within(t, 5*time.Second), host.Addr(), "status", nil)
		if err == nil {
			t.Fatal("a removed member was answered")
		}
		return strings.Contains(err.Error(), "voted cluster add") // the first may still meet its old connection
	})
}

func TestAnotherMemberThanExpectedIsNotSpokenTo(t *testing.T) {
	t.Parallel()
	ca := newCrowd(t)
	host, impostor := listen(t, ca.member(t, "host")), listen(t, ca.member(t, "impostor"))
	impostor.Handle(echo)
	impostor.Guard(&club{members: map[string]bool{"host": true}})
	host.Guard(&club{at: map[string]string{impostor.Addr(): "friend"}})
	_, err := host.Call(within(t, 5*time.Second), impostor.Addr(), "status", nil)
	if err == nil || !strings.Contains(err.Error(), "member impostor answers at "+impostor.Addr()+", but member friend was expected there") || !errors.Is(err, ErrNotSent) {
		t.Fatalf("got %v", err)
	}
}

func TestPlaintextAndGarbageOnATLSPortDoNotHarmOtherConnections(t *testing.T) {
	t.Parallel()
	ca := newCrowd(t)
	host, friend := listen(t, ca.member(t, "host")), listen(t, ca.member(t, "friend"))
	host.Handle(echo)
	host.Guard(&club{members: map[string]bool{"friend": true}})
	for _, said := range []string{"POST /v1/peer/status HTTP/1.1\r\n\r\n", "w\n", "\x00\x00\x00\x00", strings.Repeat("\x16\x03\x01\xff\xff", 1000)} {
		c, err := net.Dial("tcp", host.Addr())
		must(t, err)
		_, _ = c.Write([]byte(said)) // it may be cut off while it writes
		must(t, c.SetReadDeadline(time.Now().Add(2*silentLimit)))
		// An HTTP client is told only that this is the wrong port.
		if b, _ := io.ReadAll(c); strings.Contains(string(b), "HTTP") && !(strings.HasPrefix(said, "POST") && bytes.Equal(b, strayAnswer)) {
			t.Errorf("%q was answered %q", said, b)
		}
		must(t, c.Close())
	}
	if _, err := friend.Call(within(t, 5*time.Second), host.Addr(), "status", nil); err != nil {
		t.Fatal(err)
	}
}

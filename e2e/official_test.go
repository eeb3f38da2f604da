package e2e

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"path/filepath"
	"testing"
	"time"

	"voted/client"
	"voted/internal/localcluster"
	"voted/proof"
)

// logName begins the names of the logs in these tests.
const logName = "votes.example/acme"

// official is a cluster as an operator runs it: under TLS, with a CA, members and proof keys that `voted ca` made, and
// with a certificate for each role, without which nothing is served.
type official struct {
	*localcluster.Cluster
	t  *testing.T
	ca string // directory of the CA and of all that it issued
}

// roles are what clients of an official cluster may be.
var roles = []string{"admin", "gateway", "reader", "auditor"}

func startOfficial(t *testing.T) *official {
	t.Helper()
	ca := filepath.Join(t.TempDir(), "ca")
	mustVoted(t, "ca", "init", ca)
	for _, id := range []string{"n1", "n2", "n3"} {
		mustVoted(t, "ca", "issue", ca, "member", id, "--host", "127.0.0.1")
	}
	for _, role := range roles {
		mustVoted(t, "ca", "issue", ca, "client", role, "--role", role)
	}
	long(t)
	c, err := localcluster.Start(t.Context(), localcluster.Options{
		Binary: binary, Nodes: 3, Dir: t.TempDir(), Authority: ca, Secure: true,
		Args: func(i int) []string {
			key := filepath.Join(ca, []string{"n1", "n2", "n3"}[i]+".proof.key")
			return []string{
				"--client-ca", filepath.Join(ca, "ca.crt"), "--log-name", logName, "--proof-key", key, "--proof-interval", "100ms",
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	stopsAtTheEnd(t, c)
	ready(t, c)
	return &official{c, t, ca}
}

// issued names a file that the CA issued.
func (o *official) issued(name string) string { return filepath.Join(o.ca, name) }

// as runs a command with the certificate of a role at a node, and returns what it says. It must end with a code.
func (o *official) as(role string, at *localcluster.Node, code int, args ...string) string {
	o.t.Helper()
	args = append(args, "--endpoint", at.URL, "--ca", o.issued("ca.crt"), "--cert", o.issued(role+".crt"), "--key", o.issued(role+".key"))
	out, errs, got := voted(o.t, args...)
	if got != code {
		o.t.Fatalf("voted %v as %s: exit code %d, want %d\n%s%s", args, role, got, code, out, errs)
	}
	return out + errs
}

// policy writes the policy of a poll, made of the members' certificates, and returns its file.
func (o *official) policy(poll string) string {
	o.t.Helper()
	file := filepath.Join(o.t.TempDir(), poll+".policy")
	mustVoted(o.t, "proof", "policy", poll, "--log-name", logName, "--ca", o.issued("ca.crt"), "-o", file,
		o.issued("n1.proof.crt"), o.issued("n2.proof.crt"), o.issued("n3.proof.crt"))
	return file
}

// client returns a client of some nodes with the certificate of a role.
func (o *official) client(role string, at []string, options ...client.Option) *client.Client {
	o.t.Helper()
	pem, err := os.ReadFile(o.issued("ca.crt"))
	if err != nil {
		o.t.Fatal(err)
	}
	cas := x509.NewCertPool()
	cas.AppendCertsFromPEM(pem)
	pair, err := tls.LoadX509KeyPair(o.issued(role+".crt"), o.issued(role+".key"))
	if err != nil {
		o.t.Fatal(err)
	}
	return newClient(o.t, at, append(options, client.WithTLSConfig(&tls.Config{RootCAs: cas, Certificates: []tls.Certificate{pair}}))...)
}

func newClient(t *testing.T, endpoints []string, options ...client.Option) *client.Client {
	t.Helper()
	c, err := client.New(endpoints, append(options, client.WithSpread(), client.WithDeadline(60*time.Second), client.WithConnections(64),
		client.WithRetryPolicy(client.RetryPolicy{BudgetRatio: -1}))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// proving is what makes a client wait for proofs and check them, by the policy in a file.
func proving(t *testing.T, policy string) client.Option {
	t.Helper()
	p, err := proof.ParsePolicy(contentOf(t, policy))
	if err != nil {
		t.Fatal(err)
	}
	return client.WithProof(p)
}

func contentOf(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// written writes a file of the test, and returns its name.
func written(t *testing.T, content []byte) string {
	t.Helper()
	f, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return f.Name()
}

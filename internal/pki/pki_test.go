package pki

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"voted/internal/livefile"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

var quiet = slog.New(slog.DiscardHandler)

// authority is a CA in a directory of the test's.
type authority struct {
	*CA
	dir string
}

func newAuthority(t testing.TB) authority {
	t.Helper()
	dir := t.TempDir()
	ca, err := Init(dir, "test", time.Now())
	must(t, err)
	return authority{ca, dir}
}

// files issues a certificate and names its files, with this CA's own as the pool.
func (a authority) files(t testing.TB, name string, r Request) Files {
	t.Helper()
	if r.Now.IsZero() {
		r.Now = time.Now()
	}
	cert, key, err := a.IssueTo(a.dir, name, r)
	must(t, err)
	return Files{Cert: cert, Key: key, CA: filepath.Join(a.dir, caCertFile)}
}

func parse(t testing.TB, path string) *x509.Certificate {
	t.Helper()
	b, err := os.ReadFile(path)
	must(t, err)
	block, _ := pem.Decode(b)
	c, err := x509.ParseCertificate(block.Bytes)
	must(t, err)
	return c
}

// meet connects two ends and returns the error of each.
func meet(t testing.TB, server, client *tls.Config) (serverErr, clientErr error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	b, err := net.Dial("tcp", l.Addr().String())
	must(t, err)
	a, err := l.Accept()
	must(t, err)
	deadline := time.Now().Add(10 * time.Second)
	must(t, a.SetDeadline(deadline))
	must(t, b.SetDeadline(deadline))
	done := make(chan error, 1)
	go func() {
		s := tls.Server(a, server)
		err := s.Handshake()
		if err == nil {
			_, err = s.Write([]byte("x"))
		}
		_ = a.Close()
		done <- err
	}()
	c := tls.Client(b, client)
	clientErr = c.Handshake()
	if clientErr == nil {
		_, clientErr = io.ReadFull(c, make([]byte, 1))
	}
	_ = b.Close()
	return <-done, clientErr
}

func TestACAIsNeverOverwrittenAndItsFilesAreForItsOwner(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	f := a.files(t, "n1", Request{Member: "n1", Hosts: []string{"localhost", "127.0.0.1"}})
	for _, path := range []string{f.Cert, f.Key, f.CA, filepath.Join(a.dir, caKeyFile)} {
		info, err := os.Stat(path)
		must(t, err)
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
	}
	if _, err := Init(a.dir, "again", time.Now()); err == nil || !strings.Contains(err.Error(), "never overwritten") {
		t.Errorf("got %v", err)
	}
	if _, err := Open(t.TempDir()); err == nil || !strings.Contains(err.Error(), "voted ca init") {
		t.Errorf("got %v", err)
	}
	again, err := Open(a.dir)
	must(t, err)
	cert, _, err := again.Issue(Request{Member: "n2", Now: time.Now(), Lifetime: 100 * 365 * 24 * time.Hour})
	must(t, err)
	block, _ := pem.Decode(cert)
	c, err := x509.ParseCertificate(block.Bytes)
	must(t, err)
	if c.NotAfter.After(again.cert.NotAfter) || c.IsCA {
		t.Errorf("it outlives its CA or is one: %v %v", c.NotAfter, c.IsCA)
	}
}

func TestWhatCannotBeIssuedIsRefused(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	for name, r := range map[string]Request{
		"a member's id that is none":    {Member: "a/b"},
		"a client's name that is none":  {Client: "../x", Roles: "admin"},
		"a client without roles":        {Client: "x"},
		"a server without a host":       {},
		"a lifetime that ends at once":  {Member: "n1", Lifetime: -time.Hour},
		"a member's id that is too big": {Member: strings.Repeat("x", 65)},
		"a proof key's id that is none": {Proof: "a/b", Use: ProofLog},
		"a proof key without a use":     {Proof: "n1"},
		"a proof key of another use":    {Proof: "n1", Use: "server"},
	} {
		r.Now = time.Now()
		if _, _, err := a.Issue(r); err == nil {
			t.Errorf("%s was issued", name)
		}
	}
}

func TestNamesAreReadStrictly(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		uris []string
		kind string // what it is taken for, "" for nothing
		name string // and its name
	}{
		{[]string{"voted://member/n1"}, "member", "n1"},
		{[]string{"https://example.org/", "voted://member/n1"}, "member", "n1"},
		{[]string{"voted://client/admin/ops"}, "client", "admin ops"},
		{[]string{"voted://client/admin,reader/ops"}, "client", "admin,reader ops"},
		{[]string{"voted://proof/n1/log"}, "proof", "n1 log"},
		{[]string{"voted://proof/n1/cosigner"}, "proof", "n1 cosigner"},
		{nil, "", ""},
		{[]string{"voted://member/n1", "voted://member/n2"}, "", ""},
		{[]string{"voted://member/n1", "voted://client/admin/n1"}, "", ""},
		{[]string{"voted://member/n1", "voted://proof/n1/log"}, "", ""},
		{[]string{"voted://proof/n1/log", "voted://proof/n1/cosigner"}, "", ""},
		{[]string{"voted://member/n1/x"}, "", ""},
		{[]string{"voted://member/n1?x"}, "", ""},
		{[]string{"voted://member/n1#x"}, "", ""},
		{[]string{"voted://x@member/n1"}, "", ""},
		{[]string{"voted://member/n%31"}, "", ""},
		{[]string{"voted://member/"}, "", ""},
		{[]string{"voted:member"}, "", ""},
		{[]string{"voted://client/admin/"}, "", ""},
		{[]string{"voted://client//x"}, "", ""},
		{[]string{"voted://proof/n1"}, "", ""},
		{[]string{"voted://proof/n1/server"}, "", ""},
		{[]string{"voted://proof/n1/log/x"}, "", ""},
		{[]string{"voted://proof//log"}, "", ""},
		{[]string{"voted://proof/n%31/log"}, "", ""},
		{[]string{"spiffe://member/n1"}, "", ""},
	} {
		cert := &x509.Certificate{}
		for _, s := range c.uris {
			u, err := url.Parse(s)
			must(t, err)
			cert.URIs = append(cert.URIs, u)
		}
		member, noMember := Member(cert)
		roles, client, noClient := Client(cert)
		signer, use, noProof := Proof(cert)
		for _, read := range []struct {
			kind, name string
			err        error
		}{{"member", member, noMember}, {"client", roles + " " + client, noClient}, {"proof", signer + " " + string(use), noProof}} {
			want := "" // of another kind: nothing may be read out of it
			if read.kind == c.kind {
				want = c.name
			}
			if strings.TrimSpace(read.name) != want || (read.err == nil) != (want != "") {
				t.Errorf("%v is taken for the %s %q, %v; want %q", c.uris, read.kind, read.name, read.err, want)
			}
		}
	}
}

func TestMembersAcceptOnlyAValidCertificateOfAMember(t *testing.T) {
	t.Parallel()
	a, other := newAuthority(t), newAuthority(t)
	server, _, err := Peer(livefile.NewWatch(quiet), a.files(t, "n1", Request{Member: "n1"}), "n1")
	must(t, err)
	// connect shows any certificate, as an attacker would, and trusts every server.
	connect := func(f Files) *tls.Config {
		c := &tls.Config{InsecureSkipVerify: true}
		if f.Cert != "" {
			pair, err := tls.LoadX509KeyPair(f.Cert, f.Key)
			must(t, err)
			// Even if the server's hints say that it will not be accepted.
			c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
		}
		return c
	}
	for _, c := range []struct {
		name, says string
		client     *tls.Config
	}{
		{"a member of the same CA", "", connect(a.files(t, "n2", Request{Member: "n2"}))},
		{"a certificate of another CA", "another CA", connect(other.files(t, "n2", Request{Member: "n2"}))},
		{"an expired certificate", "not valid now", connect(a.files(t, "old", Request{Member: "n2", Now: time.Now().Add(-2 * time.Hour), Lifetime: time.Hour}))},
		{"a certificate from the future", "not valid now", connect(a.files(t, "new", Request{Member: "n2", Now: time.Now().Add(time.Hour)}))},
		{"a client's certificate", "the peer port accepts only voted://member/ID", connect(a.files(t, "ops", Request{Client: "ops", Roles: "admin"}))},
		{"a server's certificate", "cannot be trusted", connect(a.files(t, "web", Request{Hosts: []string{"localhost"}}))},
		{"the certificate of a proof key", "cannot be trusted", connect(a.files(t, "proof", Request{Proof: "n2", Use: ProofCosigner}))},
		{"no certificate", "didn't provide a certificate", connect(Files{})},
		{"TLS 1.2", "unsupported versions", func() *tls.Config { c := connect(Files{}); c.MaxVersion = tls.VersionTLS12; return c }()},
	} {
		got, _ := meet(t, server, c.client)
		if (got == nil) != (c.says == "") || got != nil && !strings.Contains(got.Error(), c.says) {
			t.Errorf("%s: got %v, want %q", c.name, got, c.says)
		}
	}
}

func TestMembersConnectOnlyToMembers(t *testing.T) {
	t.Parallel()
	a, other := newAuthority(t), newAuthority(t)
	_, client, err := Peer(livefile.NewWatch(quiet), a.files(t, "n1", Request{Member: "n1"}), "n1")
	must(t, err)
	serve := func(f Files) *tls.Config {
		pair, err := tls.LoadX509KeyPair(f.Cert, f.Key)
		must(t, err)
		return &tls.Config{Certificates: []tls.Certificate{pair}}
	}
	for _, c := range []struct {
		name, says string
		server     *tls.Config
	}{
		{"a member", "", serve(a.files(t, "n2", Request{Member: "n2"}))},
		{"a member of another CA", "another CA", serve(other.files(t, "n2", Request{Member: "n2"}))},
		{"a web server of the same CA", "no name", serve(a.files(t, "web", Request{Hosts: []string{"localhost"}}))},
		{"the certificate of a proof key", "cannot be trusted", serve(a.files(t, "proof", Request{Proof: "n2", Use: ProofLog}))},
		{"an expired member", "not valid now", serve(a.files(t, "old", Request{Member: "n2", Now: time.Now().Add(-2 * time.Hour), Lifetime: time.Hour}))},
	} {
		_, got := meet(t, c.server, client)
		if (got == nil) != (c.says == "") || got != nil && !strings.Contains(got.Error(), c.says) {
			t.Errorf("%s: got %v, want %q", c.name, got, c.says)
		}
	}
}

func TestAMemberStartsWithItsOwnCertificateOnly(t *testing.T) {
	t.Parallel()
	a, other := newAuthority(t), newAuthority(t)
	mine := a.files(t, "n1", Request{Member: "n1"})
	for name, c := range map[string]struct {
		f    Files
		says string
	}{
		"another member's":     {a.files(t, "n2", Request{Member: "n2"}), "give each member its own"},
		"a client's":           {a.files(t, "ops", Request{Client: "ops", Roles: "admin"}), "voted://member/ID"},
		"of another CA":        {Files{Cert: mine.Cert, Key: mine.Key, CA: filepath.Join(other.dir, caCertFile)}, "another CA"},
		"with a foreign key":   {Files{Cert: mine.Cert, Key: filepath.Join(other.dir, caKeyFile), CA: mine.CA}, "cannot be used together"},
		"with a leaf as CA":    {Files{Cert: mine.Cert, Key: mine.Key, CA: mine.Cert}, "not a CA's"},
		"with an empty CA":     {Files{Cert: mine.Cert, Key: mine.Key, CA: os.DevNull}, "no certificate of a CA"},
		"with a missing CA":    {Files{Cert: mine.Cert, Key: mine.Key, CA: "none"}, "there is no file"},
		"an expired one":       {a.files(t, "old", Request{Member: "n1", Now: time.Now().Add(-2 * time.Hour), Lifetime: time.Hour}), "not valid now"},
		"its own is taken":     {mine, ""},
		"a missing key":        {Files{Cert: mine.Cert, Key: "none", CA: mine.CA}, "there is no file"},
		"the key in its place": {Files{Cert: mine.Key, Key: mine.Key, CA: mine.CA}, "cannot be used together"},
	} {
		_, _, err := Peer(livefile.NewWatch(quiet), c.f, "n1")
		if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: got %v, want %q", name, err, c.says)
		}
	}
}

func TestTheAPITakesClientsWithoutACertificateAndRefusesWrongOnes(t *testing.T) {
	t.Parallel()
	a, other := newAuthority(t), newAuthority(t)
	w := livefile.NewWatch(quiet)
	clients, err := OpenClients(w, filepath.Join(a.dir, caCertFile), "")
	must(t, err)
	server, err := API(w, a.files(t, "n1", Request{Member: "n1", Hosts: []string{"votes.example"}}), clients)
	must(t, err)
	for name, c := range map[string]struct {
		f    Files
		says string
	}{
		"no certificate": {Files{CA: filepath.Join(a.dir, caCertFile)}, ""},
		"one of this CA": {a.files(t, "ops", Request{Client: "ops", Roles: "admin"}), ""},
		"one of another CA": {func() Files {
			f := other.files(t, "ops", Request{Client: "ops", Roles: "admin"})
			f.CA = filepath.Join(a.dir, caCertFile)
			return f
		}(), "unknown authority"},
		"an expired one":     {a.files(t, "old", Request{Client: "ops", Roles: "admin", Now: time.Now().Add(-2 * time.Hour), Lifetime: time.Hour}), "expired"},
		"one of a proof key": {a.files(t, "proof", Request{Proof: "n1", Use: ProofLog}), "incompatible key usage"},
	} {
		client, err := ClientTLS(quiet, c.f)
		must(t, err)
		client.ServerName = "votes.example"
		got, _ := meet(t, server, client)
		if (got == nil) != (c.says == "") || got != nil && !strings.Contains(got.Error(), c.says) {
			t.Errorf("%s: got %v, want %q", name, got, c.says)
		}
	}
}

func TestARenewedCertificateIsShownWithoutARestart(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	f := a.files(t, "n1", Request{Member: "n1", Hosts: []string{"votes.example"}})
	server, err := API(livefile.NewWatch(quiet), Files{Cert: f.Cert, Key: f.Key}, nil)
	must(t, err)
	client, err := ClientTLS(quiet, Files{CA: f.CA})
	must(t, err)
	client.ServerName = "votes.example"
	var shown *x509.Certificate
	client.VerifyConnection = func(s tls.ConnectionState) error {
		shown = s.PeerCertificates[0]
		return nil
	}
	if _, err := meet(t, server, client); err != nil {
		t.Fatal(err)
	}
	first := shown
	a.files(t, "n1", Request{Member: "n1", Hosts: []string{"votes.example"}})
	for end := time.Now().Add(10 * time.Second); shown.Equal(first); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the old certificate is still shown")
		}
		if _, err := meet(t, server, client); err != nil {
			t.Fatal(err)
		}
	}
	if !shown.Equal(parse(t, f.Cert)) {
		t.Error("what is shown is not what is in the file")
	}
}

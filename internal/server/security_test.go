package server

import (
	"strings"
	"testing"

	"voted/internal/usage"
)

// whole is a node that is guarded on both ports.
var whole = Security{
	TLSCert: "c", TLSKey: "k", Tokens: "t", PeerCA: "a", PeerCert: "pc", PeerKey: "pk",
}

func without(change func(*Security)) Security {
	s := whole
	change(&s)
	return s
}

func TestANodeListensOnLoopbackOnlyUnlessItIsGuardedOrToldAloud(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		api, peer string
		s         Security
		says      string // of the refusal
	}{
		"nothing is given":                      {"", "", Security{}, ""},
		"loopback by number":                    {"127.0.0.1:0", "127.0.0.1:0", Security{}, ""},
		"loopback by another number":            {"127.8.0.1:0", "[::1]:0", Security{}, ""},
		"loopback by name":                      {"localhost:0", "localhost:0", Security{}, ""},
		"the API on every address":              {"0.0.0.0:0", "", Security{}, "--insecure"},
		"the API on every address, unsaid":      {":0", "", Security{}, "--insecure"},
		"the API on every IPv6 address":         {"[::]:0", "", Security{}, "--insecure"},
		"the API on a public address":           {"192.0.2.1:80", "", Security{}, "--api 192.0.2.1:80 can be reached"},
		"the peer port on every address":        {"", "0.0.0.0:0", Security{}, "--peer 0.0.0.0:0 can be reached"},
		"TLS without credentials":               {"0.0.0.0:0", "", without(func(s *Security) { s.Tokens = "" }), "--tokens"},
		"credentials in clear text":             {"0.0.0.0:0", "", without(func(s *Security) { s.TLSCert, s.TLSKey = "", "" }), "--tls-cert"},
		"a guarded API and an open peer port":   {"0.0.0.0:0", "0.0.0.0:0", without(func(s *Security) { s.PeerCA, s.PeerCert, s.PeerKey = "", "", "" }), "--peer-ca"},
		"both guarded":                          {"0.0.0.0:0", "0.0.0.0:0", whole, ""},
		"both open, said aloud":                 {"0.0.0.0:0", "0.0.0.0:0", Security{Insecure: true}, ""},
		"a certificate without its key":         {"", "", Security{TLSCert: "c"}, "go together"},
		"a peer certificate without its CA":     {"", "", Security{PeerCert: "c", PeerKey: "k"}, "all three"},
		"a client CA without TLS":               {"", "", Security{ClientCA: "a"}, "--client-ca needs"},
		"JWTs for any audience":                 {"", "", Security{JWTKeys: "f"}, "--jwt-audience is missing"},
		"an audience and no keys":               {"", "", Security{JWTAudience: "votes"}, "do nothing"},
		"two sources of keys":                   {"", "", Security{JWTKeys: "f", OIDCIssuer: "https://id.example", JWTAudience: "a"}, "only one"},
		"what cannot be resolved is for Listen": {"no-such-host.invalid:0", "", Security{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Options{ID: "n1", DataDir: "d", API: c.api, Peer: c.peer, Security: c.s}.complete()
			if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
				t.Fatalf("got %v, want %q", err, c.says)
			}
		})
	}
}

func TestAnOpenPortIsRefusedAsUsage(t *testing.T) {
	t.Parallel()
	_, err := New(Options{ID: "n1", DataDir: t.TempDir(), API: "0.0.0.0:0"})
	if !usage.Is(err) {
		t.Fatalf("got %v", err)
	}
}

package server

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"voted/internal/auth"
	"voted/internal/pki"
	"voted/internal/usage"
)

// TestEveryKindOfCredentialOpensWhatItIsFor goes through a real port: TLS, the
// files, the table of routes.
func TestEveryKindOfCredentialOpensWhatItIsFor(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	write := func(name string, b []byte) string {
		must(t, os.WriteFile(at(name), b, 0o600))
		return at(name)
	}
	ca, err := pki.Init(at("ca"), "test", time.Now())
	must(t, err)
	nodeCert, nodeKey, err := ca.IssueTo(dir, "n1", pki.Request{Member: "n1", Hosts: []string{"127.0.0.1"}, Now: time.Now()})
	must(t, err)
	opsCert, opsKey, err := ca.IssueTo(dir, "ops", pki.Request{Client: "ops", Roles: "admin", Now: time.Now()})
	must(t, err)
	token, line, err := auth.NewToken(auth.Gateway, "gw1")
	must(t, err)
	private, public, err := auth.NewCredentialKey()
	must(t, err)
	signer, err := auth.ParseCredentialKey(private)
	must(t, err)
	credential, err := signer.Issue("p", "ann", time.Now(), time.Now().Add(time.Hour))
	must(t, err)
	jwtPublic, jwtPrivate, err := ed25519.GenerateKey(rand.Reader)
	must(t, err)
	jwks := `{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"1","x":"` + base64.RawURLEncoding.EncodeToString(jwtPublic) + `"}]}`
	claims := jwt.NewWithClaims(jwt.SigningMethodEdDSA, jwt.MapClaims{"sub": "bo", "aud": "votes", "exp": time.Now().Add(time.Hour).Unix()})
	claims.Header["kid"] = "1"
	signed, err := claims.SignedString(jwtPrivate)
	must(t, err)
	s := alone(t, func(o *Options) {
		o.Security = Security{
			TLSCert: nodeCert, TLSKey: nodeKey, ClientCA: at("ca/ca.crt"), Tokens: write("tokens", []byte(line+"\n")),
			CredentialKeys: write("voting.pub", public), JWTKeys: write("jwks", []byte(jwks)), JWTAudience: "votes", Audit: at("audit"),
		}
	})
	withCert := func(cert, key string) *http.Client {
		config, err := pki.ClientTLS(quietLog, pki.Files{CA: at("ca/ca.crt"), Cert: cert, Key: key})
		must(t, err)
		c := &http.Client{Transport: &http.Transport{TLSClientConfig: config}, Timeout: 20 * time.Second}
		t.Cleanup(c.CloseIdleConnections)
		return c
	}
	plain, ops, member := withCert("", ""), withCert(opsCert, opsKey), withCert(nodeCert, nodeKey)
	const poll, ballot = `{"options":["a","b"]}`, `{"selections":["a"]}`
	for _, c := range []struct {
		name         string
		client       *http.Client
		bearer       string
		method, path string
		body         string
		want         int
	}{
		{"a sender without credentials", plain, "", "PUT", "/v1/polls/p", poll, 401},
		{"an admin by certificate", ops, "", "PUT", "/v1/polls/p", poll, 201},
		{"an admin casts no ballot", ops, "", "PUT", "/v1/polls/p/ballots/ann", ballot, 403},
		{"a member's certificate is no client's", member, "", "PUT", "/v1/polls/q", poll, 401},
		{"a gateway by token", plain, token, "PUT", "/v1/polls/p/ballots/cy", ballot, 201},
		{"a gateway makes no poll", plain, token, "PUT", "/v1/polls/q", poll, 403},
		{"the header comes before the certificate", ops, token, "PUT", "/v1/polls/q", poll, 403},
		{"a wrong token with a good certificate", ops, "voted_wrong", "GET", "/v1/polls", "", 401},
		{"a voter by credential", plain, credential, "PUT", "/v1/polls/p/ballots/ann", ballot, 201},
		{"again: the same receipt", plain, credential, "PUT", "/v1/polls/p/ballots/ann", ballot, 200},
		{"that voter for another", plain, credential, "PUT", "/v1/polls/p/ballots/bo", ballot, 403},
		{"a voter by JWT", plain, signed, "PUT", "/v1/polls/p/ballots/bo", ballot, 201},
		{"that one for another", plain, signed, "PUT", "/v1/polls/p/ballots/ann", ballot, 403},
		{"a voter reads no export", plain, signed, "GET", "/v1/polls/p/ballots", "", 403},
		{"probes are open", plain, "", "GET", "/livez", "", 200},
	} {
		r, err := http.NewRequestWithContext(t.Context(), c.method, s.URL()+c.path, strings.NewReader(c.body))
		must(t, err)
		if c.body != "" {
			r.Header.Set("Content-Type", "application/json")
		}
		if c.bearer != "" {
			r.Header.Set("Authorization", "Bearer "+c.bearer)
		}
		resp, err := c.client.Do(r)
		must(t, err)
		_ = resp.Body.Close()
		if resp.StatusCode != c.want {
			t.Errorf("%s: %d, want %d", c.name, resp.StatusCode, c.want)
		}
	}
	r, err := http.NewRequestWithContext(t.Context(), "GET", s.URL()+"/metrics", nil)
	must(t, err)
	resp, err := ops.Do(r)
	must(t, err)
	metrics, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil || !strings.Contains(string(metrics), `voted_certificate_expiry_timestamp_seconds{port="api"}`) {
		t.Errorf("the metrics do not say when the certificate expires: %v", err)
	}
	b, err := os.ReadFile(at("audit"))
	must(t, err)
	if got := string(b); strings.Count(got, "\n") != 2 || !strings.Contains(got, `"client":"certificate:ops"`) {
		t.Errorf("the audit log holds %s", got)
	}
}

func TestANodeThatCannotReadItsCredentialsDoesNotStart(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]Security{
		"no file of tokens":    {Tokens: "none"},
		"no credential keys":   {CredentialKeys: "none"},
		"no JWT keys":          {JWTKeys: "none", JWTAudience: "votes"},
		"keys in clear text":   {JWTKeys: "http://id.example/keys", JWTAudience: "votes"},
		"an issuer in clear":   {OIDCIssuer: "http://id.example", JWTAudience: "votes"},
		"no certificate":       {TLSCert: "none", TLSKey: "none"},
		"an audit log nowhere": {Audit: "/no/such/directory/audit"},
	} {
		if _, err := New(Options{ID: "n1", DataDir: t.TempDir(), API: "127.0.0.1:0", Peer: "127.0.0.1:0", Security: s}); !usage.Is(err) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

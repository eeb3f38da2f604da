package server

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"voted/client"
	"voted/internal/auth"
	"voted/internal/pki"
	"voted/internal/ports/portstest"
	"voted/internal/survey"
)

// guardedAlone is one node under TLS that takes tokens and certificates of clients.
type guardedAlone struct {
	*guardedCluster
	tokens, deny string
	log          *lines
}

func newGuardedAlone(t *testing.T) *guardedAlone {
	t.Helper()
	dir := t.TempDir()
	ca, err := pki.Init(filepath.Join(dir, "ca"), "test", time.Now())
	must(t, err)
	g := &guardedAlone{
		guardedCluster: &guardedCluster{t: t, dir: dir, ca: ca, ends: map[string]func() error{}, nodes: map[string]*Server{}},
		tokens:         filepath.Join(dir, "tokens"), deny: filepath.Join(dir, "deny"), log: &lines{},
	}
	g.members = []survey.Peer{{ID: "n1", Addr: portstest.Addr(t)}}
	must(t, os.WriteFile(g.tokens, nil, 0o600))
	must(t, os.WriteFile(g.deny, nil, 0o600))
	o := g.options("n1")
	o.Tokens, o.ClientCA, o.ClientDeny = g.tokens, g.caFile(), g.deny
	o.Logger = slog.New(slog.NewTextHandler(g.log, nil))
	g.start(o)
	return g
}

// token lets in a bearer of roles, and returns the token and its line.
func (g *guardedAlone) token(roles auth.Roles, name string) (token, line string) {
	g.t.Helper()
	token, line, err := auth.NewToken(roles, name)
	must(g.t, err)
	must(g.t, auth.AddToken(g.tokens, line))
	return token, line
}

// caller is one connection, kept alive, with or without a certificate.
func (g *guardedAlone) caller(cert, key string) *http.Client {
	g.t.Helper()
	config, err := pki.ClientTLS(quietLog, pki.Files{CA: g.caFile(), Cert: cert, Key: key})
	must(g.t, err)
	transport := &http.Transport{TLSClientConfig: config, MaxConnsPerHost: 1}
	g.t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// status sends a request and reads the answer to its end, so that the connection is
// kept.
func (g *guardedAlone) status(c *http.Client, method, path, token string) (status int, body string) {
	g.t.Helper()
	r, err := http.NewRequestWithContext(g.t.Context(), method, g.nodes["n1"].URL()+path, nil)
	must(g.t, err)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := c.Do(r)
	must(g.t, err)
	b, err := io.ReadAll(resp.Body)
	must(g.t, err)
	must(g.t, resp.Body.Close())
	return resp.StatusCode, string(b)
}

func TestACertificateThatEndsOrIsWithdrawnEndsOnTheConnectionItHas(t *testing.T) {
	t.Parallel()
	g := newGuardedAlone(t)
	admin := func(name string, lifetime time.Duration) *http.Client {
		cert, key, err := g.ca.IssueTo(g.dir, name, pki.Request{Client: name, Roles: "admin", Now: time.Now(), Lifetime: lifetime})
		must(t, err)
		return g.caller(cert, key)
	}
	short, named, stays := admin("short", 3*time.Second), admin("named", time.Hour), admin("stays", time.Hour)
	for _, c := range []*http.Client{short, named, stays} {
		g.eventually("it is let in", func() bool { status, _ := g.status(c, "GET", "/v1/polls", ""); return status == 200 })
	}
	must(t, os.WriteFile(g.deny, []byte("voted://client/admin/named # lost\n"), 0o600))
	for name, c := range map[string]*http.Client{"short": short, "named": named} {
		g.eventually(name+" is refused", func() bool {
			status, body := g.status(c, "GET", "/v1/polls", "")
			return status == 401 && strings.Contains(body, "expired or was withdrawn")
		})
	}
	if status, body := g.status(stays, "GET", "/v1/polls", ""); status != 200 {
		t.Errorf("another one: %d %s", status, body)
	}
}

func TestAStreamEndsWhenItsTokenIsTakenOut(t *testing.T) {
	t.Parallel()
	g := newGuardedAlone(t)
	admin, _ := g.token(auth.Admin, "admin")
	reader, line := g.token(auth.Reader, "reader")
	c := g.caller("", "")
	g.eventually("both are known", func() bool {
		a, _ := g.status(c, "GET", "/v1/polls", admin)
		r, _ := g.status(c, "GET", "/v1/polls", reader)
		return a == 200 && r == 200
	})
	config, err := pki.ClientTLS(quietLog, pki.Files{CA: g.caFile()})
	must(t, err)
	as, err := client.New([]string{g.nodes["n1"].URL()}, client.WithTLSConfig(config), client.WithToken(func() string { return admin }))
	must(t, err)
	t.Cleanup(as.Close)
	_, err = as.CreatePoll(g.ctx(), client.Definition{ID: "p", Options: []client.PollOption{{ID: "a"}, {ID: "b"}}})
	must(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, g.nodes["n1"].URL()+"/v1/polls/p/results/stream", nil)
	must(t, err)
	r.Header.Set("Authorization", "Bearer "+reader)
	resp, err := (&http.Client{Transport: &http.Transport{TLSClientConfig: g.tls(t)}}).Do(r)
	must(t, err)
	defer resp.Body.Close()
	in := bufio.NewReader(resp.Body)
	first, err := in.ReadString('\n')
	if err != nil || !strings.HasPrefix(first, "retry:") {
		t.Fatalf("%d %q %v", resp.StatusCode, first, err)
	}
	text, err := os.ReadFile(g.tokens)
	must(t, err)
	must(t, os.WriteFile(g.tokens, bytes.Replace(text, []byte(line), nil, 1), 0o600))
	if _, err := io.Copy(io.Discard, in); err != nil {
		t.Fatalf("the stream goes on, or ends with %v", err)
	}
	if status, _ := g.status(c, "GET", "/v1/polls", reader); status != 401 {
		t.Errorf("the token is still taken: %d", status)
	}
}

func (g *guardedAlone) tls(t *testing.T) *tls.Config {
	t.Helper()
	config, err := pki.ClientTLS(quietLog, pki.Files{CA: g.caFile()})
	must(t, err)
	return config
}

func TestAFileThatCannotBeReadAgainIsInTheStatusAndInTheMetrics(t *testing.T) {
	t.Parallel()
	g := newGuardedAlone(t)
	admin, _ := g.token(auth.Admin, "admin")
	_, line := g.token(auth.Reader, "reader")
	c := g.caller("", "")
	stale := func(want string, finding bool) func() bool {
		return func() bool {
			status, metrics := g.status(c, "GET", "/metrics", admin)
			_, cluster := g.status(c, "GET", "/v1/cluster", admin)
			return status == 200 && strings.Contains(metrics, `voted_file_stale{file="`+g.tokens+`"} `+want) &&
				strings.Contains(metrics, `voted_file_stale{file="`+g.caFile()+`"} 0`) && strings.Contains(cluster, `"file_stale"`) == finding
		}
	}
	g.eventually("all is well", stale("0", false))
	// The reader is taken out, and a mistake is made in the line above.
	text, err := os.ReadFile(g.tokens)
	must(t, err)
	must(t, os.WriteFile(g.tokens, append([]byte("amdin x 00\n"), bytes.Replace(text, []byte(line), nil, 1)...), 0o600))
	g.eventually("it is said", stale("1", true))
	if _, cluster := g.status(c, "GET", "/v1/cluster", admin); !strings.Contains(cluster, "n1 could not read again") || !strings.Contains(cluster, g.tokens) {
		t.Errorf("the status says %s", cluster)
	}
	must(t, os.WriteFile(g.tokens, bytes.Replace(text, []byte(line), nil, 1), 0o600))
	g.eventually("all is well again", stale("0", false))
}

func TestANodeWarnsOfSecretsThatEverybodyMayRead(t *testing.T) {
	t.Parallel()
	g := newGuardedAlone(t)
	if said := g.log.with("may be read by every user"); len(said) > 0 {
		t.Errorf("files that are as they should be: %v", said)
	}
	must(t, g.ends["n1"]())
	o := g.options("n1")
	must(t, os.Chmod(o.PeerKey, 0o644))
	o.Logger = slog.New(slog.NewTextHandler(g.log, nil))
	g.start(o)
	if said := g.log.with("may be read by every user"); len(said) == 0 || !strings.Contains(said[0], o.PeerKey) {
		t.Errorf("it says %v", said)
	}
}

package public_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"voted/client"
	"voted/internal/auth"
	"voted/internal/ports"
	"voted/internal/server"
	"voted/internal/survey"
)

// node is a real node of one member, with a token for each role, for all tests of this package.
type node struct {
	url    string
	tokens map[string]string // by role
	client *client.Client    // of all roles
	key    *auth.CredentialKey
	stop   func()
}

// visitors are the roles, and a stranger. A voter has no role: see credential.
var visitors = []string{"", "admin", "gateway", "reader", "auditor", "metrics"}

var theNode = sync.OnceValues(start)

func TestMain(m *testing.M) {
	code := m.Run()
	if n, err := theNode(); err == nil {
		n.stop()
	}
	os.Exit(code)
}

func given(t testing.TB) *node {
	t.Helper()
	n, err := theNode()
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func start() (*node, error) {
	dir, err := os.MkdirTemp("", "voted-public-")
	if err != nil {
		return nil, err
	}
	n := &node{tokens: map[string]string{}}
	var lines strings.Builder
	for _, role := range append(visitors[1:], "admin,gateway,reader") {
		r, err := auth.ParseRoles(role)
		if err != nil {
			return nil, err
		}
		token, line, err := auth.NewToken(r, strings.ReplaceAll(role, ",", "-"))
		if err != nil {
			return nil, err
		}
		n.tokens[role] = token
		fmt.Fprintln(&lines, line)
	}
	tokens := filepath.Join(dir, "tokens")
	if err := os.WriteFile(tokens, []byte(lines.String()), 0o600); err != nil {
		return nil, err
	}
	private, public, err := auth.NewCredentialKey()
	if err != nil {
		return nil, err
	}
	if n.key, err = auth.ParseCredentialKey(private); err != nil {
		return nil, err
	}
	keys := filepath.Join(dir, "credential-keys")
	if err := os.WriteFile(keys, public, 0o600); err != nil {
		return nil, err
	}
	block, err := ports.Claim(1)
	if err != nil {
		return nil, err
	}
	peer := block.Addrs(1)[0]
	s, err := server.New(server.Options{
		ID: "n1", DataDir: filepath.Join(dir, "n1"), API: "127.0.0.1:0", Peer: peer,
		Cluster: []survey.Peer{{ID: "n1", Addr: peer}}, Security: server.Security{Tokens: tokens, CredentialKeys: keys},
		Pages:  server.Pages{EmbedFrom: []string{"https://www.example.org"}},
		Logger: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})),
	})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	n.url = s.URL()
	n.client, err = client.New([]string{n.url}, client.WithToken(func() string { return n.tokens["admin,gateway,reader"] }))
	if err != nil {
		cancel()
		return nil, err
	}
	n.stop = func() {
		n.client.Close()
		cancel()
		<-ended
		block.Release()
		os.RemoveAll(dir)
	}
	for end := time.Now().Add(20 * time.Second); len(s.Node().Ready()) > 0; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			return nil, fmt.Errorf("the node is not ready: %v", s.Node().Ready())
		}
	}
	return n, nil
}

// page is an answer.
type page struct {
	status int
	header http.Header
	body   string
}

// get asks for a path in the name of a role, as a browser does.
func (n *node) get(t testing.TB, role, path string, header ...string) page {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, n.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "text/html")
	if role != "" {
		r.AddCookie(&http.Cookie{Name: "voted-desk", Value: n.tokens[role]})
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	c := http.Client{Timeout: 30 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return page{resp.StatusCode, resp.Header, string(body)}
}

// credential makes the cookie of a voter of a poll, as browsers send it with its results.
func (n *node) credential(t testing.TB, poll, voter string) string {
	t.Helper()
	now := time.Now()
	credential, err := n.key.Issue(poll, voter, now.Add(-time.Minute), now.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	return "voted-vote=" + credential
}

// poll makes a poll with ballots, one for each voter v0, v1, ….
func (n *node) poll(t testing.TB, d client.Definition, ballots ...client.Ballot) {
	t.Helper()
	if _, err := n.client.CreatePoll(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	for i, vote := range ballots {
		if _, err := n.client.Cast(t.Context(), d.ID, fmt.Sprint("v", i), vote); err != nil {
			t.Fatal(err)
		}
	}
}

func (n *node) close(t testing.TB, id string) {
	t.Helper()
	if _, err := n.client.ClosePoll(t.Context(), id); err != nil {
		t.Fatal(err)
	}
}

func times(count int, vote client.Ballot) []client.Ballot {
	all := make([]client.Ballot, count)
	for i := range all {
		all[i] = vote
	}
	return all
}

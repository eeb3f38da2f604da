package organiser_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
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
	client *client.Client    // an admin's and gateway's
	stop   func()
}

var roles = []string{"admin", "gateway", "reader", "auditor", "metrics"}

var shared struct {
	once sync.Once
	node *node
	err  error
}

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	code := m.Run()
	if shared.node != nil {
		shared.node.stop()
	}
	return code
}

// theNode returns the node, and starts it at the first call.
func theNode(t testing.TB) *node {
	t.Helper()
	shared.once.Do(func() { shared.node, shared.err = start() })
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.node
}

func start() (*node, error) {
	dir, err := os.MkdirTemp("", "voted-organiser-")
	if err != nil {
		return nil, err
	}
	n := &node{tokens: map[string]string{}}
	var lines strings.Builder
	all := auth.Roles(0)
	for _, role := range roles {
		r, err := auth.ParseRoles(role)
		if err != nil {
			return nil, err
		}
		all |= r
		token, line, err := auth.NewToken(r, role+"-desk")
		if err != nil {
			return nil, err
		}
		n.tokens[role] = token
		fmt.Fprintln(&lines, line)
	}
	whole, line, err := auth.NewToken(all, "all")
	if err != nil {
		return nil, err
	}
	fmt.Fprintln(&lines, line)
	tokens := filepath.Join(dir, "tokens")
	if err := os.WriteFile(tokens, []byte(lines.String()), 0o600); err != nil {
		return nil, err
	}
	block, err := ports.Claim(1)
	if err != nil {
		return nil, err
	}
	s, err := server.New(server.Options{
		ID: "n1", DataDir: filepath.Join(dir, "n1"), API: "127.0.0.1:0", Peer: block.Addrs(1)[0],
		Cluster: []survey.Peer{{ID: "n1", Addr: block.Addrs(1)[0]}}, Security: server.Security{Tokens: tokens},
		Logger: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})),
	})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	n.url = s.URL()
	n.stop = func() {
		n.client.Close()
		cancel()
		<-ended
		block.Release()
		os.RemoveAll(dir)
	}
	n.client, err = client.New([]string{n.url}, client.WithToken(func() string { return whole }))
	if err != nil {
		return nil, err
	}
	for end := time.Now().Add(20 * time.Second); len(s.Node().Ready()) > 0; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			return nil, fmt.Errorf("the node is not ready: %v", s.Node().Ready())
		}
	}
	return n, nil
}

// desk is a browser without script, signed in with a role's token; "" for nobody.
type desk struct {
	t    testing.TB
	node *node
	http *http.Client
}

func (n *node) desk(t testing.TB, role string) *desk {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{t: t, node: n, http: &http.Client{
		Jar: jar, Timeout: 30 * time.Second, Transport: &http.Transport{},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	t.Cleanup(d.http.CloseIdleConnections)
	if role != "" {
		if p := d.post("/signin", url.Values{"token": {n.tokens[role]}}); p.status != http.StatusSeeOther {
			t.Fatalf("signing in as %s: %d\n%s", role, p.status, p.text)
		}
	}
	return d
}

// page is an answer.
type page struct {
	status int
	to     string // Location
	text   string
	header http.Header
}

func (d *desk) do(r *http.Request) page {
	d.t.Helper()
	r.Header.Set("Accept", "text/html")
	resp, err := d.http.Do(r)
	if err != nil {
		d.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	return page{resp.StatusCode, resp.Header.Get("Location"), string(b), resp.Header}
}

func (d *desk) get(path string) page {
	d.t.Helper()
	r, err := http.NewRequestWithContext(d.t.Context(), http.MethodGet, d.node.url+path, nil)
	if err != nil {
		d.t.Fatal(err)
	}
	return d.do(r)
}

func (d *desk) post(path string, form url.Values) page {
	d.t.Helper()
	r, err := http.NewRequestWithContext(d.t.Context(), http.MethodPost, d.node.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		d.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return d.do(r)
}

var hiddenField = regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)">`)

// hidden returns the hidden fields of a page's forms, with further values.
func (p page) hidden(more ...string) url.Values {
	form := url.Values{}
	for _, m := range hiddenField.FindAllStringSubmatch(p.text, -1) {
		form.Set(m[1], unescape(m[2]))
	}
	for i := 0; i < len(more); i += 2 {
		form.Set(more[i], more[i+1])
	}
	return form
}

func unescape(s string) string {
	return strings.NewReplacer("&amp;", "&", "&lt;", "<", "&gt;", ">", "&#34;", `"`, "&#39;", "'").Replace(s)
}

// shown is the part of a page that differs from others.
func (p page) shown() string {
	_, after, _ := strings.Cut(p.text, "<main")
	before, _, _ := strings.Cut(after, "</main>")
	return before
}

// says fails the test unless a page has a status and holds all the texts.
func (p page) says(t testing.TB, status int, texts ...string) {
	t.Helper()
	if p.status != status {
		t.Errorf("status %d, want %d (to %q)\n%s", p.status, status, p.to, p.shown())
	}
	for _, text := range texts {
		if !strings.Contains(p.text, text) {
			t.Errorf("the page does not say %q:\n%s", text, p.shown())
		}
	}
}

var made struct {
	sync.Mutex
	n int
}

// poll makes a poll under an id of its own.
func (n *node) poll(t testing.TB, d client.Definition) string {
	t.Helper()
	made.Lock()
	made.n++
	d.ID = fmt.Sprintf("poll-%d", made.n)
	made.Unlock()
	if len(d.Options) == 0 {
		d.Options = client.Options("ann", "bo", "cy")
	}
	if _, err := n.client.CreatePoll(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	return d.ID
}

func (n *node) cast(t testing.TB, poll, voter, option string) {
	t.Helper()
	if _, err := n.client.Cast(t.Context(), poll, voter, client.Choose(option)); err != nil {
		t.Fatal(err)
	}
}

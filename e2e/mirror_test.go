package e2e

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"voted/client"
)

// copied is a node behind a proxy, which counts the files of logs that are fetched.
type copied struct {
	*httptest.Server
	mu      sync.Mutex
	fetched map[string]int // how often each bundle of entries was asked for; guarded by mu
	holdAt  int            // how many bundles are served; the next one waits; guarded by mu
	held    chan struct{}  // closed when one waits
	holding sync.Once
}

func newCopied(t *testing.T, node string) *copied {
	t.Helper()
	at, err := url.Parse(node)
	if err != nil {
		t.Fatal(err)
	}
	c := &copied{fetched: map[string]int{}, held: make(chan struct{})}
	proxy := httputil.NewSingleHostReverseProxy(at)
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, name, ok := strings.Cut(r.URL.Path, "/tile/entries/"); ok && c.fetch(name) {
			c.holding.Do(func() { close(c.held) })
			<-r.Context().Done() // until whoever copies is gone
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(c.Close)
	return c
}

// fetch notes that a bundle was asked for, and reports whether it is not to be served.
func (c *copied) fetch(name string) (hold bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.holdAt > 0 && len(c.fetched) >= c.holdAt {
		return true
	}
	c.fetched[name]++
	return false
}

// holdAfter serves so many bundles, and not the next one.
func (c *copied) holdAfter(bundles int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.holdAt = bundles
}

// served returns what was served, and serves everything from now on.
func (c *copied) served() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := c.fetched
	c.fetched, c.holdAt = map[string]int{}, 0
	return all
}

// A copy is made file by file, so that it can be killed and go on, also at another node, and fetches nothing twice.
func TestAMirrorThatIsKilledGoesOnAtAnotherNodeWithWhatItDoesNotHave(t *testing.T) {
	t.Parallel()
	// Given a log of some files,
	const ballots, files = 5000, 20
	p := startProvable(t, binary)
	policy := p.policy("1")
	createPoll(t, dial(t, p.Endpoints()...), client.Definition{ID: "board"})
	mustVoted(t, "import", "board", written(t, paper(ballots)), "--endpoint", p.Nodes[0].URL)
	for _, n := range p.Nodes[:2] {
		p.keepHead(n, "head", ballots)
	}
	// when a copy is killed half way,
	first, second := newCopied(t, p.Nodes[0].URL), newCopied(t, p.Nodes[1].URL)
	first.holdAfter(files / 2)
	copying := exec.CommandContext(t.Context(), binary, "mirror", "board", p.kept("log"), "--policy", policy, "--endpoint", first.URL)
	if err := copying.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- copying.Wait() }()
	select {
	case <-first.held:
	case err := <-ended:
		t.Fatalf("the copy ended before it was half way: %v", err)
	}
	if err := copying.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-ended
	if exists(p.kept("log/checkpoint")) {
		t.Fatal("a copy that was killed half way says that it is whole")
	}
	// then it goes on at another node with what it does not have,
	mirror := []string{"mirror", "board", p.kept("log"), "--policy", policy, "--endpoint", second.URL}
	out := mustVoted(t, mirror...)
	had, fetched := first.served(), second.served()
	if len(had)+len(fetched) != files || !strings.Contains(out, "5,000 records") {
		t.Errorf("before it was killed it fetched %v, and then %v, of %d files: %s", had, fetched, files, out)
	}
	for name := range fetched {
		if had[name] > 0 {
			t.Errorf("%s was fetched again", name)
		}
	}
	// what is new is fetched alone, of the last file too,
	p.cast(policy, "ann", "v-1")
	p.keepHead(p.Nodes[1], "head", ballots+1)
	mustVoted(t, mirror...)
	if fetched := second.served(); len(fetched) != 1 {
		t.Errorf("for one ballot more it fetched %v", fetched)
	}
	// and nothing is added to a copy that was changed.
	flip(t, filepath.Join(p.kept("log"), "tile", "entries", "003"), 100)
	if out, errs, code := voted(t, mirror...); code == 0 || !strings.Contains(errs, "is damaged") {
		t.Errorf("a copy that was changed: exit code %d: %s%s", code, out, errs)
	}
}

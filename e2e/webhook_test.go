package e2e

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"voted/client"
	"voted/internal/localcluster"
)

// hook is a receiver of webhooks that is built on the client, and can fail.
type hook struct {
	t       *testing.T
	address string
	fails   func(n int) (status int) // of the nth delivery; 0: it is taken

	mu     sync.Mutex
	server *http.Server          // guarded by mu; nil: it is dead
	keys   []string              // guarded by mu; the newest first
	asked  int                   // guarded by mu; requests of any kind
	came   int                   // guarded by mu; deliveries
	dedup  client.Deduplicator   // guarded by mu
	taken  []client.WebhookEvent // guarded by mu
	wrong  []string              // guarded by mu
}

func newHook(t *testing.T, fails func(n int) int) *hook {
	t.Helper()
	h := &hook{t: t, fails: fails, address: "127.0.0.1:0"}
	h.live()
	t.Cleanup(h.die)
	return h
}

// live listens, and again at the same port after it died.
func (h *hook) live() {
	h.t.Helper()
	l, err := net.Listen("tcp", h.address)
	if err != nil {
		h.t.Fatal(err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.address = l.Addr().String()
	h.server = &http.Server{Handler: h}
	go func(s *http.Server) { _ = s.Serve(l) }(h.server) // ends with die
}

// die breaks all connections.
func (h *hook) die() {
	h.mu.Lock()
	s := h.server
	h.server = nil
	h.mu.Unlock()
	if s != nil {
		_ = s.Close()
	}
}

func (h *hook) port() string {
	_, port, err := net.SplitHostPort(h.address)
	if err != nil {
		h.t.Fatal(err)
	}
	return port
}

// hang is a status that is never sent.
const hang = -1

func (h *hook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	h.asked++
	h.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	if err != nil || r.Method != http.MethodPost {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	switch status := h.take(r.Header, body); status {
	case hang:
		<-r.Context().Done()
	default:
		w.WriteHeader(status)
	}
}

func (h *hook) take(header http.Header, body []byte) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	e, err := h.verify(header, body)
	if err != nil {
		if len(h.keys) > 0 {
			h.wrong = append(h.wrong, fmt.Sprintf("%v: %s", err, body))
		}
		return http.StatusUnauthorized
	}
	if e.Number == 0 {
		return http.StatusNoContent
	}
	h.came++
	if h.fails != nil {
		if status := h.fails(h.came); status != 0 {
			return status
		}
	}
	switch order := h.dedup.Look(e); order {
	case client.WebhookSeen:
	case client.WebhookGap:
		h.wrong = append(h.wrong, fmt.Sprintf("%s comes after %d and says %d", e.ID, h.dedup.Last, e.Previous))
	case client.WebhookNext:
		h.dedup.Handled(e)
		h.taken = append(h.taken, e)
	}
	return http.StatusNoContent
}

// verify takes what any of the keys has signed: an attempt that is under way while a key is rotated
// was signed by the one before. It is called with mu.
func (h *hook) verify(header http.Header, body []byte) (e client.WebhookEvent, err error) {
	err = errors.New("no key is known yet")
	for _, key := range h.keys {
		if e, err = client.VerifyWebhook(key, header, body, 0); err == nil {
			break
		}
	}
	return e, err
}

func (h *hook) told() ([]client.WebhookEvent, []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.taken, h.wrong
}

// await waits until the hook has taken an event, and the ones before it.
func (h *hook) await(number uint64) {
	h.t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(20 * time.Millisecond) {
		taken, wrong := h.told()
		if len(taken) > 0 && taken[len(taken)-1].Number >= number {
			return
		}
		if time.Now().After(deadline) || len(wrong) > 0 {
			h.t.Fatalf("of %d events %d were taken; wrong is %q", number, len(taken), wrong)
		}
	}
}

// keyFile makes a key file.
func keyFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "webhook.key")
	if err := os.WriteFile(path, []byte(mustVoted(t, "webhook", "key")), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// startHooks starts three nodes that have a key file and may call the hooks.
func startHooks(t *testing.T, hooks []*hook, args ...string) (c *localcluster.Cluster, key string) {
	t.Helper()
	key = keyFile(t)
	args = append(args, "--webhook-key", key, "--webhook-allow-http", "--webhook-allow", "127.0.0.0/8")
	for _, h := range hooks {
		args = append(args, "--webhook-allow", h.port())
	}
	return start(t, args...), key
}

// ask sends a request about webhooks, again while the cluster is not ready for it.
func ask(t *testing.T, c *localcluster.Cluster, method, path string, body any) (status int, text []byte) {
	t.Helper()
	sent, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		r, err := http.NewRequestWithContext(t.Context(), method, c.Nodes[0].URL+path, bytes.NewReader(sent))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		if method == http.MethodPost {
			r.Header.Set("Idempotency-Key", path)
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		if answer.StatusCode != http.StatusServiceUnavailable || time.Now().After(deadline) {
			return answer.StatusCode, text
		}
	}
}

// subscribe makes the webhook of a hook, which learns its secret.
func (h *hook) subscribe(c *localcluster.Cluster, id string) (secret string) {
	h.t.Helper()
	status, text := ask(h.t, c, http.MethodPut, "/v1/webhooks/"+id, map[string]any{
		"url": "http://" + h.address + "/", "types": []string{"*", "ballots.counted"}, "from": "oldest", "rate": 100,
	})
	return h.learn(status, http.StatusCreated, text)
}

func (h *hook) learn(status, want int, text []byte) string {
	h.t.Helper()
	var made struct{ Secret string }
	if err := json.Unmarshal(text, &made); err != nil || status != want || made.Secret == "" {
		h.t.Fatalf("the webhook is answered with %d %s", status, text)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.keys = append([]string{made.Secret}, h.keys...)
	return made.Secret
}

// allEvents returns all events of the feed.
func allEvents(t *testing.T, cl *client.Client) (all []client.JournalEvent) {
	t.Helper()
	for e, err := range cl.Events(t.Context(), client.EventsQuery{Types: []string{"*", "ballots.counted"}}) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
	return all
}

// Receivers fail in all the ways there are, and a leader dies: nobody loses an event, and who is
// well waits for nobody.
func TestNoEventIsLostWhereReceiversFailHangAndDie(t *testing.T) {
	t.Parallel()
	well := newHook(t, nil)
	failing := newHook(t, func(n int) int {
		if n%3 == 0 {
			return http.StatusInternalServerError
		}
		return 0
	})
	hanging := newHook(t, func(n int) int {
		if n == 2 || n == 5 {
			return hang
		}
		return 0
	})
	dying := newHook(t, nil)
	hooks := map[string]*hook{"well": well, "failing": failing, "hanging": hanging, "dying": dying}
	c, _ := startHooks(t, []*hook{well, failing, hanging, dying}, "--webhook-timeout", "2s")
	cl := dial(t, c.Endpoints()...)
	for id, h := range hooks {
		h.subscribe(c, id)
	}
	for n := range 4 {
		id := fmt.Sprint("p", n)
		createPoll(t, cl, client.Definition{ID: id})
		for v := range 3 {
			if _, err := cl.Cast(t.Context(), id, fmt.Sprint("v", v), client.Choose("ann")); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := cl.ClosePoll(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		switch n {
		case 1:
			dying.die()
		case 2:
			leader := leaderOf(t, c)
			if err := leader.Kill(); err != nil {
				t.Fatal(err)
			}
			if err := leader.Restart(); err != nil {
				t.Fatal(err)
			}
		}
	}
	feed := allEvents(t, cl)
	last := feed[len(feed)-1].Number
	well.await(last) // while the others still fail
	dying.live()
	for id, h := range hooks {
		h.await(last)
		taken, wrong := h.told()
		if len(wrong) > 0 || !slices.EqualFunc(taken, feed, func(e client.WebhookEvent, f client.JournalEvent) bool { return e.ID == f.ID }) {
			t.Errorf("%s took %d of %d events; wrong is %q", id, len(taken), len(feed), wrong)
		}
	}
}

// A name that leads to the node's own machine is called only where the operator allows it, and
// whoever looks is told how.
func TestAWebhookReachesNothingOfTheOperatorsNetworkUnlessItIsAllowed(t *testing.T) {
	t.Parallel()
	h := newHook(t, nil)
	args := []string{"--webhook-key", keyFile(t), "--webhook-allow-http", "--webhook-allow", h.port()}
	c := start(t, args...)
	definition := map[string]any{"url": "http://localhost:" + h.port() + "/"}
	if status, text := ask(t, c, http.MethodPut, "/v1/webhooks/inner", definition); status != http.StatusCreated {
		t.Fatalf("a name that may lead anywhere is answered with %d %s", status, text)
	}
	status, text := ask(t, c, http.MethodPost, "/v1/webhooks/inner/ping", map[string]any{})
	if status != http.StatusOK || !bytes.Contains(text, []byte("is not a public address; allow its network with --webhook-allow ")) {
		t.Errorf("a ping is answered with %d %s", status, text)
	}
	for _, address := range []string{"127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "169.254.169.254"} {
		definition["url"] = "http://" + address + ":" + h.port() + "/"
		for method, path := range map[string]string{http.MethodPut: "/v1/webhooks/other", http.MethodPatch: "/v1/webhooks/inner"} {
			if status, text := ask(t, c, method, path, definition); status != http.StatusUnprocessableEntity || !bytes.Contains(text, []byte("--webhook-allow ")) {
				t.Errorf("%s %s with %s is answered with %d %s", method, path, address, status, text)
			}
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.asked > 0 {
		t.Errorf("the receiver was called %d times", h.asked)
	}
}

// needles are the forms in which a secret can be found.
func needles(t *testing.T, base64Key string) [][]byte {
	t.Helper()
	key, err := base64.StdEncoding.DecodeString(base64Key)
	if err != nil || len(key) != 32 {
		t.Fatalf("a key of %d bytes: %v", len(key), err)
	}
	return [][]byte{
		key, []byte(base64Key), []byte(hex.EncodeToString(key)), []byte(base64.RawURLEncoding.EncodeToString(key)),
		[]byte(url.QueryEscape(base64Key)),
	}
}

// holding returns the names of the contents that have a needle.
func holding(contents map[string][]byte, needles [][]byte) (found []string) {
	for name, content := range contents {
		if slices.ContainsFunc(needles, func(n []byte) bool { return bytes.Contains(content, n) }) {
			found = append(found, name)
		}
	}
	return found
}

// filesOf returns what the nodes have written: logs, snapshots, and what they print.
func filesOf(t *testing.T, c *localcluster.Cluster) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	err := filepath.WalkDir(c.Dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		all[path], err = os.ReadFile(path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// awaitSnapshot waits until a node has a whole snapshot with some text. Nodes look now and then
// whether one is due.
func awaitSnapshot(t *testing.T, c *localcluster.Cluster, text string) {
	t.Helper()
	holds := func(path string) bool {
		content, err := os.ReadFile(path)
		return err == nil && !strings.HasSuffix(filepath.Dir(path), ".tmp") && bytes.Contains(content, []byte(text))
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		found, err := filepath.Glob(filepath.Join(c.Dir, "*", "snapshots", "*", "state.bin"))
		if err != nil {
			t.Fatal(err)
		}
		if slices.ContainsFunc(found, holds) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("no snapshot of %q has %q", found, text)
		}
	}
}

func TestTheSecretOfAWebhookIsInNothingThatNodesWrite(t *testing.T) {
	t.Parallel()
	h := newHook(t, nil)
	c, key := startHooks(t, []*hook{h}, "--snapshot-every", "16", "--log-level", "debug")
	cl := dial(t, c.Endpoints()...)
	secrets := []string{h.subscribe(c, "crm")}
	createPoll(t, cl, client.Definition{ID: "p"})
	status, text := ask(t, c, http.MethodPost, "/v1/webhooks/crm/rotate", map[string]any{})
	secrets = append(secrets, h.learn(status, http.StatusOK, text))
	if secrets[0] == secrets[1] {
		t.Error("the secret is the same after it was rotated")
	}
	// The control: a secret that somebody puts into a title is found in the same places.
	planted := base64.StdEncoding.EncodeToString([]byte("a secret of 32 bytes to be found"))
	for n := range 30 { // more than fit between two snapshots
		createPoll(t, cl, client.Definition{ID: fmt.Sprint("q", n), Title: planted})
	}
	contents := map[string][]byte{}
	for _, path := range []string{"/v1/webhooks", "/v1/webhooks/crm", "/v1/webhooks/crm/attempts", "/v1/cluster", "/v1/events", "/metrics"} {
		_, contents[path] = ask(t, c, http.MethodGet, path, nil)
	}
	for name, body := range map[string]any{"refused": map[string]any{"url": "https://127.0.0.1:1/"}, "exists": map[string]any{"url": "https://example.org/"}} {
		if status, contents[name] = ask(t, c, http.MethodPut, "/v1/webhooks/crm", body); status < 400 {
			t.Errorf("%s: %d %s", name, status, contents[name])
		}
	}
	h.await(allEvents(t, cl)[0].Number)
	var backup bytes.Buffer
	if _, err := cl.Backup(t.Context(), &backup); err != nil {
		t.Fatal(err)
	}
	contents["backup"] = backup.Bytes()
	awaitSnapshot(t, c, planted)
	if err := c.Stop(); err != nil {
		t.Fatal(err)
	}
	for path, content := range filesOf(t, c) {
		contents[path] = content
	}

	line, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{strings.TrimSpace(string(line)), strings.TrimPrefix(secrets[0], "whsec_"), strings.TrimPrefix(secrets[1], "whsec_")} {
		if found := holding(contents, needles(t, secret)); len(found) > 0 {
			t.Errorf("a key is in %q", found)
		}
	}
	found := strings.Join(holding(contents, needles(t, planted)), "\n")
	for _, place := range []string{"backup", "/v1/events", "snapshot", "n1"} {
		if !strings.Contains(found, place) {
			t.Errorf("what was planted is not found in a %s, but in\n%s", place, found)
		}
	}
}

func TestOfAPollThatHidesItsResultsNoEventCountsBeforeTheClose(t *testing.T) {
	t.Parallel()
	h := newHook(t, nil)
	c, _ := startHooks(t, []*hook{h})
	cl := dial(t, c.Endpoints()...)
	h.subscribe(c, "crm")
	for id, results := range map[string]string{"hidden": "after_close", "live": ""} {
		createPoll(t, cl, client.Definition{ID: id, Quorum: 3, Results: results})
		ballots := func(yield func(client.BulkBallot) bool) {
			for v := range 1100 { // more than a block of the box
				if !yield(client.BulkBallot{Voter: fmt.Sprint("v", v), Ballot: client.Choose("ann")}) {
					return
				}
			}
		}
		for answer, err := range cl.CastMany(t.Context(), id, ballots) {
			if err != nil || answer.Err() != nil {
				t.Fatal(err, answer.Err())
			}
		}
		if _, err := cl.ClosePoll(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	feed := allEvents(t, cl)
	h.await(feed[len(feed)-1].Number)
	taken, _ := h.told()
	counting := map[string][]string{}
	for _, e := range taken {
		if e.Index >= closedAt(taken, e.Poll) {
			continue
		}
		var data map[string]any
		if err := json.Unmarshal(e.Data, &data); err != nil {
			t.Fatal(err)
		}
		for _, field := range []string{"ballots", "records", "first", "last", "counted", "replaced", "quorum", "results"} {
			if _, ok := data[field]; ok {
				counting[e.Poll] = append(counting[e.Poll], e.Type+" "+field)
			}
		}
	}
	if len(counting["hidden"]) > 0 {
		t.Errorf("before the close counted was %q", counting["hidden"])
	}
	if len(counting["live"]) == 0 {
		t.Error("the control, a poll that hides nothing, has no event that counts")
	}
}

// closedAt returns the log index of the close of a poll.
func closedAt(taken []client.WebhookEvent, poll string) uint64 {
	for _, e := range taken {
		if e.Type == "poll.closed" && e.Poll == poll {
			return e.Index
		}
	}
	return 0
}

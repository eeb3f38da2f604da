package strangers

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"voted/client"
	"voted/internal/localcluster"
	"voted/internal/webhook"
)

const (
	killEvery = 3 * time.Second
	killFor   = time.Minute
	// perSecond is the rate of the endpoint, and window the time whose deliveries a leader that
	// dies may not have committed: they, and the one under way, are repeated.
	perSecond = 20
	window    = 200 * time.Millisecond
)

// The whole promise, judged by a receiver that knows nothing of this project: while the leader
// is killed every three seconds, it gets each event of the elections, in order, and can tell the
// repetitions by one number.
func TestAReceiverGetsEachEventOnceWhileTheLeaderIsKilledEveryThreeSeconds(t *testing.T) {
	t.Parallel()
	r := &receiver{}
	at := httptest.NewServer(r)
	defer at.Close()
	c := startCluster(t, at.URL)
	cl, err := client.New(c.Endpoints(), client.WithSpread(), client.WithDeadline(time.Minute), client.WithRetryPolicy(client.RetryPolicy{BudgetRatio: -1}))
	must(t, err)
	defer cl.Close()
	must(t, r.learn(subscribe(t, c, at.URL+"/hooks")))

	ctx, stop := context.WithTimeout(t.Context(), killFor)
	defer stop()
	held := make(chan int, 1)
	go func() { held <- elections(ctx, t, cl) }()
	kills := killLeaders(ctx, t, c)
	if n := <-held; n == 0 {
		t.Fatal("no election was held")
	}
	must(t, c.WaitReady(within(t, time.Minute)))

	feed := eventIDs(t, cl)
	await(t, r, len(feed))
	taken, all, wrong := r.told()
	for _, why := range append(wrong, faults(taken, all, feed, kills*int(1+perSecond*window/time.Second))...) {
		t.Error(why)
	}
	t.Logf("%d leaders killed, %d events, %d deliveries, %d of them repetitions", kills, len(feed), len(all), len(all)-len(taken))
}

func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

// startCluster starts three nodes that may call the receiver.
func startCluster(t *testing.T, receiver string) *localcluster.Cluster {
	t.Helper()
	dir := t.TempDir()
	binary := filepath.Join(dir, "voted")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "./cmd/voted")
	build.Dir = filepath.Join("..", "..")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	line, err := webhook.NewKeyLine()
	must(t, err)
	key := filepath.Join(dir, "webhook.key")
	must(t, os.WriteFile(key, []byte(line+"\n"), 0o600))
	u, err := url.Parse(receiver)
	must(t, err)
	c, err := localcluster.Start(t.Context(), localcluster.Options{Binary: binary, Nodes: 3, Dir: filepath.Join(dir, "nodes"), Args: func(int) []string {
		return []string{"--webhook-key", key, "--webhook-allow", "127.0.0.0/8", "--webhook-allow", u.Port(), "--webhook-allow-http"}
	}})
	must(t, err)
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
		for _, n := range c.Nodes {
			if t.Failed() {
				t.Logf("%s:\n%s", n.ID, n.LogTail())
			}
		}
	})
	must(t, c.WaitReady(within(t, time.Minute)))
	return c
}

// subscribe makes the webhook, and returns its secret. The first seconds of a cluster it is
// refused, until all nodes are known to read the format.
func subscribe(t *testing.T, c *localcluster.Cluster, target string) string {
	t.Helper()
	body, err := json.Marshal(map[string]any{"url": target, "types": []string{"*", "ballots.counted"}, "from": "oldest", "rate": perSecond})
	must(t, err)
	ctx := within(t, time.Minute)
	for {
		r, err := http.NewRequestWithContext(ctx, http.MethodPut, c.Nodes[0].URL+"/v1/webhooks/stranger", bytes.NewReader(body))
		must(t, err)
		r.Header.Set("Content-Type", "application/json")
		answer, err := http.DefaultClient.Do(r)
		must(t, err)
		text, err := io.ReadAll(answer.Body)
		must(t, err)
		must(t, answer.Body.Close())
		var made struct{ Secret string }
		switch {
		case answer.StatusCode == http.StatusServiceUnavailable:
			time.Sleep(100 * time.Millisecond)
		case answer.StatusCode != http.StatusCreated || json.Unmarshal(text, &made) != nil || made.Secret == "":
			t.Fatalf("the webhook is answered with %d %s", answer.StatusCode, text)
		default:
			return made.Secret
		}
	}
}

// elections holds elections until ctx ends, and returns how many. Each makes seven events, so
// they come a little slower than the endpoint takes them.
func elections(ctx context.Context, t *testing.T, cl *client.Client) int {
	pace := time.NewTicker(7 * time.Second / perSecond)
	defer pace.Stop()
	for n := 0; ; n++ {
		select {
		case <-pace.C:
		case <-ctx.Done():
			return n
		}
		id := fmt.Sprint("p", n)
		if err := election(t.Context(), cl, id); err != nil {
			t.Errorf("election %s: %v", id, err)
			return n
		}
	}
}

func election(ctx context.Context, cl *client.Client, id string) error {
	if _, err := cl.CreatePoll(ctx, client.Definition{ID: id, Quorum: 2, Options: client.Options("pizza", "sushi")}); err != nil {
		return err
	}
	for v := range 3 {
		if _, err := cl.Cast(ctx, id, fmt.Sprint("v", v), client.Choose("pizza")); err != nil {
			return err
		}
	}
	_, err := cl.ClosePoll(ctx, id)
	return err
}

// killLeaders kills the leader again and again until ctx ends, and returns how often.
func killLeaders(ctx context.Context, t *testing.T, c *localcluster.Cluster) (kills int) {
	t.Helper()
	pace := time.NewTicker(killEvery)
	defer pace.Stop()
	for {
		select {
		case <-pace.C:
		case <-ctx.Done():
			return kills
		}
		leader, err := c.Leader(within(t, time.Minute))
		must(t, err)
		must(t, leader.Kill())
		must(t, leader.Restart())
		kills++
	}
}

// eventIDs returns the ids of all events, as the feed has them.
func eventIDs(t *testing.T, cl *client.Client) (ids []string) {
	t.Helper()
	for e, err := range cl.Events(within(t, time.Minute), client.EventsQuery{Types: []string{"*", "ballots.counted"}}) {
		must(t, err)
		ids = append(ids, e.ID)
	}
	return ids
}

// await waits until the receiver has taken so many events.
func await(t *testing.T, r *receiver, want int) {
	t.Helper()
	ctx := within(t, 4*time.Minute)
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for {
		if taken, _, _ := r.told(); len(taken) >= want {
			return
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return // what is missing is said by the judge
		}
	}
}

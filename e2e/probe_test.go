package e2e

import (
	"context"
	"testing"
	"time"

	"voted/client"
	"voted/cmd/voted/probe"
	"voted/internal/localcluster"
)

// probed probes a cluster round after round until it is told to end, and counts how the rounds ended.
type probed struct {
	results map[probe.Result]int
	began   chan struct{} // one for each round that begins
	end     context.CancelFunc
	ended   chan struct{}
}

func startProbe(t *testing.T, c *localcluster.Cluster, poll string) *probed {
	t.Helper()
	createPollOf(t, c, client.Definition{ID: poll, Options: client.Options(probe.Options...)})
	p := &probe.Prober{Poll: poll, Late: time.Second}
	for _, endpoint := range c.Endpoints() {
		one, err := client.New([]string{endpoint}, client.WithDeadline(time.Minute), probe.AtOneNode())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(one.Close)
		p.Nodes = append(p.Nodes, one)
	}
	ctx, end := context.WithCancel(t.Context())
	all := &probed{results: map[probe.Result]int{}, began: make(chan struct{}), end: end, ended: make(chan struct{})}
	go func() {
		defer close(all.ended)
		for all.begin(ctx) {
			within, cancel := context.WithTimeout(ctx, time.Minute)
			result, err := p.Round(within)
			cancel()
			if ctx.Err() != nil {
				return
			}
			all.results[result]++
			if result == probe.Wrong || result == probe.Failed {
				t.Errorf("a round is %s: %v", result, err)
			}
		}
	}()
	t.Cleanup(func() { end(); <-all.ended })
	return all
}

func (p *probed) begin(ctx context.Context) bool {
	select {
	case p.began <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

// rounds waits until so many more have begun.
func (p *probed) rounds(n int) {
	for range n {
		<-p.began
	}
}

func createPollOf(t *testing.T, c *localcluster.Cluster, d client.Definition) {
	t.Helper()
	if _, err := dial(t, c.Endpoints()...).CreatePoll(t.Context(), d); err != nil {
		t.Fatal(err)
	}
}

func TestAProbeWhileLeadersDieIsLateAtMost(t *testing.T) {
	t.Parallel()
	const kills = 6
	c := start(t)
	p := startProbe(t, c, "probed")
	for range kills {
		p.rounds(3)
		victim := leaderOf(t, c)
		if err := victim.Kill(); err != nil {
			t.Fatal(err)
		}
		p.rounds(6) // each of the nodes is the first one, twice, and one of them is gone
		if err := victim.Restart(); err != nil {
			t.Fatal(err)
		}
		ready(t, c)
	}
	p.end()
	<-p.ended
	t.Logf("while %d leaders died: %v", kills, p.results)
}

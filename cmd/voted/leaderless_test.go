package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestWithoutALeaderStaleResultsAreShownAndAllElseSaysWhyItCannot(t *testing.T) {
	t.Parallel()
	// given a poll, and a node that is alone
	cluster := startCluster(t, 3, "")
	node := cluster.Nodes[0]
	at(node.URL, "poll", "create", "t", "Thai food", "pizza").want(t, 0)
	at(node.URL, "cast", "t", "v1", "pizza").want(t, 0)
	at(node.URL, "results", "t", "--stale").want(t, 0, "Thai food")
	for _, other := range cluster.Nodes[1:] {
		if err := other.Kill(); err != nil {
			t.Fatal(err)
		}
	}
	// then what asks for no leader works, though the titles do not come
	at(node.URL, "results", "t", "--stale").want(t, 0, "thai-food", "pizza", "1 ballot", "as node "+node.ID+" has it")
	at(node.URL, "results", "t", "--stale", "--json").want(t, 0, `"ballots":1`)
	at(node.URL, "results", "none", "--stale").want(t, 1, "there is no such poll")
	// and the rest says why it does not, however its time is cut up into tries
	for _, timeout := range []time.Duration{4 * time.Second, 4700 * time.Millisecond} {
		for _, command := range []string{"results t", "cast t v2 pizza", "poll create u a b"} {
			t.Run(command+" within "+timeout.String(), func(t *testing.T) {
				t.Parallel()
				args := append(strings.Fields(command), "--timeout", timeout.String())
				at(node.URL, args...).want(t, 1, "see which nodes are down")
			})
		}
	}
}

func TestAHandOverIsShownOnceTheNodeHearsTheNewLeader(t *testing.T) {
	t.Parallel()
	const cluster = `{"leader":%q,"summary":%q,"members":[{"id":"n1","state":"follower","healthy":true,"role":"voter"},{"id":"n2","state":"follower","healthy":true,"role":"voter"}]}`
	var handed atomic.Bool
	var looks atomic.Int32
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch {
		case r.Method == http.MethodPost:
			handed.Store(true)
			w.WriteHeader(http.StatusNoContent)
		case !handed.Load():
			fmt.Fprintf(w, cluster, "n1", "")
		case looks.Add(1) < 4:
			fmt.Fprintf(w, cluster, "", "This node has no contact with a leader.")
		default:
			fmt.Fprintf(w, cluster, "n2", "")
		}
	}))
	t.Cleanup(s.Close)
	got := at(s.URL, "cluster", "lead", "n2").want(t, 0, "leadership was handed over", "leader n2")
	if strings.Contains(got.out, "no leader") {
		t.Errorf("a hand-over looks like an outage:\n%s", got.out)
	}
}

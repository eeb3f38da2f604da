package e2e_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"voted/bridge/feed"
	"voted/bridge/health"
	"voted/bridge/jetstream"
	"voted/bridge/natstest"
	"voted/client"
)

// pruned answers as a node of cluster c whose journal has 100 events, of which the first ones are
// dropped once 20 were read: no real one drops any before it has 65,536.
func pruned(oldest *atomic.Uint64) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/cluster", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"cluster_id":"c"}`)
	})
	mux.HandleFunc("GET /v1/events", func(w http.ResponseWriter, r *http.Request) {
		after, _ := strconv.ParseUint(strings.TrimPrefix(r.FormValue("after"), "evt_c_"), 10, 64)
		first := oldest.Swap(61)
		if after+1 < first {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusGone)
			fmt.Fprintf(w, `{"code":"events_gone","oldest":%d,"newest":100}`, first)
			return
		}
		var events []string
		for n := after + 1; n <= min(after+20, 100); n++ {
			events = append(events, fmt.Sprintf(`{"specversion":"1.0","id":"evt_c_%[1]d","type":"poll.closed","sequence":"%[1]d","index":"%[1]d"}`, n))
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"cluster_id":"c","oldest":%d,"newest":100,"next":%d,"events":[%s]}`, first, min(after+20, 100), strings.Join(events, ","))
	})
	return mux
}

func TestEventsThatAreNoLongerKeptAreAMessageInTheirPlace(t *testing.T) {
	t.Parallel()
	var oldest atomic.Uint64
	oldest.Store(1)
	node := httptest.NewServer(pruned(&oldest))
	t.Cleanup(node.Close)
	r := &rig{t: t, broker: natstest.Start(t)}
	nodes, err := client.New([]string{node.URL})
	r.check(err)
	t.Cleanup(nodes.Close)
	conn, err := jetstream.Dial(jetstream.Access{URLs: []string{r.broker.URL()}, Log: slog.New(slog.DiscardHandler), Lost: func(error) {}})
	r.check(err)
	t.Cleanup(conn.Close)
	sink, err := conn.Sink(jetstream.Target{Subject: "voted.c.events", ByType: true, Create: 1, Name: "voted-c-events"})
	r.check(err)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	f := feed.New(feed.Options{
		Name: "events", Journal: feed.NewEvents(nodes, "c"), Sink: &counted{Sink: sink, left: 20 + 1 + 40, all: stop},
		Log: slog.New(slog.DiscardHandler), Metrics: feed.NewMetrics(prometheus.NewRegistry()), State: &health.State{},
	})
	r.check(f.Run(ctx))
	var got []string
	for _, m := range r.messages("voted.c.events.>") {
		got = append(got, strings.TrimPrefix(m.Subject(), "voted.c.events.")+" "+m.Headers().Get("Voted-Sequence"))
	}
	if len(got) != 61 || got[19] != "poll.closed 20" || got[20] != "events.missed 60" || got[21] != "poll.closed 61" || got[60] != "poll.closed 100" {
		t.Errorf("the stream has %q", got)
	}
}

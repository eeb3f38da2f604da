package api

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-json-experiment/json"

	"voted/internal/history"
	"voted/internal/refusal"
	"voted/internal/survey"
)

// watchCluster begins a stream of the cluster.
func (g *rig) watchCluster(change ...func(w *watcher, r *http.Request) *http.Request) *watcher {
	to := func(_ *watcher, r *http.Request) *http.Request {
		r.URL.Path = "/v1/cluster/stream"
		return r
	}
	return g.watch("p", append(change, to)...)
}

// events of the cluster that it got so far.
func (w *watcher) looks() (events []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, b := range w.blocks {
		if data, is := strings.CutPrefix(b, "event: cluster\ndata: "); is {
			events = append(events, data)
		}
	}
	return events
}

func TestAllWhoWatchTheClusterShareOneLookASecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		kept := history.NewRecorder()
		g := newRig(t, func(o *Options) { o.Chronicle = kept })
		t.Cleanup(g.h.Close)
		kept.Note(history.Event{Kind: history.Started, Member: "n1", Text: "n1 started."})
		lines := func(_ *watcher, r *http.Request) *http.Request {
			return r.WithContext(WithRendering(r.Context(), Rendering{Name: "events", Render: func(data []byte) ([]byte, error) {
				var all struct {
					History struct{ Events []history.Event }
				}
				err := json.Unmarshal(data, &all, json.MatchCaseInsensitiveNames(true))
				return []byte(strings.Repeat("x", len(all.History.Events))), err
			}}))
		}
		var crowd, forms []*watcher
		for range 100 {
			crowd, forms = append(crowd, g.watchCluster()), append(forms, g.watchCluster(lines))
		}
		time.Sleep(20 * time.Second)
		kept.Note(history.Event{Kind: history.LeaderLost, Member: "n2", Text: "n2 no longer leads."})
		time.Sleep(2 * time.Second)
		// Each look has two forms.
		if n := g.encodings(); n < 40 || n > 48 {
			t.Errorf("200 streams of 22 seconds took %d encodings", n)
		}
		for i := range crowd {
			plain, own := crowd[i].looks(), forms[i].looks()
			if len(plain) < 20 || len(own) < 20 {
				t.Fatalf("in 22 seconds streams got %d and %d events", len(plain), len(own))
			}
			// A rendering sees the whole history, the API's own event the end of it.
			if last := plain[len(plain)-1]; !strings.Contains(last, `"leader":"n2"`) || !strings.Contains(last, "no longer leads") || strings.Contains(last, "n1 started") {
				t.Fatalf("the last event is %s", last)
			}
			if own[len(own)-1] != "xx" {
				t.Fatalf("the last event of a rendering is %s", own[len(own)-1])
			}
		}
	})
}

func TestTheClusterIsWatchedWithoutALeaderAndUntilTheNodeEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, func(o *Options) { o.Chronicle = history.NewRecorder() })
		t.Cleanup(g.h.Close)
		g.b.set(func(b *backend) {
			b.fault, b.leader = refusal.New(refusal.Unavailable, "This node waits."), ""
		})
		w := g.watchCluster()
		if got := w.looks(); len(got) != 1 || !strings.HasPrefix(got[0], `{"problem":"This node waits.","history":{"node":"n1"`) {
			t.Fatalf("without a status it says %q", got)
		}
		g.b.set(func(b *backend) { b.fault = errors.New("a secret of this machine") })
		time.Sleep(2 * time.Second)
		if got := w.looks(); strings.Contains(got[len(got)-1], "secret") {
			t.Errorf("an unexpected error is shown: %s", got[len(got)-1])
		}
		g.b.set(func(b *backend) { b.fault, b.members = nil, survey.Status{Summary: "No member leads."} })
		time.Sleep(2 * time.Second)
		if got := w.looks(); !strings.Contains(got[len(got)-1], `"summary":"No member leads.","findings":[]`) {
			t.Errorf("with a status it says %s", got[len(got)-1])
		}
		g.h.Drain()
		<-w.gone
	})
}

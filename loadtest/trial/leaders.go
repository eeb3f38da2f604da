package trial

import (
	"context"
	"io"
	"net/http"
	"sync"
	"time"

	"voted/client"
	"voted/harness/wire"
	"voted/loadtest/fault"
	"voted/loadtest/report"
)

const (
	// lookEvery is the time between two looks at a node: who leads? A look costs the node
	// about as much as the HTTP of a ballot does.
	lookEvery = 20 * time.Millisecond
	// lookTime bounds one look: a paused node must not hold up the next one.
	lookTime = 500 * time.Millisecond
)

// lookPath names a poll that does not exist. Every answer to a client that a node knows
// names the leader, and this answer a node gives at once, without asking another node.
const lookPath = "/v1/polls/no-such-poll/results?consistency=stale"

// leaders watches who leads, by what the nodes say in every answer.
type leaders struct {
	start  time.Time
	access wire.Access
	meter  *fault.Meter
	work   sync.WaitGroup
	mu     sync.Mutex
	says   map[string]string // by endpoint: the leader that the node named last; guarded by mu
	lane   []report.Reign    // guarded by mu
}

// watch looks at each endpoint until ctx ends.
func (l *leaders) watch(ctx context.Context, endpoints []string) {
	l.says = map[string]string{}
	c := &http.Client{Timeout: lookTime, Transport: client.Connect(&http.Transport{MaxIdleConnsPerHost: 1}, l.access.TLS)}
	for _, e := range endpoints {
		l.work.Go(func() { // ends with ctx
			tick := time.NewTicker(lookEvery)
			defer tick.Stop()
			for {
				select {
				case <-tick.C:
				case <-ctx.Done():
					return
				}
				l.look(ctx, c, e)
			}
		})
	}
	context.AfterFunc(ctx, c.CloseIdleConnections)
}

// look asks a node who leads.
func (l *leaders) look(ctx context.Context, c *http.Client, endpoint string) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, endpoint+lookPath, nil)
	if err != nil {
		return
	}
	l.access.Authorize(req)
	resp, err := c.Do(req)
	if err != nil {
		l.note(endpoint, "", "")
		return
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	l.note(endpoint, resp.Header.Get("Voted-Node"), resp.Header.Get("Voted-Leader"))
}

// note enters the leader that a node names. The one that leads is the one that more than
// half of the nodes name.
func (l *leaders) note(endpoint, node, leader string) {
	at := time.Since(l.start)
	if leader != "" {
		l.meter.LeaderNamed(at, node, leader)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.says[endpoint] == leader && len(l.lane) > 0 {
		return
	}
	l.says[endpoint] = leader
	named := map[string]int{}
	most := ""
	for _, x := range l.says {
		named[x]++
		if x != "" && named[x]*2 > len(l.says) {
			most = x
		}
	}
	if n := len(l.lane); n > 0 {
		if l.lane[n-1].Leader == most {
			return
		}
		l.lane[n-1].ToMS = report.Milliseconds(at)
	}
	l.lane = append(l.lane, report.Reign{Leader: most, FromMS: report.Milliseconds(at)})
}

// now returns who leads; empty if no majority of the nodes names the same member.
func (l *leaders) now() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := len(l.lane); n > 0 {
		return l.lane[n-1].Leader
	}
	return ""
}

// reigns returns who led from the start to a time.
func (l *leaders) reigns(until time.Duration) []report.Reign {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := append([]report.Reign(nil), l.lane...)
	if n := len(all); n > 0 {
		all[n-1].ToMS = report.Milliseconds(until)
	}
	return all
}

package trial

import (
	"context"
	"io"
	"net/http"
	"sync"
	"time"

	"voted/client"
	"voted/loadtest/fault"
	"voted/loadtest/report"
	"voted/loadtest/wire"
)

const (
	// lookEvery is how often each node is asked who leads. A look costs a node
	// about as much as a ballot's HTTP does.
	lookEvery = 20 * time.Millisecond
	// lookTime bounds one look: a paused node must not hold the next one.
	lookTime = 500 * time.Millisecond
)

// leaders watches who leads, by what the nodes say in every answer.
type leaders struct {
	start  time.Time
	access wire.Access
	meter  *fault.Meter
	work   sync.WaitGroup
	mu     sync.Mutex
	says   map[string]string // leader by endpoint, as last heard
	lane   []report.Reign    // under mu
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

func (l *leaders) look(ctx context.Context, c *http.Client, endpoint string) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, endpoint+"/livez", nil)
	if err != nil {
		return
	}
	l.access.Authorize(req)
	resp, err := c.Do(req)
	if err != nil {
		l.heard(endpoint, "", "")
		return
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	l.heard(endpoint, resp.Header.Get("Voted-Node"), resp.Header.Get("Voted-Leader"))
}

// heard notes what a node says; the leader is whom most of all nodes name.
func (l *leaders) heard(endpoint, node, leader string) {
	at := time.Since(l.start)
	if leader != "" {
		l.meter.Led(at, node, leader)
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

// now returns who leads, empty if no majority names anybody.
func (l *leaders) now() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := len(l.lane); n > 0 {
		return l.lane[n-1].Leader
	}
	return ""
}

// reigns returns the lane up to a time.
func (l *leaders) reigns(until time.Duration) []report.Reign {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := append([]report.Reign(nil), l.lane...)
	if n := len(all); n > 0 {
		all[n-1].ToMS = report.Milliseconds(until)
	}
	return all
}

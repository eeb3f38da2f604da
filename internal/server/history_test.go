package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"voted/internal/history"
	"voted/internal/survey"
)

// past is what a node remembers.
func (c *trio) past(node string) (h history.History) {
	c.t.Helper()
	_, body := c.do(node, http.MethodGet, "/v1/cluster/history", "")
	must(c.t, json.Unmarshal([]byte(body), &h))
	return h
}

func TestEveryNodeRemembersWhoLedAndHowLongNothingWasCounted(t *testing.T) {
	t.Parallel()
	c := newTrio(t, func(*Options) {})
	follower, leader := c.places()
	c.do(follower, http.MethodPut, "/v1/polls/p", `{"options":["a","b"]}`)
	// Given ballots that come all the time, some of them twice,
	stop := make(chan struct{})
	var casting sync.WaitGroup
	casting.Go(func() {
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			default:
			}
			for range 1 + n%2 {
				c.do(follower, http.MethodPut, fmt.Sprintf("/v1/polls/p/ballots/v%d", n), `{"selections":["a"]}`)
			}
		}
	})
	defer func() {
		close(stop)
		casting.Wait()
	}()
	c.eventually("ballots are sampled", func() bool {
		for _, s := range c.past(follower).Samples {
			if s.Counted > 0 && s.Replayed > 0 && s.Cast != nil && s.Clients > 0 {
				return true
			}
		}
		return false
	})
	// when leadership is handed to the node that takes them,
	c.eventually("leadership is handed on", func() bool {
		resp, _ := c.do(follower, http.MethodPost, "/v1/cluster/leader", `{"id":"`+follower+`"}`)
		return resp.StatusCode < 300
	})
	// then all nodes know when that was, and how long no ballot was counted.
	for id := range c.nodes {
		c.eventually("all is remembered at "+id, func() bool {
			var lost, elected, first bool
			for _, e := range c.past(id).Events {
				lost = lost || e.Kind == history.LeaderLost && e.Member == leader
				elected = elected || e.Kind == history.LeaderElected && e.Member == follower && e.Term > 0
				first = first || e.Kind == history.FirstBallot && e.Member == follower && e.Took > 0 && e.Took < 30_000
			}
			return lost && elected && first && c.past(id).Events[0].Kind == history.Started
		})
	}
	// And the others see what it does.
	c.eventually("its work is in the status of the others", func() bool {
		_, body := c.do(leader, http.MethodGet, "/v1/cluster", "")
		var s survey.Status
		must(t, json.Unmarshal([]byte(body), &s))
		for _, m := range s.Members {
			if m.ID == follower && m.BallotsPerSecond > 0 && m.CastP99 > 0 && m.CommitIndex > 0 {
				return true
			}
		}
		return false
	})
	// And each node knows of the repetitions that another one recognised.
	for id := range c.nodes {
		if _, body := c.do(id, http.MethodGet, "/v1/polls/p/results/repeats", ""); strings.Contains(body, `"recognised":0,`) || !strings.Contains(body, `"answered":3`) {
			t.Errorf("%s says %s", id, body)
		}
		if _, body := c.do(id, http.MethodGet, "/v1/polls/p/ballots/v0/holders", ""); !strings.Contains(body, `"others":[],"needed":2`) {
			t.Errorf("%s says %s", id, body)
		}
	}
}

func TestASampleCostsLittle(t *testing.T) {
	t.Parallel()
	c := newTrio(t, func(*Options) {})
	node := c.nodes["n1"]
	start := time.Now()
	const times = 200
	for range times {
		node.reading()
	}
	// A hundredth of a second each would be one per cent of a processor.
	if each := time.Since(start) / times; each > 10*time.Millisecond {
		t.Errorf("a sample takes %v", each)
	}
}

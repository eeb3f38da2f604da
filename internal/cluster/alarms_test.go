package cluster_test

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"voted/internal/cluster"
	"voted/internal/poll"
)

// alarms are those that a member's journal tells, in order.
func alarms(n *cluster.Node) (told []string) {
	n.Read(func(s *poll.State) {
		oldest, _ := s.EventSpan()
		page, _, _ := s.Events(oldest-1, 1000, func(k poll.EventKind, _ string) bool { return k == poll.AlarmRaised || k == poll.AlarmOver })
		for _, e := range page {
			note, _ := s.AlarmNumber(e.A)
			told = append(told, fmt.Sprintf("%s %s %s", strings.TrimPrefix(e.Kind.String(), "cluster."), note.Kind, note.Member))
		}
	})
	return told
}

// awaitAlarms waits until every member tells so many alarms, and compares them.
func (c *testCluster) awaitAlarms(want ...string) {
	c.t.Helper()
	ctx := ctxFor(c.t, 2*time.Minute)
	for id, n := range c.nodes {
		for at := n.Index(); len(alarms(n)) < len(want); at = n.Index() {
			if err := n.Changed(ctx, at); err != nil {
				c.t.Fatalf("%s tells %q, want %q", id, alarms(n), want)
			}
		}
		if got := alarms(n); !slices.Equal(got, want) {
			c.t.Fatalf("%s tells %q, want %q", id, got, want)
		}
	}
}

func TestAMemberThatGoesAwayIsAnAlarmOnEveryMemberAndItsReturnIsTheEnd(t *testing.T) {
	t.Parallel()
	var ahead atomic.Int64
	now := func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	c := newTestClusterWith(t, 3, func(_ string, o *cluster.Options) { o.Now = now })
	c.awaitLevel(poll.WebhookLevel)
	// Given a member that is away,
	leader := c.leader()
	away := c.any(leader).ID()
	c.stop(away)
	c.awaitAlarms("alarm away " + away)
	// when another leads, which finds the same,
	if err := c.nodes[leader].HandOver(ctxFor(t, 20*time.Second)); err != nil {
		t.Fatal(err)
	}
	c.leader()
	// and the member comes back, more than a minute later,
	ahead.Store(int64(poll.AlarmPause+1000) * int64(time.Millisecond))
	c.start(away, c.addrOf(away), func(o *cluster.Options) { o.Cluster, o.Now = c.servers, now })
	// then each is told once.
	c.awaitAlarms("alarm away "+away, "recovered away "+away)
}

// looks counts how often a member is looked at.
type looks struct {
	room
	seen atomic.Int64
}

func (l *looks) Free() (uint64, bool) {
	l.seen.Add(1)
	return l.room.Free()
}

// awaitLooks waits until this member has been looked at so many more times, by itself and by the others.
func (l *looks) awaitLooks(t *testing.T, times int64) {
	t.Helper()
	const every = 10 * time.Millisecond
	for end, until := l.seen.Load()+times, time.Now().Add(2*time.Minute); l.seen.Load() < end; time.Sleep(every) {
		if time.Now().After(until) {
			t.Fatal("nobody looks any longer")
		}
	}
}

// manyLooks are more than make an alarm, though two members look at each.
const manyLooks = 60

func TestNoAlarmIsToldWhileDisksAreFullAndOneIsAfterwards(t *testing.T) {
	t.Parallel()
	rooms := map[string]*looks{"n1": {}, "n2": {}, "n3": {}}
	c := newTestClusterWith(t, 3, func(id string, o *cluster.Options) { o.Space = rooms[id] })
	c.awaitLevel(poll.WebhookLevel)
	leader := c.leader()
	for _, r := range rooms {
		r.low.Store(true)
	}
	rooms[leader].awaitLooks(t, 8)
	away := c.any(leader).ID()
	c.stop(away)
	rooms[leader].awaitLooks(t, manyLooks)
	c.awaitAlarms()
	for _, r := range rooms {
		r.low.Store(false)
	}
	c.awaitAlarms("alarm away " + away)
}

func TestNoAlarmIsToldThatAMemberCouldNotRead(t *testing.T) {
	t.Parallel()
	rooms := map[string]*looks{"n1": {}, "n2": {}, "n3": {}}
	c := newTestClusterWith(t, 3, func(id string, o *cluster.Options) {
		o.Space, o.FormatLevel = rooms[id], poll.WebhookLevel-1
	})
	c.awaitLevel(poll.WebhookLevel - 1)
	leader := c.leader()
	away := c.any(leader).ID()
	c.stop(away)
	rooms[leader].awaitLooks(t, manyLooks)
	c.awaitAlarms()
	if c.nodes[leader].Failure() != nil {
		t.Error(c.nodes[leader].Failure())
	}
}

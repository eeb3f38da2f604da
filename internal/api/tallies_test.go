package api

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"voted/internal/poll"
	"voted/internal/refusal"
)

// tallyMeter counts how often a poll is counted, by the log index of its last change. While
// gate is not nil, a count waits there: with its ballots copied, and before it is tabulated.
type tallyMeter struct {
	inner func(id string) (poll.Count, error)

	mu    sync.Mutex
	calls map[uint64]int // guarded by mu
	gate  chan struct{}  // guarded by mu
	now   int            // guarded by mu; how many wait at the gate
	most  int            // guarded by mu; the most there were
}

// measured puts a tallyMeter between the tallies of a handler and the state.
func measured(g *rig) *tallyMeter {
	m := &tallyMeter{inner: g.h.count, calls: map[uint64]int{}}
	g.h.tallies.count = m.count
	return m
}

func (m *tallyMeter) count(id string) (poll.Count, error) {
	c, err := m.inner(id)
	m.mu.Lock()
	m.calls[c.Changed]++
	gate := m.gate
	m.now++
	m.most = max(m.most, m.now)
	m.mu.Unlock()
	if gate != nil {
		<-gate
	}
	m.mu.Lock()
	m.now--
	m.mu.Unlock()
	return c, err
}

// hold makes counts wait until release is called.
func (m *tallyMeter) hold() (release func()) {
	gate := make(chan struct{})
	m.mu.Lock()
	defer m.mu.Unlock()
	m.gate = gate
	return func() {
		m.mu.Lock()
		m.gate = nil
		m.mu.Unlock()
		close(gate)
	}
}

func (m *tallyMeter) waiting() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now
}

// total is how many counts there were, and repeated how many of a change that had been
// counted before.
func (m *tallyMeter) total() (total, repeated int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, n := range m.calls {
		total, repeated = total+n, repeated+n-1
	}
	return total, repeated
}

// eventually looks until something is so.
func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !so(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it never came to this: " + what)
		}
	}
}

// asked is how often tallies were asked for.
func (g *rig) asked() uint64 {
	g.h.tallies.mu.Lock()
	defer g.h.tallies.mu.Unlock()
	return g.h.tallies.uses
}

// allAsk asks for a poll's results many times at once, and returns how often it was
// counted for that. Nobody gets an answer before all have asked.
func allAsk(t *testing.T, g *rig, m *tallyMeter, ask func() error) (counted int) {
	t.Helper()
	const readers = 200
	release := m.hold()
	before, _ := m.total()
	var group sync.WaitGroup
	var asking sync.WaitGroup
	asking.Add(readers)
	for range readers {
		group.Go(func() {
			asking.Done()
			if err := ask(); err != nil {
				t.Error(err)
			}
		})
	}
	asking.Wait()
	eventually(t, "all ask, or all count", func() bool { return g.asked() >= readers || m.waiting() == readers })
	release()
	group.Wait()
	after, _ := m.total()
	return after - before
}

func TestATallyIsMadeOnceForAnIndexHoweverManyAsk(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.poll("p", ranked)
	g.cast("p", "v", `{"ranking":["ann","bo"]}`)
	m := measured(g)
	info, index, err := g.h.info("p")
	if err != nil {
		t.Fatal(err)
	}
	shared := func() error {
		s, err := g.h.standing(t.Context(), info, index)
		if err == nil && s.Ballots != 1 {
			err = fmt.Errorf("it has %d ballots", s.Ballots)
		}
		return err
	}
	if n := allAsk(t, g, m, shared); n != 1 {
		t.Errorf("200 requests at once made %d tallies", n)
	}
	// The control: if each reader counts, the tallyMeter sees it.
	alone := func() error {
		_, err := g.h.tallies.tally("p", new(poll.Comparisons))
		return err
	}
	if n := allAsk(t, g, m, alone); n != 200 {
		t.Errorf("200 readers that share nothing made %d tallies: the tallyMeter does not count", n)
	}
}

func TestRequestsAndStreamsNeverCountOneIndexTwice(t *testing.T) {
	t.Parallel()
	for _, c := range [][2]string{{"schulze", `{"ranking":["ann","bo"]}`}, {"approval", `{"selections":["ann","bo"]}`}} {
		t.Run(c[0], func(t *testing.T) { neverTwice(t, c[0], c[1]) })
	}
}

func neverTwice(t *testing.T, method, ballot string) {
	t.Parallel()
	g := newRig(t)
	g.poll("p", `{"options":["ann","bo","cy"],"method":"`+method+`"}`)
	m := measured(g)
	ctx, leave := context.WithCancel(t.Context())
	var streams sync.WaitGroup
	for range 20 {
		streams.Go(func() {
			r := httptest.NewRequest("GET", "/v1/polls/p/results/stream", nil).WithContext(ctx)
			g.h.ServeHTTP(httptest.NewRecorder(), r)
		})
	}
	var readers sync.WaitGroup
	for n := range 30 {
		readers.Go(func() {
			g.cast("p", fmt.Sprint("v", n), ballot)
			if n := g.do("GET", "/v1/polls/p/results", "").want(200).json()["ballots"].(float64); n < 1 {
				t.Errorf("a reader sees %v ballots, not even its own", n)
			}
		})
	}
	readers.Wait()
	leave()
	streams.Wait()
	if total, repeated := m.total(); repeated != 0 || total > 31 {
		t.Errorf("%d tallies of 31 states were made, %d of them again", total, repeated)
	}
}

func TestAReaderThatLeavesDoesNotEndTheTallyForOthers(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.poll("p", ranked)
	g.cast("p", "v", `{"ranking":["ann","bo"]}`)
	m := measured(g)
	release := m.hold()
	info, index, err := g.h.info("p")
	if err != nil {
		t.Fatal(err)
	}
	ctx, leave := context.WithCancel(t.Context())
	left := make(chan error)
	go func() {
		_, err := g.h.standing(ctx, info, index)
		left <- err
	}()
	eventually(t, "a tally is being made", func() bool { return m.waiting() == 1 })
	leave()
	if refused := new(refusal.Error); !errors.As(<-left, &refused) || refused.Code != refusal.Unavailable {
		t.Errorf("who leaves gets %v", refused)
	}
	// Ballots are counted while it is made: it holds no lock.
	g.cast("p", "w", `{"ranking":["bo"]}`)
	release()
	eventually(t, "the tally is kept", func() bool {
		g.h.tallies.mu.Lock()
		defer g.h.tallies.mu.Unlock()
		return g.h.tallies.polls["p"].latest != nil
	})
	g.do("GET", "/v1/polls/p/results", "").want(200).holds(`"ballots":2`)
	if total, repeated := m.total(); total != 2 || repeated != 0 {
		t.Errorf("%d tallies of two states were made, %d of them again", total, repeated)
	}
}

func TestNoMoreTalliesAreMadeAtATimeThanThereArePlaces(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	const polls = maxTalliesAtOnce + 5
	for n := range polls {
		g.poll(fmt.Sprint("p", n), ranked)
	}
	m := measured(g)
	release := m.hold()
	var group sync.WaitGroup
	for n := range polls {
		group.Go(func() { g.do("GET", fmt.Sprintf("/v1/polls/p%d/results", n), "").want(200) })
	}
	eventually(t, "all ask, and the places are taken", func() bool { return g.asked() == polls && m.waiting() == maxTalliesAtOnce })
	// Polls that keep their sums wait for none of them.
	g.poll("additive", twoOptions)
	m.mu.Lock()
	held := m.gate
	m.gate = nil
	m.mu.Unlock()
	g.do("GET", "/v1/polls/additive/results", "").want(200)
	m.mu.Lock()
	m.gate = held
	m.most = m.now
	m.mu.Unlock()
	release()
	group.Wait()
	if m.most != maxTalliesAtOnce {
		t.Errorf("%d tallies were made at a time", m.most)
	}
}

func TestATallyThatFailsIsAnErrorForAllWhoWaitAndIsMadeAgain(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.poll("p", ranked)
	inner := g.h.tallies.count
	g.h.tallies.count = func(string) (poll.Count, error) { panic("a bug") }
	g.do("GET", "/v1/polls/p/results", "").want(500).code("internal").lacks("a bug")
	if n := len(g.h.tallies.polls); n != 0 {
		t.Errorf("%d polls are kept after a tally that failed", n)
	}
	g.h.tallies.count = inner
	g.do("GET", "/v1/polls/p/results", "").want(200)
}

func TestCloseWaitsForTheTallyThatIsBeingMade(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.poll("p", ranked)
	m := measured(g)
	release := m.hold()
	var reader, closing sync.WaitGroup
	reader.Go(func() { g.do("GET", "/v1/polls/p/results", "").want(200) })
	eventually(t, "a tally is being made", func() bool { return m.waiting() == 1 })
	closed := make(chan struct{})
	closing.Go(func() { g.h.Close(); close(closed) })
	eventually(t, "no further tally begins", func() bool {
		g.h.tallies.mu.Lock()
		defer g.h.tallies.mu.Unlock()
		return g.h.tallies.closed
	})
	select {
	case <-closed:
		t.Error("it is closed while a tally is being made")
	default:
	}
	release()
	reader.Wait()
	closing.Wait()
	g.cast("p", "v", `{"ranking":["ann"]}`)
	g.do("GET", "/v1/polls/p/results", "").want(503).code("unavailable")
}

func TestTalliesOfADeletedPollAreForgotten(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.poll("p", ranked)
	info, index, err := g.h.info("p")
	if err != nil {
		t.Fatal(err)
	}
	g.close("p")
	g.do("DELETE", "/v1/polls/p", "").want(204)
	info.Changed = 1 << 40 // as a request has that looked before
	_, err = g.h.standing(t.Context(), info, index)
	if refused := new(refusal.Error); !errors.As(err, &refused) || refused.Code != refusal.PollNotFound {
		t.Errorf("got %v", err)
	}
	if n := len(g.h.tallies.polls); n != 0 {
		t.Errorf("%d polls are kept", n)
	}
}

func TestThePollsAskedForLongestAgoMakeRoom(t *testing.T) {
	t.Parallel()
	const part = maxCachedTallyBytes / 4
	tallies := &tallies{polls: map[string]*tallied{}}
	add := func(id string, bytes int) {
		tallies.uses++
		e := &tallied{latest: &standing{}, bytes: bytes, used: tallies.uses}
		tallies.polls[id], tallies.bytes = e, tallies.bytes+bytes
		tallies.makeRoom(e)
	}
	add("first", part)
	add("second", part)
	add("third", part)
	tallies.uses++
	tallies.polls["first"].used = tallies.uses
	add("fourth", 2*part)
	if tallies.polls["second"] != nil || tallies.polls["first"] == nil || tallies.polls["third"] == nil || tallies.bytes != 4*part {
		t.Errorf("%v are left with %d bytes", tallies.polls, tallies.bytes)
	}
	add("larger than all", 9*part)
	if len(tallies.polls) != 1 || tallies.bytes != 9*part {
		t.Errorf("%v are left with %d bytes", tallies.polls, tallies.bytes)
	}
}

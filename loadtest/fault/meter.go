package fault

import (
	"slices"
	"sync"
	"time"
)

// Event is a fault as it happened. Times are since the start of the load.
type Event struct {
	Kind   Kind   `json:"kind"`
	Target string `json:"target"` // the node it hit, or "all"
	Detail string `json:"detail,omitempty"`
	At     time.Duration
	Healed time.Duration // when it was mended: restarted, continued, let through
	Steady time.Duration // when the cluster was whole again and steady
	// Elected is when a survivor first named a new leader, Committed when the
	// first ballot was acknowledged after that; 0: there was none.
	Elected, Committed time.Duration
	// Unavailable is the longest time in which no survivor acknowledged a ballot
	// by a commit of its own, from the fault until steady.
	Unavailable time.Duration
	// GapFrom is when that time begins.
	GapFrom time.Duration
	// Errors is how many requests ended without an answer in that time.
	Errors int
	// Leader is the node that led before the fault.
	Leader string
	// Failed says why the cluster did not come back.
	Failed string `json:"failed,omitempty"`
}

// OnLeader reports whether the fault takes the leader away.
func (e *Event) OnLeader() bool {
	return e.Kind.OnLeader() || e.Kind == Move && e.Target == e.Leader
}

// Meter measures the faults from the acknowledgements that clients see. It is safe
// for concurrent use.
type Meter struct {
	mu     sync.Mutex // guards what follows
	events []Event
	hit    map[string]bool // nodes that the fault under way hit
	open   bool            // a fault is under way
	acks   []time.Duration // by survivors, since the fault
	// Outside faults: the last acknowledgement, and the longest time without one.
	last, stalled, stalledAt time.Duration
	over                     time.Duration // when the load ended; 0: it goes on
}

// Begin opens a fault. hit are the nodes that it takes away; their answers do not count,
// unless it takes away all nodes.
func (m *Meter) Begin(e Event, hit ...string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.endGap(e.At)
	m.events = append(m.events, e)
	m.hit = map[string]bool{}
	for _, n := range hit {
		m.hit[n] = true
	}
	m.open, m.acks = true, m.acks[:0]
}

// Acknowledged notes that a node acknowledged a ballot by a commit. Node is empty if the
// answer does not name it.
func (m *Meter) Acknowledged(at time.Duration, node string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case !m.open:
		m.endGap(at)
	case !m.hit[node]:
		m.acks = append(m.acks, at)
	}
}

// endGap ends a time without acknowledgements outside faults: a ballot was acknowledged, or
// a fault begins. The caller holds m.mu.
func (m *Meter) endGap(at time.Duration) {
	if gap := at - m.last; gap > m.stalled {
		m.stalled, m.stalledAt = gap, m.last
	}
	m.last = max(m.last, at)
}

// LoadOver notes that sending has ended: no acknowledgements are expected from now on.
func (m *Meter) LoadOver(at time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.over = at
}

// loaded reports whether the load goes on.
func (m *Meter) loaded() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.over == 0
}

// Stalled returns the longest time without an acknowledgement while no fault was
// under way, and when it began.
func (m *Meter) Stalled() (longest, at time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.stalled, m.stalledAt
}

// Failed notes a request that ended without an answer.
func (m *Meter) Failed() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.open {
		m.events[len(m.events)-1].Errors++
	}
}

// LeaderNamed notes which leader a node names.
func (m *Meter) LeaderNamed(at time.Duration, node, leader string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.open || leader == "" || m.hit[node] {
		return
	}
	e := &m.events[len(m.events)-1]
	if e.Elected == 0 && e.OnLeader() && leader != e.Leader && at > e.At {
		e.Elected = at
	}
}

// Mended notes that the fault has been mended.
func (m *Meter) Mended(at time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.events[len(m.events)-1].Healed = at
}

// End closes the fault; failed says why the cluster did not come back, or is empty.
func (m *Meter) End(at time.Duration, failed string) Event {
	m.mu.Lock()
	defer m.mu.Unlock()
	e := &m.events[len(m.events)-1]
	e.Steady, e.Failed, m.open, m.last = at, failed, false, at
	if m.over > 0 {
		at = min(at, m.over)
	}
	slices.Sort(m.acks) // they come from many goroutines
	last := e.At
	for _, ack := range append(m.acks, at) {
		if ack <= e.At {
			continue
		}
		if gap := ack - last; gap > e.Unavailable {
			e.Unavailable, e.GapFrom = gap, last
		}
		last = ack
		if e.Committed == 0 && e.Elected != 0 && ack >= e.Elected && ack < at {
			e.Committed = ack
		}
	}
	return *e
}

// Events returns the faults so far.
func (m *Meter) Events() []Event {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.events)
}

// UnderWay returns the fault that is not over, if there is one.
func (m *Meter) UnderWay() (Event, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.open {
		return Event{}, false
	}
	return m.events[len(m.events)-1], true
}

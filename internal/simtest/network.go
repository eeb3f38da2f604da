package simtest

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// Weather is what the network does to messages.
type Weather struct {
	// MinDelay and MaxDelay bound the delay of one message; short delays are more
	// likely.
	MinDelay, MaxDelay time.Duration
	// LostRequest and LostAnswer are the shares of exchanges that break before, or
	// after, the work was done.
	LostRequest, LostAnswer float64
	// Duplicate is the share of internal calls that arrive twice, at once or late.
	Duplicate float64
}

// The two weathers that runs switch between.
var (
	calm  = Weather{MinDelay: 50 * time.Microsecond, MaxDelay: 2 * time.Millisecond, LostRequest: 0.0005, LostAnswer: 0.0005, Duplicate: 0.01}
	storm = Weather{MinDelay: 100 * time.Microsecond, MaxDelay: 120 * time.Millisecond, LostRequest: 0.04, LostAnswer: 0.04, Duplicate: 0.15}
)

// The timeouts of connections.
const (
	// dialTimeout is how long dialling a member behind a cut lasts.
	dialTimeout = 5 * time.Second
	// exchangeTimeout is how long raft waits for an answer, as in the product.
	exchangeTimeout = 5 * time.Second
	// retransmission is how long after the sending a message may still arrive if it was
	// sent into a cut that has healed.
	retransmission = 8 * time.Second
	// maxLate is how late a duplicate arrives.
	maxLate = 4 * time.Second
	// keepalive is how long a standing connection survives a cut.
	keepalive = 4 * time.Second
)

var errBroken = errors.New("the connection broke")

// network carries messages between the ports of members.
type network struct {
	draw *dice
	ctx  context.Context // ends with the simulation
	end  context.CancelFunc
	busy sync.WaitGroup // couriers

	mu      sync.Mutex // never held while time passes
	weather Weather
	ports   map[string]*port       // by address
	cuts    map[way]int            // how many faults cut this way
	changed chan struct{}          // closed at the next change of ports or cuts
	overlay func(*port) callerFunc // negative controls only
	// noGreeting is a bug that a control plants: the greeting is not checked.
	noGreeting bool

	lost, duplicates, late, installs atomic.Int64
}

// way is one direction between two addresses.
type way struct{ from, to string }

type callerFunc = func(ctx context.Context, addr, method string, body []byte) ([]byte, error)

func newNetwork(draw *dice) *network {
	n := &network{draw: draw, weather: calm, ports: map[string]*port{}, cuts: map[way]int{}, changed: make(chan struct{})}
	n.ctx, n.end = context.WithCancel(context.Background())
	return n
}

// changes wakes all that wait for a change. The caller holds mu.
func (n *network) changes() {
	close(n.changed)
	n.changed = make(chan struct{})
}

// cut adds one cut to a direction; mend removes one.
func (n *network) cut(w way) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.cuts[w]++
	n.changes()
}

func (n *network) mend(w way) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.cuts[w] > 0 {
		n.cuts[w]--
	}
	n.changes()
}

// clear removes all cuts.
func (n *network) clear() {
	n.mu.Lock()
	defer n.mu.Unlock()
	clear(n.cuts)
	n.weather = calm
	n.changes()
}

func (n *network) set(w Weather) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.weather = w
}

func (n *network) now() Weather {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.weather
}

// at returns the port at an address, and for each of the two directions whether it is
// open.
func (n *network) at(from, to string) (target *port, there, back bool, changed <-chan struct{}) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.ports[to], n.cuts[way{from, to}] == 0, n.cuts[way{to, from}] == 0, n.changed
}

// pass waits until a direction is open. It ends early with ctx, after limit, or with
// the simulation.
func (n *network) pass(ctx context.Context, w way, limit time.Duration) bool {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for {
		_, there, _, changed := n.at(w.from, w.to)
		if there {
			return true
		}
		select {
		case <-changed:
		case <-timer.C:
			return false
		case <-ctx.Done():
			return false
		case <-n.ctx.Done():
			return false
		}
	}
}

// travel waits for the delay of one message.
func (n *network) travel() {
	w := n.now()
	time.Sleep(n.draw.between(w.MinDelay, w.MaxDelay))
}

// courier runs f as a goroutine that the simulation waits for.
func (n *network) courier(f func()) { n.busy.Go(f) }

package simtest

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// The kinds of operation.
const (
	opCast  = "cast"
	opRead  = "read"  // one voter's receipt
	opTally = "tally" // a poll's count
	opClose = "close"
)

// The outcome of an operation, as its client knows it.
const (
	pending     = "pending"
	counted     = "counted"
	replaced    = "replaced"
	replayed    = "replayed"
	refused     = "refused"
	unavailable = "unavailable" // certainly not done
	unknown     = "unknown"
	seen        = "seen" // a read that was answered
)

// Op is one operation of one client.
type Op struct {
	Kind      string        `json:"op"`
	Client    int           `json:"client"`
	Node      string        `json:"node"`
	Poll      string        `json:"poll"`
	Voter     string        `json:"voter,omitempty"`
	Choice    byte          `json:"choice"`
	IfVersion uint32        `json:"if_version,omitempty"`
	HTTP      bool          `json:"http,omitempty"`  // through the API; Node is then the one that answered last
	Stale     bool          `json:"stale,omitempty"` // of a tally: not linearizable
	Call      int64         `json:"call"`            // order among all calls and returns
	Return    int64         `json:"return"`          // 0 while it has none
	At        time.Duration `json:"at_ns"`           // virtual time of the call
	Until     time.Duration `json:"until_ns"`

	Outcome string `json:"outcome"`
	Code    string `json:"code,omitempty"`
	Error   string `json:"error,omitempty"`
	Version uint32 `json:"version,omitempty"` // of the receipt; of a read, 0: none
	Ballot  uint32 `json:"ballot,omitempty"`
	Index   uint64 `json:"index,omitempty"` // of the receipt; of a tally, of the state
	CastAt  int64  `json:"cast_at,omitempty"`

	Count  uint64  `json:"count,omitempty"` // of a tally
	Votes  []int64 `json:"votes,omitempty"` // of a tally, by option
	Closed bool    `json:"closed,omitempty"`
}

// Event is something that happened besides operations.
type Event struct {
	At   time.Duration `json:"at_ns"`
	What string        `json:"event"`
	Who  string        `json:"who,omitempty"`
	More string        `json:"more,omitempty"`
}

// history is everything that clients and faults did, in the order of the calls.
type history struct {
	mu     sync.Mutex
	ops    []*Op
	events []Event
	until  time.Duration
}

func (h *history) add(o *Op) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ops = append(h.ops, o)
}

func (h *history) all() []*Op {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.ops)
}

func (h *history) lasted() time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.until
}

// event records an event.
func (c *Cluster) event(what, who, more string) {
	h := &c.history
	h.mu.Lock()
	defer h.mu.Unlock()
	h.until = c.now()
	h.events = append(h.events, Event{c.now(), what, who, more})
}

// call begins an operation.
func (c *Cluster) call(o *Op) *Op {
	o.Outcome, o.At, o.Call = pending, c.now(), c.ticks.Add(1)
	c.history.add(o)
	return o
}

// done ends it.
func (c *Cluster) done(o *Op, outcome string) {
	o.Outcome, o.Until, o.Return = outcome, c.now(), c.ticks.Add(1)
}

// Save writes the whole history as JSON lines into dir (empty: the system's directory
// for temporary files) and returns the file's name.
func (c *Cluster) Save(dir string) (name string, err error) {
	if dir == "" {
		dir = os.TempDir()
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return "", err
	}
	f, err := os.CreateTemp(dir, fmt.Sprintf("simtest-seed%d-*.jsonl", c.seed))
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	w := bufio.NewWriter(f)
	lines := json.NewEncoder(w)
	head := map[string]any{"seed": c.seed, "members": c.size, "violations": c.Violations()}
	if err := lines.Encode(head); err != nil {
		return "", err
	}
	c.history.mu.Lock()
	defer c.history.mu.Unlock()
	for _, e := range c.history.events {
		if err := lines.Encode(e); err != nil {
			return "", err
		}
	}
	for _, o := range c.history.ops {
		if err := lines.Encode(o); err != nil {
			return "", err
		}
	}
	return filepath.Clean(f.Name()), w.Flush()
}

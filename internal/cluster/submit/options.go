package submit

import (
	"context"
	"log/slog"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"voted/internal/cluster/replica"
	"voted/internal/fsm"
	"voted/internal/poll"
	"voted/internal/trace"
)

// Gate decides what may be proposed by this member while it leads.
type Gate interface {
	// MayPropose returns nil, the reason why a command must not be proposed now, or
	// ErrNotAppended if this member does not lead and so cannot decide.
	MayPropose(c poll.Command) error
	// Recall answers a frame of ballots that must not be proposed now, from the ballots in
	// the box. held is false if the frame may be proposed.
	Recall(ctx context.Context, frame []byte) (a Answered, held bool, err error)
}

// Network asks other members; see cluster.Network.
type Network interface {
	Call(ctx context.Context, addr, method string, body []byte) ([]byte, error)
}

// Options is what a Submitter is made of.
type Options struct {
	Replica *replica.Replica
	State   *fsm.FSM
	Network Network
	Gate    Gate
	Stamp   func() int64 // the time for the next command; see replica.Options
	IDs     *trace.IDs   // of batches
	Logger  *slog.Logger
	Metrics prometheus.Registerer // nil: not measured
	Tracer  *trace.Tracer         // nil: nothing is traced
}

// The limits of what is under way, each with its reason.
const (
	// maxBatch is how many ballots one member sends in one frame.
	maxBatch = 8192
	// batchesInFlight of one member: a second one keeps the leader busy while
	// the first is replicated; a third only makes batches smaller.
	batchesInFlight = 2
	// maxQueued ballots may wait in one member; further ones are refused.
	maxQueued = 100_000
	// bulkFrames of one member are under way at once; further ones wait.
	bulkFrames = 8
	// commandsInFlight of one member manage polls; further ones wait. Together they
	// are as many as raft stores at once, and fewer than the peers' idle connections.
	commandsInFlight = 48

	// maxEntryBytes is how large an entry grows by gathering frames. A larger one costs as
	// much time per byte to store, and everything after it waits longer.
	maxEntryBytes = 256 << 10
	// maxFrameBytes is the largest frame that a member accepts.
	maxFrameBytes = 32 << 20
	// entriesInFlight are proposed and not yet applied.
	entriesInFlight = 2
	// maxProposals may wait at the leader; further ones are answered as busy.
	maxProposals = 256
)

// Submitter takes ballots and commands from this member's clients and, while this member
// leads, from the other members. Its methods may be called from any goroutine.
type Submitter struct {
	Options
	leaders  *replica.Leaders
	metrics  *metrics
	ingress  *ingress
	proposer *proposer
	bulk     chan struct{} // a token for each bulk frame under way
	commands chan struct{} // a token for each command under way that manages polls

	ctx   context.Context // ends with the member
	tasks sync.WaitGroup
}

// New makes a Submitter, which ends with ctx. It takes ballots at once, and holds them
// until a member leads.
func New(ctx context.Context, o Options) *Submitter {
	s := &Submitter{
		Options: o, leaders: o.Replica.Leaders(), metrics: newMetrics(o.Metrics), ctx: ctx,
		bulk: make(chan struct{}, bulkFrames), commands: make(chan struct{}, commandsInFlight),
	}
	s.ingress = newIngress(s)
	s.proposer = &proposer{Submitter: s, queue: make(chan *proposal, maxProposals), flight: make(chan struct{}, entriesInFlight)}
	return s
}

// Start begins to propose. The replica must have been started.
func (s *Submitter) Start() { s.goTask(s.proposer.run) }

// Wait returns when all that the Submitter began has ended, some time after its context.
// The caller must submit nothing after that.
func (s *Submitter) Wait() { s.tasks.Wait() }

// goTask runs f as one of the Submitter's goroutines: Wait waits for it.
func (s *Submitter) goTask(f func()) { s.tasks.Go(f) }

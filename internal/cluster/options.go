package cluster

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"
	"github.com/prometheus/client_golang/prometheus"

	"voted/internal/fsm"
	"voted/internal/trace"
)

// Store is a member's disk. What it acknowledges is durable; after its first
// fault it refuses everything.
type Store interface {
	raft.LogStore
	raft.StableStore
	Snapshots() raft.SnapshotStore
	// Empty reports whether raft has never stored anything here.
	Empty() (bool, error)
	// Value and SetValue keep small named values beside raft's own.
	Value(name string) ([]byte, error)
	SetValue(name string, v []byte) error
	Close() error
}

// Network is how members reach each other.
type Network interface {
	// Handle sets what answers the calls of other members.
	Handle(h func(ctx context.Context, method string, body []byte) ([]byte, error))
	// Call asks the member at addr. The error wraps peer.ErrNotSent where the
	// request certainly did not reach it, and is a *peer.RemoteError where it
	// answered with an error; after any other the outcome is unknown. What ctx
	// carries (trace.From) is carried by the handler's context too.
	Call(ctx context.Context, addr, method string, body []byte) ([]byte, error)
	RaftNetwork
	Watcher
	Close() error
}

// RaftNetwork carries raft's own messages.
type RaftNetwork interface {
	// OpenRaft lets raft messages in; before, this member cannot be made to vote.
	OpenRaft()
	// Transport is also a raft.WithPreVote and a raft.WithClose.
	Transport() raft.Transport
	// ElectNow makes this member's raft start an election at once.
	ElectNow(id raft.ServerID) error
}

// Watcher sees the death of another member's process.
type Watcher interface {
	// Watch blocks until the process at addr is known to be gone (peer.ErrRefused)
	// or ctx ends.
	Watch(ctx context.Context, addr string) error
	// Alive reports whether the watched connection to addr stands.
	Alive(addr string) bool
}

// Server is one entry of the first configuration.
type Server struct {
	ID   string `json:"id"`
	Peer string `json:"peer"` // HOST:PORT
}

// Options is what a member is made of. The zero value of a duration or number
// means its default.
type Options struct {
	ID      string
	Peer    string // HOST:PORT under which the others reach this member
	API     string // URL under which clients reach it; shown in the status
	Version string
	Cluster []Server // the first configuration
	Join    []string // peer addresses of a running cluster
	// JoinToken reads the token that lets this member in; nil: an admin does. It is
	// asked for only when this member enters a cluster.
	JoinToken func() (string, error)

	Store   Store
	Space   Space   // nil: the disk has room
	Backups Backups // nil: none are kept
	Network Network
	// Verify checks the store, beside the restoring of the newest snapshot. The member
	// hears nobody and serves nothing before it has returned nil. nil: not checked.
	Verify  func() error
	Logger  *slog.Logger
	Metrics prometheus.Registerer // nil: not measured
	Tracer  *trace.Tracer         // nil: nothing is traced
	// Appending holds, while the store appends an entry that is traced, the span of
	// that: for who measures the store. nil: nobody looks.
	Appending *atomic.Pointer[trace.Span]
	Now       func() time.Time // nil: time.Now

	// Audit notes what a member does to the membership or to itself without being
	// asked to by an admin, before it takes effect; what changes the membership is left
	// where that fails. nil: nothing is noted.
	Audit func(action, member, why string) error

	// RemoveDeadAfter is how long a member may be away before the leader removes it;
	// 0: never.
	RemoveDeadAfter  time.Duration
	HeartbeatTimeout time.Duration
	SnapshotEvery    uint64 // entries
	SnapshotGrowth   int64  // bytes of log that are worth a snapshot before that, unless the last one was large
	TrailingLogs     uint64 // entries that the log keeps behind a snapshot
	// Reads is the format level that this member says it reads; 0: what its build
	// reads. Tests of clusters of several builds say less.
	Reads uint32
}

// The defaults and limits of a member, each with its reason.
const (
	// defaultHeartbeat must exceed the slowest fsync and scheduling pause of a
	// busy machine, or followers stand for nothing; a killed leader is noticed
	// by its closed connection long before.
	defaultHeartbeat = 750 * time.Millisecond
	// defaultSnapshotEvery bounds the log that a restart replays: small entries take
	// about a second for so many (docs/performance.md).
	defaultSnapshotEvery = 65_536
	// defaultSnapshotGrowth bounds it too where entries are large: about eight million
	// plain ballots.
	defaultSnapshotGrowth = 128 << 20
	// snapshotInterval is how often raft looks whether a snapshot is due.
	snapshotInterval = 2 * time.Second
	// defaultTrailingLogs lets a follower that was away for a while catch up from the
	// log instead of from a snapshot.
	defaultTrailingLogs = 4096
	// commitTimeout is how soon followers learn of the last commit when nothing
	// else is sent: it bounds how long a read on an idle follower waits.
	commitTimeout = 10 * time.Millisecond
	// maxAppendEntries times maxEntryBytes bounds one replication message.
	maxAppendEntries = 64

	// maxBatch is how many ballots one member sends in one frame.
	maxBatch = 8192
	// batchesInFlight of one member: a second one keeps the leader busy while
	// the first is replicated; a third only makes batches smaller.
	batchesInFlight = 2
	// maxQueued ballots wait in one member before it refuses more.
	maxQueued = 100_000
	// bulkFrames of one member are under way at once; further ones wait.
	bulkFrames = 8
	// commandsInFlight of one member manage polls; further ones wait. Together they
	// are as many as raft stores at once, and fewer than the peers' idle connections.
	commandsInFlight = 48

	// maxEntryBytes is how large an entry grows by gathering frames. A larger one
	// takes as long a byte to store, and everything behind it waits for longer.
	maxEntryBytes = 256 << 10
	// maxFrameBytes is the largest frame that a member accepts.
	maxFrameBytes = 32 << 20
	// entriesInFlight are proposed and not yet applied.
	entriesInFlight = 2
	// maxProposals wait at the leader; beyond, members are told to wait.
	maxProposals = 256

	// callTimeout bounds a question that a healthy member answers at once.
	callTimeout = time.Second
	// retryPause is between two attempts where no event tells when to try again.
	retryPause = 10 * time.Millisecond
	// askPause is between two rounds of asking members that have not started.
	askPause = 200 * time.Millisecond
	// monitorEvery is how often the leader looks at the members.
	monitorEvery = 500 * time.Millisecond
	// tickEvery is how exactly polls open and close while no ballot comes in.
	tickEvery = 50 * time.Millisecond
)

func (o Options) withDefaults() Options {
	if o.HeartbeatTimeout == 0 {
		o.HeartbeatTimeout = defaultHeartbeat
	}
	if o.SnapshotEvery == 0 {
		o.SnapshotEvery = defaultSnapshotEvery
	}
	if o.SnapshotGrowth == 0 {
		o.SnapshotGrowth = defaultSnapshotGrowth
	}
	if o.TrailingLogs == 0 {
		o.TrailingLogs = defaultTrailingLogs
	}
	if o.Reads == 0 {
		o.Reads = fsm.Reads()
	}
	if o.Audit == nil {
		o.Audit = func(string, string, string) error { return nil }
	}
	if o.Appending == nil {
		o.Appending = new(atomic.Pointer[trace.Span])
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

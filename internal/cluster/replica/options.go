package replica

import (
	"context"
	"log/slog"
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
	// Applied notes that the log was applied up to an entry: from then on no leader may
	// replace that entry or those before it.
	Applied(index uint64)
	// Value and SetValue keep small named values, in addition to raft's own.
	Value(name string) ([]byte, error)
	SetValue(name string, v []byte) error
	Close() error
}

// Network carries raft's own messages.
type Network interface {
	// Belong sets the cluster that this member belongs to: from then on messages from and to
	// members of other clusters are refused.
	Belong(cluster string)
	// OpenRaft admits raft messages; before, no message can make this member vote.
	OpenRaft()
	// Transport is also a raft.WithPreVote and a raft.WithClose.
	Transport() raft.Transport
	// ElectNow makes this member's raft start an election at once.
	ElectNow(id raft.ServerID) error
}

// Options is what a replica is made of. All are needed unless they say otherwise.
type Options struct {
	ID      string
	Store   Store
	Network Network
	State   *fsm.FSM
	Logger  *slog.Logger
	Metrics prometheus.Registerer // nil: not measured
	Tracer  *trace.Tracer         // nil: nothing is traced

	// Verify checks the store while the newest snapshot is being restored. Raft does not
	// start before it has returned nil. nil: not checked.
	Verify func() error
	// Stamp returns the time for the next command in milliseconds since the Unix epoch.
	Stamp func() int64
	// Yield is called before leadership is passed on, with the time that it may take. What it
	// returns is called if that fails, so that this member may go on to lead.
	Yield func(ctx context.Context) (resume func())
	// OnMembership is called with each membership that is decided, and its log index. It
	// must not block: the goroutine that applies the log calls it.
	OnMembership func(index uint64, members []Server)
	// Roll asks all members, and returns which answer and which do not; see
	// reportLeaderless.
	Roll func(ctx context.Context) (answer, silent []string)

	HeartbeatTimeout time.Duration // 0: DefaultHeartbeat
	SnapshotEvery    uint64        // entries; 0: defaultSnapshotEvery
	SnapshotGrowth   int64         // see loggrowth.go; 0: defaultSnapshotGrowth
	TrailingLogs     uint64        // entries that the log keeps behind a snapshot; 0: defaultTrailingLogs
	// LookEvery is how often the last contact with the leader is noted; see attention.
	LookEvery time.Duration
}

// The defaults and limits of a replica, each with its reason.
const (
	// DefaultHeartbeat must exceed the slowest fsync and scheduling pause of a busy machine,
	// or followers stand for election without need; a killed leader is noticed by its closed
	// connection long before.
	DefaultHeartbeat = 750 * time.Millisecond
	// defaultSnapshotEvery bounds the log that a restart replays: so many small entries take
	// about a second (docs/performance.md).
	defaultSnapshotEvery = 65_536
	// defaultSnapshotGrowth bounds it for large entries: about eight million plain ballots.
	defaultSnapshotGrowth = 128 << 20
	// snapshotInterval is how often raft checks whether a snapshot is due.
	snapshotInterval = 2 * time.Second
	// defaultTrailingLogs lets a follower that was away for a while catch up from the
	// log instead of from a snapshot.
	defaultTrailingLogs = 4096
	// commitTimeout is how soon followers learn of the last commit when nothing
	// else is sent: it bounds how long a read on an idle follower waits.
	commitTimeout = 10 * time.Millisecond
	// maxAppendEntries times the size of an entry bounds one replication message.
	maxAppendEntries = 64
	// takeTimeout is how long raft may take to begin with a request.
	takeTimeout = time.Second
	// shutdownTimeout bounds how long Close waits for raft; what still runs then is
	// abandoned.
	shutdownTimeout = 5 * time.Second
	// yieldTimeout bounds what is done before leadership is passed on: a few entries.
	yieldTimeout = time.Second
	// RetryPause is between two attempts if there is no event to wait for.
	RetryPause = 10 * time.Millisecond
)

func (o Options) withDefaults() Options {
	if o.HeartbeatTimeout == 0 {
		o.HeartbeatTimeout = DefaultHeartbeat
	}
	if o.SnapshotEvery == 0 {
		o.SnapshotEvery = defaultSnapshotEvery
	}
	if o.SnapshotGrowth == 0 {
		o.SnapshotGrowth = defaultSnapshotGrowth
	}
	if o.Yield == nil {
		o.Yield = func(context.Context) func() { return func() {} }
	}
	if o.TrailingLogs == 0 {
		o.TrailingLogs = defaultTrailingLogs
	}
	return o
}

// config is raft's configuration.
func (o Options) config() *raft.Config {
	c := raft.DefaultConfig()
	c.LocalID = raft.ServerID(o.ID)
	c.HeartbeatTimeout, c.ElectionTimeout = o.HeartbeatTimeout, o.HeartbeatTimeout
	c.LeaderLeaseTimeout = o.HeartbeatTimeout // no read relies on it; shorter, it only ends leaderships
	c.CommitTimeout = commitTimeout
	c.MaxAppendEntries = maxAppendEntries
	c.SnapshotThreshold = o.SnapshotEvery
	c.SnapshotInterval = snapshotInterval
	c.TrailingLogs = o.TrailingLogs
	c.NoLegacyTelemetry = true
	c.ShutdownOnRemove = false
	c.Logger = raftLogger(o.Logger)
	return c
}

package cluster

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"voted/internal/cluster/replica"
	"voted/internal/fsm"
	"voted/internal/history"
	"voted/internal/poll"
	"voted/internal/survey"
	"voted/internal/trace"
)

// Backups are the backups that a member keeps of itself.
type Backups interface {
	// Fares returns when the last good one was made (zero: never), and reports whether the
	// last try failed and whether one is late.
	Fares(now time.Time) (last time.Time, failed, late bool)
}

// Store is a member's disk.
type Store = replica.Store

// Network is how members reach each other.
type Network interface {
	// Handle sets what answers the calls of other members. The open calls are answered even
	// if the two ends do not belong to one cluster yet, all others only if they do.
	Handle(h func(ctx context.Context, method string, body []byte) ([]byte, error), open ...string)
	// Readvertise changes the address that this member gives to the others.
	Readvertise(addr string)
	// Resolve sets where raft finds a member, instead of the address in the membership; find
	// returns "" for one that it does not know.
	Resolve(find func(id string) string)
	// Call asks the member at addr. The error wraps peer.ErrNotSent if the request certainly
	// did not reach it, and is a *peer.RemoteError if it answered with an error; after any
	// other the outcome is unknown. The handler's context carries what ctx carries
	// (trace.From).
	Call(ctx context.Context, addr, method string, body []byte) ([]byte, error)
	replica.Network
	Watcher
	Close() error
}

// Watcher sees the death of another member's process.
type Watcher interface {
	// Watch blocks until the process at addr is known to be gone (peer.ErrRefused)
	// or ctx ends.
	Watch(ctx context.Context, addr string) error
	// Alive reports whether the watched connection to addr is open.
	Alive(addr string) bool
}

// Options is what a member is made of. The zero value of a duration or number
// means its default.
type Options struct {
	ID   string
	Peer string // HOST:PORT under which the others reach this member
	// Bound is where it listens, if the others may reach it there instead of at Peer,
	// because Peer may come from an old command line. "": they cannot reach it there.
	Bound   string
	API     string // URL under which clients reach it; shown in the status
	Version string
	Cluster []survey.Peer // the first configuration
	Join    []string      // peer addresses of a running cluster
	// JoinToken reads the token with which this member may join; nil: an admin adds it. It
	// is called only when this member enters a cluster.
	JoinToken func() (string, error)

	Store   Store
	Space   Space   // nil: the disk has room
	Backups Backups // nil: none are kept
	// StaleFiles are files that could not be read again; nil: none are watched.
	StaleFiles func() []survey.StaleFile
	// CertificateEnds is when the first of this member's certificates ends; nil: it has none.
	CertificateEnds func() time.Time
	Network         Network
	// Verify checks the store while the newest snapshot is being restored. Until it has
	// returned nil, the member accepts no messages and serves nothing. nil: not checked.
	Verify  func() error
	Logger  *slog.Logger
	Metrics prometheus.Registerer // nil: not measured
	Tracer  *trace.Tracer         // nil: nothing is traced
	Now     func() time.Time      // nil: time.Now

	// Calls are further calls that members answer once they have entered their cluster, by
	// method; nil: there are none.
	Calls map[string]func(ctx context.Context, body []byte) ([]byte, error)
	// Forked are the logs of polls that this member refuses to sign; nil: it signs none.
	Forked func() []string

	// Webhooks is this member's part in delivering webhooks; nil: it has none.
	Webhooks func() survey.Webhooks
	// Yield is called before this member passes leadership on, with the time that it may take.
	// What it returns is called if that fails. nil: there is nothing to do.
	Yield func(ctx context.Context) (resume func())

	// Rates are what this member answered to its clients lately; nil: not reported.
	Rates func() survey.Rates
	// Note is told what happens to the cluster, as this member sees it. It must return at
	// once. nil: no one is told.
	Note func(history.Event)

	// Audit records what a member does to the membership or to itself without a request by
	// an admin, before it takes effect. If it fails, the membership is not changed. nil:
	// nothing is recorded.
	Audit func(action, member, why string) error

	// RemoveDeadAfter is how long a member may be away before the leader removes it;
	// 0: never.
	RemoveDeadAfter  time.Duration
	HeartbeatTimeout time.Duration
	SnapshotEvery    uint64 // entries
	SnapshotGrowth   int64  // bytes of log after which a snapshot is due before that, unless the last one was large
	TrailingLogs     uint64 // entries that the log keeps behind a snapshot
	// FormatLevel is the highest that this member reads; 0: what its build reads. Needs
	// returns the level that a command needs; nil: fsm.LevelOf. Tests of clusters of
	// several builds set both.
	FormatLevel uint32
	Needs       func(poll.Command) uint32
}

// The defaults and limits of a member, each with its reason.
const (
	// callTimeout bounds a question that a healthy member answers at once.
	callTimeout = time.Second
	// monitorEvery is how often the leader looks at the members.
	monitorEvery = 500 * time.Millisecond
	// tickEvery is how exactly polls open and close while no ballot comes in.
	tickEvery = 50 * time.Millisecond
)

func (o Options) withDefaults() Options {
	if o.HeartbeatTimeout == 0 {
		o.HeartbeatTimeout = replica.DefaultHeartbeat
	}
	if o.FormatLevel == 0 {
		o.FormatLevel = fsm.Reads()
	}
	if o.Needs == nil {
		o.Needs = fsm.LevelOf
	}
	if o.Audit == nil {
		o.Audit = func(string, string, string) error { return nil }
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

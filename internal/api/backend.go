package api

import (
	"context"
	"io"
	"time"

	"voted/internal/poll"
	"voted/internal/survey"
)

// What the API needs of the cluster. internal/server/backend connects the two.
//
// Errors that the client receives as a code are *refusal.Error: refusal.Unavailable if
// nothing was applied, OutcomeUnknown if the client must send the same request again to
// learn its outcome, TooManyRequests and StorageFull if the node takes no further ones
// for now. Any other error is answered as 500.

// Ballots casts ballots through the replicated log. A call returns when the outcome is
// durable on a majority, or with an error when its time is up first; it waits through
// elections. The caller may reuse the ballots' memory afterwards.
type Ballots interface {
	// CastUntil casts one ballot. Its time is up at the deadline, or when ctx ends. A
	// deadline beside ctx costs a fraction of one that ctx would have.
	CastUntil(ctx context.Context, deadline time.Time, b *poll.Ballot) (poll.Outcome, error)
	// CastMany casts in order, and returns one outcome per ballot, in the same order.
	CastMany(ctx context.Context, b []poll.Ballot) ([]poll.Outcome, error)
}

// Polls carries out the commands that manage polls. When Execute returns, the command has
// been applied on this node.
type Polls interface {
	Execute(ctx context.Context, c poll.Command) (poll.Result, error)
}

// Reader reads replicated state.
type Reader interface {
	// Sync returns when this node has applied everything that was acknowledged
	// anywhere before the call: a read after it is linearizable.
	Sync(ctx context.Context) error
	// Read runs f under the state's read lock. f must be short and must not keep the state;
	// it may keep values that package poll promises to be immutable.
	Read(f func(s *poll.State))
	// Changed waits until the state's index is beyond after.
	Changed(ctx context.Context, after uint64) error
	// Doubt returns why the state here cannot be relied on, nil if it can. Sync returns it
	// too.
	Doubt() error
	// CaughtUp reports whether this node has had contact with its cluster since its start,
	// and has applied all that was acknowledged before. Until then its state may be old, or
	// that of another cluster, and must not answer any ballot.
	CaughtUp() bool
	// Age is how long ago this node was last known to be up to date, for stale reads.
	Age() time.Duration
}

// Members shows and changes who is in the cluster.
type Members interface {
	Status(ctx context.Context) (survey.Status, error)
	AddMember(ctx context.Context, id, peer string) error
	RemoveMember(ctx context.Context, id string) error
	// NewJoinToken draws a token with which the member of one id may join once, before it
	// expires. RevokeJoinTokens ends a member's tokens.
	NewJoinToken(ctx context.Context, id string, ttl time.Duration) (token string, expires time.Time, err error)
	RevokeJoinTokens(ctx context.Context, id string) error
	// TransferLeadership hands over to id, or to any member if id is empty.
	TransferLeadership(ctx context.Context, id string) error
}

// Backups returns the whole state, and replaces it by another one.
type Backups interface {
	// Backup captures everything that was acknowledged before the call.
	Backup(ctx context.Context) (Backup, error)
	// Restore reads a backup to its end, checks it, and makes it the state of the cluster if
	// the order confirms that. It may take as long as it makes progress.
	Restore(ctx context.Context, backup io.Reader, o RestoreOrder) (Restored, error)
}

// Backup is a captured state that can be written out.
type Backup interface {
	Index() uint64
	Write(w io.Writer) error
	Close()
}

// RestoreOrder is what a restore needs in addition to the backup.
type RestoreOrder struct {
	Confirm string      // see poll.State.MayDrop
	Sum     poll.Digest // SHA-256 of the backup, as its sender knows it; zero: not given
	Since   uint64      // log index that its sender has seen, see poll.State.Restored; 0: not given
}

// Restored is the answer to a restore.
type Restored struct {
	Index       uint64 `json:"index"` // log index of the restore
	Polls       uint64 `json:"polls"`
	Ballots     uint64 `json:"ballots"`
	BackupIndex uint64 `json:"backup_index"` // log index that the backup shows
	SHA256      string `json:"sha256"`
	ClusterID   string `json:"cluster_id"`        // it stays what it was
	BackupOf    string `json:"backup_cluster_id"` // the cluster that the backup is of
	// Replayed: this backup was restored before, and either nothing has changed since, or
	// the sender had not seen that restore yet.
	Replayed bool `json:"replayed"`
}

// Node identifies the node that answers. Its methods must be cheap: every response uses
// them.
type Node interface {
	ID() string
	// ClusterID names the cluster, "" before this node has entered one. Indexes mean
	// nothing in another cluster.
	ClusterID() string
	Leader() string // id of the leader as this node knows it, empty if none
	Index() uint64  // log index of the last command applied here
	// Ready returns nil if this node can serve (a follower forwards, so it can), and
	// otherwise each check that fails, by name.
	Ready() map[string]error
}

// Cluster is everything that the API needs.
type Cluster interface {
	Ballots
	Polls
	Reader
	Members
	Backups
	Node
}

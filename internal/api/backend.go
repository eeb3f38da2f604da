package api

import (
	"context"
	"time"

	"voted/internal/poll"
)

// What the API needs of the cluster behind it. internal/server/backend fits the two together.
//
// Errors are *poll.Error wherever the client is to learn a code: CodeUnavailable
// where nothing was applied, CodeOutcomeUnknown where the same request must be
// sent again to learn what became of it, CodeTooManyRequests and CodeStorageFull
// where the node takes no more for now. Anything else is answered as 500.

// Ballots casts ballots through the replicated log. A call returns when the
// outcome is durable on a majority, or with an error when ctx ends first; it is
// held through elections. The ballots' memory may be reused after it returns.
type Ballots interface {
	Cast(ctx context.Context, b *poll.Ballot) (poll.Outcome, error)
	// CastMany casts in order; the outcomes are one a ballot, in input order.
	CastMany(ctx context.Context, b []poll.Ballot) ([]poll.Outcome, error)
}

// Polls carries out the commands that manage polls. The answer has been applied
// on this node when it returns.
type Polls interface {
	Execute(ctx context.Context, c poll.Command) (poll.Result, error)
}

// Reader reads replicated state.
type Reader interface {
	// Sync returns when this node has applied everything that was acknowledged
	// anywhere before the call: a read after it is linearizable.
	Sync(ctx context.Context) error
	// Read runs f under the state's read lock. f must be short, must not keep
	// the state, and may keep what poll promises to be immutable.
	Read(f func(s *poll.State))
	// Changed waits until the state's index is beyond after.
	Changed(ctx context.Context, after uint64) error
	// Doubt returns why the state here cannot be relied on, nil where it can. Sync
	// returns it too.
	Doubt() error
	// Age is how long ago this node last knew itself up to date, for stale reads.
	Age() time.Duration
}

// Members shows and changes who is in the cluster.
type Members interface {
	Status(ctx context.Context) (ClusterStatus, error)
	AddMember(ctx context.Context, id, peer string) error
	RemoveMember(ctx context.Context, id string) error
	// NewJoinToken draws a token with which the member of one id may join once, before
	// it expires; RevokeJoinTokens ends those of a member.
	NewJoinToken(ctx context.Context, id string, ttl time.Duration) (token string, expires time.Time, err error)
	RevokeJoinTokens(ctx context.Context, id string) error
	// TransferLeadership hands over to id, or to any member where id is empty.
	TransferLeadership(ctx context.Context, id string) error
}

// Node says who answers. Its methods are cheap: they stand in every response.
type Node interface {
	ID() string
	Leader() string // id of the leader as this node knows it, empty if none
	Index() uint64  // log index of the last command applied here
	// Ready returns nil where this node can serve (a follower forwards, so it
	// can), and otherwise each check that fails, by name.
	Ready() map[string]error
}

// Cluster is all of it.
type Cluster interface {
	Ballots
	Polls
	Reader
	Members
	Backups
	Node
}

// ClusterStatus is the membership as one member sees it.
type ClusterStatus struct {
	Leader  string         `json:"leader"`
	Term    uint64         `json:"term"`
	Index   uint64         `json:"index"`
	Quorum  int            `json:"quorum"`
	CanLose int            `json:"can_lose"`
	Members []MemberStatus `json:"members"`
	// FormatLevel is up to which level formats are used in the log and in snapshots.
	FormatLevel uint32    `json:"format_level"`
	Summary     string    `json:"summary"`  // what the cluster can lose, in a sentence
	Findings    []Finding `json:"findings"` // what is wrong, in sentences
}

// Finding is one thing that is not as it should be.
type Finding struct {
	Kind   string `json:"kind"`
	Member string `json:"member,omitempty"`
	Text   string `json:"text"`
}

// MemberStatus is one member in it.
type MemberStatus struct {
	ID           string `json:"id"`
	Peer         string `json:"peer"`
	API          string `json:"api"`
	Role         string `json:"role"`  // voter, nonvoter
	State        string `json:"state"` // leader, follower, unreachable
	Healthy      bool   `json:"healthy"`
	AppliedIndex uint64 `json:"applied_index"`
	Digest       string `json:"digest,omitempty"` // of the state at applied_index, hexadecimal
	Version      string `json:"version,omitempty"`
	// ReadsFormat is the highest format level that it reads.
	ReadsFormat uint32    `json:"reads_format,omitzero"`
	FreeBytes   uint64    `json:"free_bytes,omitzero"` // on its disk
	DiskLow     bool      `json:"disk_low,omitzero"`   // those are too few
	AwaySince   time.Time `json:"away_since,omitzero"` // as the node that answers saw it
	// RestartRisks say why it must not be restarted now; none: it may be.
	RestartRisks []string `json:"restart_risks,omitempty"`
}

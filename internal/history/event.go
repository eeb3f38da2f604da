package history

import "time"

// Event is something that happened to the cluster, as one node saw it.
type Event struct {
	Seq    uint64    `json:"seq"` // counts the events of this node since its start, from 1
	At     time.Time `json:"at"`  // by this node's clock
	Kind   Kind      `json:"kind"`
	Member string    `json:"member,omitempty"` // that it is about
	Term   uint64    `json:"term,omitempty"`
	Took   float64   `json:"took_ms,omitempty"` // milliseconds; what took so long says Text
	Text   string    `json:"text"`              // a sentence
}

// Kind is what an event is.
type Kind string

// The kinds, a closed set.
const (
	Started       Kind = "started"        // this node
	LeaderLost    Kind = "leader_lost"    // the member no longer leads
	LeaderElected Kind = "leader_elected" // the member leads
	FirstBallot   Kind = "first_ballot"   // the first one after a change of leader has been counted
	MemberAdded   Kind = "member_added"
	MemberRemoved Kind = "member_removed"
	MemberVotes   Kind = "member_votes" // it has been given a vote
	FindingBegan  Kind = "finding"      // its text is the finding's
	FindingOver   Kind = "finding_over" // what the finding said no longer holds
	BackedUp      Kind = "backup"
)

// Kinds lists them all.
func Kinds() []Kind {
	return []Kind{Started, LeaderLost, LeaderElected, FirstBallot, MemberAdded, MemberRemoved, MemberVotes, FindingBegan, FindingOver, BackedUp}
}

// Package survey judges one look at all members of a cluster.
//
// A member asks all others for a report of themselves. This package decides, from values
// alone, what follows: who is away, whose state or clock is wrong, who may be removed,
// restarted or given a vote. Other packages ask, and act on the result.
//
// Raft's nodes are members here, voting or not; a voter is a person.
package survey

import (
	"slices"
	"time"
)

// Peer is a member as the membership names it.
type Peer struct {
	ID   string `json:"id"`
	Addr string `json:"peer"` // HOST:PORT
}

// Sighting is what one look at one member showed.
type Sighting struct {
	Peer
	Where    string // the address at which it was looked for, and found where Err is nil
	Votes    bool
	Report   Report
	At       time.Time // when Report.Now was, by the monotonic clock
	Err      error
	Obstacle *Obstacle // nil if Err is nil, and if no one answered
}

// Obstacle is what answered where a member was looked for, if it was not that member's
// report.
type Obstacle struct {
	Kind    ObstacleKind
	Addr    string // that was dialled
	Member  string // that answered; with OtherCluster and OtherMember
	Cluster string // that it belongs to; with OtherCluster
	Because string // in words; with Refuses and Unheard
}

// ObstacleKind is what an obstacle is.
type ObstacleKind int

// The obstacles.
const (
	OtherCluster ObstacleKind = iota + 1 // a member of another cluster answers
	OtherMember                          // another member answers
	Refuses                              // the member refuses the calls
	Unheard                              // the two cannot talk to each other
)

// Look is one look at every member, in the order of the membership.
type Look []Sighting

// FormatLevel is the format level that a member reads; 0 if it did not answer.
func (m *Sighting) FormatLevel() uint32 {
	if m.Err != nil {
		return 0
	}
	return m.Report.FormatLevel
}

// ahead is how far a member's clock is ahead of this member's, which may be wrong itself.
func (m *Sighting) ahead() time.Duration { return m.Report.Now.Sub(m.At) }

// Turnout is how many members have a vote, and how many of those answer, the one that looks
// among them.
type Turnout struct{ Voting, Answering int }

// Quorum is how many voting members are needed to decide.
func (t Turnout) Quorum() int { return t.Voting/2 + 1 }

// Majority reports whether enough voting members answer to decide. Only then can a member
// be removed.
func (t Turnout) Majority() bool { return t.Answering >= t.Quorum() }

// Turnout counts the voting members.
func (l Look) Turnout() Turnout { return l.Without("") }

// Without counts the voting members other than id.
func (l Look) Without(id string) (t Turnout) {
	for _, m := range l {
		if !m.Votes || m.ID == id {
			continue
		}
		t.Voting++
		if m.Err == nil {
			t.Answering++
		}
	}
	return t
}

// Shows reports whether the look is at exactly these members: the membership may have
// changed since.
func (l Look) Shows(members []Peer) bool {
	return slices.EqualFunc(l, members, func(m Sighting, p Peer) bool { return m.Peer == p })
}

// Strangers are the members of other clusters that answer in the place of voting members,
// and majority reports whether they are so many that this cluster can never decide
// anything.
func (l Look) Strangers() (strangers []Obstacle, majority bool) {
	for _, m := range l {
		if m.Votes && m.Obstacle != nil && m.Obstacle.Kind == OtherCluster {
			strangers = append(strangers, *m.Obstacle)
		}
	}
	return strangers, len(strangers) >= l.Turnout().Quorum()
}

// newestClock is the stamp of the newest command that a member which answers has applied.
func (l Look) newestClock() (at int64) {
	for _, m := range l {
		if m.Err == nil {
			at = max(at, m.Report.Clock)
		}
	}
	return at
}

// furthest is the newest log index that a member which answers has applied.
func (l Look) furthest() (index uint64) {
	for _, m := range l {
		if m.Err == nil {
			index = max(index, m.Report.Applied)
		}
	}
	return index
}

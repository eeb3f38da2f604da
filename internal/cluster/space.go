package cluster

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/raft"

	"voted/internal/poll"
)

// Space is the room on a member's disk.
type Space interface {
	// Free returns the bytes that are free, and whether they are too few.
	Free() (bytes uint64, low bool)
}

// handOverEvery is how long a leader that is short of space waits before it tries to
// hand over again.
const handOverEvery = 5 * time.Second

// shortage is what the members' disks allow.
type shortage struct {
	low    []string // members that are short of space
	refuse bool     // with those that have space alone nothing could be committed
	best   string   // a voter with space that could lead; empty: none
}

// judgeSpace decides from one look at the members. An entry is committed by a majority
// of the voters, so ballots are refused where fewer than that answer and have space.
func judgeSpace(seen []sighting) (s shortage) {
	voters, roomy := 0, []*sighting{}
	for i := range seen {
		m := &seen[i]
		if m.voter {
			voters++
			if m.err == nil && !m.status.Low {
				roomy = append(roomy, m)
			}
		}
		if m.err == nil && m.status.Low {
			s.low = append(s.low, m.server.ID)
		}
	}
	lowVoter := slices.ContainsFunc(seen, func(m sighting) bool { return m.voter && m.err == nil && m.status.Low })
	s.refuse = lowVoter && len(roomy) <= voters/2
	if len(roomy) > 0 {
		best := slices.MinFunc(roomy, func(a, b *sighting) int {
			return cmp.Or(cmp.Compare(b.status.LastIndex, a.status.LastIndex), cmp.Compare(a.server.ID, b.server.ID))
		})
		s.best = best.server.ID
	}
	return s
}

// mindSpace is the leader's: it refuses what makes the log grow while a majority is
// short of space, and hands over where only it and a minority are.
func (n *Node) mindSpace(seen []sighting) {
	s := judgeSpace(seen)
	was := n.short.Load()
	switch {
	case s.refuse && was == nil:
		n.log.Warn("too few members have space on their disks; ballots and other growth are refused until they have", "low", strings.Join(s.low, ", "))
		n.short.Store(&s)
	case !s.refuse && was != nil:
		n.log.Info("enough members have space again; ballots are taken")
		n.short.Store(nil)
	}
	if s.refuse || !slices.Contains(s.low, n.opts.ID) || s.best == "" || time.Since(n.handedOver) < handOverEvery {
		return
	}
	n.handedOver = time.Now()
	n.log.Warn("this leader is short of space; handing over to a member that has some", "member", s.best)
	ctx, cancel := context.WithTimeout(n.ctx, callTimeout)
	defer cancel()
	for _, m := range seen {
		if m.server.ID != s.best {
			continue
		}
		if err := n.await(ctx, n.raft.LeadershipTransferToServer(raft.ServerID(m.server.ID), raft.ServerAddress(m.server.Peer))); err != nil {
			n.log.Warn("leadership could not be handed over; this member leads on", "error", err)
		}
	}
}

// space is what this member's disk has left.
func (n *Node) space() (free uint64, low bool) {
	if n.opts.Space == nil {
		return 0, false
	}
	return n.opts.Space.Free()
}

// growth tells which commands are refused while space is short. Those that close and
// delete are what an operator needs then.
func growth(c poll.Command) bool {
	switch c.(type) {
	case poll.Close, poll.Delete, poll.Tick, poll.Raise:
		return false
	}
	return true
}

// roomFor refuses a command that makes the state grow while space is short.
func (n *Node) roomFor(c poll.Command) error {
	s := n.short.Load()
	if s == nil || !growth(c) {
		return nil
	}
	return poll.Refuse(poll.CodeStorageFull, "%s", s.sentence())
}

// logStep is about what the log file grows by at a time.
const logStep = 16 << 20

// roomForRestore refuses a backup of size bytes that a member's disk would not hold twice,
// in its log and in the next snapshot: that member would stop half way, and where a
// majority did, nobody would be left to go on. This member's own disk gets the room of the
// upload back. Members that do not answer, or watch no space, do not count.
func (n *Node) roomForRestore(ctx context.Context, size int64) error {
	var without []string
	need := uint64(2*size + size/4 + logStep)
	for _, m := range n.survey(ctx) {
		free := m.status.Free
		if m.server.ID == n.opts.ID {
			free += uint64(size)
		}
		watched := m.status.Free > 0 || m.status.Low
		if m.err == nil && watched && free < need {
			without = append(without, fmt.Sprintf("%s has %d", m.server.ID, free>>20))
		}
	}
	if without == nil {
		return nil
	}
	return poll.Refuse(poll.CodeStorageFull, "This backup takes %d MiB on the disk of every member until the next snapshot, and %s; nothing was changed. Free space there or enlarge the disks, then send it again.",
		need>>20, strings.Join(without, ", "))
}

func (s *shortage) sentence() string {
	return fmt.Sprintf("The disks of too many members are nearly full (%s), so nothing was changed. Free space there or enlarge the disks; the cluster goes on by itself. Closing and deleting polls is still possible.", strings.Join(s.low, ", "))
}

// recall answers a frame while space is short: what is in the box already is found
// there, for what is committed is known here once leadership is confirmed; the rest is
// refused.
func (n *Node) recall(ctx context.Context, frame []byte) (answered, error) {
	if _, err := n.confirms.join(ctx); err != nil {
		return answered{}, err
	}
	var a answered
	var err error
	a.index, a.clock, a.outcomes, err = n.fsm.Recall(frame, poll.CodeStorageFull)
	return a, err
}

// unknownAfterAll is the answer to a ballot that is refused for want of space when an
// earlier attempt for it had an unknown outcome, and so may still be counted.
func unknownAfterAll() error {
	return &poll.Error{
		Code:   poll.CodeOutcomeUnknown,
		Detail: "The ballot may have been counted before the disks ran short of space. Send it again: it will not be counted twice.",
	}
}

func isStorageFull(o poll.Outcome) bool {
	return o.Kind == poll.Refused && o.Code == poll.CodeStorageFull
}

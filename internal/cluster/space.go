package cluster

import (
	"context"
	"slices"
	"strings"
	"time"

	"voted/internal/poll"
	"voted/internal/refusal"
	"voted/internal/survey"
)

// Space is the room on a member's disk.
type Space interface {
	// Free returns the bytes that are free, and whether they are too few.
	Free() (bytes uint64, low bool)
}

// handOverEvery is how long a leader that is short of space waits before it tries to
// hand over again.
const handOverEvery = 5 * time.Second

// actOnShortage acts only on the leader. While fewer than a majority have space, commands
// that make the log grow are refused; if only the leader and a minority are short, it
// hands over.
func (n *Node) actOnShortage(look survey.Look) {
	s := look.Space()
	was := n.shortage.Load()
	switch {
	case s.Refuse && was == nil:
		n.log.Warn("too few members have space on their disks; ballots and other growth are refused until they have", "low", strings.Join(s.Low, ", "))
		n.shortage.Store(&s)
	case !s.Refuse && was != nil:
		n.log.Info("enough members have space again; ballots are taken")
		n.shortage.Store(nil)
	}
	if s.Refuse || !slices.Contains(s.Low, n.opts.ID) || s.Best.ID == "" || time.Since(n.handedOver) < handOverEvery {
		return
	}
	n.handedOver = time.Now()
	n.log.Warn("this leader is short of space; handing over to a member that has some", "member", s.Best.ID)
	ctx, cancel := context.WithTimeout(n.ctx, callTimeout)
	defer cancel()
	if err := n.replica.HandTo(ctx, s.Best.ID, s.Best.Addr); err != nil {
		n.log.Warn("leadership could not be handed over; this member goes on leading", "error", err)
	}
}

// space is what this member's disk has left.
func (n *Node) space() (free uint64, low bool) {
	if n.opts.Space == nil {
		return 0, false
	}
	return n.opts.Space.Free()
}

// needsSpace reports whether a command is refused while space is short. Closing and
// deleting polls is not: operators need it to free space. Nor is calling off what would.
func needsSpace(c poll.Command) bool {
	switch c.(type) {
	case poll.Close, poll.Delete, poll.Unschedule, poll.Tick, poll.Raise:
		return false
	}
	return true
}

// refuseGrowth refuses a command that makes the state grow while space is short.
func (n *Node) refuseGrowth(c poll.Command) error {
	s := n.shortage.Load()
	if s == nil || !needsSpace(c) {
		return nil
	}
	return refusal.New(refusal.StorageFull, "%s", s.Sentence())
}

// logStep is about how many bytes the log file grows by at a time.
const logStep = 16 << 20

// roomForRestore refuses a backup of size bytes if a member's disk cannot hold it twice,
// in the log and in the next snapshot: that member would stop half way, and if a majority
// stopped, the cluster would. This member's own disk gets the space of the upload back.
// Members that do not answer, or do not report their space, do not count.
func (n *Node) roomForRestore(ctx context.Context, size int64) error {
	need := uint64(2*size + size/4 + logStep)
	without := n.survey(ctx).LackRoom(need, n.opts.ID, uint64(size))
	if without == nil {
		return nil
	}
	return refusal.New(refusal.StorageFull, "This backup takes %d MiB on the disk of every member until the next snapshot, and %s; nothing was changed. Free space there or enlarge the disks, then send it again.",
		need>>20, strings.Join(without, ", "))
}

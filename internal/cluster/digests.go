package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"voted/internal/poll"
)

// ErrDiffers marks the end of a member whose state is not that of the majority.
var ErrDiffers = errors.New("this member's state differs from the other members'")

// valueDiffers keeps why a member stopped for good: restarted, it would serve the
// same wrong state again until it is found again.
const valueDiffers = "differs"

// comparison is what the digests of one look at the members say.
type comparison struct {
	index   uint64   // the newest at which members differ; 0: none
	differ  []string // members that are not what a majority of all voters is there
	dispute []string // members of which no majority says which are right
	agreed  uint64   // the newest index at which a majority of all voters is equal
	held    []string // the members that are in that majority
}

// compareDigests finds who differs. Digests build on one another, so a difference at
// any index is one for ever after; the newest index with a verdict decides.
func compareDigests(seen []sighting) (c comparison) {
	voters := 0
	at := map[uint64]map[string][]string{} // index → digest → members
	votes := map[string]bool{}
	for i := range seen {
		m := &seen[i]
		if m.voter {
			voters++
			votes[m.server.ID] = true
		}
		if m.err != nil {
			continue
		}
		for _, p := range m.status.Checkpoints {
			if at[p.Index] == nil {
				at[p.Index] = map[string][]string{}
			}
			// Who repeats itself still has one voice.
			if !slices.Contains(at[p.Index][p.Digest], m.server.ID) {
				at[p.Index][p.Digest] = append(at[p.Index][p.Digest], m.server.ID)
			}
		}
	}
	for index, digests := range at {
		truth := ""
		for digest, who := range digests {
			n := len(who) - len(slices.DeleteFunc(slices.Clone(who), func(id string) bool { return votes[id] }))
			if n > voters/2 {
				truth = digest
			}
		}
		if truth != "" && index > c.agreed {
			c.agreed, c.held = index, digests[truth]
		}
		// A verdict counts more than a dispute, also than one at a newer index.
		older := index < c.index && (truth == "") == (c.differ == nil)
		if len(digests) < 2 || older || truth == "" && c.differ != nil {
			continue
		}
		c.index, c.differ, c.dispute = index, nil, nil
		for digest, who := range digests {
			switch {
			case truth == "":
				c.dispute = append(c.dispute, who...)
			case digest != truth:
				c.differ = append(c.differ, who...)
			}
		}
	}
	slices.Sort(c.differ)
	slices.Sort(c.dispute)
	return c
}

// dispute is members that differ while nobody can tell which are right.
type dispute struct {
	index   uint64
	members []string
}

// compare acts on what the members' digests say: this member stops for good if a
// majority is different, and serves nothing while nobody can tell who is right.
func (n *Node) compare(seen []sighting) {
	c := compareDigests(seen)
	for _, id := range c.differ {
		if id == n.opts.ID {
			n.differs(c.index)
			return
		}
		if !n.toldDiffers[id] {
			n.toldDiffers[id] = true
			n.metrics.mismatches.Inc()
			n.log.Error("a member's state differs from the majority's; it stops by itself, or has to be stopped", "member", id, "index", c.index)
		}
	}
	was := n.disputed.Load()
	switch {
	case c.dispute != nil && was == nil:
		n.metrics.mismatches.Inc()
		n.disputed.Store(&dispute{c.index, c.dispute})
		n.log.Error("members differ and no majority can tell which are right; nothing is served until one can", "members", strings.Join(c.dispute, ", "), "index", c.index)
		_ = n.opts.Audit("digest_dispute", strings.Join(c.dispute, ","), n.doubt(n.disputed.Load())) // the log says it too
	case was != nil && c.dispute == nil && c.agreed >= was.index && slices.Contains(c.held, n.opts.ID):
		n.disputed.Store(nil)
		n.log.Info("a majority of the members is equal again, this one with it; serving", "index", c.agreed)
	case was != nil:
		n.hasten(seen)
	}
}

// hasten makes the members comparable that are not before the next command: one that
// came back with a snapshot, say, while no ballots are taken.
func (n *Node) hasten(seen []sighting) {
	silent := slices.ContainsFunc(seen, func(m sighting) bool { return m.voter && m.err != nil })
	if silent || !n.leaders.now().self {
		return
	}
	ctx, cancel := context.WithTimeout(n.ctx, callTimeout)
	defer cancel()
	if err := n.proposeTick(ctx); err != nil {
		n.log.Debug("the members cannot be compared yet", "error", err)
	}
}

// differs stops this member for good.
func (n *Node) differs(index uint64) {
	why := fmt.Sprintf("at log index %d a majority of the members has another digest. Nothing more is served from here. "+
		"Keep a copy of the data directory for whoever looks for the cause, then remove this member (voted cluster remove %s), empty its data directory and join it again", index, n.opts.ID)
	n.metrics.mismatches.Inc()
	_ = n.opts.Audit("digest_differs", n.opts.ID, why) // it stops all the same
	if err := n.opts.Store.SetValue(valueDiffers, []byte(why)); err != nil {
		n.log.Error("that this member differs could not be noted on its disk; do not start it again", "error", err)
	}
	n.Fail(fmt.Errorf("%w: %s", ErrDiffers, why))
}

// sound refuses to start a member that was found to differ.
func (n *Node) sound() error {
	why, err := n.opts.Store.Value(valueDiffers)
	if err == nil && why != nil {
		return fmt.Errorf("%w: %s", ErrDiffers, why)
	}
	return err
}

// Doubt returns why the state here cannot be relied on, nil where it can.
func (n *Node) Doubt() error {
	if d := n.disputed.Load(); d != nil {
		return poll.Refuse(poll.CodeUnavailable, "%s", n.doubt(d))
	}
	return nil
}

func (n *Node) doubt(d *dispute) string {
	return fmt.Sprintf("The members %s differ at log index %d and no majority can tell which are right, so nothing is served. "+
		"Start the members that are away; where that is not possible, find out which one is right and remove the others.", strings.Join(d.members, ", "), d.index)
}

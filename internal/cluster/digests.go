package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"voted/internal/refusal"
	"voted/internal/survey"
)

// ErrDiffers marks the end of a member whose state is not that of the majority.
var ErrDiffers = errors.New("this member's state differs from the other members'")

// valueDiffers keeps why a member stopped for good: if it restarted, it would serve the
// same wrong state until the next comparison.
const valueDiffers = "differs"

// compare acts on the members' digests: this member stops for good if its state differs
// from a majority's, and serves nothing while members differ and no majority is equal.
func (n *Node) compare(look survey.Look) {
	c := look.Digests()
	for _, id := range c.Differ {
		if id == n.opts.ID {
			n.differs(c.Index)
			return
		}
		if !n.loggedDiffers[id] {
			n.loggedDiffers[id] = true
			n.metrics.mismatches.Inc()
			n.log.Error("a member's state differs from the majority's; it stops by itself, or has to be stopped", "member", id, "index", c.Index)
		}
	}
	was := n.dispute.Load()
	switch {
	case c.Dispute != nil && was == nil:
		n.metrics.mismatches.Inc()
		n.dispute.Store(&c)
		n.log.Error("members differ and no majority can tell which are right; nothing is served until one can", "members", strings.Join(c.Dispute, ", "), "index", c.Index)
		_ = n.opts.Audit("digest_dispute", strings.Join(c.Dispute, ","), n.doubt(n.dispute.Load())) // it was logged, too
	case was != nil && c.Dispute == nil && c.Agreed >= was.Index && slices.Contains(c.Held, n.opts.ID):
		n.dispute.Store(nil)
		n.log.Info("a majority of the members is equal again, this one with it; serving", "index", c.Agreed)
	case was != nil:
		n.proposeToCompare(look)
	}
}

// proposeToCompare proposes a command where members can be compared only after the next
// one, for example when a member came back with a snapshot while no ballots come in.
func (n *Node) proposeToCompare(look survey.Look) {
	silent := slices.ContainsFunc(look, func(m survey.Sighting) bool { return m.Votes && m.Err != nil })
	if silent || !n.leaders.Now().Self {
		return
	}
	ctx, cancel := context.WithTimeout(n.ctx, callTimeout)
	defer cancel()
	if err := n.replica.Tick(ctx); err != nil {
		n.log.Debug("the members cannot be compared yet", "error", err)
	}
}

// differs stops this member for good.
func (n *Node) differs(index uint64) {
	why := fmt.Sprintf("at log index %d a majority of the members has another digest. Nothing more is served from here. "+
		"Keep a copy of the data directory for whoever looks for the cause, then remove this member (voted cluster remove %s), empty its data directory and join it again", index, n.opts.ID)
	n.metrics.mismatches.Inc()
	_ = n.opts.Audit("digest_differs", n.opts.ID, why) // it stops even if that fails
	if err := n.opts.Store.SetValue(valueDiffers, []byte(why)); err != nil {
		n.log.Error("that this member differs could not be noted on its disk; do not start it again", "error", err)
	}
	n.Fail(fmt.Errorf("%w: %s", ErrDiffers, why))
}

// refuseIfDiffering refuses to start a member that was found to differ.
func (n *Node) refuseIfDiffering() error {
	why, err := n.opts.Store.Value(valueDiffers)
	if err == nil && why != nil {
		return fmt.Errorf("%w: %s", ErrDiffers, why)
	}
	return err
}

// Doubt returns why the state here cannot be relied on, nil if it can.
func (n *Node) Doubt() error {
	if d := n.dispute.Load(); d != nil {
		return refusal.New(refusal.Unavailable, "%s", n.doubt(d))
	}
	return nil
}

func (n *Node) doubt(d *survey.Comparison) string {
	return fmt.Sprintf("The members %s differ at log index %d and no majority can tell which are right, so nothing is served. "+
		"Start the members that are away; where that is not possible, find out which one is right and remove the others.", strings.Join(d.Dispute, ", "), d.Index)
}

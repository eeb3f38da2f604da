package cluster

import (
	"context"
	"fmt"
	"time"

	"voted/internal/cluster/replica"
	"voted/internal/fsm"
	"voted/internal/poll"
	"voted/internal/refusal"
	"voted/internal/survey"
)

// The log itself decides which formats it may hold: a command of a level is proposed only
// after a Raise to that level was applied, and a leader proposes the Raise only when
// every member of the configuration has just reported that it reads the level. If the
// members' current answers decided, a level would be revoked whenever one of them is
// away.

// level is the format level of the state here. It never goes back.
func (n *Node) level() (level uint32) {
	n.fsm.Read(func(s *poll.State) { level = s.Level() })
	return level
}

// raiseLevel allows the newest formats that all members read. look must be the leader's
// latest.
func (n *Node) raiseLevel(look survey.Look) {
	if !n.replica.Leads() {
		return
	}
	common := look.CommonLevel()
	if common <= n.level() {
		return
	}
	// The members may have changed since they were asked.
	if !look.Shows(replica.Peers(n.replica.Members())) {
		return
	}
	ctx, cancel := context.WithTimeout(n.ctx, callTimeout)
	defer cancel()
	if _, err := n.replica.Propose(ctx, fsm.AppendCommand(nil, n.stamp(), poll.Raise{Level: common})); err != nil {
		n.log.Debug("the format level could not be raised yet", "level", common, "error", err)
		return
	}
	n.log.Info("all members read it: formats of a newer level are used from here on", "level", common)
}

// allows reports whether the level here allows a command. Where it allows all that this build can say,
// what the command needs is not looked at.
func (n *Node) allows(c poll.Command) bool {
	level := n.level()
	return level >= max(n.opts.FormatLevel, fsm.Reads()) || n.opts.Needs(c) <= level
}

// permit refuses, on the leader, a command that some member may be unable to read.
func (n *Node) permit(c poll.Command) error {
	if n.allows(c) {
		return nil
	}
	if !n.replica.Leads() {
		return fmt.Errorf("%w: this member does not lead, or not yet", replica.ErrNotAppended)
	}
	return n.notYet()
}

// awaitLevel is permit for the member at which a command enters. The log may allow the
// command in an entry that this member has not applied yet, so it catches up first.
func (n *Node) awaitLevel(ctx context.Context, c poll.Command) error {
	if n.allows(c) {
		return nil
	}
	if err := n.Sync(ctx); err != nil {
		return err
	}
	if n.allows(c) {
		return nil
	}
	return n.notYet()
}

// settleWithin is how long a new cluster may take until it uses the newest formats: its
// leader asks the members first.
const settleWithin = 5 * time.Second

// settleLevel waits until the cluster uses the newest formats that this build reads. It
// gives up after settleWithin: then some member does not read them.
func (n *Node) settleLevel(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, settleWithin)
	defer cancel()
	for index := n.Index(); n.level() < n.opts.FormatLevel; index = n.Index() {
		if n.Changed(ctx, index) != nil {
			return
		}
	}
}

// notYet is the refusal that names the members for which the cluster waits.
func (n *Node) notYet() error {
	why := "it was just upgraded"
	if last := n.members.LastLook(); last != nil {
		if behind := last.Behind(n.opts.FormatLevel); behind != "" {
			why = behind
		}
	}
	return refusal.New(refusal.UpgradePending, "Not every member of the cluster can read this yet, so nothing was changed: %s. Send the request again then.", why)
}

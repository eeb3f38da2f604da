package cluster

import (
	"context"
	"fmt"
	"strings"

	"github.com/hashicorp/raft"

	"voted/internal/fsm"
	"voted/internal/poll"
)

// What may be in the log is decided by the log: a command of a level is proposed only
// after a Raise to that level was applied, and a leader proposes the Raise only when
// every member of the configuration has just said that it reads the level. Deciding
// it anew from what members say now would forbid again what was allowed, whenever one
// of them is away.

// reads is the format level that a member reads; 0 where it did not answer.
func (m *sighting) reads() uint32 {
	switch {
	case m.err != nil:
		return 0
	case m.status.Reads == 0:
		return poll.FirstLevel // a build that knows no levels
	}
	return m.status.Reads
}

// level is the format level of the state here. It never goes back.
func (n *Node) level() (level uint32) {
	n.fsm.Read(func(s *poll.State) { level = s.Level() })
	return level
}

// raise lets the newest formats be used that all members read. It is called with what
// the leader has just seen.
func (n *Node) raise(seen []sighting) {
	if n.ready.Load() != n.raft.CurrentTerm() || len(seen) == 0 {
		return
	}
	common := commonLevel(seen)
	if common <= n.level() {
		return
	}
	// The members may have changed since they were asked.
	if !sameMembers(seen, n.configuration()) {
		return
	}
	ctx, cancel := context.WithTimeout(n.ctx, callTimeout)
	defer cancel()
	if _, err := n.apply(ctx, fsm.AppendCommand(nil, n.stamp(), poll.Raise{Level: common})); err != nil {
		n.log.Debug("the format level could not be raised yet", "level", common, "error", err)
		return
	}
	n.log.Info("all members read it: formats of a newer level are used from here on", "level", common)
}

// commonLevel is the highest level that every member reads; 0 where one is silent.
func commonLevel(seen []sighting) uint32 {
	common := seen[0].reads()
	for i := range seen {
		common = min(common, seen[i].reads())
	}
	return common
}

func sameMembers(seen []sighting, c raft.Configuration) bool {
	if len(seen) != len(c.Servers) {
		return false
	}
	for i, s := range c.Servers {
		if seen[i].server.ID != string(s.ID) || seen[i].server.Peer != string(s.Address) {
			return false
		}
	}
	return true
}

// permit refuses, on the leader, a command that not every member could read.
func (n *Node) permit(c poll.Command) error {
	if n.level() >= n.opts.Reads || fsm.LevelOf(c) <= n.level() {
		return nil
	}
	if n.raft.State() != raft.Leader || n.ready.Load() != n.raft.CurrentTerm() {
		return fmt.Errorf("%w: this member does not lead, or not yet", errNotAppended)
	}
	return n.notYet()
}

// mayUse is permit where a command enters. What this member has not applied yet may
// allow it, so it asks for that first.
func (n *Node) mayUse(ctx context.Context, c poll.Command) error {
	if n.level() >= n.opts.Reads || fsm.LevelOf(c) <= n.level() {
		return nil
	}
	if err := n.Sync(ctx); err != nil {
		return err
	}
	if fsm.LevelOf(c) <= n.level() {
		return nil
	}
	return n.notYet()
}

// notYet says for whom the cluster waits.
func (n *Node) notYet() error {
	why := "it was just upgraded"
	if last := n.seen.Load(); last != nil {
		if behind := behind(*last, n.opts.Reads); behind != "" {
			why = behind
		}
	}
	return poll.Refuse(poll.CodeUnavailable, "Not every member of the cluster can read this yet, so nothing was changed: %s. Send the request again then.", why)
}

// behind names the members that do not read a level, empty where all do.
func behind(seen []sighting, level uint32) string {
	var who []string
	for i := range seen {
		m := &seen[i]
		switch reads := m.reads(); {
		case reads == 0:
			who = append(who, fmt.Sprintf("%s does not answer (start it, or remove it if it will not return)", m.server.ID))
		case reads < level:
			who = append(who, fmt.Sprintf("%s reads formats up to level %d and has to be upgraded", m.server.ID, reads))
		}
	}
	return strings.Join(who, "; ")
}

// readsEnough refuses a member that could not read this cluster's log. One that an
// operator adds has not spoken yet: it says so when it joins.
func (n *Node) readsEnough(c change) error {
	if c.Op != "join" {
		return nil
	}
	if reads, level := max(c.Reads, poll.FirstLevel), n.level(); reads < level {
		return poll.Refuse(poll.CodeForbidden, "Member %s reads formats up to level %d, and this cluster uses level %d. Start it with a newer voted, the version that the other members run.", c.ID, reads, level)
	}
	return nil
}

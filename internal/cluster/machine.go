package cluster

import (
	"io"

	"github.com/hashicorp/raft"

	"voted/internal/fsm"
)

// machine is the state machine as raft sees it: the state, and what the member does
// besides when it changes.
type machine struct {
	*fsm.FSM
	node  *Node
	sound func() error // waits for the check of the store, once
}

// Apply implements raft.FSM.
func (m machine) Apply(l *raft.Log) any {
	span := m.node.busy.traced.part("apply", l)
	defer span.End()
	answer := m.FSM.Apply(l)
	m.node.growth.applied(len(l.Data), m.FSM.Restoring())
	return answer
}

// Snapshot implements raft.FSM.
func (m machine) Snapshot() (raft.FSMSnapshot, error) {
	span := m.node.opts.Tracer.Root("snapshot")
	s, err := m.FSM.Snapshot()
	if err != nil {
		return nil, err
	}
	return &pacedSnapshot{FSMSnapshot: s, span: span, node: m.node, since: m.node.growth.captured()}, nil
}

// Restore implements raft.FSM. At a start it waits for the check of the log, which
// runs meanwhile; later that has long been done.
func (m machine) Restore(r io.ReadCloser) error {
	if err := m.FSM.Restore(leavingReader{r, m.node.ctx}); err != nil {
		return err
	}
	n := m.node
	n.metrics.restores.Inc()
	// raft hands on the state alone; what it restores is the newest snapshot.
	snapshots, err := n.opts.Store.Snapshots().List()
	if err != nil {
		return err
	}
	if len(snapshots) > 0 {
		known := rosterOf(snapshots[0].Index, snapshots[0].Configuration)
		n.decided.Store(&known)
		n.growth.restored(snapshots[0].Size)
	}
	return m.sound()
}

// StoreConfiguration implements raft.ConfigurationStore: c is committed. Whoever it
// removes loses its connections.
func (m machine) StoreConfiguration(index uint64, c raft.Configuration) {
	n := m.node
	known := rosterOf(index, c)
	n.decided.Store(&known)
	m.FSM.StoreConfiguration(index, c)
	g, ok := n.opts.Network.(guarded)
	if !ok || n.ctx.Err() != nil {
		return
	}
	// Beside raft: who is not known here may have to be asked for.
	n.goTask(func() { g.Recheck(n.ctx) })
}

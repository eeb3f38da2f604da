package replica

import (
	"io"

	"github.com/hashicorp/raft"

	"voted/internal/fsm"
)

// machine is the state machine that raft calls, from one goroutine: the state, and what
// the replica does when it changes.
type machine struct {
	*fsm.FSM
	replica  *Replica
	verified func() error // waits for the check of the store, once
}

// Apply implements raft.FSM.
func (m machine) Apply(l *raft.Log) any {
	if err := m.replica.behind.assured(l.Index); err != nil {
		return m.FSM.Halt(err)
	}
	answer := m.FSM.Apply(l)
	m.replica.store.Applied(l.Index)
	m.replica.growth.applied(len(l.Data), m.FSM.Restoring())
	return answer
}

// Snapshot implements raft.FSM.
func (m machine) Snapshot() (raft.FSMSnapshot, error) {
	span := m.replica.opts.Tracer.Root("snapshot")
	s, err := m.FSM.Snapshot()
	if err != nil {
		return nil, err
	}
	return &pacedSnapshot{FSMSnapshot: s, span: span, replica: m.replica, since: m.replica.growth.captured()}, nil
}

// Restore implements raft.FSM. At a start it waits for the check of the store, which runs
// at the same time; later that is long done.
func (m machine) Restore(r io.ReadCloser) error {
	if err := m.FSM.Restore(leavingReader{r, m.replica.ctx}); err != nil {
		return err
	}
	m.replica.metrics.restores.Inc()
	// Raft passes only the state; it is that of the newest snapshot.
	snapshots, err := m.replica.store.Snapshots().List()
	if err != nil {
		return err
	}
	if len(snapshots) > 0 {
		m.replica.decided.Store(&membership{snapshots[0].Index, serversOf(snapshots[0].Configuration)})
		m.replica.growth.restored(snapshots[0].Size)
	}
	return m.verified()
}

// StoreConfiguration implements raft.ConfigurationStore: c is committed.
func (m machine) StoreConfiguration(index uint64, c raft.Configuration) {
	if err := m.replica.behind.assured(index); err != nil {
		m.FSM.Halt(err)
		return
	}
	known := membership{index, serversOf(c)}
	m.replica.decided.Store(&known)
	m.FSM.StoreConfiguration(index, c)
	if m.replica.ctx.Err() == nil {
		m.replica.opts.OnMembership(index, known.members)
	}
}

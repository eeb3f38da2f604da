package cluster

import (
	"io"
	"sync"
)

// verify starts the check of the store and returns what waits for its result. Where
// there is a snapshot, the end of restoring it waits (machine.Restore), so that raft
// does not start on a store that is not sound; where there is none, verify waits.
func (n *Node) verify() (sound func() error, err error) {
	if n.opts.Verify == nil {
		return func() error { return nil }, nil
	}
	result := make(chan error, 1)
	go func() { result <- n.opts.Verify() }() // not a task: a disk that hangs must not hold up Close
	sound = sync.OnceValue(func() error {
		select {
		case err := <-result:
			return err
		case <-n.ctx.Done():
			return n.ctx.Err()
		}
	})
	snapshots, err := n.opts.Store.Snapshots().List()
	if err == nil && len(snapshots) == 0 {
		err = sound()
	}
	return sound, err
}

// Restore implements raft.FSM. At a start it waits for the check of the log, which
// runs meanwhile; later that has long been done.
func (m machine) Restore(r io.ReadCloser) error {
	if err := m.FSM.Restore(leavingReader{r, m.node.ctx.Done()}); err != nil {
		return err
	}
	m.node.metrics.restores.Inc()
	// raft hands on the state alone; what it restores is the newest snapshot.
	snapshots, err := m.node.opts.Store.Snapshots().List()
	if err != nil {
		return err
	}
	if len(snapshots) > 0 {
		known := rosterOf(snapshots[0].Index, snapshots[0].Configuration)
		m.node.decided.Store(&known)
		m.node.growth.captured()
		m.node.growth.last.Store(snapshots[0].Size)
	}
	return m.sound()
}

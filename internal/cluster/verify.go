package cluster

import (
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

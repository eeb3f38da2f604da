package replica

import (
	"sync"
)

// verify starts the check of the store and returns a function that waits for the result.
// If there is a snapshot, machine.Restore calls it at its end, so that raft does not
// start on a store with a fault; if there is none, verify itself waits.
func (r *Replica) verify() (verified func() error, err error) {
	if r.opts.Verify == nil {
		return func() error { return nil }, nil
	}
	result := make(chan error, 1)
	go func() { result <- r.opts.Verify() }() // not a task: a disk that hangs must not hold up Close
	verified = sync.OnceValue(func() error {
		select {
		case err := <-result:
			return err
		case <-r.ctx.Done():
			return r.ctx.Err()
		}
	})
	snapshots, err := r.store.Snapshots().List()
	if err == nil && len(snapshots) == 0 {
		err = verified()
	}
	return verified, err
}

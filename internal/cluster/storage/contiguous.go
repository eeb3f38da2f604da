package storage

import (
	"errors"
	"fmt"

	"github.com/hashicorp/raft"
)

// contiguous keeps the log without holes, so that a hole always means damage. raft
// itself may leave one: after it installs or restores a snapshot, it continues after
// the snapshot's index and keeps its older entries. The snapshot covers all of those;
// they are dropped when the first entry after it arrives. (raft's own way to avoid
// holes, MonotonicLogStore, would also drop entries newer than the snapshot.)
type contiguous struct {
	engine
	// covered returns the index of the newest snapshot, 0 if there is none.
	covered func() (uint64, error)
}

// StoreLog implements raft.LogStore.
func (c *contiguous) StoreLog(log *raft.Log) error { return c.StoreLogs([]*raft.Log{log}) }

// StoreLogs implements raft.LogStore.
func (c *contiguous) StoreLogs(logs []*raft.Log) error {
	if len(logs) == 0 {
		return nil
	}
	for i, l := range logs[1:] {
		if l.Index != logs[i].Index+1 {
			return fmt.Errorf("raft stores entry %d right after entry %d", l.Index, logs[i].Index)
		}
	}
	last, err := c.engine.LastIndex()
	if err != nil {
		return err
	}
	if next := logs[0].Index; last != 0 && next > last+1 {
		if err := c.dropCovered(last, next); err != nil {
			return err
		}
	}
	return c.engine.StoreLogs(logs)
}

func (c *contiguous) dropCovered(last, next uint64) error {
	covered, err := c.covered()
	if err != nil {
		return err
	}
	if covered+1 < next {
		return fmt.Errorf("raft stores entry %d after entry %d, and the newest snapshot (%d) does not cover the hole",
			next, last, covered)
	}
	first, err := c.engine.FirstIndex()
	if err != nil {
		return err
	}
	return c.engine.DeleteRange(first, last)
}

// GetLog implements raft.LogStore. A missing entry between the first and the last is damage.
func (c *contiguous) GetLog(index uint64, log *raft.Log) error {
	err := c.engine.GetLog(index, log)
	if !errors.Is(err, raft.ErrLogNotFound) {
		return err
	}
	first, ferr := c.engine.FirstIndex()
	last, lerr := c.engine.LastIndex()
	if ferr != nil || lerr != nil {
		return errors.Join(ferr, lerr)
	}
	if first <= index && index <= last {
		return fmt.Errorf("%w: entry %d is missing between %d and %d", ErrDamaged, index, first, last)
	}
	return err
}

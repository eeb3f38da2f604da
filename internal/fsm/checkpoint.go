package fsm

import (
	"encoding/hex"
	"slices"

	"voted/internal/poll"
)

const (
	// checkpointStep is how many log entries lie between two checkpoints.
	checkpointStep = 256
	// checkpointsKept cover what a member may lag behind and still be compared.
	checkpointsKept = 16
)

// Checkpoint is the state's digest after all entries up to a log index: equal on all
// members. It is written as text, since it travels in a member's status.
type Checkpoint struct {
	Index  uint64 `json:"index"`
	Digest string `json:"digest"` // hexadecimal
}

// checkpoints are the last ones, the newest at the end.
type checkpoints struct {
	kept []checkpoint
	// running is set by the first command after the beginning or a restored snapshot.
	// Before, it is not known up to which index the state holds: raft puts entries of
	// its own between, and a restore may bring a state of another past.
	running bool
}

type checkpoint struct {
	index  uint64
	digest poll.Digest
}

// before is called before the command at index changes the state. Where that passes
// the end of a step, the state is still what it was there.
func (c *checkpoints) before(index uint64, s *poll.State) {
	if at := (index - 1) / checkpointStep * checkpointStep; c.running && at >= s.Index() {
		if len(c.kept) == checkpointsKept {
			c.kept = append(c.kept[:0], c.kept[1:]...)
		}
		c.kept = append(c.kept, checkpoint{at, s.Digest()})
	}
	c.running = true
}

// Checkpoints returns what this member can be compared by: the latest checkpoints
// and, at the end, the state as it is now. It is empty before the first command after
// a start or a restored snapshot.
func (f *FSM) Checkpoints() []Checkpoint {
	f.mu.RLock()
	all := slices.Clone(f.checkpoints.kept)
	if f.checkpoints.running {
		all = append(all, checkpoint{f.state.Index(), f.state.Digest()})
	}
	f.mu.RUnlock()
	shown := make([]Checkpoint, len(all))
	for i, c := range all {
		shown[i] = Checkpoint{c.index, hex.EncodeToString(c.digest[:])}
	}
	return shown
}

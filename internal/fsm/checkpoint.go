package fsm

import (
	"encoding/hex"
	"slices"

	"voted/internal/poll"
)

const (
	// checkpointStep is how many log entries lie between two checkpoints.
	checkpointStep = 256
	// checkpointsKept is enough to compare a member that lags behind.
	checkpointsKept = 16
)

// checkpoints are the last ones, the newest at the end.
type checkpoints struct {
	kept []checkpoint
	// running is set by the first command after the beginning or a restored snapshot.
	// Before, it is not known up to which index the state is valid: raft puts entries
	// of its own in between, and a restore may bring a state with another history.
	running bool
}

type checkpoint struct {
	index  uint64
	digest poll.Digest
}

// before is called before the command at index changes the state. If that passes the
// end of a step, the state is still the one at that end.
func (c *checkpoints) before(index uint64, s *poll.State) {
	if at := (index - 1) / checkpointStep * checkpointStep; c.running && at >= s.Index() {
		if len(c.kept) == checkpointsKept {
			c.kept = append(c.kept[:0], c.kept[1:]...)
		}
		c.kept = append(c.kept, checkpoint{at, s.Digest()})
	}
	c.running = true
}

// Checkpoints returns what this member can be compared by: the latest checkpoints and,
// last, the present state. It is empty before the first command after a start or a
// restored snapshot.
func (f *FSM) Checkpoints() []poll.Checkpoint {
	f.mu.RLock()
	all := slices.Clone(f.checkpoints.kept)
	if f.checkpoints.running {
		all = append(all, checkpoint{f.state.Index(), f.state.Digest()})
	}
	f.mu.RUnlock()
	shown := make([]poll.Checkpoint, len(all))
	for i, c := range all {
		shown[i] = poll.Checkpoint{Index: c.index, Digest: hex.EncodeToString(c.digest[:])}
	}
	return shown
}

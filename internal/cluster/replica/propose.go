package replica

import (
	"context"
	"errors"
	"fmt"

	"github.com/hashicorp/raft"

	"voted/internal/fsm"
	"voted/internal/poll"
)

// ErrNotAppended means that the request certainly did not reach the log: the caller may
// try again.
var ErrNotAppended = errors.New("not appended")

// sorted wraps ErrNotAppended into the errors after which certainly nothing was appended;
// after any other the outcome is unknown.
func sorted(err error) error {
	if errors.Is(err, raft.ErrNotLeader) || errors.Is(err, raft.ErrLeadershipTransferInProgress) || errors.Is(err, raft.ErrEnqueueTimeout) {
		return fmt.Errorf("%w: %w", ErrNotAppended, err)
	}
	return err
}

// Pending is an entry that was given to raft.
type Pending struct{ future raft.ApplyFuture }

// Begin gives an entry to raft. If this member does not lead, Wait returns that as an
// error.
func (r *Replica) Begin(entry []byte) Pending { return Pending{r.raft.Apply(entry, takeTimeout)} }

// Wait returns the entry's outcome when it has been applied here. After an error that
// wraps ErrNotAppended it certainly was not appended; after any other the outcome is
// unknown. Callers must not rely on Wait to return while raft shuts down: raft may then
// forget an entry (hashicorp/raft #498).
func (p Pending) Wait() (fsm.Applied, error) { return p.applied(p.future.Error()) }

func (p Pending) applied(err error) (fsm.Applied, error) {
	if err != nil {
		return fsm.Applied{}, sorted(err)
	}
	a, ok := p.future.Response().(*fsm.Applied)
	if !ok {
		return fsm.Applied{}, errors.New("the state machine has halted")
	}
	return *a, nil
}

// Propose is Begin, and Wait until ctx ends. If ctx ends first the outcome is unknown.
func (r *Replica) Propose(ctx context.Context, entry []byte) (fsm.Applied, error) {
	p := r.Begin(entry)
	return p.applied(r.await(ctx, p.future))
}

// Tick proposes a command that only lets time pass.
func (r *Replica) Tick(ctx context.Context) error {
	_, err := r.Propose(ctx, fsm.AppendCommand(nil, r.opts.Stamp(), poll.Tick{}))
	return err
}

// await waits for raft's answer, until ctx ends.
func (r *Replica) await(ctx context.Context, f raft.Future) error {
	done := make(chan error, 1)
	go func() { done <- f.Error() }() // not a task: see Pending.Wait
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

package cluster

import (
	"bytes"
	"context"
	"encoding/json"
	"io"

	"github.com/hashicorp/raft"

	"voted/internal/fsm"
	"voted/internal/poll"
	"voted/internal/survey"
)

// Corrupt makes a member's state another one at the same index: a poll is closed there
// alone.
func Corrupt(n *Node, id string) error {
	snap, err := n.fsm.Snapshot()
	if err != nil {
		return err
	}
	defer snap.Release()
	var b sink
	if err := snap.Persist(&b); err != nil {
		return err
	}
	state, of, err := fsm.ReadSnapshot(&b)
	if err != nil {
		return err
	}
	state.Do(poll.Close{Poll: id})
	state.End()
	var changed bytes.Buffer
	view := state.View()
	defer view.Close()
	if err := fsm.WriteSnapshot(&changed, of, view, noLock{}); err != nil {
		return err
	}
	return n.fsm.Restore(io.NopCloser(&changed))
}

// Applied returns the index of the newest entry that raft has applied.
func Applied(n *Node) uint64 { return n.replica.Position().Applied }

type sink struct{ bytes.Buffer }

func (*sink) Close() error  { return nil }
func (*sink) ID() string    { return "" }
func (*sink) Cancel() error { return nil }

type noLock struct{}

func (noLock) Lock()   {}
func (noLock) Unlock() {}

var _ raft.SnapshotSink = (*sink)(nil)

// CutOff ends all that goes to n and comes from it, at once and for good.
func CutOff(n *Node) error { return n.opts.Network.Close() }

// ProposeMember puts a change of membership into the log, and does not wait for it.
func ProposeMember(n *Node, id, addr string) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_ = n.replica.Promote(ctx, id, addr)
}

// Knows returns the members of the newest membership in the log, and of the one that n
// answers with.
func Knows(n *Node) (log, answer []string, err error) {
	for _, s := range n.replica.Members() {
		log = append(log, s.ID)
	}
	b, err := n.members.AnswerRoster()
	if err != nil {
		return nil, nil, err
	}
	var r struct{ Members []survey.Peer }
	err = json.Unmarshal(b, &r)
	for _, m := range r.Members {
		answer = append(answer, m.ID)
	}
	return log, answer, err
}

// NewestSnapshot returns its size in bytes, 0 if there is none.
func NewestSnapshot(n *Node) (int64, error) {
	list, err := n.opts.Store.Snapshots().List()
	if err != nil || len(list) == 0 {
		return 0, err
	}
	return list[0].Size, nil
}

// GrownSince returns the bytes of log behind the last snapshot.
func GrownSince(n *Node) int64 { return n.replica.Grown() }

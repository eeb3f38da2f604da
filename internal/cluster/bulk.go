package cluster

import (
	"context"
	"fmt"
	"slices"

	"voted/internal/fsm"
	"voted/internal/poll"
)

// sealed is an encoded frame on its way, and what came back for it.
type sealed struct {
	data     []byte
	ballots  int
	first    []int // position of each group's first ballot
	outcomes []poll.Outcome
}

func seal(f *fsm.Frame) sealed {
	data, first := f.Seal()
	return sealed{data: data, ballots: f.Len(), first: first}
}

// CastMany casts ballots in order, in one frame. See api.Ballots. It waits its turn
// while enough frames of this member are under way, so a fast sender is slowed
// down, not buffered.
func (n *Node) CastMany(ctx context.Context, ballots []poll.Ballot) ([]poll.Outcome, error) {
	select {
	case n.bulk <- struct{}{}:
		defer func() { <-n.bulk }()
	case <-ctx.Done():
		return nil, n.gaveUp(false, errBusy)
	}
	var frame fsm.Frame
	frame.Expect(len(ballots))
	var places []fsm.Place // needed only where the ballots are of several polls
	if severalPolls(ballots) {
		places = make([]fsm.Place, len(ballots))
	}
	for i := range ballots {
		place := frame.Add(&ballots[i])
		if places != nil {
			places[i] = place
		}
	}
	f := seal(&frame)
	if len(f.data) > maxFrameBytes {
		return nil, poll.Refuse(poll.CodePayloadTooLarge, "These ballots take %d bytes together, at most %d are possible; send fewer at once.", len(f.data), maxFrameBytes)
	}
	unknown := false
	err := n.submit(ctx, func(ctx context.Context, leader leadership) error {
		err := n.propose(ctx, leader, &f)
		unknown = unknown || err != nil && !definitelyNot(err)
		return err
	})
	if err == nil && unknown && slices.ContainsFunc(f.outcomes, isStorageFull) {
		return nil, unknownAfterAll()
	}
	if err != nil || places == nil {
		return f.outcomes, err
	}
	ordered := make([]poll.Outcome, len(ballots))
	for i, p := range places {
		ordered[i] = f.outcomes[p.Position(f.first)]
	}
	return ordered, nil
}

// propose hands a frame to the leader, here or over the network, and fills in its
// outcomes.
func (n *Node) propose(ctx context.Context, leader leadership, f *sealed) error {
	if leader.self {
		a, err := n.proposer.propose(ctx, f.data, f.ballots)
		f.outcomes = a.outcomes
		return err
	}
	n.metrics.forwards.Inc()
	answer, err := n.ask(ctx, leader.addr, callPropose, f.data)
	if err != nil {
		return err
	}
	_, outcomes, err := fsm.DecodeOutcomes(answer, f.ballots)
	if err != nil {
		return fmt.Errorf("member %s answered with something unreadable: %w", leader.id, err)
	}
	f.outcomes = outcomes
	return nil
}

// Execute carries out a command that manages polls. See api.Polls.
func (n *Node) Execute(ctx context.Context, c poll.Command) (poll.Result, error) {
	if err := n.mayUse(ctx, c); err != nil {
		return poll.Result{}, err
	}
	select {
	case n.commands <- struct{}{}:
		defer func() { <-n.commands }()
	case <-ctx.Done():
		return poll.Result{}, n.gaveUp(false, errBusy)
	}
	request := fsm.EncodeRequest(c)
	var result poll.Result
	err := n.submit(ctx, func(ctx context.Context, leader leadership) (err error) {
		if leader.self {
			result, err = n.proposer.execute(ctx, c)
			return err
		}
		n.metrics.forwards.Inc()
		answer, err := n.ask(ctx, leader.addr, callExecute, request)
		if err != nil {
			return err
		}
		result, err = fsm.DecodeResult(answer)
		return err
	})
	if err != nil {
		return poll.Result{}, err
	}
	if err := n.fsm.WaitApplied(ctx, result.Index); err != nil {
		return poll.Result{}, n.gaveUp(true, err)
	}
	return result, nil
}

func severalPolls(ballots []poll.Ballot) bool {
	for i := range ballots {
		if ballots[i].Poll != ballots[0].Poll {
			return true
		}
	}
	return false
}

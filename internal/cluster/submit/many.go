package submit

import (
	"context"
	"fmt"
	"slices"

	"voted/internal/cluster/replica"
	"voted/internal/fsm"
	"voted/internal/poll"
	"voted/internal/refusal"
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

// CastMany casts ballots in order, in one frame. See api.Ballots. It waits while enough
// frames of this member are under way, so a fast sender is slowed down, not buffered.
func (s *Submitter) CastMany(ctx context.Context, ballots []poll.Ballot) ([]poll.Outcome, error) {
	select {
	case s.bulk <- struct{}{}:
		defer func() { <-s.bulk }()
	case <-ctx.Done():
		return nil, GaveUp(false, errBusy)
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
		return nil, refusal.New(refusal.PayloadTooLarge, "These ballots take %d bytes together, at most %d are possible; send fewer at once.", len(f.data), maxFrameBytes)
	}
	unknown := false
	err := s.submit(ctx, func(ctx context.Context, leader replica.Leadership) error {
		err := s.propose(ctx, leader, &f)
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

// propose sends a frame to the leader and fills in its outcomes.
func (s *Submitter) propose(ctx context.Context, leader replica.Leadership, f *sealed) error {
	return s.askOnce(ctx, leader, Question{Method: Propose, Body: f.data}, func(ctx context.Context) error {
		a, err := s.proposer.propose(ctx, f.data, f.ballots)
		f.outcomes = a.Outcomes
		return err
	}, func(answer []byte) error {
		_, outcomes, err := fsm.DecodeOutcomes(answer, f.ballots)
		if err != nil {
			return fmt.Errorf("member %s answered with something unreadable: %w", leader.ID, err)
		}
		f.outcomes = outcomes
		return nil
	})
}

func severalPolls(ballots []poll.Ballot) bool {
	for i := range ballots {
		if ballots[i].Poll != ballots[0].Poll {
			return true
		}
	}
	return false
}

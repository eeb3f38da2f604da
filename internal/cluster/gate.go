package cluster

import (
	"context"
	"time"

	"voted/internal/cluster/submit"
	"voted/internal/poll"
	"voted/internal/refusal"
)

// gate decides what this member may propose while it leads; see submit.Gate.
type gate struct{ *Node }

// MayPropose implements submit.Gate: there must be no doubt about the state, the members'
// disks must have room, and all members must be able to read the command.
func (g gate) MayPropose(c poll.Command) error {
	if err := g.Doubt(); err != nil {
		return err
	}
	if err := g.refuseGrowth(c); err != nil {
		return err
	}
	return g.permit(c)
}

// Recall implements submit.Gate. While space is short it answers ballots that are in the
// box already, and refuses the rest. It confirms leadership first, so that every
// committed ballot is known here.
func (g gate) Recall(ctx context.Context, frame []byte) (a submit.Answered, held bool, err error) {
	if err := g.Doubt(); err != nil {
		return a, true, err
	}
	if g.shortage.Load() == nil {
		return a, false, nil
	}
	if _, err := g.confirms.join(ctx); err != nil {
		return a, true, err
	}
	a.Index, a.Clock, a.Outcomes, err = g.fsm.Recall(frame, refusal.StorageFull)
	return a, true, err
}

// CastUntil casts one ballot. See api.Ballots.
func (n *Node) CastUntil(ctx context.Context, deadline time.Time, b *poll.Ballot) (poll.Outcome, error) {
	return n.submitter.CastUntil(ctx, deadline, b)
}

// Cast is CastUntil that ends with ctx alone.
func (n *Node) Cast(ctx context.Context, b *poll.Ballot) (poll.Outcome, error) {
	return n.submitter.CastUntil(ctx, time.Time{}, b)
}

// CastMany casts ballots in order, in one frame. See api.Ballots.
func (n *Node) CastMany(ctx context.Context, ballots []poll.Ballot) ([]poll.Outcome, error) {
	return n.submitter.CastMany(ctx, ballots)
}

// Execute carries out a command that manages polls. See api.Polls.
func (n *Node) Execute(ctx context.Context, c poll.Command) (poll.Result, error) {
	if err := n.awaitLevel(ctx, c); err != nil {
		return poll.Result{}, err
	}
	return n.submitter.Execute(ctx, c)
}

package cluster

import (
	"context"
	"errors"

	"voted/internal/cluster/peer"
	"voted/internal/poll"
)

// errNotAppended says that a proposal did not reach the log: it may be made again.
var errNotAppended = errors.New("not appended")

// errBusy says that the leader's queue is full: nothing was appended.
var errBusy = errors.New("the leader's queue is full")

// attempt is one way of asking the leader: here or through the network. Its error
// is nil, errNotAppended or errBusy (wrapped), or anything else: outcome unknown.
type attempt func(ctx context.Context, leader leadership) error

// submit makes attempts with whoever leads until one succeeds or ctx ends. Between
// two attempts it waits for a change of leader or a short pause. All that is
// submitted is idempotent, so an attempt whose outcome is unknown is made again.
func (n *Node) submit(ctx context.Context, try attempt) error {
	unknown := false
	var last error
	for first := true; ; first = false {
		leader, err := n.leaders.known(ctx)
		if err != nil {
			return n.gaveUp(unknown, last)
		}
		if !first {
			n.metrics.resubmissions.Inc()
		}
		err = n.attempt(ctx, leader, try)
		if err == nil {
			return nil
		}
		var refusal *poll.Error
		if errors.As(err, &refusal) && !unknown {
			return refusal // an answer, not a failure of the attempt
		}
		unknown = unknown || !definitelyNot(err)
		last = err
		if ctx.Err() != nil {
			return n.gaveUp(unknown, last)
		}
		n.leaders.pause(ctx, retryPause)
	}
}

// attempt ends early when the leader that it asks leads no more: its answer may
// never come.
func (n *Node) attempt(ctx context.Context, leader leadership, try attempt) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(leader.ctx, cancel)
	defer stop()
	return try(ctx, leader)
}

// gaveUp is the answer at the deadline.
func (n *Node) gaveUp(unknown bool, last error) error {
	switch {
	case unknown:
		return &poll.Error{
			Code:   poll.CodeOutcomeUnknown,
			Detail: "No answer came in time, and the request may have been carried out. Send the same request again: it will not be carried out twice.",
			Cause:  last,
		}
	case errors.Is(last, errBusy):
		return &poll.Error{Code: poll.CodeTooManyRequests, Detail: "The cluster takes no more for the moment; nothing was changed.", Cause: last}
	}
	return &poll.Error{
		Code:   poll.CodeUnavailable,
		Detail: "No leader could be reached in time; nothing was changed. Send the request again.",
		Cause:  last,
	}
}

// definitelyNot reports whether an attempt's error means that nothing was appended.
func definitelyNot(err error) bool {
	var refusal *poll.Error
	return errors.Is(err, errNotAppended) || errors.Is(err, errBusy) || errors.Is(err, peer.ErrNotSent) || errors.As(err, &refusal)
}

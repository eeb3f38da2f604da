package submit

import (
	"context"
	"errors"
	"time"

	"voted/internal/cluster/peer"
	"voted/internal/cluster/replica"
	"voted/internal/poll"
	"voted/internal/refusal"
)

// errBusy means that the leader's queue is full: nothing was appended.
var errBusy = errors.New("the leader's queue is full")

// attempt is one way of asking the leader: here or through the network. Its error
// is nil, replica.ErrNotAppended or errBusy (wrapped), or anything else: outcome unknown.
type attempt func(ctx context.Context, leader replica.Leadership) error

// Question is a call to the leader.
type Question struct {
	Method string
	Body   []byte
	// Within bounds one attempt over the network, for what a healthy leader answers at
	// once; 0: only the context does.
	Within time.Duration
}

// AskLeader asks the leader, and the next one if that failed, until one has answered or
// ctx ends. The question must be idempotent: it may be asked more than once. If this
// member leads, AskLeader calls here; otherwise it calls there with the other member's
// answer, without the verdict. An error that here returns is a *refusal.Error, or wraps
// replica.ErrNotAppended; after any other the outcome is unknown.
func (s *Submitter) AskLeader(ctx context.Context, q Question, here func(ctx context.Context) error, there func(answer []byte) error) error {
	return s.submit(ctx, func(ctx context.Context, leader replica.Leadership) error {
		return s.askOnce(ctx, leader, q, here, there)
	})
}

// askOnce is one attempt.
func (s *Submitter) askOnce(ctx context.Context, leader replica.Leadership, q Question, here func(ctx context.Context) error, there func(answer []byte) error) error {
	if leader.Self {
		return here(ctx)
	}
	if q.Method == Propose || q.Method == Execute {
		s.metrics.forwards.Inc()
	}
	if q.Within > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, q.Within)
		defer cancel()
	}
	answer, err := s.Ask(ctx, leader.Addr, q.Method, q.Body)
	if err != nil {
		return err
	}
	return there(answer)
}

// submit makes attempts with the current leader until one succeeds or ctx ends. Between
// two attempts it waits for a change of leader or a short pause. Everything that is
// submitted is idempotent, so an attempt whose outcome is unknown is made again.
func (s *Submitter) submit(ctx context.Context, try attempt) error {
	unknown := false
	var last error
	for first := true; ; first = false {
		leader, err := s.leaders.Known(ctx)
		if err != nil {
			return GaveUp(unknown, last)
		}
		if !first {
			s.metrics.resubmissions.Inc()
		}
		err = s.attempt(ctx, leader, try)
		if err == nil {
			return nil
		}
		var refused *refusal.Error
		if errors.As(err, &refused) && !unknown {
			return refused // an answer, not a failure of the attempt
		}
		unknown = unknown || !definitelyNot(err)
		last = err
		if ctx.Err() != nil {
			return GaveUp(unknown, last)
		}
		s.leaders.Pause(ctx, replica.RetryPause)
	}
}

// attempt ends early when the leader that it asks no longer leads: its answer may never
// come.
func (s *Submitter) attempt(ctx context.Context, leader replica.Leadership, try attempt) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(leader.Context, cancel)
	defer stop()
	return try(peer.Meaning(ctx, leader.ID), leader)
}

// GaveUp is the answer at the deadline. unknown: some attempt may have been carried out;
// otherwise certainly none was. last is the error of the last attempt.
func GaveUp(unknown bool, last error) error {
	switch {
	case unknown:
		return &refusal.Error{
			Code:   refusal.OutcomeUnknown,
			Detail: "No answer came in time, and the request may have been carried out. Send the same request again: it will not be carried out twice.",
			Cause:  last,
		}
	case errors.Is(last, errBusy):
		return &refusal.Error{Code: refusal.TooManyRequests, Detail: "The cluster takes no more for the moment; nothing was changed.", Cause: last}
	}
	return &refusal.Error{
		Code:   refusal.Unavailable,
		Detail: "No leader could be reached in time; nothing was changed. Send the request again.",
		Cause:  last,
	}
}

// definitelyNot reports whether an attempt's error means that nothing was appended.
func definitelyNot(err error) bool {
	var refused *refusal.Error
	return errors.Is(err, replica.ErrNotAppended) || errors.Is(err, errBusy) || errors.Is(err, peer.ErrNotSent) || errors.As(err, &refused)
}

// unknownAfterAll is the answer to a ballot that is refused for lack of space after an
// earlier attempt with an unknown outcome: it may still be counted.
func unknownAfterAll() error {
	return &refusal.Error{
		Code:   refusal.OutcomeUnknown,
		Detail: "The ballot may have been counted before the disks ran short of space. Send it again: it will not be counted twice.",
	}
}

func isStorageFull(o poll.Outcome) bool {
	return o.Kind == poll.Refused && o.Code == refusal.StorageFull
}

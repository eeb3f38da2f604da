package submit

import (
	"context"

	"voted/internal/fsm"
	"voted/internal/poll"
	"voted/internal/trace"
)

// Execute carries out a command that manages polls, and returns when it has been applied
// here. See api.Polls.
func (s *Submitter) Execute(ctx context.Context, c poll.Command) (poll.Result, error) {
	select {
	case s.commands <- struct{}{}:
		defer func() { <-s.commands }()
	case <-ctx.Done():
		return poll.Result{}, GaveUp(false, errBusy)
	}
	var result poll.Result
	err := s.AskLeader(ctx, Question{Method: Execute, Body: fsm.EncodeRequest(c)}, func(ctx context.Context) (err error) {
		result, err = s.ExecuteHere(ctx, c)
		return err
	}, func(answer []byte) (err error) {
		result, err = fsm.DecodeResult(answer)
		return err
	})
	if err != nil {
		return poll.Result{}, err
	}
	if err := s.State.WaitApplied(ctx, result.Index); err != nil {
		return poll.Result{}, GaveUp(true, err)
	}
	return result, nil
}

// ExecuteHere proposes a command as an entry of its own. If this member does not lead,
// the error wraps replica.ErrNotAppended.
func (s *Submitter) ExecuteHere(ctx context.Context, c poll.Command) (poll.Result, error) {
	if err := s.Gate.MayPropose(c); err != nil {
		return poll.Result{}, err
	}
	entry := fsm.AppendCommand(nil, s.Stamp(), c)
	_, span := s.Tracer.Begin(ctx, "entry", trace.Internal)
	a, err := s.Replica.Propose(ctx, entry)
	s.endEntry(span, len(entry), a, err)
	return a.Result, err
}

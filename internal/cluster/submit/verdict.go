package submit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"voted/internal/cluster/replica"
	"voted/internal/fsm"
	"voted/internal/poll"
	"voted/internal/refusal"
	"voted/internal/trace"
)

// The calls of this package to the leader. The answer begins with a verdict.
const (
	Propose = "propose" // frame → outcomes
	Execute = "execute" // management command → result
)

// Handlers answer the calls of other members, by method.
func (s *Submitter) Handlers() map[string]func(ctx context.Context, body []byte) ([]byte, error) {
	return map[string]func(context.Context, []byte) ([]byte, error){Propose: s.answerPropose, Execute: s.answerExecute}
}

func (s *Submitter) answerPropose(ctx context.Context, frame []byte) ([]byte, error) {
	// A frame that cannot be read must never reach the log.
	ballots, err := fsm.CountFrame(frame)
	if err != nil {
		return nil, err
	}
	a, err := s.proposer.propose(ctx, frame, ballots)
	return s.Verdict(ctx, Propose, err, func() []byte { return fsm.AppendOutcomes(nil, a.Index, a.Clock, a.Outcomes) }), nil
}

func (s *Submitter) answerExecute(ctx context.Context, request []byte) ([]byte, error) {
	c, err := fsm.DecodeRequest(request)
	if err != nil {
		return nil, err
	}
	r, err := s.ExecuteHere(ctx, c)
	return s.Verdict(ctx, Execute, err, func() []byte { return fsm.EncodeResult(r) }), nil
}

// A verdict is the first byte of an answer by the leader, or by a member that was taken
// for it.
const (
	verdictDone        = 0
	verdictNotAppended = 1 // certainly; the rest says why
	verdictBusy        = 2
	verdictUnknown     = 3 // the rest says why
	verdictRefused     = 4 // the rest is a code and a sentence
)

// Verdict encodes err for the member that asked, or, without one, the answer that body
// makes.
func (s *Submitter) Verdict(ctx context.Context, method string, err error, body func() []byte) []byte {
	s.logCall(ctx, method, err)
	s.Tracer.Of(ctx).Fail(err)
	var refused *refusal.Error
	switch {
	case err == nil:
		return append([]byte{verdictDone}, body()...)
	case errors.Is(err, errBusy):
		return []byte{verdictBusy}
	case errors.Is(err, replica.ErrNotAppended):
		return append([]byte{verdictNotAppended}, err.Error()...)
	case errors.As(err, &refused):
		return append([]byte{verdictRefused, byte(refused.Code)}, refused.Detail...)
	}
	return append([]byte{verdictUnknown}, err.Error()...)
}

// logCall logs the outcome of another member's call, under the request's id there: at a
// higher level if it is unknown, since an operator will look for it.
func (s *Submitter) logCall(ctx context.Context, method string, err error) {
	level, says := slog.LevelDebug, "a call of another member is answered"
	if err != nil && !definitelyNot(err) && ctx.Err() == nil {
		level, says = slog.LevelWarn, "the outcome of another member's call is not known here"
	}
	if s.Logger.Enabled(ctx, level) {
		trace.Logger(ctx, s.Logger).Log(ctx, level, says, "call", method, "error", err)
	}
}

// Ask calls a member that is taken for the leader and reads its verdict. Its error
// is as attempt describes, or a *refusal.Error where the leader refused.
func (s *Submitter) Ask(ctx context.Context, addr, method string, body []byte) (rest []byte, err error) {
	ctx, span := s.Tracer.Begin(ctx, "call "+method, trace.Client)
	span.Text("network.peer.address", addr)
	defer func() { span.EndWith(err) }()
	answer, err := s.Network.Call(ctx, addr, method, body)
	if err != nil {
		return nil, err
	}
	return readVerdict(answer)
}

// readVerdict decodes what Verdict encoded.
func readVerdict(answer []byte) ([]byte, error) {
	if len(answer) == 0 {
		return nil, poll.ErrTruncated
	}
	rest := answer[1:]
	switch answer[0] {
	case verdictDone:
		return rest, nil
	case verdictNotAppended:
		return nil, fmt.Errorf("%w: %s", replica.ErrNotAppended, rest)
	case verdictBusy:
		return nil, errBusy
	case verdictRefused:
		if len(rest) > 0 {
			return nil, &refusal.Error{Code: refusal.Code(rest[0]), Detail: string(rest[1:])}
		}
	}
	return nil, fmt.Errorf("the leader does not know the outcome: %s", rest)
}

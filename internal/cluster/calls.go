package cluster

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"

	"voted/internal/fsm"
	"voted/internal/poll"
	"voted/internal/trace"
)

// What members ask each other on the peer port.
const (
	callStatus    = "status"     // → JSON status
	callTerm      = "term"       // → 8 bytes: the term
	callPropose   = "propose"    // frame → verdict, outcomes
	callExecute   = "execute"    // management command → verdict, result
	callReadIndex = "read-index" // → verdict, 8 bytes: an index to read at
	callChange    = "change"     // JSON change of membership, for the leader → verdict
	callJoin      = "join"       // the same, for any member to pass on → verdict
	callMembers   = "members"    // → JSON roster
)

// A verdict is the first byte of an answer by the leader, or by who was taken for it.
const (
	verdictDone        = 0
	verdictNotAppended = 1 // certainly; the rest says why
	verdictBusy        = 2
	verdictUnknown     = 3 // the rest says why
	verdictRefused     = 4 // the rest is a code and a sentence
)

// handle answers the calls of other members.
func (n *Node) handle(ctx context.Context, method string, body []byte) ([]byte, error) {
	if method == callStatus {
		return json.Marshal(n.status())
	}
	if method == callMembers {
		return n.answerMembers()
	}
	if !n.isStarted() {
		return nil, errors.New("this member has not entered its cluster yet")
	}
	ctx, span := n.begin(ctx, method, trace.Server)
	defer span.End()
	switch method {
	case callTerm:
		return binary.LittleEndian.AppendUint64(nil, n.raft.CurrentTerm()), nil
	case callPropose:
		return n.answerPropose(ctx, body)
	case callExecute:
		c, err := fsm.DecodeRequest(body)
		if err != nil {
			return nil, err
		}
		r, err := n.proposer.execute(ctx, c)
		return n.verdict(ctx, method, err, func() []byte { return fsm.EncodeResult(r) }), nil
	case callReadIndex:
		index, err := n.confirms.join(ctx)
		return n.verdict(ctx, method, err, func() []byte { return binary.LittleEndian.AppendUint64(nil, index) }), nil
	case callChange, callJoin:
		c, err := readChange(body)
		if err != nil {
			return nil, err
		}
		carryOut := n.change
		if method == callJoin {
			err := n.mayJoin(ctx, &c)
			var refusal *poll.Error
			switch {
			case errors.As(err, &refusal):
				return n.verdict(ctx, method, refusal, nil), nil
			case err != nil:
				return nil, err
			}
			carryOut = n.letIn
		}
		return n.verdict(ctx, method, carryOut(ctx, c), func() []byte { return nil }), nil
	}
	return nil, fmt.Errorf("method %q is not known to this build", method)
}

func readChange(body []byte) (c change, err error) {
	if err := json.Unmarshal(body, &c); err != nil {
		return c, fmt.Errorf("change of membership: %w", err)
	}
	return c, nil
}

func (n *Node) answerPropose(ctx context.Context, frame []byte) ([]byte, error) {
	// What cannot be read must never reach the log.
	ballots, err := fsm.CountFrame(frame)
	if err != nil {
		return nil, err
	}
	a, err := n.proposer.propose(ctx, frame, ballots)
	return n.verdict(ctx, callPropose, err, func() []byte { return fsm.AppendOutcomes(nil, a.index, a.clock, a.outcomes) }), nil
}

// verdict encodes an error for the member that asked, or what body makes.
func (n *Node) verdict(ctx context.Context, method string, err error, body func() []byte) []byte {
	n.tellCall(ctx, method, err)
	n.spanOf(ctx).Fail(err)
	var refusal *poll.Error
	switch {
	case err == nil:
		return append([]byte{verdictDone}, body()...)
	case errors.Is(err, errBusy):
		return []byte{verdictBusy}
	case errors.Is(err, errNotAppended):
		return append([]byte{verdictNotAppended}, err.Error()...)
	case errors.As(err, &refusal):
		return append([]byte{verdictRefused, byte(refusal.Code)}, refusal.Detail...)
	}
	return append([]byte{verdictUnknown}, err.Error()...)
}

// tellCall logs what became of another member's call, under the request's id there.
// Where the outcome is unknown somebody will look for it.
func (n *Node) tellCall(ctx context.Context, method string, err error) {
	level, says := slog.LevelDebug, "a call of another member is answered"
	if err != nil && !definitelyNot(err) && ctx.Err() == nil {
		level, says = slog.LevelWarn, "the outcome of another member's call is not known here"
	}
	if n.log.Enabled(ctx, level) {
		n.logOf(ctx).Log(ctx, level, says, "call", method, "error", err)
	}
}

// logOf names in each line the request for which something is done.
func (n *Node) logOf(ctx context.Context) *slog.Logger {
	if id := trace.From(ctx).ID; id != "" {
		return n.log.With("request_id", id)
	}
	return n.log
}

// ask calls a member that is taken for the leader and reads its verdict. Its error
// is as attempt describes, or a *poll.Error where the leader refused.
func (n *Node) ask(ctx context.Context, addr, method string, body []byte) (rest []byte, err error) {
	ctx, span := n.begin(ctx, "call "+method, trace.Client)
	span.Text("network.peer.address", addr)
	defer func() { end(span, err) }()
	answer, err := n.opts.Network.Call(ctx, addr, method, body)
	if err != nil {
		return nil, err
	}
	return readVerdict(answer)
}

// readVerdict is the other end of verdict.
func readVerdict(answer []byte) ([]byte, error) {
	if len(answer) == 0 {
		return nil, poll.ErrTruncated
	}
	rest := answer[1:]
	switch answer[0] {
	case verdictDone:
		return rest, nil
	case verdictNotAppended:
		return nil, fmt.Errorf("%w: %s", errNotAppended, rest)
	case verdictBusy:
		return nil, errBusy
	case verdictRefused:
		if len(rest) > 0 {
			return nil, &poll.Error{Code: poll.Code(rest[0]), Detail: string(rest[1:])}
		}
	}
	return nil, fmt.Errorf("the leader does not know the outcome: %s", rest)
}

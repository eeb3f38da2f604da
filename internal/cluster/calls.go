package cluster

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"maps"

	"voted/internal/cluster/lookout"
	"voted/internal/cluster/members"
	"voted/internal/trace"
)

// The calls between members on the peer port; lookout, members and submit have more.
//
// Two protocols lie over one another. The header of package peer, which every call has,
// says whether the call was answered, refused or not accepted at all. The answer of a
// leader then begins with a verdict (submit.Verdict): whether the request certainly came
// into the log, certainly did not, or may have. Calls that cannot change the log have no
// verdict.
const (
	callTerm      = "term"       // → 8 bytes: the term; its id
	callReadIndex = "read-index" // → verdict, 8 bytes: an index to read at
)

// handler answers one method.
type handler = func(ctx context.Context, body []byte) ([]byte, error)

// answerCalls begins to answer other members: at once the calls that a member needs to
// enter a cluster, and the rest once this member has entered one.
func (n *Node) answerCalls() {
	entered := map[string]handler{callTerm: n.answerTerm, callReadIndex: n.answerReadIndex}
	maps.Copy(entered, n.members.Handlers())
	maps.Copy(entered, n.submitter.Handlers())
	maps.Copy(entered, n.opts.Calls)
	n.opts.Network.Handle(func(ctx context.Context, method string, body []byte) ([]byte, error) {
		switch method {
		case lookout.CallReport:
			return json.Marshal(n.report())
		case members.CallRoster:
			return n.members.AnswerRoster()
		}
		if !n.isStarted() {
			return nil, errors.New("this member has not entered its cluster yet")
		}
		answer, known := entered[method]
		if !known {
			return nil, fmt.Errorf("method %q is not known to this build", method)
		}
		ctx, span := n.opts.Tracer.Begin(ctx, method, trace.Server)
		defer span.End()
		return answer(ctx, body)
	}, lookout.CallReport, members.CallJoin, members.CallRoster)
}

func (n *Node) answerTerm(context.Context, []byte) ([]byte, error) {
	return append(binary.LittleEndian.AppendUint64(nil, n.replica.Term()), n.opts.ID...), nil
}

func (n *Node) answerReadIndex(ctx context.Context, _ []byte) ([]byte, error) {
	index, err := n.confirms.join(ctx)
	return n.submitter.Verdict(ctx, callReadIndex, err, func() []byte { return binary.LittleEndian.AppendUint64(nil, index) }), nil
}

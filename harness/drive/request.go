package drive

import (
	"context"
	"errors"
	"time"

	"voted/client"
	"voted/harness/ledger"
	"voted/harness/workload"
)

// request is one ballot on its way.
type request struct {
	vote     workload.Vote
	kind     workload.Kind
	intended time.Duration
	// avoid is the endpoint to which the request must not be sent; set for kind OtherNode.
	avoid string
	// original is the request that had no answer; set for kind Unanswered.
	original *request
	sent     time.Duration
	tries    []ledger.Try
}

// choice returns the number of the ballot that the request carries.
func (r *request) choice() uint8 {
	switch r.kind {
	case workload.Unanswered:
		return r.original.choice()
	case workload.Rival, workload.Conflict:
		return r.vote.Other
	case workload.Replacement:
		return r.vote.Replacement
	}
	return r.vote.First
}

// ifVersion returns the version that the request replaces; 0: none.
func (r *request) ifVersion() uint64 {
	if r.kind == workload.Unanswered {
		return r.original.ifVersion()
	}
	if r.kind == workload.Replacement {
		return 1
	}
	return 0
}

// tryKey is the key of a request in the context of its call.
type tryKey struct{}

// hooks returns the hooks that collect the attempts of each call.
func (d *Driver) hooks() client.Hooks {
	return client.Hooks{OnAttempt: func(ctx context.Context, a client.Attempt) {
		r, ok := ctx.Value(tryKey{}).(*request)
		if !ok {
			return
		}
		t := ledger.Try{
			Endpoint: a.Endpoint, Start: d.since(a.Start).Microseconds(), End: d.since(a.End).Microseconds(),
			Status: a.Status, Code: string(a.Code),
		}
		if a.Err != nil {
			t.Error = a.Err.Error()
		}
		r.tries = append(r.tries, t)
	}}
}

// entry makes the log line of a request that has ended.
func (d *Driver) entry(r *request, rc client.Receipt, err error) ledger.Entry {
	e := ledger.Entry{
		Vote: r.vote.Number, Poll: d.plan.Poll(r.vote.Poll).Definition.ID, Voter: r.vote.Voter,
		Kind: r.kind, Choice: r.choice(), IfVersion: r.ifVersion(),
		Intended: r.intended.Microseconds(), Sent: r.sent.Microseconds(), End: d.now().Microseconds(),
		Node: rc.Meta.Node,
	}
	if len(r.tries) > 1 || err != nil {
		e.Tries = r.tries
	}
	if err == nil {
		e.Outcome, e.Ballot, e.Version, e.Index = string(rc.Outcome), rc.Ballot, rc.Version, rc.Index
		return e
	}
	var refused *client.Error
	var unanswered *client.UnansweredError
	switch {
	case errors.As(err, &unanswered):
		e.Unknown = unanswered.Unknown
		e.Error = err.Error()
	case errors.As(err, &refused):
		e.Code, e.Error = string(refused.Code), refused.Detail
		e.Unknown = errors.Is(err, client.ErrOutcomeUnknown)
		if e.Code == "" {
			e.Error, e.Unknown = err.Error(), true
		}
	default:
		// Any other error does not say what happened: the request may have been carried out.
		e.Error, e.Unknown = err.Error(), true
	}
	return e
}

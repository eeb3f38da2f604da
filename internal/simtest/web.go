package simtest

import (
	"context"
	"errors"
	"strings"
	"sync"

	public "voted/client"
)

// overHTTP is the share of the clients' single operations that go through the API.
const overHTTP = 1.0 / 3

// web holds the clients of the public API, as programs use them.
type web struct {
	c  *Cluster
	mu sync.Mutex
	// made are the clients so far, by their own place and the member they ask; guarded
	// by mu.
	made map[[2]string]*public.Client
}

func newWeb(c *Cluster) *web { return &web{c: c, made: map[[2]string]*public.Client{}} }

// of returns a client at the place of a founder. If a member is named, it asks that
// one, once; otherwise it asks one founder after the other until its time is up.
func (w *web) of(number int, member string) *public.Client {
	founders := w.c.founders()
	home := founders[number%len(founders)].Addr
	w.mu.Lock()
	defer w.mu.Unlock()
	k := [2]string{home, member}
	if w.made[k] != nil {
		return w.made[k]
	}
	nodes, policy := []string{"http://" + member + httpPort}, public.RetryPolicy{MaxAttempts: 1}
	if member == "" {
		nodes, policy = nil, public.RetryPolicy{}
		for _, s := range founders {
			nodes = append(nodes, "http://"+s.ID+httpPort)
		}
	}
	made, err := public.New(nodes, public.WithTransport(&wire{w.c, home}), public.WithRetryPolicy(policy))
	if err != nil {
		panic(err) // nothing in the options comes from outside
	}
	w.made[k] = made
	return made
}

// oneMember is the share of ballots that are sent to one member, once; the others go to
// one member after the other until there is an answer.
const oneMember = 0.5

// hot reports whether all clients compete for a voter. The answer to another try of
// such a ballot depends on what others did in between, so each try must be in the
// history by itself.
func hot(voter string) bool { return strings.HasPrefix(voter, "hot-") }

// attemptHTTP is attempt through the API.
func (me *client) attemptHTTP(o *Op) {
	if hot(o.Voter) || me.draw.chance(oneMember) {
		founders := me.c.founders()
		o.Node = founders[me.draw.n(len(founders))].ID
	}
	asking := me.web.of(me.number, o.Node)
	o.HTTP = true
	me.c.call(o)
	ctx, cancel := context.WithTimeout(context.Background(), me.patience())
	defer cancel()
	var r public.Receipt
	var err error
	if ballot := public.Choose(optionID(o.Choice)); o.IfVersion == 0 {
		r, err = asking.Cast(ctx, o.Poll, o.Voter, ballot)
	} else {
		r, err = asking.Replace(ctx, o.Poll, o.Voter, ballot, uint64(o.IfVersion))
	}
	if err != nil {
		me.c.done(o, me.c.outcomeHTTP(o, err))
		return
	}
	me.c.checkAnswer(o, r)
	o.received(r)
	me.c.done(o, string(r.Outcome))
}

// received records a receipt.
func (o *Op) received(r public.Receipt) {
	o.Node, o.Version, o.Ballot, o.Index, o.CastAt = r.Meta.Node, uint32(r.Version), uint32(r.Ballot), r.Index, r.CastAt.UnixMilli()
}

// outcomeHTTP returns the outcome that an error of the client means.
func (c *Cluster) outcomeHTTP(o *Op, err error) string {
	o.Error = err.Error()
	if answer := (*public.Error)(nil); errors.As(err, &answer) {
		o.Node, o.Code = answer.Node, string(answer.Code)
	}
	switch {
	case errors.Is(err, public.ErrOutcomeUnknown), errors.Is(err, public.CodeInternal):
		return unknown
	case errors.As(err, new(*public.UnansweredError)):
		return unavailable
	}
	return refused
}

// checkAnswer checks that status, headers and body of an answer agree.
func (c *Cluster) checkAnswer(o *Op, r public.Receipt) {
	created := r.Meta.Status == 201
	if created != (r.Outcome == public.Counted) || r.Meta.Replayed != (r.Outcome == public.Replayed) ||
		r.Meta.Version != r.Version || r.Poll != o.Poll || r.Voter != o.Voter {
		c.fail("API: %s answered a ballot of %s in %s with %+v", r.Meta.Node, o.Voter, o.Poll, r)
	}
}

// readHTTP is read through the API.
func (me *client) readHTTP(o *Op) {
	ctx, cancel := context.WithTimeout(context.Background(), me.c.settings.deadline)
	defer cancel()
	o.HTTP = true
	me.c.call(o)
	r, err := me.web.of(me.number, "").Receipt(ctx, o.Poll, o.Voter)
	switch {
	case err == nil:
		o.received(r)
	case errors.Is(err, public.CodeBallotNotFound):
	default:
		me.c.done(o, me.c.readOutcome(o, err))
		return
	}
	me.c.done(o, seen)
	me.versions[o.Poll+"/"+o.Voter] = o.Version
}

// tallyHTTP is tally through the API. Some reads are stale: of an older index, but
// right for that index.
func (me *client) tallyHTTP(o *Op) {
	ctx, cancel := context.WithTimeout(context.Background(), me.c.settings.deadline)
	defer cancel()
	o.HTTP, o.Stale = true, me.draw.chance(0.3)
	consistency := public.Linearizable
	if o.Stale {
		consistency = public.Stale
	}
	me.c.call(o)
	r, err := me.web.of(me.number, "").Results(ctx, o.Poll, consistency)
	if err != nil {
		me.c.done(o, me.c.readOutcome(o, err))
		return
	}
	o.Node, o.Index, o.Count, o.Closed = r.Meta.Node, r.Index, r.Ballots, r.State == public.StateClosed
	for _, option := range r.Options {
		o.Votes = append(o.Votes, int64(option.Votes))
	}
	me.c.done(o, seen)
}

// readOutcome returns the outcome that an error of a read means.
func (c *Cluster) readOutcome(o *Op, err error) string {
	if c.outcomeHTTP(o, err) == refused {
		return seen
	}
	return unavailable
}

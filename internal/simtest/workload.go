package simtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"voted/internal/cluster"
	"voted/internal/poll"
	"voted/internal/refusal"
)

// Workload is what clients do during a run.
type Workload struct {
	// For is how long they continue, in virtual time.
	For time.Duration
	// Clients is how many work at the same time, each one operation after the other.
	Clients int
	// Think is the longest pause of a client between two operations.
	Think time.Duration
	// Bulk is how many ballots a client casts at most in one call.
	Bulk int
}

// Standard is a workload with every kind of operation.
func Standard(d time.Duration) Workload {
	return Workload{For: d, Clients: 8, Think: 60 * time.Millisecond, Bulk: 24}
}

const (
	// options is how many options a poll has: many, so that two ballots rarely agree.
	options = 40
	// hotVoters is how many voters of a poll all clients compete for.
	hotVoters = 4
	// maxOpenPolls bounds how many polls are open at once.
	maxOpenPolls = 12
)

// election is one poll as the workload knows it.
type election struct {
	id       string
	revote   bool
	open     bool // voter ids are kept
	closesAt int64
	told     bool // a client has asked for its closing
	lasting  bool // is never closed
}

// office is what all clients share.
type office struct {
	c     *Cluster
	w     Workload
	cast  castFunc
	web   *web
	stop  chan struct{}
	extra sync.WaitGroup // duplicates under way

	mu    sync.Mutex
	polls []*election // guarded by mu; those that ballots are cast in
	made  int         // guarded by mu
}

// Run runs the clients and causes the faults, and waits until all clients have their
// answers.
func (c *Cluster) Run(w Workload, faults ...Fault) {
	c.runWhile(w, func() { c.schedule(w.For, faults) })
}

// runWhile runs the clients until story is over, and waits until all have their answers.
func (c *Cluster) runWhile(w Workload, story func()) {
	o := &office{c: c, w: w, stop: make(chan struct{}), cast: castSettled, web: newWeb(c)}
	if bug := c.settings.castBug; bug != nil {
		o.cast = bug(o.cast)
	}
	for _, lasting := range []bool{true, true, false} {
		o.create(newDice(c.seed, "founding"), lasting)
	}
	var clients sync.WaitGroup
	for i := range w.Clients {
		clients.Go(func() { o.client(i) })
	}
	clients.Go(func() { c.sampleDigests(o.stop) })
	clients.Go(func() { c.sampleHeads(o.stop) })
	clients.Go(func() { c.followEvents(o.stop) })
	clients.Go(o.makeEvents)
	story()
	close(o.stop)
	clients.Wait()
	o.extra.Wait()
	c.event("clients done", "", "")
}

// castSettled casts as the public API does: an answer that can never change comes from
// the member's own state.
func castSettled(ctx context.Context, n *cluster.Node, b *poll.Ballot) (o poll.Outcome, err error) {
	settled := false
	n.Read(func(s *poll.State) { o, settled = s.Settled(b) })
	if settled {
		return o, nil
	}
	return n.Cast(ctx, b)
}

func (o *office) running() bool {
	select {
	case <-o.stop:
		return false
	default:
		return true
	}
}

// client does one operation after the other until the run is over.
func (o *office) client(number int) {
	me := &client{office: o, number: number, draw: newDice(o.c.seed, fmt.Sprint("client", number)), versions: map[string]uint32{}}
	for o.running() {
		time.Sleep(me.draw.between(0, o.w.Think))
		me.step()
	}
}

type client struct {
	*office
	number   int
	draw     *dice
	voters   int
	sent     []*Op             // some of the ballots sent, for late duplicates
	versions map[string]uint32 // of hot voters, as last seen
}

func (me *client) step() {
	e := me.pickPoll()
	if e == nil {
		return
	}
	switch n := me.draw.n(100); {
	case n < 34:
		me.castOne(e, me.newVoter(), 0)
	case n < 46:
		me.castMany(e)
	case n < 60:
		me.fight(e)
	case n < 72:
		me.castAgain()
	case n < 88:
		me.read(e)
	case n < 95:
		me.tally(e)
	case n < 98:
		me.create(me.draw, false)
	default:
		me.close(e)
	}
}

func (o *office) pickPoll() *election {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.polls) == 0 {
		return nil
	}
	return o.polls[o.c.draw.n(len(o.polls))]
}

func (me *client) newVoter() string {
	me.voters++
	return fmt.Sprintf("v%d-%d", me.number, me.voters)
}

func (e *election) hot(n int) string { return fmt.Sprintf("hot-%d", n) }

// key is the voter's key in the log.
func key(voter string) poll.VoterKey { return poll.KeyOf(poll.Salt{}, voter) }

func (e *election) ballot(o *Op) *poll.Ballot {
	b := &poll.Ballot{Poll: o.Poll, Key: key(o.Voter), Selections: []byte{o.Choice}, IfVersion: o.IfVersion}
	if e.open {
		b.Voter = o.Voter
	}
	return b
}

// castOne casts a ballot, and again until its outcome is known, as clients do.
// Sometimes the same ballot is under way twice at once.
func (me *client) castOne(e *election, voter string, ifVersion uint32) *Op {
	choice := byte(me.draw.n(options))
	if me.draw.chance(0.12) {
		me.extra.Go(func() { me.attempt(e, voter, choice, ifVersion) })
	}
	var o *Op
	for range 6 {
		if o = me.attempt(e, voter, choice, ifVersion); o.Outcome != unknown && o.Outcome != unavailable {
			break
		}
		if me.draw.chance(0.25) || !me.running() {
			break // some clients give up
		}
	}
	if len(me.sent) < 64 {
		me.sent = append(me.sent, o)
	} else {
		me.sent[me.draw.n(len(me.sent))] = o
	}
	return o
}

func (me *client) attempt(e *election, voter string, choice byte, ifVersion uint32) *Op {
	o := &Op{Kind: opCast, Client: me.number, Poll: e.id, Voter: voter, Choice: choice, IfVersion: ifVersion}
	if me.draw.chance(overHTTP) {
		me.attemptHTTP(o)
		return o
	}
	p := me.pickNode()
	if p == nil {
		time.Sleep(50 * time.Millisecond)
		o.Outcome = unavailable
		return o
	}
	o.Node = p.member.id
	me.c.call(o)
	ctx, cancel := context.WithTimeout(p.ctx, me.patience())
	defer cancel()
	outcome, err := me.cast(ctx, p.node, e.ballot(o))
	me.c.finish(o, p, outcome, err)
	return o
}

// patience is how long a client waits for an answer. Some wait only a short time, which
// ends in the middle of a failover.
func (me *client) patience() time.Duration {
	if me.draw.chance(0.3) {
		return me.draw.between(20*time.Millisecond, time.Second)
	}
	return me.c.settings.deadline
}

// finish records the outcome of a ballot.
func (c *Cluster) finish(o *Op, p *process, outcome poll.Outcome, err error) {
	if p.ctx.Err() != nil {
		c.done(o, unknown) // the connection broke with the process
		return
	}
	if err != nil {
		c.done(o, c.outcomeOf(o, err))
		return
	}
	r := outcome.Receipt
	o.Version, o.Ballot, o.Index, o.CastAt = r.Version, r.Ballot, r.Index, r.CastAt
	if outcome.Kind == poll.Refused {
		o.Code = outcome.Code.String()
	}
	c.done(o, outcome.Kind.String())
}

// outcomeOf returns the outcome that an error of a member means.
func (c *Cluster) outcomeOf(o *Op, err error) string {
	var e *refusal.Error
	o.Error = err.Error()
	if !errors.As(err, &e) {
		return unknown
	}
	o.Code = e.Code.String()
	switch e.Code {
	case refusal.Unavailable, refusal.TooManyRequests, refusal.UpgradePending:
		return unavailable
	}
	return unknown
}

func (me *client) pickNode() *process {
	living := me.c.living()
	if len(living) == 0 {
		return nil
	}
	return living[me.draw.n(len(living))]
}

// castMany casts new ballots, and some of them twice, in one call.
func (me *client) castMany(e *election) {
	p := me.pickNode()
	if p == nil {
		return
	}
	n := 2 + me.draw.n(me.w.Bulk)
	ops := make([]*Op, n)
	ballots := make([]poll.Ballot, n)
	for i := range ops {
		o := &Op{Kind: opCast, Client: me.number, Node: p.member.id, Poll: e.id, Voter: me.newVoter(), Choice: byte(me.draw.n(options))}
		if i > 0 && me.draw.chance(0.1) {
			o.Voter, o.Choice = ops[i-1].Voter, ops[i-1].Choice
		}
		ops[i] = me.c.call(o)
		ballots[i] = *e.ballot(o)
	}
	ctx, cancel := context.WithTimeout(p.ctx, me.patience())
	defer cancel()
	outcomes, err := p.node.CastMany(ctx, ballots)
	for i, o := range ops {
		var outcome poll.Outcome
		if err == nil {
			outcome = outcomes[i]
		}
		me.c.finish(o, p, outcome, err)
	}
	if ops[0].Outcome == unknown {
		me.sent = append(me.sent, ops[0])
	}
}

// fight casts and replaces ballots of the voters that all clients compete for.
func (me *client) fight(e *election) {
	voter := e.hot(me.draw.n(hotVoters))
	at := e.id + "/" + voter
	version := me.versions[at]
	if me.draw.chance(0.1) {
		version = 0
	}
	o := me.castOne(e, voter, version)
	if o.Version > me.versions[at] {
		me.versions[at] = o.Version
	}
}

// castAgain sends a ballot again that was sent some time ago.
func (me *client) castAgain() {
	if len(me.sent) == 0 {
		return
	}
	was := me.sent[me.draw.n(len(me.sent))]
	for _, e := range me.known() {
		if e.id == was.Poll {
			me.attempt(e, was.Voter, was.Choice, was.IfVersion)
			return
		}
	}
}

func (o *office) known() []*election {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.polls)
}

// read reads a voter's receipt, linearizable.
func (me *client) read(e *election) {
	o := &Op{Kind: opRead, Client: me.number, Poll: e.id, Voter: e.hot(me.draw.n(hotVoters))}
	if me.draw.chance(overHTTP) {
		me.readHTTP(o)
		return
	}
	p := me.pickNode()
	if p == nil {
		return
	}
	o.Node = p.member.id
	me.c.call(o)
	if !me.sync(o, p) {
		return
	}
	p.node.Read(func(s *poll.State) {
		r, err := s.Receipt(e.id, key(o.Voter))
		if err == nil {
			o.Version, o.Ballot, o.Index, o.CastAt = r.Version, r.Ballot, r.Index, r.CastAt
		} else if err.Code != refusal.BallotNotFound {
			o.Code = err.Code.String()
		}
	})
	me.c.done(o, seen)
	me.versions[e.id+"/"+o.Voter] = o.Version
}

func (me *client) sync(o *Op, p *process) bool {
	if me.c.settings.syncBug {
		return true
	}
	ctx, cancel := context.WithTimeout(p.ctx, me.c.settings.deadline)
	defer cancel()
	if err := p.node.Sync(ctx); err != nil {
		o.Error = err.Error()
		me.c.done(o, unavailable)
		return false
	}
	return true
}

// tally reads a poll's count, linearizable.
func (me *client) tally(e *election) {
	o := &Op{Kind: opTally, Client: me.number, Poll: e.id}
	if me.draw.chance(overHTTP) {
		me.tallyHTTP(o)
		return
	}
	p := me.pickNode()
	if p == nil {
		return
	}
	o.Node = p.member.id
	me.c.call(o)
	if !me.sync(o, p) {
		return
	}
	var count poll.Count
	var refused *refusal.Error
	p.node.Read(func(s *poll.State) { count, refused = s.Count(e.id) })
	if refused != nil {
		o.Code = refused.Code.String()
	} else {
		o.Index, o.Count, o.Closed, o.Votes = count.Index, count.Ballots, count.Phase == poll.Closed, votesOf(&count)
	}
	me.c.done(o, seen)
}

func votesOf(count *poll.Count) []int64 {
	result := count.Tabulate()
	votes := make([]int64, len(result.Options))
	for i := range result.Options {
		votes[i] = result.Options[i].Votes
	}
	return votes
}

package prover

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"voted/internal/pause"
	"voted/proof"
)

// State is the state of this member, which logs are made of. Its methods may be called from
// any goroutine, but Changes.
type State interface {
	// Changes returns up to limit polls that have changed since it returned them last; at
	// first, and where the state was replaced, all of them once. more: ask again. Only the
	// prover's own goroutine calls it.
	Changes(limit int) (boxes []Box, more bool)
	// Box returns a poll as it is now; ok is false where there is none.
	Box(poll string) (b Box, ok bool)
	// Doubt returns why the state cannot be relied on, nil if it can.
	Doubt() error
}

// Cluster is the other members.
type Cluster interface {
	// Members returns all members as decided, this one among them; none before this one
	// has entered its cluster.
	Members() []Member
	// Leads reports whether this member leads.
	Leads() bool
	// Ask calls Method of another member. The answer is that member's.
	Ask(ctx context.Context, member string, body []byte) ([]byte, error)
}

// Member is a member of the cluster.
type Member struct {
	ID    string
	Votes bool
}

// Options are what a prover is made of.
type Options struct {
	Name     string // of the cluster's logs, a part of every signature
	Member   string // id of this member
	Signer   Signer // this member's proof key
	Disk     Disk
	Interval time.Duration // between two heads of a log; 0: a second
	Logger   *slog.Logger
	Metrics  prometheus.Registerer // nil: not measured
	Now      func() time.Time      // that cosignatures state; nil: time.Now
	// Processors is how many this process may use, of which growing trees takes a share while
	// ballots come in bulk; 0: what the runtime uses.
	Processors int
	// Witnesses cosign what a majority of the members signed. The leader asks them; all members
	// have the same.
	Witnesses []Witness
}

const (
	// lookEvery is how long a closing waits until it is seen, at most.
	lookEvery = 50 * time.Millisecond
	// standInAfter is how long records wait for the leader until another member collects
	// signatures for them.
	standInAfter = 5 * time.Second
	// askTimeout bounds a call to another member: what it may wait for its own box, and the
	// sync of its mark.
	askTimeout = 2 * time.Second
	// boxWait is how long a member that is asked waits until its own box has as many records.
	boxWait = 500 * time.Millisecond
	// judgeTimeout bounds how long one judgement grows a tree, for the mark's sake: others
	// wait for it.
	judgeTimeout = 200 * time.Millisecond
	// boxLook is how often it looks meanwhile.
	boxLook = 5 * time.Millisecond
	// greetTimeout bounds one question of what a member remembers.
	greetTimeout = 500 * time.Millisecond
	// greetEvery is how often members are asked that have not answered since the start, and
	// greetFirst before a majority has: until then nothing is signed here.
	greetEvery = time.Second
	greetFirst = 200 * time.Millisecond
	// mendEvery is how often files are tried again that could not be used.
	mendEvery = 5 * time.Second
	// bulkLeaves is from how many new leaves within bulkSpan ballots count as bulk: several
	// times what single ballots come to.
	bulkLeaves = 20_000
	bulkSpan   = 200 * time.Millisecond
	// drainPolls is how many polls are taken in at a time: a few milliseconds under the
	// state's lock.
	drainPolls = 4096
)

// Prover is one member's part in the logs of polls. Its methods may be called from any
// goroutine.
type Prover struct {
	opts     Options
	log      *slog.Logger
	cosigner proof.Signer
	keys     Keys    // own
	state    State   // set by Start
	cluster  Cluster // set by Start
	started  atomic.Bool
	metrics  *metrics
	forest   *forest
	feeders  []*feeder // one for each witness

	ctx   context.Context
	stop  context.CancelFunc
	tasks sync.WaitGroup

	// recalled is whether the others have said what this member signed before. Until then it
	// signs nothing.
	recalled atomic.Bool
	greeting atomic.Bool // the members are being asked

	signing sync.Mutex // held from the judgement to the signature
	marks   *marks     // guarded by signing; nil: they cannot be read
	damaged error      // guarded by signing; set once the file of marks is known to be damaged

	mu      sync.Mutex
	heads   *heads             // guarded by mu, its file by writing too; nil: it cannot be used
	waiting *waiting           // guarded by mu
	forked  map[string]bool    // origins that this member never signs again; guarded by mu
	before  map[logKey]bool    // logs that were forked when the marks were read; nil: they cannot be; guarded by mu
	members map[string]Keys    // what members sign with; guarded by mu
	met     map[string]bool    // members that have said since the start what they know; guarded by mu
	said    map[string]Verdict // what members last refused with, by member; guarded by mu
	news    chan struct{}      // closed and replaced when there is a new head; guarded by mu

	writing sync.Mutex // held while heads are written and synced
}

// New makes a prover. It does not yet look at the state or at others: see Start. A disk that
// fails stops neither New nor the member: then nothing is signed until it works.
func New(o Options) (*Prover, error) {
	if o.Interval == 0 {
		o.Interval = time.Second
	}
	if o.Processors == 0 {
		o.Processors = runtime.GOMAXPROCS(0)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	p := &Prover{
		opts: o, log: o.Logger, forest: newForest(o.Processors), waiting: newWaiting(),
		forked: map[string]bool{}, members: map[string]Keys{}, met: map[string]bool{}, said: map[string]Verdict{}, news: make(chan struct{}),
	}
	var err error
	if p.cosigner, err = o.Signer.Cosigner(o.Name, o.Member); err != nil {
		return nil, fmt.Errorf("the proof key cannot sign as member %s of the log %s: %w", o.Member, o.Name, err)
	}
	log, err := o.Signer.Log(proof.Origin{Log: o.Name, Poll: "poll", Lineage: "1"})
	if err != nil {
		return nil, fmt.Errorf("the proof key cannot sign as the log %s: %w", o.Name, err)
	}
	p.keys = Keys{Log: log.Public(), Cosigner: p.cosigner.Public()}
	p.members[o.Member] = p.keys
	p.ctx, p.stop = context.WithCancel(context.Background())
	for _, w := range o.Witnesses {
		p.feeders = append(p.feeders, newFeeder(p, w))
	}
	p.metrics = newMetrics(p)
	p.mend()
	return p, nil
}

// Start begins to prove. It is called once.
func (p *Prover) Start(s State, c Cluster) {
	p.state, p.cluster = s, c
	p.started.Store(true)
	p.tasks.Go(p.run)
	for _, f := range p.feeders {
		p.tasks.Go(f.run)
	}
}

// Close ends the prover, and waits for its goroutines.
func (p *Prover) Close() error {
	p.stop()
	p.tasks.Wait()
	p.signing.Lock()
	defer p.signing.Unlock()
	p.writing.Lock()
	defer p.writing.Unlock()
	p.mu.Lock()
	defer p.mu.Unlock()
	var err error
	if p.marks != nil {
		err = p.marks.close()
		p.marks = nil
	}
	if p.heads != nil {
		err = errors.Join(err, p.heads.close())
		p.heads = nil
	}
	return err
}

// run is the prover's goroutine: it takes in what changed, grows trees, and collects
// signatures where it is this member's turn.
func (p *Prover) run() {
	var load load
	greeted, mended, round := time.Time{}, time.Now(), time.Now().Add(p.opts.Interval)
	for {
		now := time.Now()
		if now.Sub(mended) >= mendEvery {
			mended = now
			p.mend()
		}
		again := greetEvery
		if !p.recalled.Load() {
			again = greetFirst
		}
		if now.Sub(greeted) >= again && !p.greeting.Swap(true) {
			greeted = now
			p.tasks.Go(func() { // a member that is away must not hold up the others' heads
				p.greet()
				p.greeting.Store(false)
			})
		}
		p.forest.bulk.Store(load.add(p.drain(), now))
		left := p.grow(now.Add(lookEvery))
		p.collectClosings()
		if now := time.Now(); !now.Before(round) {
			if round = round.Add(p.opts.Interval); round.Before(now) {
				round = now.Add(p.opts.Interval)
			}
			p.collect(now)
		}
		rest := min(lookEvery, p.opts.Interval/4, time.Until(round))
		if left {
			rest = 0 // growing rests by itself where it must
		}
		if pause.For(p.ctx, rest) != nil {
			return
		}
	}
}

// load says whether ballots come in bulk.
type load struct {
	from   time.Time
	leaves uint64 // since from
	bulk   bool
}

// add takes in how many new leaves there are. Bulk begins with bulkLeaves, and ends with a
// bulkSpan that has fewer. What was there at the start is no bulk.
func (l *load) add(leaves uint64, now time.Time) (bulk bool) {
	if l.from.IsZero() {
		l.from = now
		return false
	}
	l.leaves += leaves
	many := l.leaves >= bulkLeaves
	if now.Sub(l.from) >= bulkSpan {
		l.bulk, l.from, l.leaves = many, now, 0
	}
	l.bulk = l.bulk || many
	return l.bulk
}

// origin names the log of a box.
func (p *Prover) origin(b Box) proof.Origin {
	return proof.Origin{Log: p.opts.Name, Poll: b.Poll, Lineage: b.Lineage}
}

// drain takes in which polls have changed, and returns how many leaves came.
func (p *Prover) drain() (came uint64) {
	for more := true; more && p.ctx.Err() == nil; {
		var boxes []Box
		boxes, more = p.state.Changes(drainPolls)
		now := time.Now()
		for i := range boxes {
			b := &boxes[i]
			if b.Deleted {
				p.forget(*b)
				continue
			}
			came += p.took(b, now)
		}
	}
	return came
}

// took notes one box, and returns how many leaves are new in it.
func (p *Prover) took(b *Box, now time.Time) uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	var covered, was uint64
	if p.heads != nil {
		covered = p.heads.size(keyOf(p.origin(*b)))
	}
	if x := p.waiting.polls[b.Poll]; x != nil {
		was = x.size
	}
	p.waiting.note(b.Poll, b.Size, covered, b.Closed, now)
	return b.Size - min(b.Size, max(covered, was))
}

// forget drops what is kept of a poll that was deleted; its last head stays.
func (p *Prover) forget(b Box) {
	p.forest.drop(b.Poll)
	p.mu.Lock()
	p.waiting.forget(b.Poll)
	p.mu.Unlock()
	p.signing.Lock()
	defer p.signing.Unlock()
	if p.marks != nil {
		if err := p.marks.drop(keyOf(p.origin(b))); err != nil {
			p.log.Debug("the mark of a deleted poll stays", "poll", b.Poll, "error", err)
		}
	}
}

// grow lets the trees grow of polls that wait, each by a slice in turn, until an instant. It
// reports whether there is more to do.
func (p *Prover) grow(until time.Time) (left bool) {
	p.mu.Lock()
	var polls []string
	for poll, x := range p.waiting.polls {
		if x.size >= proof.TileWidth {
			polls = append(polls, poll)
		}
	}
	p.mu.Unlock()
	for len(polls) > 0 && p.ctx.Err() == nil {
		unfinished := polls[:0]
		for _, poll := range polls {
			if !p.growOne(poll) {
				unfinished = append(unfinished, poll)
			}
			if !time.Now().Before(until) {
				return true
			}
		}
		polls = unfinished
	}
	return false
}

// growOne grows one tree by a slice, and reports whether there is nothing left to do.
func (p *Prover) growOne(poll string) (done bool) {
	b, ok := p.state.Box(poll)
	if !ok {
		return true
	}
	t, err := p.forest.of(b)
	if err == nil {
		done, err = p.forest.slice(p.ctx, t, b, b.Size)
	}
	if err != nil && p.ctx.Err() == nil && !errors.Is(err, errStale) {
		p.log.Error("the tree of a poll does not grow", "poll", poll, "error", err)
	}
	return done || err != nil
}

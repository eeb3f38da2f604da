package cluster

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"

	"voted/internal/fsm"
	"voted/internal/poll"
	"voted/internal/trace"
)

// ErrUsage marks errors that another command line would cure.
var ErrUsage = errors.New("this member cannot start like this")

// Node is one member. Its methods may be called from any goroutine.
type Node struct {
	opts    Options
	log     *slog.Logger
	fsm     *fsm.FSM
	raft    *raft.Raft // set before started is closed
	leaders *leaders
	metrics *metrics

	ingress   *ingress
	proposer  *proposer
	reads     *readRounds // of this member's readers
	confirms  *readRounds // of the members that ask this one, while it leads
	clock     *clock
	busy      *busyDisk
	growth    *logGrowth
	overtaken *overtakenLog
	attention attention
	bulk      chan struct{} // a token for each bulk frame under way
	commands  chan struct{} // a token for each command under way that manages polls
	disk      string        // drawn once per data directory
	ids       *trace.IDs    // of batches, and of what this member asks for itself

	admission *admission // nil where connections have no names

	ctx     context.Context // ends with the node
	stop    context.CancelFunc
	started chan struct{} // closed when raft runs
	entered chan struct{} // closed when the member has entered its cluster, or given up
	tasks   sync.WaitGroup

	decided atomic.Pointer[roster] // the membership as committed last; nil before it is known
	current atomic.Bool            // it has applied, since its start, all that was acknowledged before

	seen        atomic.Pointer[[]sighting] // the last look at the members
	away        absences
	short       atomic.Pointer[shortage] // set while this member leads and space is short
	handedOver  time.Time                // for want of space; used by monitor alone
	disputed    atomic.Pointer[dispute]  // nil: none
	toldDiffers map[string]bool          // used by monitor alone

	ready atomic.Uint64 // the term in which this member leads and has applied all before

	closing   chan struct{} // closed when Close begins
	closeOnce sync.Once

	failOnce sync.Once
	failed   chan struct{} // closed after failure is set
	failure  error
}

// Open starts a member on its store and network. It returns at once; a first start
// may have to wait for other members. Failed tells when the member cannot go on.
func Open(o Options) (*Node, error) {
	o = o.withDefaults()
	overtaken := &overtakenLog{Store: o.Store, told: o.Logger}
	busy := &busyDisk{Store: overtaken, traced: tracedEntries{tracer: o.Tracer, appending: o.Appending}}
	o.Store = busy
	n := &Node{
		busy: busy, overtaken: overtaken,
		opts: o, log: o.Logger, metrics: newMetrics(o.Metrics),
		leaders: newLeaders(), clock: newClock(o.Now),
		bulk: make(chan struct{}, bulkFrames), commands: make(chan struct{}, commandsInFlight),
		started: make(chan struct{}), entered: make(chan struct{}), failed: make(chan struct{}), closing: make(chan struct{}),
		toldDiffers: map[string]bool{}, growth: newLogGrowth(o.SnapshotGrowth),
	}
	n.ids = trace.NewIDs(o.ID + "-" + hex.EncodeToString(randomBytes(5)) + "-")
	n.fsm = fsm.New(n.metrics.applied)
	n.fsm.OnUnreadable(n.halt)
	n.attention.every = n.silence() / looksOfSilence
	n.ctx, n.stop = context.WithCancel(context.Background())
	n.ingress = newIngress(n)
	n.proposer = newProposer(n)
	n.reads = newReadRounds(n.ctx, n.readIndex)
	n.confirms = newReadRounds(n.ctx, n.confirmLeadership)
	if err := n.identify(); err != nil {
		n.stop()
		return nil, err
	}
	n.admit()
	o.Network.Handle(n.handle)
	n.goTask(n.run)
	return n, nil
}

// goTask runs f as one of the node's goroutines: Close waits for it.
func (n *Node) goTask(f func()) {
	n.tasks.Add(1)
	go func() {
		defer n.tasks.Done()
		f()
	}()
}

// run brings the member into its cluster, then starts raft and what depends on it.
func (n *Node) run() {
	defer close(n.entered)
	err := n.enter()
	if err == nil {
		err = n.startRaft()
	}
	if err != nil {
		if n.ctx.Err() == nil {
			n.Fail(err)
		}
		return
	}
	n.metrics.observe(n)
	close(n.started)
	n.goTask(n.proposer.run)
	n.goTask(n.lead)
	n.goTask(n.tick)
	n.goTask(n.monitor)
	n.goTask(n.listen)
	n.goTask(n.watchLeader)
	n.goTask(n.catchUp)
	n.goTask(n.mindLog)
}

// catchUp notes when this member has applied what was acknowledged before its start.
func (n *Node) catchUp() {
	for n.ctx.Err() == nil {
		if n.Sync(n.ctx) == nil {
			n.current.Store(true)
			return
		}
		select { // a doubt about the state answers at once
		case <-time.After(retryPause):
		case <-n.ctx.Done():
		}
	}
}

// identify checks that the store belongs to this member, and claims a new one.
func (n *Node) identify() error {
	owner, err := n.opts.Store.Value(valueMember)
	if err != nil {
		return err
	}
	if owner == nil {
		if err := n.opts.Store.SetValue(valueMember, []byte(n.opts.ID)); err != nil {
			return err
		}
	} else if string(owner) != n.opts.ID {
		return fmt.Errorf("%w: the data directory belongs to member %s, not %s; use --id %s or another --data", ErrUsage, owner, n.opts.ID, owner)
	}
	if err := n.sound(); err != nil {
		return err
	}
	n.disk, err = n.diskID()
	return err
}

func (n *Node) startRaft() error {
	o := n.opts
	c := raft.DefaultConfig()
	c.LocalID = raft.ServerID(o.ID)
	c.HeartbeatTimeout, c.ElectionTimeout = o.HeartbeatTimeout, o.HeartbeatTimeout
	c.LeaderLeaseTimeout = o.HeartbeatTimeout // no read relies on it; shorter, it only ends leaderships
	c.CommitTimeout = commitTimeout
	c.MaxAppendEntries = maxAppendEntries
	c.SnapshotThreshold = o.SnapshotEvery
	c.SnapshotInterval = snapshotInterval
	c.TrailingLogs = o.TrailingLogs
	c.NoLegacyTelemetry = true
	c.ShutdownOnRemove = false
	c.Logger = raftLogger(n.log)
	if err := n.overtaken.begin(); err != nil {
		return err
	}
	sound, err := n.verify()
	if err != nil {
		return err
	}
	ear := hear(o.Network.Transport())
	r, err := raft.NewRaft(c, machine{n.fsm, n, sound}, o.Store, o.Store, o.Store.Snapshots(), ear)
	if err != nil {
		if unsound := sound(); unsound != nil {
			return unsound
		}
		return fmt.Errorf("raft cannot start on this data directory: %w", errors.Join(n.fsm.Refused(), err))
	}
	n.raft = r
	if err := n.checkContinuity(); err != nil {
		_ = r.Shutdown().Error() // the continuity error is the one to report
		return err
	}
	n.goTask(func() { n.listenTo(ear) })
	n.leaders.follow(n.ctx, r, o.ID, n.metrics.elections.Inc)
	o.Network.OpenRaft()
	return nil
}

// checkContinuity refuses a log that does not reach back to the state: an older
// snapshot was restored because the newer one is gone or damaged.
func (n *Node) checkContinuity() error {
	first, err := n.opts.Store.FirstIndex()
	if err != nil || first == 0 {
		return err
	}
	if have := n.raft.AppliedIndex(); first > have+1 {
		return fmt.Errorf("log entries %d to %d are missing: the newest snapshot is lost or damaged. "+
			"Remove this member from the cluster, empty its data directory and join it again", have+1, first-1)
	}
	return nil
}

// Fail stops the member for good: it gives up its connections, so that the others
// go on without it, and Failed tells whoever runs it. The first error counts.
func (n *Node) Fail(err error) {
	n.failOnce.Do(func() {
		n.failure = err
		close(n.failed)
		n.stop()
		// Not waited for: what failed may be the very thing that a close waits for.
		go func() { _ = n.opts.Network.Close() }()
	})
}

// halt stops the member from within the state machine, which must not go on: raft
// waits for it until the member is closed.
func (n *Node) halt(err error) {
	n.Fail(err)
	<-n.closing
}

// Done is closed when the node ends, in order or not.
func (n *Node) Done() <-chan struct{} { return n.ctx.Done() }

// Failed is closed when the member cannot go on; Failure then says why.
func (n *Node) Failed() <-chan struct{} { return n.failed }

// Failure returns why the member stopped by itself, nil where it did not.
func (n *Node) Failure() error {
	select {
	case <-n.failed:
		return n.failure
	default:
		return nil
	}
}

// HandOver passes leadership on, if this member leads. It is the first step of
// leaving: requests under way go on, and follow the new leader.
func (n *Node) HandOver(ctx context.Context) error {
	if !n.isStarted() || n.raft.State() != raft.Leader {
		return nil
	}
	if c := n.configuration(); len(votersIn(c)) < 2 {
		return nil
	}
	return n.await(ctx, n.raft.LeadershipTransfer())
}

// Close stops the member. Its store and network are closed too.
func (n *Node) Close() error {
	n.stop()
	n.closeOnce.Do(func() { close(n.closing) })
	<-n.entered
	var err error
	if n.raft != nil {
		// Raft's calls to members that are away end at once; it waits for them.
		if t, ok := n.opts.Network.Transport().(raft.WithClose); ok {
			err = t.Close()
		}
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		shut := n.await(ctx, n.raft.Shutdown())
		if shut == nil {
			n.fsm.Close()
		}
		err = errors.Join(err, shut)
	}
	err = errors.Join(err, n.opts.Network.Close())
	n.tasks.Wait()
	return errors.Join(err, n.opts.Store.Close())
}

// await waits for a raft future. Raft may forget a future when it shuts down
// (hashicorp/raft #498), so ctx and the node's end count too.
func (n *Node) await(ctx context.Context, f raft.Future) error {
	done := make(chan error, 1)
	go func() { done <- f.Error() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Started is closed when the member has entered its cluster.
func (n *Node) Started() <-chan struct{} { return n.started }

func (n *Node) isStarted() bool {
	select {
	case <-n.started:
		return true
	default:
		return false
	}
}

// ID returns the member's id.
func (n *Node) ID() string { return n.opts.ID }

// Leader returns the leader's id as this member knows it, empty if none.
func (n *Node) Leader() string { return n.leaders.now().id }

// Index returns the log index of the last command applied here.
func (n *Node) Index() uint64 { return n.fsm.Index() }

// Read runs f under the state's read lock.
func (n *Node) Read(f func(s *poll.State)) { n.fsm.Read(f) }

// Changed waits until a command beyond index after has been applied here.
func (n *Node) Changed(ctx context.Context, after uint64) error {
	return n.fsm.WaitApplied(ctx, after+1)
}

// Ready returns the checks that fail, by name: a member is ready when it runs, has
// caught up once and knows a leader to whom it can forward.
func (n *Node) Ready() map[string]error {
	failing := map[string]error{}
	if !n.isStarted() {
		failing["started"] = errors.New("the member is waiting to enter its cluster")
	} else if n.Leader() == "" {
		failing["leader"] = errors.New("no leader is known; is a majority of the members running?")
	} else if !n.current.Load() {
		failing["current"] = errors.New("the member is catching up with what was acknowledged before it started")
	}
	if err := n.Doubt(); err != nil {
		failing["digests"] = err
	}
	if err := n.Failure(); err != nil {
		failing["failure"] = err
	}
	return failing
}

package cluster

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"voted/internal/cluster/lookout"
	"voted/internal/cluster/members"
	"voted/internal/cluster/replica"
	"voted/internal/cluster/submit"
	"voted/internal/fsm"
	"voted/internal/history"
	"voted/internal/poll"
	"voted/internal/survey"
	"voted/internal/trace"
)

// Node is one member. Its methods may be called from any goroutine.
type Node struct {
	opts    Options
	log     *slog.Logger
	fsm     *fsm.FSM
	replica *replica.Replica
	leaders *replica.Leaders // of the replica
	metrics *metrics

	submitter  *submit.Submitter
	readRounds *readRounds // of this member's readers
	confirms   *readRounds // of the members that ask this one, while it leads
	clock      *clock
	lookout    *lookout.Lookout // where the others are found
	members    *members.Members
	members.Admin
	ids *trace.IDs // of batches, and of this member's own requests

	ctx     context.Context // ends with the node
	stop    context.CancelFunc
	started chan struct{} // closed when raft runs
	entered chan struct{} // closed when the member has entered its cluster, or given up
	tasks   sync.WaitGroup

	lastBallots    atomic.Int64 // when the last entry with ballots was applied, in nanoseconds since the Unix epoch
	caughtUp       atomic.Bool  // it has applied all that was acknowledged before its start
	formatsSettled atomic.Bool  // as leader, it has asked the members once which formats they read

	absences      atomic.Pointer[survey.Absences]   // since when members do not answer; monitor writes it
	shortage      atomic.Pointer[survey.Shortage]   // set while this member leads and space is short
	handedOver    time.Time                         // when it last tried to, for lack of space; used by monitor alone
	dispute       atomic.Pointer[survey.Comparison] // nil: none
	loggedDiffers map[string]bool                   // used by monitor alone

	closing   chan struct{} // closed when Close begins
	closeOnce sync.Once

	failOnce sync.Once
	failed   chan struct{} // closed after failure is set
	failure  error
}

// Open starts a member on its store and network. It returns at once; a first start
// may have to wait for other members. Failed is closed when the member cannot go on.
func Open(o Options) (*Node, error) {
	o = o.withDefaults()
	n := &Node{
		opts: o, log: o.Logger, metrics: newMetrics(o.Metrics), clock: newClock(o.Now),
		started: make(chan struct{}), entered: make(chan struct{}), failed: make(chan struct{}), closing: make(chan struct{}),
		lookout: lookout.New(o.ID, o.Network, o.Cluster), loggedDiffers: map[string]bool{},
	}
	var drawn [5]byte
	rand.Read(drawn[:]) // never fails: crypto/rand ends the process instead
	n.ids = trace.NewIDs(o.ID + "-" + hex.EncodeToString(drawn[:]) + "-")
	n.fsm = fsm.New(n.applied)
	n.fsm.OnUnreadable(n.halt)
	n.fsm.ReadUpTo(n.opts.FormatLevel)
	n.ctx, n.stop = context.WithCancel(context.Background())
	o.Network.Resolve(n.lookout.Find)
	if err := n.openReplica(); err != nil {
		n.stop()
		return nil, err
	}
	n.submitter = submit.New(n.ctx, submit.Options{
		Replica: n.replica, State: n.fsm, Network: o.Network, Gate: gate{n}, Stamp: n.stamp, IDs: n.ids,
		Logger: o.Logger, Metrics: o.Metrics, Tracer: o.Tracer,
	})
	n.readRounds = newReadRounds(n.ctx, n.goTask, n.readIndex)
	n.confirms = newReadRounds(n.ctx, n.goTask, n.confirmLeadership)
	n.openMembers()
	n.answerCalls()
	n.goTask(n.run)
	return n, nil
}

// applied notes what an entry did.
func (n *Node) applied(s fsm.Step) {
	n.metrics.applied(s)
	if s.Ballots > 0 {
		n.lastBallots.Store(time.Now().UnixNano())
	}
}

// openReplica makes this member's replica on a disk that may be used.
func (n *Node) openReplica() (err error) {
	o := n.opts
	n.replica, err = replica.New(n.ctx, replica.Options{
		ID: o.ID, Store: o.Store, Network: o.Network, State: n.fsm, Logger: o.Logger, Metrics: o.Metrics, Tracer: o.Tracer,
		Verify: o.Verify, Stamp: n.stamp, Yield: o.Yield, OnMembership: func(uint64, []replica.Server) { n.members.Recheck() }, Roll: n.roll,
		HeartbeatTimeout: o.HeartbeatTimeout, LookEvery: n.silenceLimit() / looksOfSilence,
		SnapshotEvery: o.SnapshotEvery, SnapshotGrowth: o.SnapshotGrowth, TrailingLogs: o.TrailingLogs,
	})
	if err != nil {
		return err
	}
	n.leaders = n.replica.Leaders()
	if n.metrics.known, err = o.Store.LastIndex(); err != nil {
		return err
	}
	return n.refuseIfDiffering()
}

// openMembers makes this member's part in the membership.
func (n *Node) openMembers() {
	o := n.opts
	n.members = members.New(n.ctx, members.Options{
		ID: o.ID, Peer: o.Peer, Bound: o.Bound, Cluster: o.Cluster, Join: o.Join, JoinToken: o.JoinToken, FormatLevel: o.FormatLevel,
		Network: o.Network, Replica: n.replica, Lookout: n.lookout, State: n.fsm, Submitter: n.submitter, Logger: o.Logger, IDs: n.ids,
		RemoveDeadAfter: o.RemoveDeadAfter, Audit: o.Audit, Stamp: n.stamp, Execute: n.Execute, Look: n.survey,
		Started: n.isStarted, CaughtUp: n.CaughtUp, Fail: n.Fail, Go: n.goTask,
	})
	n.Admin = n.members.Admin()
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
	err := n.members.Enter()
	if err == nil {
		err = n.startReplica()
	}
	if err != nil {
		if n.ctx.Err() == nil {
			n.Fail(err)
		}
		return
	}
	n.metrics.observe(n)
	close(n.started)
	n.submitter.Start()
	n.goTask(n.tick)
	n.goTask(n.monitor)
	n.goTask(n.watchLeader)
	n.goTask(n.chronicleLeaders)
	n.goTask(n.catchUp)
}

// catchUp notes when this member has applied what was acknowledged before its start.
func (n *Node) catchUp() {
	for n.ctx.Err() == nil {
		if n.Sync(n.ctx) == nil {
			n.caughtUp.Store(true)
			return
		}
		select { // a doubt about the state answers at once
		case <-time.After(replica.RetryPause):
		case <-n.ctx.Done():
		}
	}
}

// startReplica runs raft, and admits the other members once their addresses are known.
func (n *Node) startReplica() error {
	if err := n.replica.Start(); err != nil {
		return err
	}
	n.members.Settle()
	n.replica.Listen()
	return nil
}

// roll asks all other members, and returns which answer and which do not.
func (n *Node) roll(ctx context.Context) (answer, silent []string) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	for _, m := range n.survey(ctx) {
		switch {
		case m.ID == n.opts.ID:
		case m.Err == nil:
			answer = append(answer, m.ID)
		default:
			silent = append(silent, m.ID)
		}
	}
	return answer, silent
}

// Fail stops the member for good: it closes its connections, so that the others go on
// without it, and closes Failed. The first error counts.
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

// Done is closed when the node ends, by Close or by Fail.
func (n *Node) Done() <-chan struct{} { return n.ctx.Done() }

// Failed is closed when the member cannot go on; Failure then says why.
func (n *Node) Failed() <-chan struct{} { return n.failed }

// Failure returns why the member stopped by itself, nil if it did not.
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
	if !n.isStarted() || !n.replica.Elected() || len(replica.Electors(n.replica.Members())) < 2 {
		return nil
	}
	return n.replica.HandOver(ctx)
}

// Close stops the member. Its store and network are closed too.
func (n *Node) Close() error {
	n.stop()
	n.closeOnce.Do(func() { close(n.closing) })
	<-n.entered
	err := errors.Join(n.replica.Close(), n.opts.Network.Close())
	n.submitter.Wait()
	n.tasks.Wait()
	return errors.Join(err, n.opts.Store.Close())
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

// Commits is how long entries took that this member proposed as the leader.
func (n *Node) Commits() history.Distribution { return n.submitter.Commits() }

// ClusterID returns the id of the cluster that this member belongs to, "" before it has
// entered one. It was drawn when the cluster was founded, and `voted recover` draws
// another one.
func (n *Node) ClusterID() string { return n.replica.ClusterID() }

// ID returns the member's id.
func (n *Node) ID() string { return n.opts.ID }

// Leader returns the leader's id as this member knows it, empty if none.
func (n *Node) Leader() string { return n.leaders.Now().ID }

// Index returns the log index of the last command applied here.
func (n *Node) Index() uint64 { return n.fsm.Index() }

// Read runs f under the state's read lock.
func (n *Node) Read(f func(s *poll.State)) { n.fsm.Read(f) }

// Changed waits until a command beyond index after has been applied here.
func (n *Node) Changed(ctx context.Context, after uint64) error {
	return n.fsm.WaitApplied(ctx, after+1)
}

// CaughtUp reports whether this member has been in touch with its cluster since its start,
// and has applied what was acknowledged before that.
func (n *Node) CaughtUp() bool { return n.caughtUp.Load() }

// Ready returns the checks that fail, by name: a member is ready when it runs, has
// caught up once and knows a leader to whom it can forward. A leader of a new cluster first
// asks the members for the formats they read: what clients send may need the newest.
func (n *Node) Ready() map[string]error {
	failing := map[string]error{}
	if !n.isStarted() {
		failing["started"] = errors.New("the member is waiting to enter its cluster")
	} else if n.Leader() == "" {
		failing["leader"] = errors.New("no leader is known; is a majority of the members running?")
	} else if !n.caughtUp.Load() {
		failing["current"] = errors.New("the member is catching up with what was acknowledged before it started")
	} else if n.Leader() == n.opts.ID && n.level() < n.opts.FormatLevel && !n.formatsSettled.Load() {
		failing["formats"] = errors.New("the members are being asked which formats they read")
	}
	if err := n.Doubt(); err != nil {
		failing["digests"] = err
	}
	if err := n.Failure(); err != nil {
		failing["failure"] = err
	}
	return failing
}

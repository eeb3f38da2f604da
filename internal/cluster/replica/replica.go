package replica

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/hashicorp/raft"

	"voted/internal/fsm"
)

// Replica is one member's raft. Its methods may be called from any goroutine. Those that
// use raft may be called only after Start; before, no leader is known.
type Replica struct {
	opts    Options
	state   *fsm.FSM
	store   Store      // opts.Store, as this package wraps it for raft
	raft    *raft.Raft // set by Start
	leaders *Leaders
	metrics *metrics

	behind    *writeBehind
	busy      *busyDisk
	growth    *logGrowth
	overtaken *overtakenLog
	attention attention

	disk    string                     // drawn once per data directory; set by New
	cluster atomic.Pointer[string]     // the id of the cluster; nil before it has entered one
	decided atomic.Pointer[membership] // as committed last; nil before it is known
	leadsIn atomic.Uint64              // the term in which this member leads and has applied all before

	// handsOver is the term in which this member hands over leadership, or has done so.
	handsOver atomic.Uint64

	ctx   context.Context // ends with the replica
	stop  context.CancelFunc
	tasks sync.WaitGroup
}

// New makes a member's replica, and claims a new disk for the member. The replica stops
// with ctx; the caller must call Close even then.
func New(ctx context.Context, o Options) (*Replica, error) {
	o = o.withDefaults()
	overtaken := &overtakenLog{Store: o.Store, log: o.Logger}
	busy := &busyDisk{Store: overtaken}
	r := &Replica{
		opts: o, state: o.State, leaders: newLeaders(), metrics: newMetrics(o.Metrics),
		busy: busy, overtaken: overtaken, growth: newLogGrowth(o.SnapshotGrowth),
	}
	r.attention.every = o.LookEvery
	r.ctx, r.stop = context.WithCancel(ctx)
	r.behind = newWriteBehind(busy, o.ID)
	r.store = r.behind
	if err := r.claim(); err != nil {
		r.stop()
		return nil, err
	}
	return r, nil
}

// goTask runs f as one of the replica's goroutines: Close waits for it.
func (r *Replica) goTask(f func()) { r.tasks.Go(f) }

// Start runs raft on the data of the disk. Raft receives no messages before Listen.
func (r *Replica) Start() error {
	if err := r.overtaken.begin(); err != nil {
		return err
	}
	if err := r.behind.begin(r.ctx); err != nil {
		return err
	}
	verified, err := r.verify()
	if err != nil {
		return err
	}
	in := newInbound(r.opts.Network.Transport())
	r.raft, err = raft.NewRaft(r.opts.config(), machine{r.state, r, verified}, r.store, r.store, r.store.Snapshots(), heldAnswers{in, r.behind, r.ctx})
	if err != nil {
		if unsound := verified(); unsound != nil {
			return unsound
		}
		return fmt.Errorf("raft cannot start on this data directory: %w", errors.Join(r.state.Refused(), err))
	}
	if err := r.checkContinuity(); err != nil {
		_ = r.raft.Shutdown().Error() // the error of the gap is the one to report
		return err
	}
	r.behind.waitWhileLeads(r.raft)
	r.metrics.observe(r)
	r.goTask(func() { r.passMessages(in) })
	r.goTask(r.followLeaders())
	r.goTask(r.reportLeaders)
	r.goTask(r.prepareToLead)
	r.goTask(r.watchContact)
	r.goTask(r.snapshotWhenDue)
	return nil
}

// Listen lets raft receive messages of the other members.
func (r *Replica) Listen() { r.opts.Network.OpenRaft() }

// checkContinuity refuses a log with a gap between it and the restored state: an older
// snapshot was restored because the newer one is lost or damaged.
func (r *Replica) checkContinuity() error {
	first, err := r.store.FirstIndex()
	if err != nil || first == 0 {
		return err
	}
	if have := r.raft.AppliedIndex(); first > have+1 {
		return fmt.Errorf("log entries %d to %d are missing: the newest snapshot is lost or damaged. "+
			"Remove this member from the cluster, empty its data directory and join it again", have+1, first-1)
	}
	return nil
}

// Close ends raft and waits for the replica's goroutines. Start must have returned. The
// caller closes the store and the network afterwards.
func (r *Replica) Close() error {
	r.stop()
	ctx, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
	defer cancel()
	var err error
	if r.raft != nil {
		// This ends raft's calls to members that are away, for which raft would wait.
		if t, ok := r.opts.Network.Transport().(raft.WithClose); ok {
			err = t.Close()
		}
		shut := r.await(ctx, r.raft.Shutdown())
		if shut == nil {
			r.state.Close()
		}
		err = errors.Join(err, shut)
	}
	r.tasks.Wait()
	return errors.Join(err, r.behind.close(ctx))
}

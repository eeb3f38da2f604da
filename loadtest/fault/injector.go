package fault

import (
	"context"
	"fmt"
	"time"

	"voted/harness/wire"
	"voted/internal/localcluster"
	"voted/internal/pause"
)

// Network is the links between the members, which faults cut and slow down.
type Network interface {
	// Isolate loses what the other members send to one (in), what it sends to them
	// (out), or both, until Mend. Clients still reach it.
	Isolate(member int, in, out bool) error
	// CutPair loses what two members send to each other, until Mend.
	CutPair(a, b int) error
	// Throttle limits the bandwidth of a member's links, and Delay makes messages from
	// and to it arrive late, until Mend.
	Throttle(member int) error
	Delay(member int) error
	// Mend undoes all of these.
	Mend() error
	// Move lets the others reach a member, which must be down, at another address.
	Move(member int, addr string)
	// Up is called before the process of a member starts, Down before it is killed
	// and after it has ended in order.
	Up(member int) error
	Down(member int)
}

// Injector carries out planned faults, one after the other.
type Injector struct {
	Cluster *localcluster.Cluster // nil: only faults that need no processes
	Network Network               // nil: no partitions
	Cutter  *wire.Cutter
	Meter   *Meter
	Start   time.Time // of the load
	Pace    Pace      // zero: Usual
	// FailedOver is called when a fault that took the leader away is over.
	FailedOver func()
	// Rehearsal is the folder that holds, by id, each member's directory of a cluster that
	// was founded earlier with the same ids and addresses; empty if there was none.
	Rehearsal string
	// BeforeRestart, if set, is called with each killed node before it is started
	// again. Tests damage data there.
	BeforeRestart func(n *localcluster.Node) error

	vacant []string // for each member, the one of its two addresses that it does not use
	failed string   // what the fault under way has shown to be wrong, although it is mended
}

func (inj *Injector) now() time.Duration { return time.Since(inj.Start) }

// Run carries out the plan while the load lasts. A fault that is due while another one
// is not over waits. The error says which node did not come back; the plan ends there.
func (inj *Injector) Run(ctx context.Context, plan []Planned) error {
	if inj.Pace == (Pace{}) {
		inj.Pace = Usual
	}
	for _, p := range plan {
		if pause.For(ctx, p.At-inj.now()) != nil {
			return ctx.Err()
		}
		if !inj.Meter.loaded() {
			return nil // a fault without load shows nothing
		}
		if err := inj.inject(ctx, p); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return fmt.Errorf("after %s at %s: %w", p.Kind, p.At.Round(time.Millisecond), err)
		}
	}
	return nil
}

// inject carries out one fault from beginning to end.
func (inj *Injector) inject(ctx context.Context, p Planned) error {
	ctx, cancel := context.WithTimeout(ctx, returnTime+inj.Pace.Hold)
	defer cancel()
	var err error
	inj.failed = ""
	switch p.Kind {
	case CutAnswer:
		err = inj.cutAnswers(ctx)
	case AllKill:
		err = inj.killAll(ctx)
	case MoveAll:
		err = inj.moveAll(ctx)
	default:
		err = inj.onNode(ctx, p)
	}
	if e, open := inj.Meter.UnderWay(); open {
		failed := inj.failed
		if err != nil {
			failed = err.Error()
		}
		e = inj.Meter.End(inj.now(), failed)
		if e.OnLeader() && inj.FailedOver != nil {
			inj.FailedOver()
		}
	}
	return err
}

func (inj *Injector) cutAnswers(ctx context.Context) error {
	inj.Meter.Begin(Event{Kind: CutAnswer, Target: "all", At: inj.now()})
	inj.Cutter.SetShare(CutShare)
	_ = pause.For(ctx, inj.Pace.Cut) // even if ctx ends early, the fault is undone
	inj.Cutter.SetShare(0)
	inj.Meter.Mended(inj.now())
	return pause.For(ctx, inj.Pace.Steady)
}

func (inj *Injector) killAll(ctx context.Context) error {
	leader, err := inj.Cluster.Leader(ctx)
	if err != nil {
		return err
	}
	inj.Meter.Begin(Event{Kind: AllKill, Target: "all", Leader: leader.ID, At: inj.now()})
	if err := inj.RestartAll(ctx); err != nil {
		return err
	}
	inj.Meter.Mended(inj.now())
	return inj.steady(ctx)
}

// RestartAll kills all nodes at once and starts them again.
func (inj *Injector) RestartAll(ctx context.Context) error {
	for i, n := range inj.Cluster.Nodes {
		inj.down(i)
		if err := n.Kill(); err != nil {
			return err
		}
	}
	for i := range inj.Cluster.Nodes {
		if err := inj.restart(i); err != nil {
			return err
		}
	}
	return inj.Cluster.WaitReady(ctx)
}

// onNode carries out a fault of one node or of its links.
func (inj *Injector) onNode(ctx context.Context, p Planned) error {
	leader, err := inj.Cluster.Leader(ctx)
	if err != nil {
		return err
	}
	target := 0
	for i, n := range inj.Cluster.Nodes {
		if n == leader {
			target = i
		}
	}
	if p.onFollower() {
		if target, err = inj.follower(target, p.Draw); err != nil {
			return err
		}
	}
	n := inj.Cluster.Nodes[target]
	e := Event{Kind: p.Kind, Target: n.ID, Leader: leader.ID, At: inj.now()}
	switch p.Kind {
	case Kill, FollowerKill, Term:
		err = inj.stopAndRestart(ctx, e, target)
	case Pause:
		err = inj.pause(ctx, e, n)
	case Move:
		err = inj.move(ctx, e, target)
	case Foreign:
		err = inj.foreign(ctx, e, target)
	default:
		err = inj.links(ctx, e, target, p.Draw)
	}
	if err != nil {
		return err
	}
	inj.Meter.Mended(inj.now())
	return inj.steady(ctx)
}

// stopAndRestart ends a node, in order or without a warning, and starts it again.
func (inj *Injector) stopAndRestart(ctx context.Context, e Event, i int) error {
	n := inj.Cluster.Nodes[i]
	inj.Meter.Begin(e, n.ID)
	if e.Kind == Term {
		if err := inj.end(ctx, i); err != nil {
			return err
		}
		return inj.restart(i)
	}
	inj.down(i)
	if err := n.Kill(); err != nil {
		return err
	}
	_ = pause.For(ctx, inj.Pace.Down) // even if ctx ends early, the fault is undone
	return inj.restart(i)
}

// pause stops the process of a node for a while.
func (inj *Injector) pause(ctx context.Context, e Event, n *localcluster.Node) error {
	inj.Meter.Begin(e, n.ID)
	if err := n.Pause(); err != nil {
		return err
	}
	_ = pause.For(ctx, inj.Pace.Hold) // even if ctx ends early, the fault is undone
	return n.Continue()
}

// down must be called before a node is killed, or after it has ended in order.
func (inj *Injector) down(i int) {
	if inj.Network != nil {
		inj.Network.Down(i)
	}
}

// restart starts a node that has ended.
func (inj *Injector) restart(i int) error {
	n := inj.Cluster.Nodes[i]
	if inj.BeforeRestart != nil {
		if err := inj.BeforeRestart(n); err != nil {
			return err
		}
	}
	if inj.Network != nil {
		if err := inj.Network.Up(i); err != nil {
			return err
		}
	}
	return n.Restart()
}

// steady waits until all nodes are ready, and for a moment longer.
func (inj *Injector) steady(ctx context.Context) error {
	if err := inj.Cluster.WaitReady(ctx); err != nil {
		return err
	}
	return pause.For(ctx, inj.Pace.Steady)
}

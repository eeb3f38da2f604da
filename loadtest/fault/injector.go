package fault

import (
	"context"
	"fmt"
	"time"

	"voted/internal/localcluster"
	"voted/loadtest/wire"
)

// Network is what lies between the members.
type Network interface {
	// Isolate loses what the other members send to one (in), what it sends to them
	// (out), or both, until Mend. Clients still reach it.
	Isolate(member int, in, out bool) error
	// CutPair loses what two members send to each other, until Mend.
	CutPair(a, b int) error
	// Throttle holds the links of a member to a bandwidth, and Delay makes what it
	// sends and is sent arrive late, until Mend.
	Throttle(member int) error
	Delay(member int) error
	Mend() error
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
	// BeforeRestart, if set, is called with each killed node before it is started
	// again. Tests damage data there.
	BeforeRestart func(n *localcluster.Node) error
}

func (x *Injector) now() time.Duration { return time.Since(x.Start) }

// Run carries out the plan while the load lasts. A fault that is due while another one
// is not over waits. The error says which node did not come back; the plan ends there.
func (x *Injector) Run(ctx context.Context, plan []Planned) error {
	if x.Pace == (Pace{}) {
		x.Pace = Usual
	}
	for _, p := range plan {
		if !sleep(ctx, p.At-x.now()) {
			return ctx.Err()
		}
		if !x.Meter.loaded() {
			return nil // a fault without load shows nothing
		}
		if err := x.one(ctx, p); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return fmt.Errorf("after %s at %s: %w", p.Kind, p.At.Round(time.Millisecond), err)
		}
	}
	return nil
}

// one carries out one fault from beginning to end.
func (x *Injector) one(ctx context.Context, p Planned) error {
	ctx, cancel := context.WithTimeout(ctx, returnTime+x.Pace.Hold)
	defer cancel()
	var err error
	switch p.Kind {
	case CutAnswer:
		err = x.cutAnswers(ctx)
	case AllKill:
		err = x.killAll(ctx)
	default:
		err = x.onNode(ctx, p)
	}
	if e, open := x.Meter.UnderWay(); open {
		failed := ""
		if err != nil {
			failed = err.Error()
		}
		e = x.Meter.End(x.now(), failed)
		if e.Kind.OnLeader() && x.FailedOver != nil {
			x.FailedOver()
		}
	}
	return err
}

func (x *Injector) cutAnswers(ctx context.Context) error {
	x.Meter.Begin(Event{Kind: CutAnswer, Target: "all", At: x.now()})
	x.Cutter.SetShare(CutShare)
	sleep(ctx, x.Pace.Cut)
	x.Cutter.SetShare(0)
	x.Meter.Mended(x.now())
	sleep(ctx, x.Pace.Steady)
	return ctx.Err()
}

func (x *Injector) killAll(ctx context.Context) error {
	leader, err := x.Cluster.Leader(ctx)
	if err != nil {
		return err
	}
	x.Meter.Begin(Event{Kind: AllKill, Target: "all", Leader: leader.ID, At: x.now()})
	if err := x.RestartAll(ctx); err != nil {
		return err
	}
	x.Meter.Mended(x.now())
	return x.steady(ctx)
}

// RestartAll kills all nodes at once and starts them again.
func (x *Injector) RestartAll(ctx context.Context) error {
	for i, n := range x.Cluster.Nodes {
		x.down(i)
		if err := n.Kill(); err != nil {
			return err
		}
	}
	for i := range x.Cluster.Nodes {
		if err := x.restart(i); err != nil {
			return err
		}
	}
	return x.Cluster.WaitReady(ctx)
}

func (x *Injector) onNode(ctx context.Context, p Planned) error {
	leader, err := x.Cluster.Leader(ctx)
	if err != nil {
		return err
	}
	target := 0
	for i, n := range x.Cluster.Nodes {
		if n == leader {
			target = i
		}
	}
	if p.Kind == FollowerKill || p.Kind == Minority {
		if target, err = x.follower(target, p.Draw); err != nil {
			return err
		}
	}
	n := x.Cluster.Nodes[target]
	e := Event{Kind: p.Kind, Target: n.ID, Leader: leader.ID, At: x.now()}
	switch p.Kind {
	case Kill, FollowerKill, Term:
		err = x.stop(ctx, e, target)
	case Pause:
		err = x.pause(ctx, e, n)
	default:
		err = x.links(ctx, e, target, p.Draw)
	}
	if err != nil {
		return err
	}
	x.Meter.Mended(x.now())
	return x.steady(ctx)
}

// stop ends a node and starts it again.
func (x *Injector) stop(ctx context.Context, e Event, i int) error {
	n := x.Cluster.Nodes[i]
	x.Meter.Begin(e, n.ID)
	if e.Kind == Term {
		// It still serves while it leaves: its proxy stays up until it has ended.
		if err := n.Terminate(); err != nil {
			return err
		}
		if err := n.Wait(ctx); err != nil {
			return fmt.Errorf("node %s did not end in order: %w", n.ID, err)
		}
		x.down(i)
		return x.restart(i)
	}
	x.down(i)
	if err := n.Kill(); err != nil {
		return err
	}
	sleep(ctx, x.Pace.Down)
	return x.restart(i)
}

func (x *Injector) pause(ctx context.Context, e Event, n *localcluster.Node) error {
	x.Meter.Begin(e, n.ID)
	if err := n.Pause(); err != nil {
		return err
	}
	sleep(ctx, x.Pace.Hold)
	return n.Continue()
}

func (x *Injector) down(i int) {
	if x.Network != nil {
		x.Network.Down(i)
	}
}

func (x *Injector) restart(i int) error {
	n := x.Cluster.Nodes[i]
	if x.BeforeRestart != nil {
		if err := x.BeforeRestart(n); err != nil {
			return err
		}
	}
	if x.Network != nil {
		if err := x.Network.Up(i); err != nil {
			return err
		}
	}
	return n.Restart()
}

// steady waits until all nodes are ready and stay so for a moment.
func (x *Injector) steady(ctx context.Context) error {
	if err := x.Cluster.WaitReady(ctx); err != nil {
		return err
	}
	sleep(ctx, x.Pace.Steady)
	return ctx.Err()
}

// sleep waits for d, or less if ctx ends; false: it has ended.
func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

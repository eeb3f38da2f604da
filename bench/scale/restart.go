package scale

import (
	"context"
	"fmt"
	"time"

	"voted/bench/closedloop"
	"voted/client"
	"voted/internal/localcluster"
)

// restartAll ends the nodes and starts them again, one after another. args are added to the
// arguments that they were started with at first.
func (r *rig) restartAll(ctx context.Context, how string, args ...string) error {
	for _, n := range r.cluster.Nodes {
		if err := n.Terminate(); err != nil {
			return err
		}
		if err := n.Wait(ctx); err != nil {
			return fmt.Errorf("node %s did not end in order: %w", n.ID, err)
		}
		n.Args = append(n.Args[:r.ownArgs:r.ownArgs], args...)
		if err := r.measureReturn(ctx, n, Restart{How: how}); err != nil {
			return err
		}
	}
	return nil
}

// restartKilled kills a follower that has applied everything, and starts it again.
func (r *rig) restartKilled(ctx context.Context) error {
	n, err := r.follower(ctx)
	if err != nil {
		return err
	}
	if err := n.Kill(); err != nil {
		return err
	}
	return r.measureReturn(ctx, n, Restart{How: "SIGKILL"})
}

// restartAwayUnderLoad kills a follower, casts ballots through the others, and starts it
// again while they go on.
func (r *rig) restartAwayUnderLoad(ctx context.Context, poll string, polls uint64) error {
	n, err := r.follower(ctx)
	if err != nil {
		return err
	}
	if err := n.Kill(); err != nil {
		return err
	}
	before, err := r.singles(ctx, poll, polls, r.length())
	if err != nil {
		return err
	}
	returned := make(chan error, 1)
	again := Restart{How: "SIGKILL, away under load", Missed: before.Acknowledged, Before: before.PerSecond()}
	go func() { returned <- r.measureReturn(ctx, n, again) }() // ends with the node's return
	var during []closedloop.Result
	for {
		load, err := r.singlesAt(ctx, n, poll, polls)
		if err != nil {
			<-returned
			return err
		}
		during = append(during, load)
		select {
		case err := <-returned:
			sum := closedloop.Join(during...)
			var seconds float64
			for _, d := range during {
				seconds += d.Window.Seconds()
			}
			last := &r.report.Restarts[len(r.report.Restarts)-1]
			last.Served = float64(sum.InWindow) / seconds
			r.options.Say("meanwhile the others served %.0f ballots/s, %.0f before", last.Served, last.Before)
			return err
		default:
		}
	}
}

// singlesAt casts single ballots for a second through all nodes but one.
func (r *rig) singlesAt(ctx context.Context, without *localcluster.Node, poll string, polls uint64) (closedloop.Result, error) {
	var targets []string
	for _, n := range r.cluster.Nodes {
		if n != without {
			targets = append(targets, n.APIAddr)
		}
	}
	result, err := closedloop.Single{
		Targets: targets, Connections: r.options.Connections, Duration: time.Second,
		Poll: poll, Polls: polls, Prefix: r.prefix(), Selection: "a",
	}.Run(ctx)
	r.book.enter(result)
	return result, err
}

// measureReturn starts a node and measures how long it takes until it is ready, and until it
// has caught up.
func (r *rig) measureReturn(ctx context.Context, n *localcluster.Node, entry Restart) error {
	leader, err := r.cluster.Leader(ctx)
	if err != nil {
		return err
	}
	target, err := r.applied(ctx, leader, leader)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, catchUpTimeout)
	defer cancel()
	origin := "the log"
	if newestSnapshot(n) > 0 {
		origin = "a snapshot and the log"
	}
	start := time.Now()
	if err := n.Restart(); err != nil {
		return err
	}
	if err := n.WaitReady(ctx); err != nil {
		return err
	}
	ready := time.Since(start)
	for look := time.NewTicker(askEvery); ; {
		at, err := r.applied(ctx, n, n)
		if err == nil && at >= target {
			look.Stop()
			break
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return fmt.Errorf("node %s has not caught up with entry %d: %w", n.ID, target, ctx.Err())
		}
	}
	entry.How += ", from " + origin
	entry.Node, entry.Ready, entry.Equal = n.ID, ready.Seconds(), time.Since(start).Seconds()
	r.report.Restarts = append(r.report.Restarts, entry)
	r.options.Say("restart of %s (%s): ready after %.2f s, caught up after %.2f s", n.ID, entry.How, entry.Ready, entry.Equal)
	return nil
}

// follower returns a node that does not lead.
func (r *rig) follower(ctx context.Context) (*localcluster.Node, error) {
	leader, err := r.cluster.Leader(ctx)
	if err != nil {
		return nil, err
	}
	for _, n := range r.cluster.Nodes {
		if n != leader {
			return n, nil
		}
	}
	return nil, fmt.Errorf("%s is the only node", leader.ID)
}

// applied asks a node for the index that a member has applied.
func (r *rig) applied(ctx context.Context, ask, of *localcluster.Node) (uint64, error) {
	m, err := r.member(ctx, ask, of)
	return m.AppliedIndex, err
}

func (r *rig) member(ctx context.Context, ask, of *localcluster.Node) (client.Member, error) {
	var status client.ClusterStatus
	if err := ask.Get(ctx, "/v1/cluster", &status); err != nil {
		return client.Member{}, err
	}
	for _, m := range status.Members {
		if m.ID == of.ID {
			return m, nil
		}
	}
	return client.Member{}, fmt.Errorf("node %s is no member of the cluster", of.ID)
}

package compare

import (
	"context"
	"errors"
	"fmt"
	"time"

	"voted/bench/closedloop"
	"voted/client"
	"voted/internal/localcluster"
)

// voted is a cluster of three node processes.
type voted struct {
	label     string
	logName   string     // "": the nodes keep no logs
	hooks     *idleHooks // nil but for systemHooks
	cluster   *localcluster.Cluster
	client    *client.Client
	authority *authority
}

// startVoted starts a cluster: as it is, with logs whose heads its nodes sign, or with webhooks.
func startVoted(ctx context.Context, binary, dir, label string, a *authority) (v *voted, err error) {
	v = &voted{label: label, authority: a}
	o := localcluster.Options{
		Binary: binary, Nodes: nodes, Dir: dir, Authority: a.votedDir(),
		Args: func(int) []string { return []string{"--log-level", "warn"} },
	}
	switch label {
	case systemProofs:
		v.logName, o.LogName = benchLog, benchLog
	case systemHooks:
		if v.hooks, err = newIdleHooks(); err != nil {
			return nil, err
		}
		o.Webhooks = v.hooks.allowed()
	}
	if v.cluster, err = localcluster.Start(ctx, o); err != nil {
		return nil, errors.Join(err, v.hooks.close())
	}
	ready, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if err = v.cluster.WaitReady(ready); err == nil {
		own := append(v.cluster.ClientOptions(), client.WithHedging(client.HedgePolicy{Off: true})) // each ballot is one request
		v.client, err = client.New(v.cluster.Endpoints(), own...)
	}
	if err == nil {
		err = v.hooks.add(ready, v.client)
	}
	if err != nil {
		return nil, errors.Join(err, v.stop())
	}
	return v, nil
}

func (v *voted) stop() error {
	if v.client != nil {
		v.client.Close()
	}
	return errors.Join(v.hooks.close(), v.cluster.Stop())
}

func (v *voted) name() string { return v.label }

func (v *voted) about() string {
	if v.logName != "" {
		return "the same cluster of voted whose nodes keep the logs that prove what was counted, and sign a head each second"
	}
	if v.hooks != nil {
		return fmt.Sprintf("the same cluster of voted with %d webhooks, for which there is nothing to deliver", idleWebhooks)
	}
	return v.authority.describe("three node processes, every ballot fsynced on a majority before it is answered; linearizable",
		"TLS to clients, mutual TLS between members")
}

func (v *voted) does(Mode) bool { return true }

func (v *voted) pids() []int {
	var pids []int
	for _, n := range v.cluster.Nodes {
		pids = append(pids, n.Pid())
	}
	return pids
}

// targets names the leader first: that is where a single client connects, of this
// system as of the others.
func (v *voted) targets(ctx context.Context) ([]string, error) {
	leader, err := v.cluster.Leader(ctx)
	if err != nil {
		return nil, err
	}
	addrs := []string{leader.APIAddr}
	for _, n := range v.cluster.Nodes {
		if n != leader {
			addrs = append(addrs, n.APIAddr)
		}
	}
	return addrs, nil
}

func (v *voted) measure(ctx context.Context, p phase, begin, end func()) (Figures, error) {
	targets, err := v.targets(ctx)
	if err != nil {
		return Figures{}, err
	}
	if err := makePoll(ctx, v.client, p.poll); err != nil {
		return Figures{}, err
	}
	if p.mode == ModeReplay {
		if err := v.castBefore(ctx, p, targets); err != nil {
			return Figures{}, err
		}
	}
	begin()
	result, err := load(ctx, p, targets, v.authority)
	end()
	if err != nil {
		return Figures{}, err
	}
	f := figures(result)
	tally, err := v.client.Results(ctx, p.poll, client.Linearizable)
	if err != nil {
		return Figures{}, fmt.Errorf("the poll cannot be counted: %w", err)
	}
	f.Stored = tally.Ballots
	if v.logName != "" {
		if err := v.waitProvable(ctx, p.poll, tally.Ballots); err != nil {
			return Figures{}, err
		}
	}
	if p.mode == ModeReplay {
		if f.Replayed != f.Acked || tally.Ballots != replayVoters {
			return Figures{}, fmt.Errorf("%w: %d of %d ballots that were cast before are said to be replayed, and %d of %d are counted",
				ErrNotExact, f.Replayed, f.Acked, tally.Ballots, replayVoters)
		}
		f.Stored = f.Acked // each of them is one that is there
	}
	return f, nil
}

// waitProvable waits until there is a signed head of all ballots of a poll, and checks it. What
// made it must not slow the system that is measured next.
func (v *voted) waitProvable(ctx context.Context, poll string, ballots uint64) error {
	policy, err := v.cluster.Policy(poll, "1")
	if err != nil {
		return err
	}
	look := time.NewTicker(probeInterval)
	defer look.Stop()
	for {
		note, err := v.client.LogFile(ctx, poll, client.LogCheckpoint)
		if err != nil {
			return fmt.Errorf("the newest head of the log cannot be read: %w", err)
		}
		head, err := policy.Check(note)
		if err != nil {
			return fmt.Errorf("the newest head of the log is not good: %w", err)
		}
		if head.Size > ballots { // entry 0 is the definition
			return nil
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return fmt.Errorf("the newest head covers %d entries, and not yet all %d ballots: %w", head.Size, ballots, ctx.Err())
		}
	}
}

// castBefore casts the ballots that are to be cast again.
func (v *voted) castBefore(ctx context.Context, p phase, targets []string) error {
	result, err := closedloop.Bulk{
		Targets: targets, TLS: v.authority.clientTLS(),
		Streams: nodes, Poll: p.poll, Prefix: "v", Selection: "a", Ballots: replayVoters, PerRequest: batchRows,
	}.Run(ctx)
	if err == nil && result.Acknowledged != replayVoters {
		err = fmt.Errorf("%d of %d ballots were acknowledged: %s", result.Acknowledged, replayVoters, result.Problem)
	}
	if err != nil {
		return fmt.Errorf("the ballots to be cast again cannot be cast: %w", err)
	}
	return nil
}

func makePoll(ctx context.Context, c *client.Client, id string) error {
	_, err := c.CreatePoll(ctx, client.Definition{ID: id, Options: client.Options("a", "b")})
	if err != nil {
		return fmt.Errorf("the poll cannot be made: %w", err)
	}
	return nil
}

// load is the work of one phase, the same for voted and for the bare handler.
func load(ctx context.Context, p phase, targets []string, a *authority) (closedloop.Result, error) {
	length := time.Duration(p.seconds * float64(time.Second))
	if p.mode == ModeBulk {
		return closedloop.Bulk{
			Targets: targets, TLS: a.clientTLS(), Streams: p.connections, Poll: p.poll, Prefix: "v", Selection: "a",
			Duration: length, PerRequest: blockBallots,
		}.Run(ctx)
	}
	single := closedloop.Single{
		Targets: targets, TLS: a.clientTLS(), Connections: p.connections, Duration: length, Poll: p.poll, Prefix: "v", Selection: "a",
	}
	if p.mode == ModeReplay {
		single.Again = replayVoters
	}
	return single.Run(ctx)
}

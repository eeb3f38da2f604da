package scale

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"time"

	"voted/bench/closedloop"
	"voted/bench/machine"
	"voted/client"
	"voted/internal/localcluster"
)

// rig is the cluster that is measured, and the sums of what was sent to it.
type rig struct {
	options Options
	cluster *localcluster.Cluster
	client  *client.Client
	report  *Report
	ownArgs int // how many arguments every node was started with at first
	book    book
	phases  int    // so far; names the voters of each
	base    []Node // what the nodes took before the growth that is measured
	cast    uint64 // ballots acknowledged when base was taken
}

// book sums up the answers.
type book struct {
	acknowledged, replayed, unknown, refused uint64
	problem                                  string
}

func (b *book) enter(r closedloop.Result) {
	b.acknowledged += r.Acknowledged
	b.replayed += r.Replayed
	b.unknown += r.Unknown
	b.refused += r.Refused
	if b.problem == "" {
		b.problem = r.Problem
	}
}

func startRig(ctx context.Context, o Options, binary, dir string, report *Report) (*rig, error) {
	lo := localcluster.Options{
		Binary: binary, Nodes: nodes, Dir: filepath.Join(dir, "nodes"), StopTimeout: startTimeout,
		Args: func(int) []string { return []string{"--log-level", "warn"} },
	}
	if o.Proofs {
		lo.LogName, report.Proofs = logName, &Proofs{}
	}
	cluster, err := localcluster.Start(ctx, lo)
	if err != nil {
		return nil, err
	}
	r := &rig{options: o, cluster: cluster, report: report, ownArgs: len(cluster.Nodes[0].Args)}
	ready, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if err = cluster.WaitReady(ready); err == nil {
		r.client, err = client.New(cluster.Endpoints(), client.WithHedging(client.HedgePolicy{Off: true})) // each ballot is one request
	}
	if err != nil {
		return nil, errors.Join(err, r.stop())
	}
	return r, nil
}

func (r *rig) stop() error {
	if r.client != nil {
		r.client.Close()
	}
	return r.cluster.Stop()
}

// targets are the addresses of the nodes that run.
func (r *rig) targets() []string {
	var addrs []string
	for _, n := range r.cluster.Nodes {
		if n.Running() {
			addrs = append(addrs, n.APIAddr)
		}
	}
	return addrs
}

// prefix begins the voters' ids of a new phase.
func (r *rig) prefix() string {
	r.phases++
	return fmt.Sprintf("p%d-", r.phases)
}

// singles casts single ballots for the length of a phase.
func (r *rig) singles(ctx context.Context, poll string, polls uint64, length time.Duration) (closedloop.Result, error) {
	result, err := closedloop.Single{
		Targets: r.targets(), Connections: r.options.Connections, Duration: length,
		Poll: poll, Polls: polls, Prefix: r.prefix(), Selection: "a",
	}.Run(ctx)
	r.book.enter(result)
	return result, err
}

func (r *rig) length() time.Duration {
	return time.Duration(r.options.Seconds * float64(time.Second))
}

// sizes returns what memory and disk space the nodes take now.
func (r *rig) sizes() []Node {
	all := make([]Node, len(r.cluster.Nodes))
	for i, n := range r.cluster.Nodes {
		all[i] = Node{ID: n.ID, Anonymous: machine.AnonymousBytes(n.Pid()), Disk: machine.DiskBytes(n.DataDir)}
	}
	return all
}

// rest waits until the nodes write no snapshot and their memory stays the same, or until
// settleTimeout, and returns what they take.
func (r *rig) rest(ctx context.Context) ([]Node, error) {
	limit := time.NewTimer(settleTimeout)
	defer limit.Stop()
	look := time.NewTicker(settleEvery)
	defer look.Stop()
	for before := r.sizes(); ; {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-limit.C:
			return r.sizes(), nil
		case <-look.C:
		}
		now := r.sizes()
		rests := len(underWay(r.cluster.Nodes)) == 0
		for i := range now {
			change := math.Abs(float64(now[i].Anonymous) - float64(before[i].Anonymous))
			rests = rests && change <= max(restShare*float64(before[i].Anonymous), restBytes)
		}
		if rests {
			return now, nil
		}
		before = now
	}
}

// rebase makes these sizes the base from which growth is measured.
func (r *rig) rebase(from []Node) { r.base, r.cast = from, r.book.acknowledged }

// ballots is how many were acknowledged since base was taken.
func (r *rig) ballots() uint64 { return r.book.acknowledged - r.cast }

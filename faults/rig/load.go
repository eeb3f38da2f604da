package rig

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"voted/client"
	"voted/faults/layer"
	"voted/harness/drive"
	"voted/harness/evidence"
	"voted/harness/ledger"
	"voted/harness/wire"
	"voted/harness/workload"
)

const (
	createTime  = 20 * time.Second
	settleTime  = time.Minute
	connections = 128
)

// LoadOptions say what to offer. A zero value means the default.
type LoadOptions struct {
	Name     string        // unique in the cluster; polls begin with it
	Rate     float64       // ballots a second, without duplicates; default 400
	Duration time.Duration // default 1 s
	Polls    int           // default 4; of all methods, secret and open, with and without revotes
	Access   wire.Access   // of a cluster under TLS
	// Acknowledged, if set, is called for each acknowledgement that took a commit, with the
	// id of the node that gave it. It is called from many goroutines.
	Acknowledged func(node string)
}

// Load is ballots that are offered to a cluster, and the books about them.
type Load struct {
	name      string
	plan      *workload.Plan
	driver    *drive.Driver
	endpoints []string
	access    wire.Access
	done      chan struct{} // closed when everything offered was answered
	loadErr   error         // set before done is closed

	committed atomic.Uint64

	mu        sync.Mutex
	ledger    *ledger.Ledger // guarded by mu
	ledgerErr error          // the first of the ledger; guarded by mu
}

// Begin creates the polls and starts to offer ballots. The caller must call End.
func Begin(ctx context.Context, endpoints []string, seed uint64, o LoadOptions) (*Load, error) {
	if o.Rate == 0 {
		o.Rate = 400
	}
	if o.Duration == 0 {
		o.Duration = time.Second
	}
	if o.Polls == 0 {
		o.Polls = 4
	}
	plan, err := workload.New(workload.Options{Seed: seed, Polls: o.Polls, Duplicates: 0.3, Prefix: o.Name})
	if err != nil {
		return nil, err
	}
	l := &Load{name: o.Name, plan: plan, endpoints: endpoints, access: o.Access, ledger: ledger.New(plan), done: make(chan struct{})}
	l.driver, err = drive.New(drive.Options{
		Plan: plan, Endpoints: endpoints, Access: o.Access, Mode: drive.Single, Rate: o.Rate, Duration: o.Duration, Connections: connections,
		Record: func(e ledger.Entry) { l.record(&e, o.Acknowledged) },
	})
	if err != nil {
		return nil, err
	}
	if err := l.createPolls(ctx); err != nil {
		return nil, err
	}
	go func() { // ends when the load is over
		defer close(l.done)
		l.driver.Begin()
		l.loadErr = l.driver.Load(ctx)
	}()
	return l, nil
}

func (l *Load) record(e *ledger.Entry, acknowledged func(node string)) {
	if e.Committed() {
		l.committed.Add(1)
		if acknowledged != nil {
			acknowledged(e.Node)
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.ledger.Add(e); err != nil && l.ledgerErr == nil {
		l.ledgerErr = err
	}
}

func (l *Load) createPolls(ctx context.Context) error {
	c, err := client.New(l.endpoints, l.access.Options()...)
	if err != nil {
		return err
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(ctx, createTime)
	defer cancel()
	for i := range l.plan.Polls {
		if _, err := c.CreatePoll(ctx, l.plan.Poll(i).Definition); err != nil {
			return fmt.Errorf("poll %s cannot be created: %w", l.plan.Poll(i).Definition.ID, err)
		}
	}
	return nil
}

// Committed returns how many ballots have been acknowledged as counted so far.
func (l *Load) Committed() uint64 { return l.committed.Load() }

// Wait waits until the load is over. It then sends again what was not answered, and the
// duplicates that are due after a failover.
func (l *Load) Wait(ctx context.Context) error {
	select {
	case <-l.done:
	case <-ctx.Done():
		return ctx.Err()
	}
	if l.loadErr != nil {
		return l.loadErr
	}
	ctx, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	if err := l.driver.SettleUnanswered(ctx); err != nil {
		return err
	}
	if err := l.driver.SettleRestart(ctx); err != nil {
		return err
	}
	return l.driver.SettleUnanswered(ctx)
}

// End waits until the load is over and closes its connections.
func (l *Load) End() {
	<-l.done
	l.driver.Close()
}

// Judge reads what every node has and returns the verdict. Wait must have returned.
func (l *Load) Judge(ctx context.Context, dir string) (*ledger.Verdict, error) {
	dir = filepath.Join(dir, "evidence-"+l.name)
	defer os.RemoveAll(dir)
	if err := evidence.Gather(ctx, l.endpoints, l.access, l.plan, dir); err != nil {
		return nil, err
	}
	holdings, err := evidence.Load(dir, l.plan)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ledgerErr != nil {
		return nil, l.ledgerErr
	}
	return l.ledger.Judge(holdings)
}

// oracles says which oracle each finding of the ledger contradicts.
var oracles = map[ledger.Fault]string{
	ledger.Lost: "O1", ledger.Changed: "O1", ledger.Twice: "O2", ledger.WrongTally: "O2", ledger.Invented: "O3",
	ledger.Diverged: "O4", ledger.WrongAnswer: "O5",
}

// Report enters a verdict into the report of a run. what names the faults of the cluster.
func Report(r *layer.Run, v *ledger.Verdict, what string) {
	first := map[ledger.Fault]string{}
	for _, f := range v.Findings {
		if first[f.Fault] == "" {
			first[f.Fault] = f.String()
		}
	}
	for fault, n := range v.Counts {
		switch fault {
		case ledger.Lost:
			r.Lost(v.Lost, "%s: %d ballots, for example %s", what, v.Lost, first[fault])
		case ledger.Twice:
			r.DoubleCounted(max(v.DoubleCounted, 1), "%s: %d, for example %s", what, n, first[fault])
		default:
			r.Violation(oracles[fault], "%s: %d, for example %s", what, n, first[fault])
		}
	}
	if v.Exact() && (!v.TalliesEqual || !v.DigestsEqual || !v.Balanced) {
		r.Violation("O4", "%s: the nodes' tallies, digests or books do not agree", what)
	}
}

package trial

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"voted/client"
	"voted/harness/drive"
	"voted/harness/evidence"
	"voted/harness/ledger"
	"voted/harness/workload"
	"voted/internal/usage"
	"voted/loadtest/fault"
	"voted/loadtest/journal"
	"voted/loadtest/proofs"
	"voted/loadtest/report"
	"voted/proof"
)

const (
	// readyTime bounds the first start of the cluster.
	readyTime = 30 * time.Second
	// settleTime bounds the time in which ballots are sent again after the load.
	settleTime = 5 * time.Minute
	// createTime bounds the creation of one poll.
	createTime = 15 * time.Second
)

// Screen shows the progress of a run.
type Screen interface {
	// Say shows a line.
	Say(format string, args ...any)
	// Show shows the state of the load, once a second.
	Show(Status)
}

// Trial is one run.
type Trial struct {
	Options
	plan    *workload.Plan
	nodes   *nodes
	driver  *drive.Driver
	books   *books
	proofs  *proofs.Taker // nil: none are taken
	meter   *fault.Meter
	leaders *leaders
	screen  Screen
	planned []fault.Planned
	began   time.Time
	lasted  time.Duration
	version string
	// inconclusive lists why the run does not show that each ballot counted once.
	inconclusive []string
	last         time.Duration // when the progress was shown last
}

// Run carries out a load test and returns its report. If ctx ends the load early, the
// report has what is known by then and is INCONCLUSIVE. An error means that there is
// nothing to report.
func Run(ctx context.Context, o Options, screen Screen) (*report.Report, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	t := &Trial{Options: o, screen: screen, meter: &fault.Meter{}}
	var err error
	if t.plan, err = o.plan(); err != nil {
		return nil, err
	}
	if err := t.prepare(ctx); err != nil {
		return nil, err
	}
	defer t.end()
	if err := t.load(ctx); err != nil {
		return nil, err
	}
	t.settle(ctx)
	if err := t.books.close(); err != nil {
		return nil, err
	}
	return t.close(ctx)
}

// prepare starts the cluster and creates the polls.
func (t *Trial) prepare(ctx context.Context) (err error) {
	if err := t.openOut(); err != nil {
		return err
	}
	if len(t.Targets) == 0 {
		t.screen.Say("starting %d nodes of voted", t.Nodes)
	}
	if t.nodes, err = startNodes(ctx, &t.Options); err != nil {
		return err
	}
	if t.nodes.how != "" {
		t.screen.Say("partitions will be made by %s", t.nodes.how)
	}
	defer func() {
		if err != nil {
			t.nodes.stop()
		}
	}()
	if t.nodes.cluster != nil {
		ready, cancel := context.WithTimeout(ctx, readyTime)
		defer cancel()
		if err := t.nodes.cluster.WaitReady(ready); err != nil {
			return fmt.Errorf("the cluster did not start: %w", err)
		}
		if t.rehearses() {
			if err := t.rehearse(ctx); err != nil {
				return fmt.Errorf("the rehearsal could not be held: %w", err)
			}
		}
	}
	if err := t.createPolls(ctx); err != nil {
		return err
	}
	t.books, err = openBooks(ledger.New(t.plan), filepath.Join(t.Out, journal.Name), t.meter)
	if err != nil {
		return err
	}
	if err := t.takeProofs(ctx); err != nil {
		return err
	}
	t.driver, err = drive.New(drive.Options{
		Plan: t.plan, Endpoints: t.nodes.endpoints, Access: t.nodes.access, Mode: t.Mode, Rate: t.Rate, Duration: t.Duration,
		Votes: t.votes(), Connections: t.Connections, Hedging: client.HedgePolicy{Off: t.NoHedging}, Record: t.record,
	})
	return err
}

// takeProofs prepares the sample of proofs.
func (t *Trial) takeProofs(ctx context.Context) (err error) {
	if t.proves() {
		t.proofs, err = proofs.New(ctx, proofs.Options{
			Endpoints: t.nodes.endpoints, Access: t.nodes.access, Out: t.Out, Polls: t.Polls, Voters: t.voters(),
			Policy: func(poll string) (*proof.Policy, error) { return t.nodes.cluster.Policy(poll, "1") }, // nothing is restored here
		})
	}
	return err
}

// record enters an answer everywhere.
func (t *Trial) record(e ledger.Entry) {
	if t.proofs != nil {
		t.proofs.Enter(&e)
	}
	t.books.Record(e)
}

// openOut makes the output directory, and writes what a later check needs. It removes the
// results of an earlier run there, so that the two are never mixed.
func (t *Trial) openOut() error {
	for _, old := range []string{"cluster", evidence.Dir, proofs.Dir, journal.Name, runFile, "report.json", "report.html", "violations.txt"} {
		if err := os.RemoveAll(filepath.Join(t.Out, old)); err != nil {
			return fmt.Errorf("an earlier run in %s cannot be removed; choose another --out: %w", t.Out, err)
		}
	}
	if err := os.MkdirAll(t.Out, 0o755); err != nil {
		return fmt.Errorf("the output directory cannot be made; choose another --out: %w", err)
	}
	text, err := json.MarshalIndent(t.plan.Options, "", "  ")
	if err == nil {
		err = os.WriteFile(filepath.Join(t.Out, runFile), text, 0o644)
	}
	if err != nil {
		return fmt.Errorf("nothing can be written to %s; is the disk full? Choose another --out: %w", t.Out, err)
	}
	return nil
}

// createPolls creates the polls and makes sure that they are empty.
func (t *Trial) createPolls(ctx context.Context) error {
	c, err := client.New(t.nodes.endpoints, t.nodes.access.Options()...)
	if err != nil {
		return usage.Mark(err)
	}
	defer c.Close()
	if t.nodes.cluster == nil {
		if err := t.reach(ctx, c); err != nil {
			return err
		}
	}
	for i := range t.plan.Polls {
		d := t.plan.Poll(i).Definition
		call, cancel := context.WithTimeout(ctx, createTime)
		p, err := c.CreatePoll(call, d)
		cancel()
		switch {
		case errors.Is(err, client.CodePollExists):
			return fmt.Errorf("the cluster has another poll %q already; choose another --seed", d.ID)
		case err != nil:
			return fmt.Errorf("poll %s cannot be created: %w", d.ID, err)
		case p.Ballots == nil || *p.Ballots != 0 || p.State != client.StateOpen:
			return fmt.Errorf("poll %q is there already, and is not open and empty; the count could not be proven. Choose another --seed", d.ID)
		}
	}
	status, err := c.Cluster(ctx)
	if err == nil {
		for _, m := range status.Members {
			t.version = m.Version
		}
	}
	return nil
}

// reach makes sure that each target is a node.
func (t *Trial) reach(ctx context.Context, c *client.Client) error {
	for _, e := range t.nodes.endpoints {
		call, cancel := context.WithTimeout(ctx, createTime)
		err := c.Ready(call, e)
		cancel()
		if err != nil {
			return fmt.Errorf("target %s cannot be used: %w", e, err)
		}
	}
	return nil
}

// load offers the schedule while faults are injected.
func (t *Trial) load(ctx context.Context) error {
	duration := t.Duration
	if n := t.votes(); n > 0 {
		duration = min(duration, time.Duration(float64(n)/t.Rate*float64(time.Second)))
	}
	t.planned = fault.Schedule(t.Seed, t.Faults, t.FaultEvery, duration)
	t.began = t.driver.Begin()
	t.books.setLoading(true)
	t.leaders = &leaders{start: t.began, access: t.nodes.access, meter: t.meter}
	side, stop := context.WithCancel(ctx)
	defer stop()
	loading, abort := context.WithCancelCause(ctx)
	defer abort(nil)
	var work sync.WaitGroup
	t.leaders.watch(side, t.nodes.endpoints)
	work.Go(func() { t.progress(side, abort) }) // ends with side
	injected := make(chan error, 1)
	work.Go(func() { injected <- t.injector().Run(loading, t.planned) }) // ends with its plan
	err := t.driver.Load(loading)
	t.lasted = time.Since(t.began)
	t.meter.LoadOver(t.lasted)
	if err == nil {
		// The last fault is measured to its end, and mended.
		err = <-injected
	}
	abort(nil)
	stop()
	work.Wait()
	t.leaders.work.Wait()
	t.books.setLoading(false)
	if t.proofs != nil {
		t.proofs.LoadOver()
	}
	switch {
	case t.books.failure() != nil:
		return t.books.failure()
	case ctx.Err() != nil:
		t.inconclusive = append(t.inconclusive, "the run was interrupted")
	case err != nil:
		t.inconclusive = append(t.inconclusive, err.Error())
	}
	return nil
}

// injector returns what carries out the faults.
func (t *Trial) injector() *fault.Injector {
	x := &fault.Injector{
		Cluster: t.nodes.cluster, Cutter: t.driver.Cutter(), Meter: t.meter, Start: t.began, Pace: t.Pace,
		FailedOver: t.driver.FailedOver, BeforeRestart: t.BeforeRestart,
	}
	if t.rehearses() {
		x.Rehearsal = t.rehearsal()
	}
	if t.nodes.network != nil {
		x.Network = t.nodes.network
	}
	return x
}

// progress shows how the load goes, and ends it if the books cannot be kept or a node has
// ended by itself.
func (t *Trial) progress(ctx context.Context, abort context.CancelCauseFunc) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case err := <-t.nodes.exits:
			t.inconclusive = append(t.inconclusive, "a node ended by itself: "+err.Error())
			abort(err)
			return
		case <-tick.C:
			if err := t.books.failure(); err != nil {
				abort(err)
				return
			}
			t.screen.Show(t.status())
		}
	}
}

// settle sends again the ballots that have no answer. After all nodes were killed and
// started again it also sends those that were kept for that moment.
func (t *Trial) settle(ctx context.Context) {
	if len(t.inconclusive) > 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	t.screen.Say("load is over; sending unanswered ballots again")
	err := t.driver.SettleUnanswered(ctx)
	if err == nil && t.nodes.cluster != nil {
		t.screen.Say("killing all nodes at once, starting them again, sending ballots once more")
		err = t.injector().RestartAll(ctx)
	}
	if err == nil {
		err = t.driver.SettleRestart(ctx)
	}
	if err == nil {
		err = t.driver.SettleUnanswered(ctx)
	}
	if err != nil {
		t.inconclusive = append(t.inconclusive, "the ballots that had to be sent again at the end could not be sent: "+err.Error())
	}
}

// end stops what was started, and removes data that is no longer needed.
func (t *Trial) end() {
	t.driver.Close()
	if t.proofs != nil {
		t.proofs.Close()
	}
	t.nodes.stop()
	if t.nodes.cluster != nil && !t.Keep {
		_ = os.RemoveAll(filepath.Join(t.Out, "cluster")) // if that fails it only takes space
	}
}

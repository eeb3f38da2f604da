package demo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"voted/client"
	"voted/cmd/voted/display"
	"voted/cmd/voted/stage"
	"voted/internal/localcluster"
)

// Options says how to run the demonstration.
type Options struct {
	Binary      string // path of a voted binary, whose `serve` is run
	Nodes       int
	Election    string // one of Elections
	Ballots     int    // of the election; fewer are in the same proportions; 0: all
	Connections int
	Seed        uint64
	Dir         string // of the nodes' data; empty: temporary
	Stay        bool   // serve on until ctx ends
	TLS         bool   // under TLS, with credentials
}

const (
	// castDeadline bounds one ballot with all its tries. It is long, so that a slow
	// machine does not make a ballot count as lost.
	castDeadline = time.Minute
	// startLimit bounds how long the cluster may take to elect its first leader.
	startLimit = 30 * time.Second
)

// Report is the outcome, as `voted demo --json` prints it.
type Report struct {
	Verdict       string   `json:"verdict"` // EXACT or NOT EXACT
	Election      string   `json:"election"`
	Ballots       uint64   `json:"ballots"` // in the tally
	Voters        int      `json:"voters"`
	Sent          int      `json:"sent"`
	Duplicates    int      `json:"duplicates"`
	Elsewhere     int      `json:"duplicates_to_another_node"`
	Counted       int      `json:"counted"`
	Replayed      int      `json:"replayed"`
	Failed        int      `json:"failed"`
	Retries       int      `json:"retries"`
	LeaderKills   int      `json:"leader_kills"`
	UnavailableMS float64  `json:"unavailable_ms"`
	Winners       []string `json:"winners"`
	Rounds        []round  `json:"rounds"`
	Checks        []check  `json:"checks"`
	Receipt       *proven  `json:"receipt,omitempty"` // one that was checked
	Nodes         int      `json:"nodes"`
	Seed          uint64   `json:"seed"`
	Seconds       float64  `json:"seconds"`         // of everything
	CastSeconds   float64  `json:"casting_seconds"` // of the casting alone
}

// Exact reports whether every check passed.
func (r *Report) Exact() bool { return r.Verdict == "EXACT" }

// demonstration is one run.
type demonstration struct {
	options  Options
	people   *display.Output // the users that watch
	election *election
	types    []ballotType
	plan     schedule
	ledger   *ledger
	cluster  *localcluster.Cluster
	client   *client.Client
	results  client.Results
}

// Run runs the demonstration and shows it to people. If the error is nil the report is
// complete, whatever its verdict.
func Run(ctx context.Context, o Options, people *display.Output) (*Report, error) {
	started := time.Now()
	e, err := load(o.Election)
	if err != nil {
		return nil, err
	}
	d := &demonstration{options: o, people: people, election: e, types: e.types}
	if o.Ballots > 0 {
		d.types = scaled(e.types, o.Ballots)
	}
	d.plan = plan(d.types, o.Seed)
	d.ledger = newLedger(len(d.plan.votes))
	d.head()
	if err := d.start(ctx); err != nil {
		return nil, err
	}
	defer d.cluster.Stop()
	defer d.client.Close()
	d.nodes()
	if o.Stay {
		people.Linef("  watch it in a browser: %s", people.Paint(display.Cyan, d.cluster.Nodes[0].URL+"/console"))
	}
	if _, err := d.client.CreatePoll(ctx, e.Definition); err != nil {
		return nil, fmt.Errorf("the poll could not be created: %w", err)
	}
	report, err := d.cast(ctx)
	if err != nil {
		return nil, err
	}
	d.audit(ctx, report)
	report.Seconds = rounded(time.Since(started).Seconds())
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	d.tell(report)
	if o.Stay {
		d.stay(ctx)
	}
	return report, d.cluster.Stop()
}

func (d *demonstration) start(ctx context.Context) (err error) {
	dir := d.options.Dir
	if dir != "" {
		if dir, err = freshDir(dir); err != nil {
			return err
		}
	}
	d.cluster, err = localcluster.Start(ctx, localcluster.Options{
		Binary: d.options.Binary, Nodes: d.options.Nodes, Dir: dir,
		Args: func(int) []string { return []string{"--log-level", "warn"} }, Secure: d.options.TLS, LogName: logName,
	})
	if err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	if err := d.cluster.WaitReady(limited); err != nil {
		return errors.Join(err, d.cluster.Stop())
	}
	d.client, err = client.New(d.cluster.Endpoints(), append(d.cluster.ClientOptions(), client.WithSpread(), client.WithDeadline(castDeadline),
		client.WithConnections(d.options.Connections), client.WithRetryPolicy(client.RetryPolicy{BudgetRatio: -1}))...)
	if err != nil {
		return errors.Join(err, d.cluster.Stop())
	}
	return nil
}

// freshDir refuses data of an earlier run: its ballots would be in the tally.
func freshDir(dir string) (string, error) {
	entries, err := os.ReadDir(dir)
	if err == nil && len(entries) > 0 {
		return "", fmt.Errorf("%s is not empty; the demonstration needs an empty directory for its data", dir)
	}
	return filepath.Abs(dir)
}

// cast sends everything while the leader is killed.
func (d *demonstration) cast(ctx context.Context) (*Report, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	s := newSender(d.client, d.election.Definition.ID, &d.plan, d.ledger, d.types)
	view := newView(d.people, s, d.ledger)
	o := &outage{cluster: d.cluster, sender: s, ledger: d.ledger, tell: view.happened}
	over := make(chan struct{})
	go func() { // the killer; ends with its work or with ctx
		defer close(over)
		if err := o.run(ctx); err != nil {
			cancel(err)
		}
	}()
	began := time.Now()
	view.start()
	s.run(ctx, d.options.Connections)
	took := time.Since(began)
	<-over
	view.stop()
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	seen := d.ledger.look()
	return &Report{
		Election: d.election.Definition.ID,
		Voters:   len(d.plan.votes), Sent: seen.Sent, Duplicates: seen.Sent - len(d.plan.votes), Elsewhere: seen.Elsewhere,
		Counted: seen.Counted, Replayed: seen.Replayed, Failed: seen.Failed, Retries: seen.Retries,
		LeaderKills: o.kills, UnavailableMS: rounded(d.ledger.outage().Seconds() * 1000),
		Nodes: d.options.Nodes, Seed: d.options.Seed, CastSeconds: rounded(took.Seconds()),
	}, nil
}

// audit closes the poll and checks everything.
func (d *demonstration) audit(ctx context.Context, r *Report) {
	a := &auditor{cluster: d.cluster, election: d.election, schedule: &d.plan, ledger: d.ledger, types: d.types}
	if _, err := d.client.ClosePoll(ctx, d.election.Definition.ID); err != nil {
		a.verdict("the poll closes", err, "")
	}
	a.run(ctx)
	receipt, err := d.prove(ctx)
	a.verdict("one receipt, checked without asking a node", err, "voted verify receipt")
	if err == nil {
		r.Receipt = &receipt
	}
	d.results = a.results
	r.Ballots, r.Winners, r.Checks, r.Verdict = a.results.Ballots, a.results.Winners, a.checks, "EXACT"
	for _, round := range a.results.Rounds {
		r.Rounds = append(r.Rounds, roundOf(round))
	}
	for _, c := range a.checks {
		if !c.OK {
			r.Verdict = "NOT EXACT"
		}
	}
}

func roundOf(r client.Round) round {
	return round{Votes: r.Votes, Eliminated: r.Eliminated, Elected: r.Elected, Exhausted: r.Exhausted}
}

// stay keeps the cluster up until ctx ends.
func (d *demonstration) stay(ctx context.Context) {
	o := d.people
	o.Linef("")
	o.Linef("The cluster stays up:")
	d.nodes()
	if flags := d.cluster.Flags(); flags != "" {
		o.Linef("  voted results %s --endpoint %s %s", d.election.Definition.ID, d.cluster.Nodes[0].URL, flags)
	} else {
		o.Linef("  voted results %s --endpoint %s", d.election.Definition.ID, d.cluster.Nodes[0].URL)
		o.Linef("")
		display.TryThese(o, d.cluster.Nodes[0].URL, "lunch", "pizza", "sushi")
	}
	o.Linef("")
	page, err := stage.OpenFor(d.cluster)
	if err != nil {
		o.Linef("%v", err) // the rest can be looked at
	} else {
		defer page.Close()
		display.Pages(o, d.cluster.Nodes[0].URL, page.URL())
		o.Linef("")
	}
	o.Linef("%s", o.Paint(display.Dim, "Ctrl-C stops it."))
	<-ctx.Done()
	o.Linef("stopping …")
}

// rounded keeps one decimal: more would be noise.
func rounded(f float64) float64 { return float64(int64(f*10+0.5)) / 10 }

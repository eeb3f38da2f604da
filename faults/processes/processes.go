package processes

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"voted/faults/layer"
	"voted/loadtest/drive"
	"voted/loadtest/fault"
	"voted/loadtest/report"
	"voted/loadtest/trial"
)

// The floors.
const (
	kills  = "kills"
	cuts   = "partitions"
	others = "pauses, delays, slow links, lost answers, orderly stops"
	rate   = "ballots/s acknowledged under faults"
)

const (
	// offered is the rate of first ballots; what is sent again comes on top.
	offered = 1600
	// length is how long one cluster is loaded: long enough for its log to be
	// compacted, short enough that a run ends soon after its floor.
	length = 80 * time.Second
	// every is the least time from one fault to the next; most take longer, and the
	// next one follows at once.
	every = time.Second
	// resumeBound is how long nothing may be acknowledged around one fault (O6): as
	// long as a restarted cluster may take, and a client's back-off.
	resumeBound = 15 * time.Second
	// maxTrials bounds a run that makes no progress.
	maxTrials = 400
)

// New returns the layer.
func New() *layer.Layer {
	return &layer.Layer{
		ID: "L3", Title: "real processes in network namespaces", Root: true, Tools: []string{"ip", "nft", "tc"},
		Floors: []layer.Floor{
			{Kind: kills, CI: 60, Long: 10_000},
			{Kind: cuts, CI: 40, Long: 5_000},
			{Kind: others, CI: 15, Long: 2_000},
			{Kind: rate, CI: 1000, Long: 1000},
		},
		Run: run,
	}
}

// mixed are the faults in namespaces; late needs the proxies, where a kernel has no netem.
var (
	mixed = []fault.Weighted{
		{Kind: fault.Kill, Weight: 6},
		{Kind: fault.FollowerKill, Weight: 3},
		{Kind: fault.AllKill, Weight: 2},
		{Kind: fault.Partition, Weight: 2},
		{Kind: fault.OneWay, Weight: 3},
		{Kind: fault.Minority, Weight: 1},
		{Kind: fault.Bridge, Weight: 1},
		{Kind: fault.Pause, Weight: 1},
		{Kind: fault.Bandwidth, Weight: 1},
		{Kind: fault.CutAnswer, Weight: 1},
		{Kind: fault.Term, Weight: 1},
	}
	late = []fault.Weighted{{Kind: fault.Delay, Weight: 3}, {Kind: fault.Kill, Weight: 2}, {Kind: fault.Bandwidth, Weight: 1}}
)

// books is what all trials of a run sum up to.
type books struct {
	acknowledged uint64
	loaded       float64 // seconds
}

func run(ctx context.Context, r *layer.Run) error {
	binary, err := r.Binary(ctx)
	if err != nil {
		return err
	}
	var b books
	for n := 0; n < maxTrials; n++ {
		made := r.Made()
		if made[kills] >= r.Floor(kills) && made[cuts] >= r.Floor(cuts) && made[others] >= r.Floor(others) {
			break
		}
		o := options(r, binary, n)
		// The second one goes through the proxies, and is short: it is about delays.
		if n%8 == 1 {
			o.Faults, o.Isolation, o.Duration = late, trial.Proxies, 25*time.Second
		}
		if err := b.one(ctx, r, o); err != nil {
			return err
		}
	}
	if b.loaded > 0 {
		r.Faults(rate, int(float64(b.acknowledged)/b.loaded))
	}
	return controls(ctx, r)
}

func options(r *layer.Run, binary string, n int) trial.Options {
	return trial.Options{
		Binary: binary, Nodes: 3, Rate: offered, Duration: length, Polls: 6, Duplicates: 0.3, Mode: drive.Single,
		Connections: 256, Faults: mixed, FaultEvery: every, Pace: fault.Brisk, Isolation: trial.Namespaces,
		Seed: r.Seed + uint64(n), Out: filepath.Join(r.Dir, fmt.Sprint("trial-", n)),
	}
}

// one runs one cluster and enters what came of it.
func (b *books) one(ctx context.Context, r *layer.Run, o trial.Options) error {
	p, err := trial.Run(ctx, o, teller{r})
	if err != nil {
		return err
	}
	if !p.Ledger.Judged {
		return errors.Join(fmt.Errorf("the books of %s could not be closed: %v", o.Out, p.Reasons), ctx.Err())
	}
	b.acknowledged += p.Ledger.Acknowledged
	b.loaded += p.Setup.Load
	r.Acknowledged(p.Ledger.Acknowledged)
	r.Count("ballots replayed", float64(p.Ledger.Replayed))
	r.Count("requests", float64(p.Requests))
	judge(r, o.Out, p)
	for _, f := range p.Faults {
		enter(r, f)
	}
	if p.Verdict != report.NotExact {
		return os.RemoveAll(o.Out) // exports and journals take much space
	}
	return nil
}

// judge enters what the ledger found (O1 to O5).
func judge(r *layer.Run, where string, p *report.Report) {
	l := &p.Ledger
	if l.Lost > 0 {
		r.Lost(l.Lost, "%d acknowledged ballots are gone: %s", l.Lost, where)
	}
	if l.DoubleCounted > 0 {
		r.DoubleCounted(l.DoubleCounted, "%d voters count twice: %s", l.DoubleCounted, where)
	}
	if p.Verdict == report.NotExact && l.Lost == 0 && l.DoubleCounted == 0 {
		r.Violation("O3, O4 or O5", "%v: %s", p.Reasons, where)
	}
}

// enter counts one fault and holds it to the bound (O6).
func enter(r *layer.Run, f report.Fault) {
	kind := others
	switch {
	case f.Kind.Kills():
		kind = kills
	case f.Kind.Cuts():
		kind = cuts
	}
	r.Fault(kind)
	r.Count("faults of kind "+string(f.Kind), 1)
	r.Worst("longest time without an acknowledgement around "+string(f.Kind)+", ms", f.UnavailableMS)
	switch {
	case f.Failed != "":
		r.Violation("O6", "after %s of %s: %s", f.Kind, f.Target, f.Failed)
	case f.UnavailableMS > float64(resumeBound.Milliseconds()):
		r.Violation("O6", "%s of %s: nothing was acknowledged for %.0f ms", f.Kind, f.Target, f.UnavailableMS)
	}
}

// teller passes on what is worth a line.
type teller struct{ r *layer.Run }

func (t teller) Say(format string, args ...any) {
	if !slices.Contains([]string{"load is over; sending unanswered ballots again"}, format) {
		t.r.Say(format, args...)
	}
}

func (t teller) Show(trial.Status) {}

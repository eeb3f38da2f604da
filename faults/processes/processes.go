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
	"voted/harness/drive"
	"voted/loadtest/fault"
	"voted/loadtest/report"
	"voted/loadtest/trial"
)

// The floors.
const (
	kills    = "kills"
	cuts     = "partitions"
	others   = "pauses, delays, slow links, lost answers, orderly stops"
	moves    = "members moved to other addresses"
	allMoves = "all members moved at once"
	strays   = "members started on another cluster's directory"
	rate     = "ballots/s acknowledged under faults"
)

const (
	// offered is how many ballots a second are sent for the first time; those that are
	// sent again come on top.
	offered = 1600
	// length is how long one cluster is under load: long enough that its log is compacted,
	// and short enough that a run ends soon after it has reached its floors.
	length = 80 * time.Second
	// every is the least time from the beginning of one fault to that of the next. Most
	// faults take longer; then the next one follows at once.
	every = time.Second
	// resumeBound is the longest time without an acknowledgement that is allowed around
	// one fault (O6): what a restarted cluster may take, and a client's back-off.
	resumeBound = 15 * time.Second
	// maxTrials ends a run that makes no progress.
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
			{Kind: moves, CI: 2, Long: 500},
			{Kind: allMoves, CI: 1, Long: 200},
			{Kind: strays, CI: 1, Long: 200},
			{Kind: rate, CI: 1000, Long: 1000},
		},
		Run: run,
	}
}

// mixed are the faults of most trials, in namespaces. late are delays; they go through
// proxies, because not every kernel has netem. moved are about addresses and directories.
// Their clusters are young, so that the term of the rehearsal's cluster is higher than
// theirs.
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
	late  = []fault.Weighted{{Kind: fault.Delay, Weight: 3}, {Kind: fault.Kill, Weight: 2}, {Kind: fault.Bandwidth, Weight: 1}}
	moved = []fault.Weighted{{Kind: fault.Foreign, Weight: 1}, {Kind: fault.Move, Weight: 3}, {Kind: fault.MoveAll, Weight: 1}, {Kind: fault.Minority, Weight: 1}}
)

// books sums up all trials of a run.
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
		usual, away := reached(r, kills, cuts, others), reached(r, moves, allMoves, strays)
		if usual && away {
			break
		}
		o := options(r, binary, n)
		// The second of eight goes through proxies, for delays, and is short.
		switch {
		case n%8 == 1:
			o.Faults, o.Isolation, o.Duration = late, trial.Proxies, 25*time.Second
		case n%8 == 2 || usual:
			o.Faults, o.Duration = moved, 25*time.Second
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

// reached reports whether enough faults of each kind were made.
func reached(r *layer.Run, kinds ...string) bool {
	made := r.Made()
	return !slices.ContainsFunc(kinds, func(kind string) bool { return made[kind] < r.Floor(kind) })
}

func options(r *layer.Run, binary string, n int) trial.Options {
	return trial.Options{
		Binary: binary, Nodes: 3, Rate: offered, Duration: length, Polls: 6, Duplicates: 0.3, Mode: drive.Single,
		Connections: 256, Faults: mixed, FaultEvery: every, Pace: fault.Brisk, Isolation: trial.Namespaces,
		Seed: r.Seed + uint64(n), Out: filepath.Join(r.Dir, fmt.Sprint("trial-", n)),
	}
}

// one runs one trial and enters its results.
func (b *books) one(ctx context.Context, r *layer.Run, o trial.Options) error {
	p, err := trial.Run(ctx, o, progress{r})
	if err != nil {
		return err
	}
	if !p.Ledger.Judged {
		return errors.Join(fmt.Errorf("the books of %s could not be balanced: %v", o.Out, p.Reasons), ctx.Err())
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

// judge reports what the ledger found (O1 to O5).
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

// enter counts one fault, and reports if service came back too late after it (O6).
func enter(r *layer.Run, f report.Fault) {
	kind := others
	switch {
	case f.Kind.Kills():
		kind = kills
	case f.Kind.Cuts():
		kind = cuts
	case f.Kind == fault.Move:
		kind = moves
	case f.Kind == fault.MoveAll:
		kind = allMoves
	case f.Kind == fault.Foreign:
		kind = strays
	}
	r.Fault(kind)
	r.Count("faults of kind "+string(f.Kind), 1)
	r.Worst("longest time without an acknowledgement around "+string(f.Kind)+", ms", f.UnavailableMS)
	switch {
	case f.Failed != "":
		r.Violation("O6", "after %s of %s: %s", f.Kind, f.Target, f.Failed)
	case f.UnavailableMS > float64(resumeBound.Milliseconds()):
		r.Violation("O6", "%s of %s: nothing was acknowledged for %.0f ms", f.Kind, f.Target, f.UnavailableMS)
	case f.Kind == fault.Move && f.Errors > 0:
		r.Violation("O6", "while %s moved, %d requests had no answer", f.Target, f.Errors)
	}
}

// progress shows the lines of a trial, without those that come in every trial.
type progress struct{ run *layer.Run }

func (p progress) Say(format string, args ...any) {
	if format != "load is over; sending unanswered ballots again" {
		p.run.Say(format, args...)
	}
}

func (p progress) Show(trial.Status) {}

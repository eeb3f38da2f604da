package compare

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"voted/loadtest/compare/machine"
)

// Run compares the systems and writes the result to out. All processes that it
// starts are gone when it returns, also when ctx ends early, and so are their data.
// An error means that there is no valid comparison: a system could not be started,
// or it counted other ballots than it acknowledged (ErrNotExact). A peer that is not installed is
// left out and named.
func Run(ctx context.Context, o Options, out io.Writer) (err error) {
	if err := o.check(); err != nil {
		return err
	}
	if o.Progress == nil {
		o.Progress = io.Discard
	}
	dir, err := os.MkdirTemp(o.Dir, "voted-compare-")
	if err != nil {
		return fmt.Errorf("the directory of the comparison cannot be made: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	// PostgreSQL's account has to pass through; what is inside is its own.
	if err := os.Chmod(dir, 0o711); err != nil {
		return fmt.Errorf("the directory of the comparison cannot be opened: %w", err)
	}
	about, err := machine.Describe(dir)
	if err != nil {
		return err
	}
	r := &runner{options: o, report: Report{Machine: about, Rounds: o.Rounds, Seconds: o.Seconds}}
	stage, err := raise(ctx, o, dir, &r.report)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stage.strike()) }()
	r.stage = stage
	for _, s := range stage.systems {
		r.report.Systems = append(r.report.Systems, System{Name: s.name(), About: s.about()})
	}
	if err := r.rounds(ctx); err != nil {
		return err
	}
	r.report.conclude()
	return r.report.deliver(o, out)
}

// runner carries out the rounds.
type runner struct {
	options Options
	stage   *stage
	report  Report
	phases  int // so far; names the polls
}

// work is one kind of work that all systems do in turn.
type work struct {
	mode        Mode
	connections int
}

func (o Options) works() []work {
	var all []work
	for _, n := range o.Connections {
		all = append(all, work{ModeSingle, n})
	}
	if o.Replays {
		all = append(all, work{ModeReplay, slices.Max(o.Connections)})
	}
	if o.Bulk {
		for _, n := range o.Streams {
			all = append(all, work{ModeBulk, n})
		}
	}
	return all
}

// rounds alternates the systems within each kind of work, and lets another one go
// first in each round, so that what changes on the machine meanwhile meets all.
func (r *runner) rounds(ctx context.Context) error {
	for round := range r.options.Rounds {
		for _, w := range r.options.works() {
			systems := slices.Clone(r.stage.systems)
			systems = slices.DeleteFunc(systems, func(s system) bool { return !s.does(w.mode) })
			first := round % len(systems)
			for _, s := range append(systems[first:], systems[:first]...) {
				if err := r.phase(ctx, round, w, s); err != nil {
					return fmt.Errorf("round %d, %s, %s with %d connections: %w", round+1, s.name(), w.mode, w.connections, err)
				}
			}
		}
	}
	return nil
}

// phase measures one system once.
func (r *runner) phase(ctx context.Context, round int, w work, s system) error {
	if err := quiet(ctx, r.options.Seconds); err != nil {
		return err
	}
	r.phases++
	// The time tells the polls of two comparisons on one cluster apart.
	p := phase{mode: w.mode, connections: w.connections, seconds: r.options.Seconds, poll: fmt.Sprintf("compare-%d", r.phases)}
	limit, cancel := context.WithTimeout(ctx, time.Duration(p.seconds*float64(time.Second))+phaseGrace)
	defer cancel()
	meter := meter{stage: r.stage, pids: s.pids()}
	f, err := s.measure(limit, p, meter.begin, meter.end)
	if err != nil {
		return err
	}
	f.Round = round + 1
	meter.shares(&f)
	if err := f.check(); err != nil {
		return err
	}
	r.report.add(w, s.name(), f)
	fmt.Fprintf(r.options.Progress, "round %d/%d  %-6s %4d  %-17s %10.0f/s  p50 %8.2f ms  p99 %8.2f ms  idle %2.0f %%  others %2.0f %%\n",
		f.Round, r.options.Rounds, w.mode, w.connections, s.name(), f.Rate, f.P50, f.P99, 100*f.Idle, 100*f.Others)
	return nil
}

// quiet waits until the system that was measured last has come to rest, or for a
// while, no longer than a phase: on a machine that others use rest never comes.
func quiet(ctx context.Context, seconds float64) error {
	limit := time.NewTimer(min(quietTimeout, time.Duration(seconds*float64(time.Second))))
	defer limit.Stop()
	look := time.NewTicker(quietSample)
	defer look.Stop()
	for before := machine.Used(); ; {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-limit.C:
			return nil
		case <-look.C:
		}
		now := machine.Used()
		if u := now.Since(before); u.Total > 0 && float64(u.Busy) < quietShare*float64(u.Total) {
			return nil
		}
		before = now
	}
}

// meter reads who used the processors during a load.
type meter struct {
	stage        *stage
	pids         []int
	before, used machine.Usage
	generator    time.Duration
}

func (m *meter) generatorTime() time.Duration {
	return machine.Self() + machine.Used(int(m.stage.peersPID.Load())).Own
}

func (m *meter) begin() { m.generator, m.before = m.generatorTime(), machine.Used(m.pids...) }

func (m *meter) end() {
	m.used = machine.Used(m.pids...).Since(m.before)
	m.generator = m.generatorTime() - m.generator
}

func (m *meter) shares(f *Figures) {
	total := float64(m.used.Total)
	if total <= 0 {
		return
	}
	f.System, f.Generator = float64(m.used.Own)/total, float64(m.generator)/total
	f.Idle = 1 - float64(m.used.Busy)/total
	f.Others = max(0, 1-f.Idle-f.System-f.Generator)
}

// deliver prints the report, and writes it to a file where one is named.
func (r *Report) deliver(o Options, out io.Writer) error {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("the comparison cannot be written as JSON: %w", err)
	}
	data = append(data, '\n')
	if o.Out != "" {
		if err := os.MkdirAll(filepath.Dir(o.Out), 0o755); err != nil {
			return fmt.Errorf("the directory of %s cannot be made: %w", o.Out, err)
		}
		if err := os.WriteFile(o.Out, data, 0o644); err != nil {
			return fmt.Errorf("the comparison cannot be kept: %w", err)
		}
	}
	if o.JSON {
		_, err = out.Write(data)
		return err
	}
	return r.write(out)
}

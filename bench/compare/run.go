// Package compare measures voted, a bare handler, etcd and PostgreSQL with the same work
// on the same machine, in turn, and checks that each stored what it acknowledged.
package compare

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"voted/bench/machine"
)

// Run compares the systems and writes the result to out. All processes that it
// starts are gone when it returns, also when ctx ends early, and so are their data.
// An error means that there is no valid comparison: a system could not be started,
// or it counted other ballots than it acknowledged (ErrNotExact). A peer that is not
// installed is left out and named.
func Run(ctx context.Context, o Options, out io.Writer) (err error) {
	if err := o.check(); err != nil {
		return err
	}
	dir, about, err := o.MakeDir("compare")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	// PostgreSQL's account has to pass through; what is inside is its own.
	if err := os.Chmod(dir, 0o711); err != nil {
		return fmt.Errorf("the directory of the comparison cannot be opened: %w", err)
	}
	r := &runner{options: o, report: Report{Machine: about, Rounds: o.Rounds, Seconds: o.Seconds, TLS: o.TLS}}
	running, err := startSystems(ctx, o, dir, &r.report)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, running.stop()) }()
	r.running = running
	for _, s := range running.systems {
		r.report.Systems = append(r.report.Systems, System{Name: s.name(), About: s.about()})
	}
	if err := r.rounds(ctx); err != nil {
		return err
	}
	r.report.conclude()
	return o.Deliver(&r.report, out)
}

// runner carries out the rounds.
type runner struct {
	options Options
	running *runningSystems
	report  Report
	phases  int // so far; the poll of each is named after it
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

// rounds alternates the systems within each kind of work. Another system is first in each
// round, so that all are affected alike when the machine becomes faster or slower.
func (r *runner) rounds(ctx context.Context) error {
	for round := range r.options.Rounds {
		for _, w := range r.options.works() {
			systems := slices.Clone(r.running.systems)
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
	p := phase{mode: w.mode, connections: w.connections, seconds: r.options.Seconds, poll: fmt.Sprintf("compare-%d", r.phases)}
	limit, cancel := context.WithTimeout(ctx, time.Duration(p.seconds*float64(time.Second))+phaseGrace)
	defer cancel()
	meter := meter{running: r.running, pids: s.pids(), dir: r.running.dir}
	f, err := s.measure(limit, p, meter.begin, meter.end)
	if err != nil {
		return err
	}
	f.Round = round + 1
	meter.fill(&f)
	if err := f.check(); err != nil {
		return err
	}
	r.report.add(w, s.name(), f)
	r.options.Say("round %d/%d  %-6s %4d  %-17s %10.0f/s  p50 %8.2f ms  p99 %8.2f ms  idle %2.0f %%  others %2.0f %%",
		f.Round, r.options.Rounds, w.mode, w.connections, s.name(), f.Rate, f.P50, f.P99, 100*f.Idle, 100*f.Others)
	return nil
}

// quiet waits until the system that was measured last is idle. It waits no longer than a
// phase lasts, because a machine that others use is never idle.
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

// meter reads who used the processors, and what was written to the disk, during a load.
type meter struct {
	running      *runningSystems
	pids         []int
	before, used machine.Usage
	generator    time.Duration
	dir          string // on the disk
	written      uint64 // to the disk: before the load, then during it
}

func (m *meter) generatorTime() time.Duration {
	return machine.Self() + machine.Used(int(m.running.peersPID.Load())).Own
}

func (m *meter) begin() {
	m.written = machine.WrittenBytes(m.dir)
	m.generator, m.before = m.generatorTime(), machine.Used(m.pids...)
}

func (m *meter) end() {
	m.used = machine.Used(m.pids...).Since(m.before)
	m.generator = m.generatorTime() - m.generator
	m.written = machine.WrittenBytes(m.dir) - m.written
}

// fill adds to the figures of a load what the meter has read.
func (m *meter) fill(f *Figures) {
	m.shares(f)
	if f.Acked > 0 {
		f.Written = float64(m.written) / float64(f.Acked) / float64(len(m.pids))
	}
}

// shares adds the shares of the processors, if the system says what they are.
func (m *meter) shares(f *Figures) {
	total := float64(m.used.Total)
	if total <= 0 {
		return
	}
	f.System, f.Generator = float64(m.used.Own)/total, float64(m.generator)/total
	f.Idle = 1 - float64(m.used.Busy)/total
	f.Others = max(0, 1-f.Idle-f.System-f.Generator)
}

package scale

import (
	"context"
	"errors"
	"io"
	"os"

	"voted/bench/machine"
	"voted/harness/overlay"
)

// Run measures, checks every count and writes the result to out. The nodes that it
// starts are gone when it returns, also when ctx ends early, and so are their data.
// An error means that the measurement could not be carried out, or that the count
// is wrong (ErrNotExact); then the result is written all the same.
func Run(ctx context.Context, o Options, out io.Writer) (err error) {
	if err := o.check(); err != nil {
		return err
	}
	dir, about, err := o.MakeDir("scale")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if o.Binary == "" {
		o.Say("building voted")
		if o.Binary, err = overlay.Build(ctx, dir, overlay.Node); err != nil {
			return err
		}
	}
	about.Versions["voted"] = machine.Version(o.Binary, "version")
	report := &Report{Machine: about, Polls: o.Polls, Voters: o.Voters}
	r, err := startRig(ctx, o, o.Binary, dir, report)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.stop()) }()
	if err := r.measure(ctx); err != nil {
		return err
	}
	return errors.Join(o.Deliver(report, out), report.Final.notExact())
}

// measure does the work of either kind.
func (r *rig) measure(ctx context.Context) error {
	var err error
	if r.base, err = r.rest(ctx); err != nil {
		return err
	}
	r.report.Empty = r.base
	work := r.onePoll
	if r.options.Polls > 1 {
		work = r.manyPolls
	}
	if err := work(ctx); err != nil {
		return err
	}
	// The list of polls names the ballots of each, that of the warming up too.
	tallied, err := r.tallied(ctx)
	if err != nil {
		return err
	}
	return r.finish(ctx, tallied)
}

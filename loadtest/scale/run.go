package scale

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"voted/loadtest/compare/machine"
	"voted/loadtest/compare/toolchain"
)

// Run measures, checks every count and writes the result to out. The nodes that it
// starts are gone when it returns, also when ctx ends early, and so are their data.
// An error means that the measurement could not be carried out, or that the count
// is wrong (ErrNotExact); then the result is written all the same.
func Run(ctx context.Context, o Options, out io.Writer) (err error) {
	if err := o.check(); err != nil {
		return err
	}
	if o.Progress == nil {
		o.Progress = io.Discard
	}
	dir, err := os.MkdirTemp(o.Dir, "voted-scale-")
	if err != nil {
		return fmt.Errorf("the directory of the measurement cannot be made: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	about, err := machine.Describe(dir)
	if err != nil {
		return err
	}
	if o.Binary == "" {
		fmt.Fprintln(o.Progress, "building voted")
		root, err := toolchain.Root(ctx)
		if err == nil {
			o.Binary, err = toolchain.Build(ctx, root, "./cmd/voted", dir)
		}
		if err != nil {
			return err
		}
	}
	about.Versions["voted"] = machine.Version(o.Binary, "version")
	report := &Report{Machine: about, Polls: o.Polls, Voters: o.Voters}
	r, err := raise(ctx, o, o.Binary, dir, report)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.strike()) }()
	if err := r.measure(ctx); err != nil {
		return err
	}
	return errors.Join(report.deliver(o, out), report.Final.notExact())
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

// deliver prints the report, and writes it to a file where one is named.
func (r *Report) deliver(o Options, out io.Writer) error {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("the measurement cannot be written as JSON: %w", err)
	}
	data = append(data, '\n')
	if o.Out != "" {
		if err := os.MkdirAll(filepath.Dir(o.Out), 0o755); err != nil {
			return fmt.Errorf("the directory of %s cannot be made: %w", o.Out, err)
		}
		if err := os.WriteFile(o.Out, data, 0o644); err != nil {
			return fmt.Errorf("the measurement cannot be kept: %w", err)
		}
	}
	if o.JSON {
		_, err = out.Write(data)
		return err
	}
	return r.write(out)
}

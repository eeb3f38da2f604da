package scale

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"voted/bench/closedloop"
	"voted/bench/machine"
	"voted/client"
	"voted/internal/thousands"
)

// onePoll fills one poll and measures on the way.
func (r *rig) onePoll(ctx context.Context) error {
	const poll = "scale"
	if err := r.makePoll(ctx, poll); err != nil {
		return err
	}
	if err := r.warmUp(ctx); err != nil {
		return err
	}
	rep := r.report
	empty, err := r.singles(ctx, poll, 0, r.length())
	if err != nil {
		return err
	}
	rep.Singles.Empty = single(empty)
	r.options.Say("empty poll, single ballots: %s/s, p99 %.1f ms", thousands.Float(rep.Singles.Empty.Rate, 0), rep.Singles.Empty.P99)
	if rep.Proofs != nil {
		if err := r.headDelays(ctx); err != nil {
			return err
		}
	}
	prefix := r.prefix()
	if err := r.fill(ctx, closedloop.Bulk{
		Streams: r.options.Streams, Poll: poll, Prefix: prefix, PerRequest: int(min(blockBallots, r.options.step(r.options.Voters))),
	}, r.options.Voters); err != nil {
		return err
	}
	if rep.Proofs != nil {
		if err := errors.Join(r.provable(ctx, poll), r.proving(ctx, poll, prefix, r.options.Voters)); err != nil {
			return err
		}
	}
	return r.atSize(ctx, poll, 0)
}

// warmUp casts ballots in a poll of its own, so that the first phase is not slowed by what
// every process does once.
func (r *rig) warmUp(ctx context.Context) error {
	const poll = "warm-up"
	if err := r.makePoll(ctx, poll); err != nil {
		return err
	}
	_, err := r.singles(ctx, poll, 0, min(r.length(), 2*time.Second))
	return err
}

// fill casts ballots in bulk, step by step, until so many have been sent.
func (r *rig) fill(ctx context.Context, load closedloop.Bulk, ballots uint64) error {
	w, stop := watchSnapshots(ctx, r.cluster.Nodes)
	defer stop()
	before, bulk := machine.WrittenBytes(r.cluster.Dir), &r.report.Bulk
	load.Selection = "a"
	for sent := uint64(0); sent < ballots; sent += load.Ballots {
		load.Targets = r.targets()
		load.Ballots = min(r.fillStep(load, ballots), ballots-sent)
		result, err := load.Run(ctx)
		r.book.enter(result)
		if err != nil {
			return err
		}
		load.First += load.Ballots
		if result.Acknowledged != load.Ballots {
			return fmt.Errorf("%d of %d ballots were acknowledged: %s", result.Acknowledged, load.Ballots, result.Problem)
		}
		r.step("ballots", sent+load.Ballots, r.ballots(), result)
		bulk.add(load.Ballots, result.Window.Seconds())
	}
	complete, _ := w.intervals()
	bulk.Snapshots = len(complete)
	bulk.Written = ratio(float64(machine.WrittenBytes(r.cluster.Dir)-before), float64(bulk.Ballots*nodes))
	r.options.Say("bulk: %s/s in the mean, %.0f B to disk a ballot, %d snapshots meanwhile", thousands.Float(bulk.Rate, 0), bulk.Written, bulk.Snapshots)
	return nil
}

// fillStep is the number of ballots in a step: whole requests, so that where each
// belongs to one poll none is split.
func (r *rig) fillStep(load closedloop.Bulk, ballots uint64) uint64 {
	size := uint64(load.PerRequest)
	return max(1, r.options.step(ballots)/size) * size
}

// step reports one part of the work. total is how many things were made in all parts; grown
// is how many were added since the base was taken, single ballots included.
func (r *rig) step(what string, total, grown uint64, result closedloop.Result) {
	now := r.sizes()
	s := Step{What: what, Total: total, Rate: result.PerSecond(), Nodes: now, PerOne: growthEach(r.base, now, grown)}
	r.report.Steps = append(r.report.Steps, s)
	r.options.Say("%s %s: %s/s, %.0f B each (with garbage), memory %s, disk %s", thousands.Int(total), what, thousands.Float(s.Rate, 0), s.PerOne,
		bytesText(largest(now, anonymous)), bytesText(largest(now, disk)))
}

// atSize measures everything that depends on the size, at full size.
func (r *rig) atSize(ctx context.Context, poll string, polls uint64) error {
	rep := r.report
	rest, err := r.rest(ctx)
	if err != nil {
		return err
	}
	rep.AtRest, rep.BytesABallot = rest, growthEach(r.base, rest, r.ballots())
	r.options.Say("at rest: %.1f B a ballot, memory %s", rep.BytesABallot, bytesText(largest(rest, anonymous)))
	if polls == 0 {
		if rep.Results, err = r.reading(ctx, poll); err != nil {
			return err
		}
	}
	full, err := r.singles(ctx, poll, polls, r.length())
	if err != nil {
		return err
	}
	rep.Singles.Full = single(full)
	rep.Singles.RateRatio = ratio(rep.Singles.Full.Rate, rep.Singles.Empty.Rate)
	rep.Singles.P99Ratio = ratio(rep.Singles.Full.P99, rep.Singles.Empty.P99)
	r.options.Say("full size, single ballots: %s/s (×%.2f), p99 %.1f ms", thousands.Float(rep.Singles.Full.Rate, 0), rep.Singles.RateRatio, rep.Singles.Full.P99)
	if err := r.restartKilled(ctx); err != nil {
		return err
	}
	if err := r.snapshots(ctx, poll, polls); err != nil {
		return err
	}
	if err := r.restartKilled(ctx); err != nil {
		return err
	}
	return r.restartAwayUnderLoad(ctx, poll, polls)
}

// reading measures how long the tally takes to read.
func (r *rig) reading(ctx context.Context, poll string) (Reading, error) {
	linearizable, err := r.timed(ctx, reads, func(int) error {
		_, err := r.client.Results(ctx, poll, client.Linearizable)
		return err
	})
	if err != nil {
		return Reading{}, fmt.Errorf("the results cannot be read: %w", err)
	}
	stale, err := r.timed(ctx, reads, func(int) error {
		_, err := r.client.Results(ctx, poll, client.Stale)
		return err
	})
	if err != nil {
		return Reading{}, fmt.Errorf("stale results cannot be read: %w", err)
	}
	linearizable.Stale = stale.Median
	return linearizable, nil
}

// timed does something n times and returns how long it took.
func (r *rig) timed(ctx context.Context, n int, do func(i int) error) (Reading, error) {
	took := make([]float64, n)
	for i := range took {
		start := time.Now()
		if err := do(i); err != nil {
			return Reading{}, err
		}
		took[i] = millis(time.Since(start))
		if err := ctx.Err(); err != nil {
			return Reading{}, err
		}
	}
	slices.Sort(took)
	return Reading{Median: took[n/2], Max: took[n-1]}, nil
}

func (r *rig) makePoll(ctx context.Context, id string) error {
	_, err := r.client.CreatePoll(ctx, client.Definition{ID: id, Options: client.Options("a", "b")})
	if err != nil {
		return fmt.Errorf("the poll %s cannot be made: %w", id, err)
	}
	return nil
}

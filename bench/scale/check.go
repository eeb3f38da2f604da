package scale

import (
	"context"
	"errors"
	"fmt"
	"time"

	"voted/client"
)

// settle waits until all nodes have applied the same, and compares their digests.
func (r *rig) settle(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, catchUpTimeout)
	defer cancel()
	f := &r.report.Final
	for look := time.NewTicker(askEvery); ; {
		members := make([]client.Member, nodes)
		same := true
		for i, n := range r.cluster.Nodes {
			m, err := r.member(ctx, n, n)
			if err != nil {
				return err
			}
			members[i] = m
			same = same && m.AppliedIndex == members[0].AppliedIndex
		}
		if same {
			look.Stop()
			f.Index, f.Digest, f.DigestsEqual = members[0].AppliedIndex, members[0].Digest, members[0].Digest != ""
			for _, m := range members {
				f.DigestsEqual = f.DigestsEqual && m.Digest == f.Digest
			}
			return nil
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return fmt.Errorf("the nodes have not applied the same: %w", ctx.Err())
		}
	}
}

// finish counts everything.
func (r *rig) finish(ctx context.Context, tallied uint64) error {
	f := &r.report.Final
	f.Acknowledged, f.Replayed, f.Unknown, f.Refused, f.Problem = r.book.acknowledged, r.book.replayed, r.book.unknown, r.book.refused, r.book.problem
	f.Tallied = tallied
	if err := r.settle(ctx); err != nil {
		return err
	}
	f.Exact = f.DigestsEqual && f.Acknowledged <= f.Tallied && f.Tallied <= f.Acknowledged+f.Unknown
	return nil
}

// ErrNotExact marks a count that is wrong, or nodes that differ.
var ErrNotExact = errors.New("NOT EXACT")

// notExact is what Run returns where the count is wrong.
func (f Final) notExact() error {
	if f.Exact {
		return nil
	}
	return fmt.Errorf("%w: %d acknowledged, %d unknown, %d tallied, digests equal: %v", ErrNotExact, f.Acknowledged, f.Unknown, f.Tallied, f.DigestsEqual)
}

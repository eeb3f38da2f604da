package processes

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"voted/faults/layer"
	"voted/loadtest/fault"
	"voted/loadtest/overlay"
	"voted/loadtest/report"
	"voted/loadtest/trial"
)

// controls plants bugs that this layer has to notice.
func controls(ctx context.Context, r *layer.Run) error {
	for n, c := range []struct {
		name, file string
		edit       overlay.Edit
		shows      func(report.Ledger) uint64
	}{
		{"a node does not recognise a voter's second ballot", "no-dedup", overlay.NoDeduplication, func(l report.Ledger) uint64 { return l.DoubleCounted }},
		{"a leader acknowledges before it commits", "early-ack", overlay.EarlyAcknowledgement, func(l report.Ledger) uint64 { return l.Lost }},
	} {
		binary, err := r.Changed(ctx, c.file, c.edit)
		if err != nil {
			return err
		}
		o := options(r, binary, 1000+n)
		o.Rate, o.Duration, o.Duplicates, o.Isolation = 300, 14*time.Second, 0.5, ""
		o.Faults, o.Out = []fault.Weighted{{Kind: fault.Kill, Weight: 1}}, filepath.Join(r.Dir, c.file)
		p, err := trial.Run(ctx, o, teller{r})
		if err != nil {
			return fmt.Errorf("the negative control %q could not be run: %w", c.name, err)
		}
		found := c.shows(p.Ledger)
		r.Control(c.name, p.Verdict == report.NotExact && found > 0, fmt.Sprintf("%s, %d ballots", p.Verdict, found))
		if err := os.RemoveAll(o.Out); err != nil {
			return err
		}
	}
	return nil
}

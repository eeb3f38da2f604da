package processes

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"voted/faults/layer"
	"voted/harness/ledger"
	"voted/harness/overlay"
	"voted/loadtest/fault"
	"voted/loadtest/report"
	"voted/loadtest/trial"
)

func doubleCounted(l report.Ledger) uint64 { return l.DoubleCounted }
func lost(l report.Ledger) uint64          { return l.Lost }

// undone are acknowledged ballots that are gone, or that others have replaced.
func undone(l report.Ledger) uint64 { return l.Lost + l.Violations[ledger.Changed] }

// tries is how often a control is run at most until it is caught. A cluster with a planted
// bug may stop working altogether, and a run without answers shows nothing.
const tries = 5

// controls plants bugs that this layer must find.
func controls(ctx context.Context, r *layer.Run) error {
	for n, c := range []struct {
		name, file string
		fault      fault.Kind
		shows      func(report.Ledger) uint64
		edits      []overlay.Edit
	}{
		{"a node does not recognise a voter's second ballot", "no-dedup", fault.Kill, doubleCounted, []overlay.Edit{overlay.NoDeduplication}},
		{"a leader acknowledges before it commits", "early-ack", fault.Kill, lost, []overlay.Edit{overlay.EarlyAcknowledgement}},
		{"members do not ask which cluster they hear", "no-greeting", fault.Foreign, undone, overlay.NoGreeting},
	} {
		binary, err := r.Changed(ctx, c.file, c.edits...)
		if err != nil {
			return err
		}
		caught, verdict := false, report.Verdict("")
		found := uint64(0)
		for try := 0; try < tries && !caught; try++ {
			o := options(r, binary, 1000+n+100*try)
			o.Rate, o.Duration, o.Duplicates, o.Isolation = 300, 14*time.Second, 0.5, ""
			o.Faults, o.Out = []fault.Weighted{{Kind: c.fault, Weight: 1}}, filepath.Join(r.Dir, c.file)
			p, err := trial.Run(ctx, o, progress{r})
			if err != nil {
				return fmt.Errorf("the negative control %q could not be run: %w", c.name, err)
			}
			verdict, found = p.Verdict, c.shows(p.Ledger)
			caught = verdict == report.NotExact && found > 0
			if err := os.RemoveAll(o.Out); err != nil {
				return err
			}
		}
		r.Control(c.name, caught, fmt.Sprintf("%s, %d ballots", verdict, found))
	}
	return nil
}

package scale

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"

	"voted/internal/thousands"
)

// WriteTable prints the report for people.
func (r *Report) WriteTable(out io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\npolls: %s, voters in each: %s, three nodes; memory is anonymous (RssAnon), of the node that takes most\n\n",
		r.Machine, thousands.Int(r.Polls), thousands.Int(r.Voters))
	r.writeSteps(&b)
	r.writeFigures(&b)
	if len(r.Restarts) > 0 {
		median, fastest, slowest := readiness(r.Restarts)
		fmt.Fprintf(&b, "from start to ready: median %.2f s (%.2f – %.2f), %d starts\n", median, fastest, slowest, len(r.Restarts))
	}
	for _, again := range r.Restarts {
		fmt.Fprintf(&b, "restart of %s (%s): ready after %.2f s, caught up after %.2f s", again.Node, again.How, again.Ready, again.Equal)
		if again.Missed > 0 {
			fmt.Fprintf(&b, "; %s ballots missed; the others served %s/s before, %s/s meanwhile",
				thousands.Int(again.Missed), thousands.Float(again.Before, 0), thousands.Float(again.Served, 0))
		}
		b.WriteString("\n")
	}
	f, verdict := r.Final, "NOT EXACT"
	if f.Exact {
		verdict = "EXACT"
	}
	fmt.Fprintf(&b, "\n%s: %s acknowledged (%s replayed), %s unknown, %s refused; %s tallied; digests equal: %v\n", verdict,
		thousands.Int(f.Acknowledged), thousands.Int(f.Replayed), thousands.Int(f.Unknown), thousands.Int(f.Refused),
		thousands.Int(f.Tallied), f.DigestsEqual)
	if _, err := io.WriteString(out, b.String()); err != nil {
		return fmt.Errorf("the table cannot be written: %w", err)
	}
	return nil
}

func (r *Report) writeSteps(b *strings.Builder) {
	t := tabwriter.NewWriter(b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(t, "\tso far\tper second\tmemory\tB each\tdisk\t\n")
	fmt.Fprintf(t, "empty\t\t\t%s\t\t%s\t\n", bytesText(largest(r.Empty, anonymous)), bytesText(largest(r.Empty, disk)))
	for _, s := range r.Steps {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%.1f\t%s\t\n", s.What, thousands.Int(s.Total), thousands.Float(s.Rate, 0),
			bytesText(largest(s.Nodes, anonymous)), s.PerOne, bytesText(largest(s.Nodes, disk)))
	}
	fmt.Fprintf(t, "at rest\t\t\t%s\t%.1f\t%s\t\n", bytesText(largest(r.AtRest, anonymous)), r.BytesABallot, bytesText(largest(r.AtRest, disk)))
	_ = t.Flush() // into memory
}

func (r *Report) writeFigures(b *strings.Builder) {
	s := r.Singles
	first := "empty"
	if r.Polls > 1 {
		first = "one poll, before the others"
		fmt.Fprintf(b, "\nan empty poll: %.0f B; a page of %d polls: median %.1f ms, at most %.1f ms\n", r.BytesAPoll, listPage, r.Listing.Median, r.Listing.Max)
	} else {
		fmt.Fprintf(b, "\nresults at full size: median %.1f ms, at most %.1f ms; stale %.1f ms\n", r.Results.Median, r.Results.Max, r.Results.Stale)
	}
	k := r.Bulk
	fmt.Fprintf(b, "bulk: %s/s in the mean of %s ballots, %s – %s by step; %.0f B to disk for each ballot and node; %d snapshots meanwhile\n", thousands.Float(k.Rate, 0),
		thousands.Int(k.Ballots), thousands.Float(k.Slowest, 0), thousands.Float(k.Fastest, 0), k.Written, k.Snapshots)
	fmt.Fprintf(b, "single ballots, %s: %s/s, p50 %.1f ms, p99 %.1f ms\n", first, thousands.Float(s.Empty.Rate, 0), s.Empty.P50, s.Empty.P99)
	fmt.Fprintf(b, "single ballots, full size: %s/s, p50 %.1f ms, p99 %.1f ms: rate ×%.2f, p99 ×%.2f\n",
		thousands.Float(s.Full.Rate, 0), s.Full.P50, s.Full.P99, s.RateRatio, s.P99Ratio)
	if s.OnePoll != nil {
		fmt.Fprintf(b, "all polls over one, both at full size: ×%.2f\n", s.OnePollRatio)
	}
	if p := r.Proofs; p != nil {
		h := p.Heads
		fmt.Fprintf(b, "heads: at %s ballots a second every node has one that covers a ballot after %.2f s in the median, p99 %.2f s, at most %.2f s (%s ballots)\n",
			thousands.Float(h.Rate, 0), h.P50, h.P99, h.Max, thousands.Int(uint64(h.Ballots)))
		fmt.Fprintf(b, "proofs: all ballots provable at every node %.1f s after the last answer in bulk; a proof: median %.2f ms, at most %.2f ms (%d, all good)\n",
			p.Provable, p.Proof.Median, p.Proof.Max, proofs)
	}
	n := r.Snapshot
	fmt.Fprintf(b, "snapshots: %d seen, %s each, median %.2f s, at most %.2f s; p99 %.1f ms while one is written (%s requests), ",
		n.Seen, bytesText(n.Bytes), n.Median, n.Max, n.During.P99, thousands.Int(n.During.Requests))
	if n.Without.Requests == 0 {
		fmt.Fprintf(b, "and one always was (a larger --snapshot-every leaves time between them)\n")
	} else {
		fmt.Fprintf(b, "%.1f ms otherwise (%s): ×%.2f\n", n.Without.P99, thousands.Int(n.Without.Requests), n.P99Ratio)
	}
	fmt.Fprintf(b, "disk: %s before those snapshots, %s after\n", bytesText(n.DiskBefore), bytesText(n.DiskAfter))
}

// bytesText returns a size as people read it.
func bytesText(n uint64) string {
	switch {
	case n >= 1<<30:
		return strconv.FormatFloat(float64(n)/(1<<30), 'f', 2, 64) + " GiB"
	case n >= 1<<20:
		return strconv.FormatFloat(float64(n)/(1<<20), 'f', 1, 64) + " MiB"
	}
	return strconv.FormatFloat(float64(n)/(1<<10), 'f', 1, 64) + " KiB"
}

package scale

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
)

// write prints the report for people.
func (r *Report) write(out io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\npolls: %s, voters in each: %s, three nodes; memory is anonymous (RssAnon), of the node that takes most\n\n",
		r.Machine, thousands(float64(r.Polls)), thousands(float64(r.Voters)))
	r.writeSteps(&b)
	r.writeFigures(&b)
	for _, again := range r.Restarts {
		fmt.Fprintf(&b, "restart of %s (%s): ready after %.2f s, caught up after %.2f s", again.Node, again.How, again.Ready, again.Equal)
		if again.Missed > 0 {
			fmt.Fprintf(&b, "; %s ballots missed; the others served %s/s before, %s/s meanwhile",
				thousands(float64(again.Missed)), thousands(again.Before), thousands(again.Served))
		}
		b.WriteString("\n")
	}
	f, verdict := r.Final, "NOT EXACT"
	if f.Exact {
		verdict = "EXACT"
	}
	fmt.Fprintf(&b, "\n%s: %s acknowledged (%s replayed), %s unknown, %s refused; %s tallied; digests equal: %v\n", verdict,
		thousands(float64(f.Acknowledged)), thousands(float64(f.Replayed)), thousands(float64(f.Unknown)), thousands(float64(f.Refused)),
		thousands(float64(f.Tallied)), f.DigestsEqual)
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
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%.1f\t%s\t\n", s.What, thousands(float64(s.Total)), thousands(s.Rate),
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
	fmt.Fprintf(b, "single ballots, %s: %s/s, p50 %.1f ms, p99 %.1f ms\n", first, thousands(s.Empty.Rate), s.Empty.P50, s.Empty.P99)
	fmt.Fprintf(b, "single ballots, full size: %s/s, p50 %.1f ms, p99 %.1f ms: rate ×%.2f, p99 ×%.2f\n",
		thousands(s.Full.Rate), s.Full.P50, s.Full.P99, s.RateRatio, s.P99Ratio)
	if s.OnePoll != nil {
		fmt.Fprintf(b, "all polls over one, both at full size: ×%.2f\n", s.OnePollRatio)
	}
	n := r.Snapshot
	fmt.Fprintf(b, "snapshots: %d seen, %s each, median %.2f s, at most %.2f s; p99 %.1f ms while one is written (%s requests), ",
		n.Seen, bytesText(n.Bytes), n.Median, n.Max, n.During.P99, thousands(float64(n.During.Requests)))
	if n.Without.Requests == 0 {
		fmt.Fprintf(b, "and one always was (a larger --snapshot-every leaves time between them)\n")
	} else {
		fmt.Fprintf(b, "%.1f ms otherwise (%s): ×%.2f\n", n.Without.P99, thousands(float64(n.Without.Requests)), n.P99Ratio)
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

// thousands sets groups of three digits apart.
func thousands(v float64) string {
	digits := strconv.FormatFloat(max(v, 0), 'f', 0, 64)
	for at := len(digits) - 3; at > 0; at -= 3 {
		digits = digits[:at] + "," + digits[at:]
	}
	return digits
}

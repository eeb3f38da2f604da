package compare

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"voted/internal/thousands"
)

// WriteTable prints the report for people.
func (r *Report) WriteTable(out io.Writer) error {
	var b strings.Builder
	under := ""
	if r.TLS {
		under = "TLS, "
	}
	fmt.Fprintf(&b, "%s\n\n%s%s, %s s a phase, median (lowest – highest)\n", r.Machine, under, count(r.Rounds, "round"), decimal(r.Seconds, 1))
	r.writeBeside(&b)
	r.writeAdditions(&b)
	for _, w := range r.Works {
		w.write(&b)
	}
	r.writeBest(&b)
	b.WriteString("\n")
	for _, s := range r.Systems {
		fmt.Fprintf(&b, "%s: %s.\n", s.Name, s.About)
	}
	b.WriteString("Every ballot is a new key, but for replays: each of theirs is in the box already, and is answered with its first receipt. A closed loop: each connection sends the next ballot when it has the answer to the last.\n" +
		"Every answer was checked, and what each system stored was counted afterwards (the bare handler keeps nothing).\n" +
		"With one connection the client talks to the leader, or the primary.\n" +
		"A ratio divides voted by the other system within each round. B to disk: bytes written to the disk for each ballot and node, with those of other programs.\n")
	for _, m := range r.Missing {
		fmt.Fprintf(&b, "Not compared: %s.\n", m)
	}
	if _, err := io.WriteString(out, b.String()); err != nil {
		return fmt.Errorf("the table cannot be written: %w", err)
	}
	return nil
}

func (w *Work) write(b *strings.Builder) {
	title := w.short()
	switch w.Mode {
	case ModeReplay:
		title = "replays: ballots that were cast before, one a request, " + title
	case ModeSingle:
		title = "one ballot a request, " + title
	case ModeBulk:
	}
	fmt.Fprintf(b, "\n%s\n", title)
	t := tabwriter.NewWriter(b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(t, "\tballots/s\t\tp50 ms\tp99 ms\tB to disk\tcpu system\tgenerator\tothers\tidle\tvoted is ×\t\tp50 ×\t\n")
	lines := slices.SortedStableFunc(slices.Values(w.Lines), func(a, b *Line) int { return cmp.Compare(b.Rate.Median, a.Rate.Median) })
	for _, l := range lines {
		share := func(of func(Figures) float64) string {
			return strconv.Itoa(int(100*spread(values(l.Rounds, of)).Median+0.5)) + " %"
		}
		p50, p99 := w.latencies(l)
		fmt.Fprintf(t, "%s\t%s\t%s – %s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t", l.System,
			thousands.Float(l.Rate.Median, 0), thousands.Float(l.Rate.Min, 0), thousands.Float(l.Rate.Max, 0), p50, p99, wholeOrDash(l.Written.Median),
			share(func(f Figures) float64 { return f.System }), share(func(f Figures) float64 { return f.Generator }),
			share(func(f Figures) float64 { return f.Others }), share(func(f Figures) float64 { return f.Idle }))
		w.writeRatio(t, l.System)
		fmt.Fprint(t, "\t\n")
	}
	_ = t.Flush() // into memory
}

func (w *Work) writeRatio(t io.Writer, over string) {
	for _, r := range w.Ratios {
		if r.Over == over {
			fmt.Fprintf(t, "%s\t%s\t%s", decimal(r.Rate.Median, 2), r.Rate.span(), orDash(r.P50.Median))
		}
	}
}

// writeBest compares the systems, each at the number of connections at which it is fastest.
// Without that a system that is best with few clients would look slow with many.
func (r *Report) writeBest(b *strings.Builder) {
	if len(r.Best) == 0 {
		return
	}
	b.WriteString("\none ballot a request, each at its best number of connections\n")
	t := tabwriter.NewWriter(b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(t, "\tconnections\tballots/s\t\tvoted is ×\t\t\n")
	for _, best := range r.Best {
		fmt.Fprintf(t, "%s\t%d\t%s\t%s – %s\t", best.System, best.Connections, thousands.Float(best.Rate.Median, 0), thousands.Float(best.Rate.Min, 0), thousands.Float(best.Rate.Max, 0))
		if best.VotedOver != nil {
			fmt.Fprintf(t, "%s\t%s", decimal(best.VotedOver.Median, 2), best.VotedOver.span())
		}
		fmt.Fprint(t, "\t\n")
	}
	_ = t.Flush() // into memory
}

func (s Spread) span() string { return decimal(s.Min, 2) + " – " + decimal(s.Max, 2) }

func orDash(v float64) string {
	if v == 0 {
		return "–"
	}
	return decimal(v, 2)
}

func wholeOrDash(v float64) string {
	if v == 0 {
		return "–"
	}
	return thousands.Float(v, 0)
}

func plural(n int, word string) string {
	if n == 1 {
		return word
	}
	return word + "s"
}

func decimal(v float64, decimals int) string {
	return strconv.FormatFloat(round(v, decimals), 'f', decimals, 64)
}

package compare

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
)

// write prints the report for people.
func (r *Report) write(out io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n%d rounds, %s s a phase, median (lowest – highest)\n", r.Machine, r.Rounds, decimal(r.Seconds, 1))
	for _, w := range r.Works {
		w.write(&b)
	}
	b.WriteString("\n")
	for _, s := range r.Systems {
		fmt.Fprintf(&b, "%s: %s.\n", s.Name, s.About)
	}
	b.WriteString("Every ballot is a new key. A closed loop: each connection sends the next ballot when it has the answer to the last.\n" +
		"Every answer was checked, and what each system stored was counted afterwards (the bare handler keeps nothing).\n" +
		"With one connection the client talks to the leader, or the primary.\n")
	for _, m := range r.Missing {
		fmt.Fprintf(&b, "Not compared: %s.\n", m)
	}
	if _, err := io.WriteString(out, b.String()); err != nil {
		return fmt.Errorf("the table cannot be written: %w", err)
	}
	return nil
}

func (w *Work) write(b *strings.Builder) {
	title, latency := "one ballot a request", "ms"
	if w.Mode == ModeBulk {
		title, latency = "bulk", "ms a statement"
	}
	fmt.Fprintf(b, "\n%s, %d %s\n", title, w.Connections, plural(w.Connections, "connection"))
	t := tabwriter.NewWriter(b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(t, "\tballots/s\t\tp50 %s\tp99 %s\tcpu system\tgenerator\tothers\tidle\tvoted is ×\t\tp50 ×\t\n", latency, latency)
	lines := slices.SortedStableFunc(slices.Values(w.Lines), func(a, b *Line) int { return cmp.Compare(b.Rate.Median, a.Rate.Median) })
	for _, l := range lines {
		share := func(of func(Figures) float64) string {
			return strconv.Itoa(int(100*spread(values(l.Rounds, of)).Median+0.5)) + " %"
		}
		p50, p99 := "–", "–"
		if l.P50.Median > 0 {
			p50, p99 = decimal(l.P50.Median, 2), decimal(l.P99.Median, 2)
		}
		fmt.Fprintf(t, "%s\t%s\t%s – %s\t%s\t%s\t%s\t%s\t%s\t%s\t", l.System,
			thousands(l.Rate.Median), thousands(l.Rate.Min), thousands(l.Rate.Max), p50, p99,
			share(func(f Figures) float64 { return f.System }), share(func(f Figures) float64 { return f.Generator }),
			share(func(f Figures) float64 { return f.Others }), share(func(f Figures) float64 { return f.Idle }))
		for _, ratio := range w.Ratios {
			if ratio.Over == l.System {
				fmt.Fprintf(t, "%s\t%s – %s\t%s", decimal(ratio.Rate.Median, 2), decimal(ratio.Rate.Min, 2), decimal(ratio.Rate.Max, 2), orDash(ratio.P50.Median))
			}
		}
		fmt.Fprint(t, "\t\n")
	}
	_ = t.Flush() // into memory
}

func orDash(v float64) string {
	if v == 0 {
		return "–"
	}
	return decimal(v, 2)
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

// thousands sets groups of three digits apart.
func thousands(v float64) string {
	digits := strconv.FormatFloat(max(v, 0), 'f', 0, 64)
	for at := len(digits) - 3; at > 0; at -= 3 {
		digits = digits[:at] + "," + digits[at:]
	}
	return digits
}

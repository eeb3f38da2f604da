package report

import (
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"voted/harness/ledger"
	"voted/loadtest/fault"
)

// WriteText writes the answers to the questions that a run is about, for a terminal.
// dir is where the files are; if it is empty they are not named.
func (r *Report) WriteText(out io.Writer, colours bool, dir string) {
	line := func(format string, args ...any) { fmt.Fprintf(out, format+"\n", args...) }
	verdict := string(r.Verdict)
	if colours {
		verdict = "\x1b[1;" + map[Verdict]string{Exact: "32", NotExact: "31", Inconclusive: "33"}[r.Verdict] + "m" + verdict + "\x1b[0m"
	}
	line("\n%s  %s\n", verdict, r.Sentence())
	for _, reason := range r.Reasons {
		line("  because %s", reason)
	}
	l := &r.Ledger
	if l.Judged {
		line("  Was anything lost?            %s", l.LostAnswer())
		line("  Was anything counted twice?   %s", l.TwiceAnswer())
		if r.Proofs != nil {
			line("  Can voters prove it?          %s", r.Proofs.Answer())
		}
	} else {
		line("  Was anything lost or counted twice? The nodes were not read, so this is not known.")
	}
	line("  How long was it unavailable?  %s", r.UnavailableAnswer())
	line("  How slow did it get?          %s", r.SlowAnswer())
	line("")
	line("  ledger   %d unique ballots, %d requests, %d attempts (%d retries), %d duplicates", l.Unique, r.allRequests(), l.Attempts, l.Retries, l.Duplicates)
	if l.Judged {
		line("           acknowledged %d ≤ counted %d ≤ acknowledged + unknown %d", l.Acknowledged, l.Counted, l.Acknowledged+l.Unknown)
	} else {
		line("           %d acknowledged, %d unknown so far", l.Acknowledged, l.Unknown)
	}
	line("           %d replayed, %d conflicts refused, %d requests without an answer at first", l.Replayed, l.Conflicts, r.Errors)
	line("           duplicates: %s", kinds(l.ByKind))
	line("  rate     %.0f/s scheduled, %.0f/s answered, %.0f/s with all duplicates; %d dropped, %d late, %d waited for a connection", r.Rate.Offered, r.Rate.Achieved, r.Rate.Total, r.Rate.Dropped, r.Rate.Late, r.Rate.Waited)
	line("  hedges   %d requests went to a second node as well, %d of them were answered there first; the budget denied %d", r.Hedges.Sent, r.Hedges.Won, r.Hedges.Denied)
	for _, k := range slices.Sorted(maps.Keys(r.Unavailability.ByKind)) {
		s := r.Unavailability.ByKind[k]
		line("  %-13s × %d  unavailable median %s, worst %s", k, s.Count, ms(s.Median), ms(s.Max))
	}
	for _, t := range r.Thresholds {
		line("  threshold %s: %s (%s)", t.Threshold, map[bool]string{true: "held", false: "BROKEN"}[t.Held], t.Value)
	}
	for i, f := range r.Findings {
		if i == 0 {
			line("\n  What is wrong (the first %d; all in violations.txt):", len(r.Findings))
		}
		line("    %s", f)
	}
	if dir != "" {
		line("\n  report   %s", filepath.Join(dir, "report.html"))
		if r.Setup.Kept != "" {
			line("  kept     %s (data directories and logs)", r.Setup.Kept)
		}
		line("  again    %s", r.Setup.Command)
	}
}

// allRequests returns the number of requests of all kinds.
func (r *Report) allRequests() (n uint64) {
	for _, x := range r.Ledger.ByKind {
		n += x
	}
	return n
}

// kinds lists how many duplicates of each kind were sent.
func kinds(by map[string]uint64) string {
	var all []string
	for _, k := range []string{"immediate", "concurrent", "other_node", "after_failover", "after_restart", "late", "conflict", "unanswered"} {
		all = append(all, fmt.Sprintf("%s %d", strings.ReplaceAll(k, "_", " "), by[k]))
	}
	return strings.Join(all, ", ")
}

// Sentence is the verdict in one line.
func (r *Report) Sentence() string {
	l := &r.Ledger
	switch r.Verdict {
	case Exact:
		return fmt.Sprintf("%d ballots counted, each once, through %s.", l.Counted, r.faultsInWords())
	case NotExact:
		without := ""
		if n := l.Violations[ledger.Unproven]; n > 0 {
			without = fmt.Sprintf(", %d proofs missing or not good", n)
		}
		return fmt.Sprintf("%d acknowledged ballots lost, %d counted twice%s; see below.", l.Lost, l.DoubleCounted, without)
	}
	if l.Judged {
		return "Nothing was lost or counted twice, but the run was not the one that was asked for; what follows says why."
	}
	return "The nodes were not read at the end, so this run proves nothing."
}

func (r *Report) faultsInWords() string {
	kills := 0
	for _, f := range r.Faults {
		if f.Kind == fault.Kill || f.Kind == fault.AllKill {
			kills++
		}
	}
	if len(r.Faults) == 0 {
		return "no faults at all"
	}
	return fmt.Sprintf("%d faults (%d of them kills of the leader) and %d duplicates", len(r.Faults), kills, r.Ledger.Duplicates)
}

// LostAnswer answers whether anything was lost.
func (l *Ledger) LostAnswer() string {
	if l.Lost > 0 {
		return fmt.Sprintf("Yes: %d of %d acknowledged ballots are missing on some node.", l.Lost, l.Acknowledged)
	}
	return fmt.Sprintf("No: all %d acknowledged ballots are on every node.", l.Acknowledged)
}

// TwiceAnswer answers whether anything was counted twice.
func (l *Ledger) TwiceAnswer() string {
	if l.DoubleCounted > 0 {
		return fmt.Sprintf("Yes: %d voters count more than once.", l.DoubleCounted)
	}
	return fmt.Sprintf("No: %d ballots count, of as many voters, after %d duplicates and %d retries.", l.Counted, l.Duplicates, l.Retries)
}

// Answer answers whether voters can prove that their ballots count.
func (p *Proofs) Answer() string {
	word := "Yes"
	if p.After < p.Sampled {
		word = "No"
	}
	late := "none came during the load"
	if p.During > 0 {
		late = fmt.Sprintf("%d came during the load, %s after the answer in the median, p99 %s, %s at worst", p.During, ms(p.P50), ms(p.P99), ms(p.Max))
	}
	return fmt.Sprintf("%s: of a sample of %d ballots %d have a good proof in the end; %s.", word, p.Sampled, p.After, late)
}

// UnavailableAnswer answers how long nothing was acknowledged.
func (r *Report) UnavailableAnswer() string {
	n := 0
	for _, s := range r.Unavailability.ByKind {
		n += s.Count
	}
	if n == 0 {
		return fmt.Sprintf("No fault was measured; without one, %s at worst.", ms(r.Unavailability.Outside))
	}
	return fmt.Sprintf("%s in the median of %d faults, %s at worst; between faults %s at worst.",
		ms(r.Unavailability.Median), n, ms(r.Unavailability.Max), ms(r.Unavailability.Outside))
}

// SlowAnswer answers how slow it got.
func (r *Report) SlowAnswer() string {
	l := r.Latency
	return fmt.Sprintf("p50 %s, p99 %s, p99.9 %s, worst %s.", ms(l.P50), ms(l.P99), ms(l.P999), ms(l.Max))
}

// ms writes milliseconds with a sensible number of figures.
func ms(v float64) string {
	switch {
	case v >= 10_000:
		return fmt.Sprintf("%.1f s", v/1000)
	case v >= 1000:
		return fmt.Sprintf("%.2f s", v/1000)
	case v >= 100:
		return fmt.Sprintf("%.0f ms", v)
	case v >= 10:
		return fmt.Sprintf("%.1f ms", v)
	}
	return fmt.Sprintf("%.2f ms", v)
}

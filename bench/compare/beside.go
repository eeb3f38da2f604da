package compare

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"

	"voted/internal/thousands"
)

// peer is a replicated system in the table beside others, with the names of its lines for
// single ballots and for bulk work; bulk is "" if it has none.
type peer struct{ title, single, bulk string }

// replicatedPeers acknowledge what a majority has on disk, or a standby, as voted does.
// PostgreSQL's COPY is left out: it refuses a whole batch for one duplicate.
var replicatedPeers = []peer{
	{title: "etcd", single: nameEtcd},
	{title: "PostgreSQL with standbys", single: nameStandbys, bulk: nameInsert},
}

func (p peer) in(m Mode) string {
	if m == ModeBulk {
		return p.bulk
	}
	return p.single
}

// writeBeside writes voted beside the replicated systems that were measured, as a table in
// Markdown: a row for each kind of work, and for each system its medians and the ratios to
// it. It writes nothing if there was no such system.
func (r *Report) writeBeside(b *strings.Builder) {
	var measured []peer
	for _, p := range replicatedPeers {
		if r.has(p.single) {
			measured = append(measured, p)
		}
	}
	if len(measured) == 0 {
		return
	}
	b.WriteString("\n")
	t := tabwriter.NewWriter(b, 0, 0, 1, ' ', 0)
	header := []string{"", "voted: ballots/s", "p50 ms", "p99 ms"}
	for _, p := range measured {
		header = append(header, p.title+": ballots/s", "p50 ms", "p99 ms", "voted is ×", "p50 ×", "p99 ×")
	}
	writeRow(t, header)
	rule := make([]string, len(header))
	for i := range rule {
		rule[i] = "---"
	}
	writeRow(t, rule)
	for _, w := range r.Works {
		if w.Mode == ModeReplay {
			continue
		}
		row := append([]string{w.short()}, w.medians(systemVoted)...)
		for _, p := range measured {
			name := p.in(w.Mode)
			row = append(append(row, w.medians(name)...), w.ratioCells(name)...)
		}
		writeRow(t, row)
	}
	_ = t.Flush() // into memory
}

// additions are systems that are voted with something more, which must not cost much.
var additions = []struct{ system, title string }{
	{systemProofs, "voted with logs over voted without"},
	{systemHooks, "voted with idle webhooks over voted without"},
}

// writeAdditions writes what the additions that were measured cost: voted with each over voted
// without, by rounds.
func (r *Report) writeAdditions(b *strings.Builder) {
	for _, a := range additions {
		if r.has(a.system) {
			r.writeAddition(b, a.system, a.title)
		}
	}
}

func (r *Report) writeAddition(b *strings.Builder, system, title string) {
	b.WriteString("\n")
	t := tabwriter.NewWriter(b, 0, 0, 1, ' ', 0)
	writeRow(t, []string{title, "ballots/s ×", "p50 ×", "p99 ×"})
	writeRow(t, []string{"---", "---", "---", "---"})
	for _, w := range r.Works {
		with, without := w.line(system), w.line(systemVoted)
		if with == nil || without == nil {
			continue
		}
		row := []string{w.short()}
		for _, of := range []func(Figures) float64{rateOf, p50Of, p99Of} {
			row = append(row, spread(paired(with.Rounds, without.Rounds, of)).String())
		}
		if w.Mode == ModeBulk {
			row[2], row[3] = "–", "–" // its statements are not alike
		}
		writeRow(t, row)
	}
	_ = t.Flush() // into memory
}

func writeRow(t io.Writer, cells []string) {
	fmt.Fprintf(t, "| %s\t|\n", strings.Join(cells, "\t| "))
}

// has reports whether a system did work of any kind.
func (r *Report) has(system string) bool {
	for _, w := range r.Works {
		if w.line(system) != nil {
			return true
		}
	}
	return false
}

func (w *Work) short() string {
	if w.Mode == ModeBulk {
		return "bulk, " + count(w.Connections, "stream")
	}
	return count(w.Connections, "connection")
}

// medians are the rate and the latencies of a system, dashes where there are none.
func (w *Work) medians(system string) []string {
	l := w.line(system)
	if l == nil {
		return []string{"–", "–", "–"}
	}
	p50, p99 := w.latencies(l)
	return []string{thousands.Float(l.Rate.Median, 0), p50, p99}
}

// latencies are a line's p50 and p99. Bulk work has none: its statements are not alike.
func (w *Work) latencies(l *Line) (p50, p99 string) {
	if w.Mode == ModeBulk {
		return "–", "–"
	}
	return orDash(l.P50.Median), orDash(l.P99.Median)
}

// ratioCells are the ratios of voted to another system, dashes where there are none.
func (w *Work) ratioCells(over string) []string {
	for _, r := range w.Ratios {
		switch {
		case r.Over != over:
		case w.Mode == ModeBulk:
			return []string{r.Rate.String(), "–", "–"}
		default:
			return []string{r.Rate.String(), r.P50.String(), r.P99.String()}
		}
	}
	return []string{"–", "–", "–"}
}

// String writes a ratio as its median with the lowest and the highest: 0.63 (0.57–0.73). It
// is a dash if no round has it.
func (s Spread) String() string {
	if s == (Spread{}) {
		return "–"
	}
	return fmt.Sprintf("%s (%s–%s)", decimal(s.Median, 2), decimal(s.Min, 2), decimal(s.Max, 2))
}

// count writes a number with what it counts.
func count(n int, word string) string { return strconv.Itoa(n) + " " + plural(n, word) }

package report

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"os"
	"time"

	"voted/harness/ledger"
	"voted/harness/workload"
	"voted/loadtest/latency"
)

//go:embed page.tmpl
var page string

var pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{
	"ms": ms, "s": func(v float64) string { return fmt.Sprintf("%.2f s", v/1000) },
	"per": func(v float64) string { return fmt.Sprintf("%.0f", v) },
	"n":   grouped, "add": func(a, b uint64) uint64 { return a + b }, "inc": func(i int) int { return i + 1 },
	"mss": func(d time.Duration) string { return ms(Milliseconds(d)) },
	"yes": func(b bool) string { return map[bool]string{true: "yes", false: "no"}[b] },
}).Parse(page))

// view is what the page shows: the report, and what is computed from it.
type view struct {
	*Report
	Timeline, Unavailable template.HTML
	Class                 string
	Kinds                 []kindRow
	Seconds               []latency.Point
	SecondsWidth          float64
	Violations            []violationRow
}

type kindRow struct {
	Name, About string
	Count       uint64
}

type violationRow struct {
	Fault ledger.Fault
	Count uint64
}

// kindWords says what each kind of request is.
var kindWords = map[workload.Kind]string{
	workload.First:         "the voter's first ballot, at its time in the schedule",
	workload.Rival:         "another choice of the same voter at the same moment: one must be counted, the other refused",
	workload.Replacement:   "replaces the first ballot, in polls that allow it",
	workload.Immediate:     "the same again, as soon as the answer was there",
	workload.Concurrent:    "the same at the same moment, on another connection",
	workload.OtherNode:     "the same after the answer, to another node",
	workload.AfterFailover: "the same after the next failover",
	workload.AfterRestart:  "the same after all nodes were killed and started again",
	workload.Late:          "the first ballot once more after it was replaced: must not bring it back",
	workload.Conflict:      "another choice after the first was acknowledged: must be refused",
	workload.Unanswered:    "the same, because its outcome had stayed unknown",
}

// maxRows bounds the table of the timeline.
const maxRows = 120

// WriteHTML writes report.html: one file, no scripts, nothing from the network.
func (r *Report) WriteHTML(path string) error {
	v := view{Report: r, Class: map[Verdict]string{Exact: "good", NotExact: "bad", Inconclusive: "open"}[r.Verdict]}
	// The figures are made here, of numbers and escaped text.
	v.Timeline, v.Unavailable = template.HTML(r.timelineFigure()), template.HTML(r.unavailabilityFigure())
	for _, k := range workload.Kinds() {
		if n := r.Ledger.ByKind[k.String()]; n > 0 {
			v.Kinds = append(v.Kinds, kindRow{Name: k.String(), About: kindWords[k], Count: n})
		}
	}
	for f, n := range r.Ledger.Violations {
		v.Violations = append(v.Violations, violationRow{f, n})
	}
	var width time.Duration
	v.Seconds, width = merged(r.Timeline, min(maxRows, max(1, int(r.Setup.Load))))
	v.SecondsWidth = width.Seconds()
	var out bytes.Buffer
	if err := pageTemplate.Execute(&out, v); err != nil {
		return fmt.Errorf("the page cannot be made: %w", err)
	}
	if err := os.WriteFile(path, out.Bytes(), 0o644); err != nil {
		return fmt.Errorf("the page cannot be written: %w", err)
	}
	return nil
}

// grouped writes a number with thin spaces between thousands.
func grouped(n uint64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "\u2009" + s[i:]
	}
	return s
}

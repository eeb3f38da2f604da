package trial

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"voted/harness/drive"
	"voted/harness/evidence"
	"voted/harness/ledger"
	"voted/harness/workload"
	"voted/loadtest/fault"
	"voted/loadtest/journal"
	"voted/loadtest/proofs"
	"voted/loadtest/report"
	"voted/loadtest/threshold"
)

// runFile keeps what the workload was made from.
const runFile = "run.json"

const (
	// maxOwnShare is how much of a latency may be the generator's own lateness, at the
	// same percentile, before it counts as too slow. Lateness makes latencies look worse
	// than they are, never better. Lateness below drive.LateAfter is ignored.
	maxOwnShare = 0.1
	// maxDroppedShare of the sends may be dropped.
	maxDroppedShare = 0.001
	// shownFindings is how many violations the report shows; the file has all.
	shownFindings = 20
)

// close reads the nodes, closes the books and makes the report.
func (t *Trial) close(ctx context.Context) (*report.Report, error) {
	r := t.measured()
	counts := t.books.ledger.Counts()
	r.Ledger = requestsOf(counts)
	r.Ledger.Unique, r.Ledger.Acknowledged, r.Ledger.Unknown = t.books.ledger.Sums()
	if len(t.inconclusive) == 0 {
		t.screen.Say("reading exports, tallies and digests of %d nodes", len(t.nodes.endpoints))
		v, p, err := t.prove(ctx)
		switch {
		case ctx.Err() != nil:
			t.inconclusive = append(t.inconclusive, "the run was interrupted")
		case err != nil:
			t.inconclusive = append(t.inconclusive, err.Error())
		default:
			judged(r, v)
			r.Proofs = proofsOf(p)
			if err := writeFindings(filepath.Join(t.Out, "violations.txt"), v.Findings); err != nil {
				return nil, err
			}
		}
	}
	t.checkGenerator(r)
	if len(t.inconclusive) == 0 {
		t.inconclusive = t.unexpected()
	}
	conclude(r, t.inconclusive)
	t.Keep = t.Keep || r.Verdict == report.NotExact || !r.Ledger.Judged
	if t.Keep && t.nodes.cluster != nil {
		r.Setup.Kept = filepath.Join(t.Out, "cluster")
	}
	return r, nil
}

// prove reads what the nodes hold into files and judges from these, as a later check does.
func (t *Trial) prove(ctx context.Context) (*ledger.Verdict, *proofs.Verdict, error) {
	if t.proofs != nil {
		t.screen.Say("taking proofs of a sample of the ballots once more")
		if err := t.proofs.Finish(ctx); err != nil {
			return nil, nil, err
		}
	}
	if err := evidence.Gather(ctx, t.nodes.endpoints, t.nodes.access, t.plan, t.Out); err != nil {
		return nil, nil, err
	}
	return judge(t.Out, t.plan, t.books.ledger)
}

// judge compares the books with the files of what the nodes hold, and checks the proofs. The
// verdict on proofs is nil where none were taken.
func judge(dir string, plan *workload.Plan, l *ledger.Ledger) (*ledger.Verdict, *proofs.Verdict, error) {
	held, err := evidence.Load(dir, plan)
	if err != nil {
		return nil, nil, err
	}
	v, err := l.Judge(held)
	if err != nil {
		return nil, nil, err
	}
	p, err := proofs.Judge(dir)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return v, nil, nil
	case err != nil:
		return nil, nil, err
	}
	v.Add(p.Findings...)
	return v, p, nil
}

// proofsOf enters the verdict on proofs.
func proofsOf(p *proofs.Verdict) *report.Proofs {
	if p == nil {
		return nil
	}
	at := func(q float64) float64 {
		if len(p.Late) == 0 {
			return 0
		}
		return p.Late[int(q*float64(len(p.Late)-1))]
	}
	return &report.Proofs{Sampled: p.Sampled, During: p.During, After: p.After, P50: at(.5), P99: at(.99), Max: at(1)}
}

// Check computes the verdict of an earlier run from its files alone.
func Check(dir string) (*report.Report, error) {
	text, err := os.ReadFile(filepath.Join(dir, runFile))
	if err != nil {
		return nil, fmt.Errorf("%s is not the output of a load test: %w", dir, err)
	}
	var o workload.Options
	if err := json.Unmarshal(text, &o); err != nil {
		return nil, fmt.Errorf("%s cannot be read: %w", filepath.Join(dir, runFile), err)
	}
	plan, err := workload.New(o)
	if err != nil {
		return nil, err
	}
	l := ledger.New(plan)
	if err := journal.Read(filepath.Join(dir, journal.Name), l.Add); err != nil {
		return nil, err
	}
	v, p, err := judge(dir, plan, l)
	if err != nil {
		return nil, err
	}
	r := &report.Report{Seed: o.Seed, Ledger: requestsOf(l.Counts())}
	r.Requests, r.Errors = l.Counts().Requests, l.Counts().Errors
	judged(r, v)
	r.Proofs = proofsOf(p)
	var inconclusive []string
	if before, err := report.ReadJSON(filepath.Join(dir, "report.json")); err == nil {
		r.Latency, r.Rate, r.Hedges, r.Faults, r.Unavailability = before.Latency, before.Rate, before.Hedges, before.Faults, before.Unavailability
		r.Requests, r.Errors, r.Setup = before.Requests, before.Errors, before.Setup
		if before.Verdict == report.Inconclusive {
			inconclusive = before.Reasons
		}
	} else if !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	conclude(r, inconclusive)
	return r, nil
}

// requestsOf returns the totals of the requests.
func requestsOf(c ledger.Counts) report.Ledger {
	l := report.Ledger{
		Attempts: c.Attempts, Retries: c.Retries, Replayed: c.Replayed, Conflicts: c.Conflicts, ByKind: map[string]uint64{},
	}
	for k, n := range c.ByKind {
		l.ByKind[k.String()] = n
		if k.Duplicate() {
			l.Duplicates += n
		}
	}
	return l
}

// judged enters the verdict of the books.
func judged(r *report.Report, v *ledger.Verdict) {
	l := &r.Ledger
	l.Judged = true
	l.Unique, l.Counted, l.Acknowledged, l.Unknown = v.Unique, v.Counted, v.Acknowledged, v.Unknown
	l.Lost, l.DoubleCounted = v.Lost, v.DoubleCounted
	l.Balanced, l.TalliesEqual, l.DigestsEqual = v.Balanced, v.TalliesEqual, v.DigestsEqual
	l.Violations, l.CountedOf = v.Counts, map[string]uint64{}
	for i, n := range v.Nodes {
		l.CountedOf[n] = v.CountedOf[i]
	}
	for _, f := range v.Findings[:min(len(v.Findings), shownFindings)] {
		r.Findings = append(r.Findings, f.String())
	}
}

// conclude gives the verdict. A violation makes it NOT EXACT, even if the run is otherwise
// inconclusive.
func conclude(r *report.Report, inconclusive []string) {
	r.Verdict = report.Exact
	if len(inconclusive) > 0 || !r.Ledger.Judged {
		r.Verdict, r.Reasons = report.Inconclusive, inconclusive
	}
	if len(r.Ledger.Violations) > 0 || r.Ledger.Judged && !r.Ledger.Balanced {
		r.Verdict = report.NotExact
		for _, f := range violationOrder {
			if n := r.Ledger.Violations[f]; n > 0 {
				r.Reasons = append(r.Reasons, fmt.Sprintf("%d × %s", n, f))
			}
		}
		if !r.Ledger.Balanced {
			r.Reasons = append(r.Reasons, "the ledger does not balance")
		}
	} else if r.Ledger.Judged && !r.Ledger.DigestsEqual && r.Verdict == report.Exact {
		r.Verdict = report.Inconclusive
		r.Reasons = append(r.Reasons, "a node did not give its digest, so the nodes' states could not be compared")
	}
}

var violationOrder = []ledger.Fault{
	ledger.Lost, ledger.Twice, ledger.Changed, ledger.Invented, ledger.WrongTally, ledger.Diverged, ledger.WrongAnswer, ledger.Unproven,
}

// measured makes the part of the report that is about time.
func (t *Trial) measured() *report.Report {
	b := t.books
	b.mu.Lock()
	defer b.mu.Unlock()
	q := func(x float64) float64 { return report.Milliseconds(b.latency.Quantile(x)) }
	s := t.driver.Statistics()
	load := max(t.lasted.Seconds(), 1e-9)
	r := &report.Report{
		Seed:     t.Seed,
		Latency:  report.Latency{P50: q(.5), P90: q(.9), P99: q(.99), P999: q(.999), Max: report.Milliseconds(b.latency.Max())},
		Timeline: b.latency.Timeline(), Leaders: t.leaders.reigns(t.lasted), Faults: report.FaultsOf(t.meter.Events()),
		Requests: b.requests, Errors: b.loadErrors,
	}
	span := min(load, t.Duration.Seconds())
	r.Rate = report.Rate{
		Offered: float64(s.Scheduled) / span, Achieved: float64(b.answered) / load, Total: float64(b.requests) / load,
		Dropped: s.Dropped, Late: s.Late, Waited: s.Waited, Skipped: s.Skipped,
	}
	h := t.driver.Hedges()
	r.Hedges = report.Hedges{Sent: h.Sent, Won: h.Won, Denied: h.Denied}
	r.Unavailability = report.UnavailabilityOf(r.Faults)
	stalled, at := t.meter.Stalled()
	r.Unavailability.Outside, r.Unavailability.OutsideAt = report.Milliseconds(stalled), report.Milliseconds(at)
	r.Setup = report.Setup{
		Command: t.Command, Started: t.began, Load: t.lasted.Seconds(), Nodes: len(t.nodes.endpoints), Version: t.version,
		Go: runtime.Version(), System: runtime.GOOS + "/" + runtime.GOARCH, CPUs: runtime.NumCPU(), Mode: string(t.Mode),
		Polls: t.Polls, Connections: t.Connections, Rate: t.Rate, Partitions: "none",
		TLS: strings.HasPrefix(t.nodes.endpoints[0], "https://"),
	}
	if t.nodes.how != "" {
		r.Setup.Partitions = t.nodes.how
	}
	m := threshold.Measured{
		P50: b.latency.Quantile(.5), P90: b.latency.Quantile(.9), P99: b.latency.Quantile(.99), P999: b.latency.Quantile(.999),
		Faults: len(r.Faults), Rate: r.Rate.Achieved, Requests: b.requests, Errors: b.loadErrors,
	}
	m.Unavailability = stalled
	for _, e := range t.meter.Events() {
		m.Unavailability = max(m.Unavailability, e.Unavailable)
	}
	for _, x := range t.Thresholds {
		held, value := x.Check(m)
		r.Thresholds = append(r.Thresholds, report.Threshold{Threshold: x.String(), Value: value, Held: held})
	}
	return r
}

// checkGenerator makes the run inconclusive if the generator was too slow for the numbers
// to mean something, or if faults did not take place.
func (t *Trial) checkGenerator(r *report.Report) {
	s := t.driver.Statistics()
	cure := fmt.Sprintf("Run it again with a lower --rate, such as --rate %v, or on a machine with less else to do", math.Ceil(t.Rate/2))
	if q, own, all := t.ownLateness(); own > 0 {
		t.inconclusive = append(t.inconclusive, fmt.Sprintf("the generator could not keep up: at p%g it handed over ballots %s late itself, which is too much of a latency of %s there (%.1f %% were more than 50 ms late, by up to %s). %s",
			q*100, own.Round(time.Millisecond), all.Round(time.Millisecond), 100*float64(s.Late)/float64(max(s.Offered, 1)), s.MaxLate.Round(time.Millisecond), cure))
	}
	if share := float64(s.Dropped) / float64(max(s.Scheduled, 1)); share > maxDroppedShare {
		t.inconclusive = append(t.inconclusive, fmt.Sprintf("%.1f %% of the sends were dropped because too many waited for an answer; 0.1 %% is allowed. %s", 100*share, cure))
	}
	if n := len(t.planned); len(r.Faults) < n && len(t.inconclusive) == 0 {
		t.inconclusive = append(t.inconclusive, fmt.Sprintf("only %d of %d planned faults took place", len(r.Faults), n))
	}
	slices.SortStableFunc(r.Faults, func(a, b report.Fault) int { return int(a.AtMS - b.AtMS) })
}

// ownLateness returns a quantile at which too much of the latency is the generator's own
// lateness, with that lateness and the latency there; own is 0 if there is none.
func (t *Trial) ownLateness() (q float64, own, all time.Duration) {
	t.books.mu.Lock()
	defer t.books.mu.Unlock()
	for _, q := range []float64{0.5, 0.9, 0.99} {
		own, all := t.driver.Lag(q), t.books.latency.Quantile(q)
		if tooLate(own, all) {
			return q, own, all
		}
	}
	return 0, 0, 0
}

// tooLate reports whether too much of a latency is the generator's own lateness.
func tooLate(own, all time.Duration) bool {
	return own > drive.LateAfter && float64(own) > maxOwnShare*float64(all)
}

// writeFindings lists every violation that was kept.
func writeFindings(path string, all []ledger.Finding) error {
	if len(all) == 0 {
		return nil
	}
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("the violations cannot be written: %w", err)
	}
	for _, x := range all {
		if _, err = fmt.Fprintln(f, x); err != nil {
			break
		}
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("the violations cannot be written: %w", err)
	}
	return nil
}

// killed counts the leader kills, for the line that is shown during the load.
func killed(events []fault.Event) (n int) {
	for _, e := range events {
		if e.Kind == fault.Kill || e.Kind == fault.AllKill {
			n++
		}
	}
	return n
}

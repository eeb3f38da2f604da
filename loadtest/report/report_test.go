package report

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"voted/loadtest/fault"
	"voted/loadtest/latency"
)

// sample is a report of a run with two kills.
func sample() *Report {
	rec := latency.New()
	for i := range 3000 {
		at := time.Duration(i) * time.Millisecond
		rec.Add(at, at+time.Millisecond, true)
		rec.Acknowledged(at)
	}
	r := &Report{
		Verdict: Exact, Seed: 7, Timeline: rec.Timeline(),
		Faults: FaultsOf([]fault.Event{
			{Kind: fault.Kill, Target: "n1", At: time.Second, Healed: 1500 * time.Millisecond, Steady: 2 * time.Second, Elected: 1030 * time.Millisecond, Committed: 1040 * time.Millisecond, Unavailable: 40 * time.Millisecond},
			{Kind: fault.Kill, Target: "n2", At: 2 * time.Second, Healed: 2500 * time.Millisecond, Steady: 3 * time.Second, Unavailable: 60 * time.Millisecond},
		}),
		Hedges:  Hedges{Sent: 7, Won: 5, Denied: 3},
		Leaders: []Reign{{"n1", 0, 1000}, {"", 1000, 1030}, {"n2", 1030, 3000}},
		Ledger:  Ledger{Judged: true, Balanced: true, Counted: 3000, Acknowledged: 3000, ByKind: map[string]uint64{"first": 3000}, CountedOf: map[string]uint64{"n1": 3000}},
		Proofs:  &Proofs{Sampled: 500, During: 498, After: 500, P50: 512, P99: 1010, Max: 2500},
		Setup:   Setup{Command: "go run ./loadtest --threshold 'p99<1s'", Load: 3},
	}
	r.Unavailability = UnavailabilityOf(r.Faults)
	return r
}

func TestUnavailabilityIsSummedUpByKind(t *testing.T) {
	t.Parallel()
	u := sample().Unavailability
	if u.Median != 50 || u.Max != 60 || u.ByKind[fault.Kill] != (Spread{2, 40, 50, 60}) {
		t.Errorf("the unavailability is %+v, want 2 kills from 40 to 60 ms, 50 ms in the median", u)
	}
}

func TestThePageNeedsNoOtherFile(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Report){
		"a whole run":          func(*Report) {},
		"a run without faults": func(r *Report) { r.Faults, r.Unavailability = nil, Unavailability{} },
		"a run that was cut short": func(r *Report) {
			r.Verdict, r.Reasons, r.Ledger, r.Timeline, r.Leaders = Inconclusive, []string{"it was <interrupted>"}, Ledger{}, nil, nil
		},
		"a run that is not exact": func(r *Report) {
			r.Verdict, r.Findings, r.Ledger.Lost = NotExact, []string{"lost: voter <v1>"}, 1
			r.Ledger.Violations = nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := sample()
			change(r)
			path := filepath.Join(t.TempDir(), "page")
			if err := r.WriteHTML(path); err != nil {
				t.Fatal(err)
			}
			page, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for _, foreign := range []string{"http://", "https://", "<script", "<link", "@import", "url(", "NaN", "Inf", "<interrupted>", "<v1>"} {
				if bytes.Contains(page, []byte(foreign)) {
					t.Errorf("the page holds %q, and must not", foreign)
				}
			}
			if !bytes.Contains(page, []byte("<h1>"+string(r.Verdict)+"</h1>")) {
				t.Error("the page does not begin with the verdict")
			}
		})
	}
}

func TestTheTextAnswersTheFiveQuestions(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	sample().WriteText(&out, false, "out")
	for _, want := range []string{
		"EXACT", "No: all 3000 acknowledged", "No: 3000 ballots count", "50.0 ms in the median of 2 faults, 60.0 ms at worst; between faults", "p50 0.00 ms", "7 requests went to a second node as well, 5 of them were answered there first; the budget denied 3", "out/report.html",
		"Yes: of a sample of 500 ballots 500 have a good proof in the end; 498 came during the load, 512 ms after the answer in the median, p99 1.01 s, 2.50 s at worst.",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the text lacks %q:\n%s", want, &out)
		}
	}
}

func TestTheJSONHasTheFieldsThatToolsReadAndIsReadAgain(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "report.json")
	if err := sample().WriteJSON(path); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var j map[string]any
	if err := json.Unmarshal(text, &j); err != nil {
		t.Fatal(err)
	}
	for part, fields := range map[string][]string{
		"ledger":            {"unique", "attempts", "retries", "duplicates", "counted", "replayed", "conflicts", "unknown", "acknowledged", "lost", "double_counted", "tallies_equal", "digests_equal"},
		"latency_ms":        {"p50", "p90", "p99", "p999", "max"},
		"hedges":            {"sent", "won", "denied"},
		"proofs":            {"sampled", "during", "after", "p50_ms", "p99_ms", "max_ms"},
		"rate":              {"offered", "achieved", "dropped"},
		"unavailability_ms": {"median", "max"},
	} {
		m, _ := j[part].(map[string]any)
		for _, f := range fields {
			if _, ok := m[f]; !ok {
				t.Errorf("report.json lacks %s.%s", part, f)
			}
		}
	}
	first, _ := j["faults"].([]any)[0].(map[string]any)
	for _, f := range []string{"kind", "at_ms", "unavailable_ms", "errors"} {
		if _, ok := first[f]; !ok {
			t.Errorf("a fault in report.json lacks %s", f)
		}
	}
	if back, err := ReadJSON(path); err != nil || back.Verdict != Exact || len(back.Faults) != 2 {
		t.Errorf("read again the report is %+v, %v; want the same verdict and two faults", back, err)
	}
}

func TestMergedPointsKeepTheWorstLatency(t *testing.T) {
	t.Parallel()
	points, width := merged([]latency.Point{{Sent: 1, Max: 1}, {Sent: 2, Max: 9}, {Sent: 3, Max: 2}}, 2)
	if len(points) != 2 || width != 2*latency.BucketWidth || points[0].Sent != 3 || points[0].Max != 9 {
		t.Errorf("merged to %+v, each %v wide; want 2 points, the first with 3 requests and a maximum of 9", points, width)
	}
}

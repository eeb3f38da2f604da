package scale

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"voted/bench/closedloop"
	"voted/bench/machine"
	"voted/internal/thousands"
)

func TestBytesEachAreOfTheNodeThatTakesMost(t *testing.T) {
	t.Parallel()
	before := []Node{{Anonymous: 100}, {Anonymous: 200}}
	for name, c := range map[string]struct {
		after []Node
		n     uint64
		want  float64
	}{
		"the one that grew most, not the largest": {[]Node{{Anonymous: 900}, {Anonymous: 950}}, 10, 80},
		"nothing to divide by":                    {[]Node{{Anonymous: 900}, {Anonymous: 950}}, 0, 0},
		"a node that shrank":                      {[]Node{{Anonymous: 50}, {Anonymous: 100}}, 10, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := growthEach(before, c.after, c.n); got != c.want {
				t.Errorf("got %f, want %f", got, c.want)
			}
		})
	}
}

func TestSnapshotsAreSummarised(t *testing.T) {
	t.Parallel()
	at := time.Now()
	lasting := func(seconds ...float64) (all []closedloop.Interval) {
		for _, s := range seconds {
			all = append(all, closedloop.Interval{From: at, To: at.Add(time.Duration(s * float64(time.Second)))})
		}
		return all
	}
	var s Snapshots
	s.conclude(closedloop.Result{}, lasting(3, 1, 2), lasting(3, 1, 2, 9))
	if s.Seen != 3 || s.Median != 2 || s.Max != 3 || s.P99Ratio != 0 {
		t.Errorf("%+v", s)
	}
	s = Snapshots{}
	s.conclude(closedloop.Result{}, nil, nil)
	if s.Seen != 0 || s.Median != 0 {
		t.Errorf("%+v", s)
	}
}

func TestBulkIsSummarisedOverAllItsSteps(t *testing.T) {
	t.Parallel()
	var b Bulk
	b.add(100, 1) // 100 a second
	b.add(100, 4) // 25
	b.add(100, 5) // 20
	if b.Rate != 30 || b.Slowest != 20 || b.Fastest != 100 || b.Ballots != 300 {
		t.Errorf("%+v", b)
	}
}

func TestStartsAreSummarised(t *testing.T) {
	t.Parallel()
	median, fastest, slowest := readiness([]Restart{{Ready: 3, Equal: 9}, {Ready: 1}, {Ready: 2}})
	if median != 2 || fastest != 1 || slowest != 3 {
		t.Errorf("median %g, from %g to %g", median, fastest, slowest)
	}
}

func TestWrongCountsAreCalledSo(t *testing.T) {
	t.Parallel()
	if err := (Final{Exact: true}).notExact(); err != nil {
		t.Error(err)
	}
	if err := (Final{Acknowledged: 5, Tallied: 4}).notExact(); err == nil || !strings.Contains(err.Error(), "NOT EXACT") {
		t.Error(err)
	}
}

func TestSizesAndNumbersAreReadable(t *testing.T) {
	t.Parallel()
	for in, want := range map[uint64]string{0: "0.0 KiB", 1536: "1.5 KiB", 5 << 20: "5.0 MiB", 3 << 29: "1.50 GiB"} {
		if got := bytesText(in); got != want {
			t.Errorf("%d: %q, want %q", in, got, want)
		}
	}
	if got := thousands.Float(10_000_000, 0); got != "10,000,000" {
		t.Errorf("%q", got)
	}
}

func TestOptionsThatMakeNoSenseAreRefused(t *testing.T) {
	t.Parallel()
	good := Options{Polls: 1, Voters: 10, Seconds: 1, Connections: 1, Streams: 1, SnapshotEvery: 1}
	if err := good.check(); err != nil {
		t.Fatal(err)
	}
	for says, change := range map[string]func(*Options){
		"--polls":          func(o *Options) { o.Polls = 0 },
		"--voters":         func(o *Options) { o.Polls, o.Voters = 1000, maxVoters },
		"--seconds":        func(o *Options) { o.Seconds = 0 },
		"--streams":        func(o *Options) { o.Streams = 65 },
		"--snapshot-every": func(o *Options) { o.SnapshotEvery = 0 },
		"--proofs":         func(o *Options) { o.Proofs, o.Polls = true, 2 },
	} {
		o := good
		change(&o)
		if err := Run(t.Context(), o, &bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", says, err)
		}
	}
}

func TestAFewThousandBallotsAreMeasuredAndCountedExactly(t *testing.T) {
	if testing.Short() {
		t.Skip("starts three nodes, and each of them several times")
	}
	for name, o := range map[string]Options{
		"in one poll":            {Polls: 1, Voters: 5000, Streams: 3},
		"in one poll, with logs": {Polls: 1, Voters: 5000, Streams: 3, Proofs: true},
		"in forty polls":         {Polls: 40, Voters: 10, Streams: 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			o.Seconds, o.Connections, o.SnapshotEvery, o.JSON, o.Dir = 0.3, 16, 4, true, dir
			var out bytes.Buffer
			if err := Run(t.Context(), o, &out); err != nil {
				t.Fatal(err)
			}
			var r Report
			if err := json.Unmarshal(out.Bytes(), &r); err != nil {
				t.Fatal(err)
			}
			if !r.Final.Exact || r.Final.Acknowledged < o.Polls*o.Voters || len(r.Restarts) != 9 || r.Snapshot.Seen < 1 || len(r.Steps) < 5 ||
				r.Bulk.Ballots != o.Polls*o.Voters || r.Bulk.Rate <= 0 || r.Bulk.Written < 10 && machine.WrittenBytes(dir) > 0 {
				t.Errorf("the report lacks something: %s", out.Bytes())
			}
			if p := r.Proofs; o.Proofs && (p.Heads.Ballots == 0 || p.Heads.P99 <= 0 || p.Heads.Max < p.Heads.P99 || p.Proof.Median <= 0) || !o.Proofs && p != nil {
				t.Errorf("of the logs the report has %+v", p)
			}
			if left, _ := filepath.Glob(filepath.Join(dir, "voted-*")); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

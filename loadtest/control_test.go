package main

import (
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"voted/harness/ledger"
	"voted/harness/overlay"
	"voted/internal/localcluster"
	"voted/loadtest/fault"
	"voted/loadtest/report"
	"voted/loadtest/trial"
)

// The negative controls: a load test that does not notice these would prove
// nothing when it says EXACT.
func TestNegativeControls(t *testing.T) {
	if testing.Short() {
		t.Skip("starts clusters of sabotaged nodes")
	}
	for _, c := range []struct {
		name    string
		edits   []overlay.Edit
		options func(*trial.Options, *testing.T)
		want    []ledger.Fault // any of these
		found   func(report.Ledger) uint64
	}{
		{
			name:  "a node that does not recognise a voter's second ballot counts voters twice",
			edits: []overlay.Edit{overlay.NoDeduplication},
			want:  []ledger.Fault{ledger.Twice}, found: func(l report.Ledger) uint64 { return l.DoubleCounted },
		},
		{
			name:  "a leader that acknowledges before it commits loses ballots when it is killed",
			edits: []overlay.Edit{overlay.EarlyAcknowledgement},
			want:  []ledger.Fault{ledger.Lost}, found: func(l report.Ledger) uint64 { return l.Lost },
		},
		{
			// The rehearsal's ballots take the place of those that were acknowledged. One whose
			// voter voted in the rehearsal too is then another one, and not missing.
			name:    "members that do not ask which cluster they hear lose ballots to one on the directory of a rehearsal",
			edits:   overlay.NoGreeting,
			options: func(o *trial.Options, t *testing.T) { o.Faults = mix(t, "foreign") },
			want:    []ledger.Fault{ledger.Lost, ledger.Changed}, found: func(l report.Ledger) uint64 { return l.Lost + l.Violations[ledger.Changed] },
		},
		{
			name: "nodes that come back with an older copy of their log have lost ballots",
			options: func(o *trial.Options, t *testing.T) {
				o.Faults = mix(t, "all-kill")
				o.BeforeRestart = restoreOldCopies(t)
			},
			want: []ledger.Fault{ledger.Lost}, found: func(l report.Ledger) uint64 { return l.Lost },
		},
		{
			name:  "a node that gives out proofs which are not good counts each ballot once, and proves none",
			edits: []overlay.Edit{overlay.WrongProof},
			want:  []ledger.Fault{ledger.Unproven}, found: func(l report.Ledger) uint64 { return l.Violations[ledger.Unproven] },
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			binary := nodeBinary(t)
			if len(c.edits) > 0 {
				var err error
				if binary, err = overlay.Build(t.Context(), t.TempDir(), overlay.Node, c.edits...); err != nil {
					t.Fatalf("the negative control cannot be made: %v", err)
				}
			}
			var o trial.Options
			var r *report.Report
			// A cluster with a planted bug may also stop working altogether, and a run without
			// answers shows nothing.
			for try := uint64(0); try < 7 && (r == nil || r.Verdict == report.Inconclusive); try++ {
				o = shortRun(t)
				o.Binary, o.Seed, o.Proofs = binary, o.Seed+try, slices.Contains(c.want, ledger.Unproven)
				if c.options != nil {
					c.options(&o, t)
				}
				var err error
				if r, err = trial.Run(t.Context(), o, &testScreen{t}); err != nil {
					t.Fatal(err)
				}
				t.Logf("run %d is %s, because %q", try+1, r.Verdict, r.Reasons)
			}
			if code := codeOf(r); r.Verdict != report.NotExact || code != exitNotExact {
				t.Fatalf("the verdict is %s (exit %d), because %q; want NOT EXACT", r.Verdict, code, r.Reasons)
			}
			if !slices.ContainsFunc(c.want, func(f ledger.Fault) bool { return r.Ledger.Violations[f] > 0 }) || c.found(r.Ledger) == 0 {
				t.Errorf("found %v, want one of %s among them", r.Ledger.Violations, c.want)
			}
			if _, err := os.Stat(filepath.Join(o.Out, "cluster", "n1.log")); err != nil {
				t.Errorf("the logs of a run that is not exact must be kept: %v", err)
			}
			again, err := trial.Check(o.Out)
			if err != nil || again.Verdict != report.NotExact {
				t.Errorf("checked from its files the run is %+v, %v; want NOT EXACT", again, err)
			}
		})
	}
}

// restoreOldCopies copies each node's data at its first restart and puts the copy back at
// the second one: an operator who restores the wrong disk.
func restoreOldCopies(t *testing.T) func(*localcluster.Node) error {
	copies := t.TempDir()
	var mu sync.Mutex
	times := map[string]int{}
	return func(n *localcluster.Node) error {
		mu.Lock()
		defer mu.Unlock()
		times[n.ID]++
		kept := filepath.Join(copies, n.ID)
		switch times[n.ID] {
		case 1:
			return os.CopyFS(kept, os.DirFS(n.DataDir))
		case 2:
			if err := os.RemoveAll(n.DataDir); err != nil {
				return err
			}
			if err := os.CopyFS(n.DataDir, os.DirFS(kept)); err != nil {
				return err
			}
			return os.Chmod(n.DataDir, 0o750)
		}
		return nil
	}
}

func mix(t *testing.T, words ...string) []fault.Weighted {
	m, err := fault.ParseMix(words)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// shortRun returns the options of a run that kills one leader.
func shortRun(t *testing.T) trial.Options {
	return trial.Options{
		Binary: nodeBinary(t), Nodes: 3, Rate: 250, Duration: 9 * time.Second, Polls: 3, Duplicates: 0.5, Mode: "single",
		Connections: 128, Proofs: true, Faults: mix(t, "kill"), FaultEvery: 8 * time.Second, Seed: 7, Out: filepath.Join(t.TempDir(), "out"),
	}
}

package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"voted/harness/drive"
	"voted/harness/overlay"
	"voted/internal/localcluster"
	"voted/loadtest/fault"
	"voted/loadtest/netns"
	"voted/loadtest/report"
	"voted/loadtest/threshold"
	"voted/loadtest/trial"
)

var (
	buildOnce sync.Once
	binaryDir string
	binary    string
	buildErr  error
)

func TestMain(m *testing.M) {
	code := m.Run()
	if binaryDir != "" {
		os.RemoveAll(binaryDir)
	}
	os.Exit(code)
}

// nodeBinary builds the node's binary once for all tests.
func nodeBinary(t *testing.T) string {
	t.Helper()
	buildOnce.Do(func() {
		if binaryDir, buildErr = os.MkdirTemp("", "voted-loadtest-test-"); buildErr == nil {
			binary, buildErr = overlay.Build(context.Background(), binaryDir, overlay.Node)
		}
	})
	if buildErr != nil {
		t.Fatal(buildErr)
	}
	return binary
}

// testScreen writes what a run says to the test's log, and shows no progress.
type testScreen struct{ t *testing.T }

func (s *testScreen) Say(format string, args ...any) { s.t.Logf(format, args...) }
func (s *testScreen) Show(trial.Status)              {}

// requireExact requires the verdict EXACT. If only the generator was too slow, because the
// machine is busy, the test does not fail.
func requireExact(t *testing.T, r *report.Report) {
	t.Helper()
	if r.Verdict == report.Inconclusive && r.Ledger.Judged && len(r.Reasons) == 1 && strings.Contains(r.Reasons[0], "generator") {
		t.Logf("the count is exact; %s", r.Reasons[0])
		return
	}
	if r.Verdict != report.Exact {
		t.Fatalf("the verdict is %s because %q: %q", r.Verdict, r.Reasons, r.Findings)
	}
}

func TestARunWithThreeFaultsInHalfAMinuteIsExact(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	o := shortRun(t)
	o.Rate, o.Duration, o.Polls = 300, 24*time.Second, 6
	limit, err := threshold.Parse("errors<100%")
	if err != nil {
		t.Fatal(err)
	}
	o.Thresholds = []threshold.Threshold{limit}
	r, err := trial.Run(t.Context(), o, &testScreen{t})
	if err != nil {
		t.Fatal(err)
	}
	requireExact(t, r)
	l := r.Ledger
	if len(r.Faults) != 3 {
		t.Errorf("%d faults took place, want three", len(r.Faults))
	}
	if l.Unique != 7200 || l.Counted != 7200 || l.Acknowledged+l.Unknown < 7200 {
		t.Errorf("the ledger is %+v, want 7200 ballots", l)
	}
	for _, kind := range []string{"immediate", "concurrent", "other_node", "after_failover", "after_restart", "late", "conflict", "rival"} {
		if l.ByKind[kind] == 0 {
			t.Errorf("no request of kind %s was sent", kind)
		}
	}
	if p := r.Proofs; p == nil || p.Sampled < 300 || p.After != p.Sampled || p.During < p.Sampled*9/10 || p.P50 <= 0 {
		t.Errorf("of proofs the report has %+v", p)
	}
	for _, f := range r.Faults {
		if f.UnavailableMS <= 0 || f.ElectedMS <= 0 {
			t.Errorf("fault %+v was not measured", f)
		}
	}
	t.Run("the files give the same verdict", func(t *testing.T) { sameFromFiles(t, o.Out, r) })
	t.Run("the page shows it", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "page")
		if err := r.WriteHTML(path); err != nil {
			t.Fatal(err)
		}
		page, _ := os.ReadFile(path)
		for _, want := range []string{string(r.Verdict), "Was anything lost?", "<svg", "prefers-color-scheme"} {
			if !bytes.Contains(page, []byte(want)) {
				t.Errorf("the page does not hold %q", want)
			}
		}
	})
}

// sameFromFiles checks a run from its files, then again with one ballot taken out of
// a node's export.
func sameFromFiles(t *testing.T, dir string, r *report.Report) {
	again, err := trial.Check(dir)
	if err != nil {
		t.Fatal(err)
	}
	a, b := again.Ledger, r.Ledger
	if a.Counted != b.Counted || a.Acknowledged != b.Acknowledged || len(a.Violations) != 0 {
		t.Errorf("from files: %+v, in the run: %+v", a, b)
	}
	if a, b := again.Proofs, r.Proofs; a == nil || b == nil || *a != *b {
		t.Errorf("from files the proofs are %+v, in the run %+v", a, b)
	}
	spoil(t, filepath.Join(dir, "nodes", "n2", "loadtest-7-1.ndjson.gz"))
	again, err = trial.Check(dir)
	if err != nil {
		t.Fatal(err)
	}
	if again.Verdict != report.NotExact || again.Ledger.Lost != 1 {
		t.Errorf("with a ballot taken out of an export the verdict is %s, %d lost; want NOT EXACT, 1", again.Verdict, again.Ledger.Lost)
	}
}

func TestBallotsOfBulkStreamsCountOnce(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a cluster")
	}
	o := shortRun(t)
	o.Mode, o.Rate = drive.Bulk, 2000
	o.Faults = mix(t, "cut-answer", "kill")
	o.Duration, o.FaultEvery = 12*time.Second, 4*time.Second
	r, err := trial.Run(t.Context(), o, &testScreen{t})
	if err != nil {
		t.Fatal(err)
	}
	requireExact(t, r)
	if r.Ledger.Counted != 24000 {
		t.Errorf("%d ballots were counted, want 24000", r.Ledger.Counted)
	}
}

func TestARunWithPartitionsThroughProxiesIsExact(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a cluster")
	}
	runWithPartitions(t, trial.Proxies)
}

func TestARunWithPartitionsInNetworkNamespacesIsExact(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a cluster")
	}
	n, err := netns.New(t.Context(), 1)
	if err != nil {
		t.Skip("no network namespaces here:", err)
	}
	n.Close()
	runWithPartitions(t, trial.Namespaces)
}

// runWithPartitions cuts the leader off both ways and one way, and requires EXACT.
func runWithPartitions(t *testing.T, way trial.Isolation) {
	o := shortRun(t)
	o.Isolation, o.Faults = way, mix(t, "partition", "one-way")
	o.Duration, o.FaultEvery = 16*time.Second, 8*time.Second
	r, err := trial.Run(t.Context(), o, &testScreen{t})
	if err != nil {
		t.Fatal(err)
	}
	requireExact(t, r)
	if len(r.Faults) != 2 || !strings.Contains(r.Setup.Partitions, string(way)) {
		t.Errorf("%d faults, partitions by %s; want 2, by %s", len(r.Faults), r.Setup.Partitions, way)
	}
	for _, f := range r.Faults {
		if f.Kind == "partition" && f.ElectedMS == 0 {
			t.Errorf("the leader was cut off from the others, and no other one was elected: %+v", f)
		}
	}
}

func TestMembersMoveAndStartOnADirectoryOfARehearsalWithoutALoss(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a cluster")
	}
	o := shortRun(t)
	o.Faults = mix(t, "move=2", "move-all", "foreign")
	o.Duration, o.FaultEvery, o.Pace = 28*time.Second, 5*time.Second, fault.Brisk
	r, err := trial.Run(t.Context(), o, &testScreen{t})
	if err != nil {
		t.Fatal(err)
	}
	requireExact(t, r)
	if len(r.Faults) < 4 {
		t.Errorf("%d faults took place, want four at least", len(r.Faults))
	}
	for _, f := range r.Faults {
		t.Logf("%s of %s: nothing acknowledged for %.0f ms, whole after %.0f ms, %d errors", f.Kind, f.Target, f.UnavailableMS, f.SteadyMS-f.AtMS, f.Errors)
		if f.Kind == fault.Move && f.Errors > 0 {
			t.Errorf("%d requests had no answer while %s moved", f.Errors, f.Target)
		}
	}
}

func TestARunAgainstTargetsChecksThresholdsAndWantsEmptyPolls(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a cluster")
	}
	c, err := localcluster.Start(t.Context(), localcluster.Options{Binary: nodeBinary(t), Nodes: 1, Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Stop() })
	if err := c.WaitReady(t.Context()); err != nil {
		t.Fatal(err)
	}
	args := []string{
		"--targets", c.Nodes[0].URL, "--rate", "200", "--duration", "2s", "--seed", "3", "--polls", "2",
		"--out", filepath.Join(t.TempDir(), "out"), "--threshold", "p50<0.001ms",
	}
	var out, stderr bytes.Buffer
	if code := run(t.Context(), args, &out, &stderr); code != exitThreshold && code != exitInconclusive {
		t.Errorf("exit code %d, want a broken threshold:\n%s%s", code, &out, &stderr)
	}
	out.Reset()
	if code := run(t.Context(), args, &out, &stderr); code != exitTool || !strings.Contains(stderr.String(), "choose another --seed") &&
		!strings.Contains(stderr.String(), "Choose another --seed") {
		t.Errorf("the polls hold ballots, and the exit code is %d: %s", code, &stderr)
	}
}

func TestTargetsUnderTLSNeedACAAndAToken(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a cluster")
	}
	c, err := localcluster.Start(t.Context(), localcluster.Options{Binary: nodeBinary(t), Nodes: 1, Dir: t.TempDir(), Secure: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Stop() })
	if err := c.WaitReady(t.Context()); err != nil {
		t.Fatal(err)
	}
	ca, token := filepath.Join(c.Dir, "secrets", "ca.crt"), filepath.Join(c.Dir, "secrets", "token")
	for name, x := range map[string]struct {
		more []string
		code int
		says string
	}{
		"with both":          {[]string{"--ca", ca, "--token-file", token}, exitExact, "No: all 200 acknowledged ballots are on every node"},
		"without a token":    {[]string{"--ca", ca}, exitTool, "unauthenticated"},
		"without the CA":     {[]string{"--token-file", token}, exitTool, "certificate signed by unknown authority"},
		"with a wrong token": {[]string{"--ca", ca, "--token-file", ca}, exitTool, "must hold a token and nothing else"},
	} {
		t.Run(name, func(t *testing.T) {
			args := append([]string{
				"--targets", c.Nodes[0].URL, "--rate", "100", "--duration", "2s", "--seed", "3", "--polls", "2",
				"--out", filepath.Join(t.TempDir(), "out"),
			}, x.more...)
			var out, stderr bytes.Buffer
			code := run(t.Context(), args, &out, &stderr)
			if code != x.code && !(x.code == exitExact && code == exitInconclusive) || !strings.Contains(out.String()+stderr.String(), x.says) {
				t.Errorf("exit code %d, want %d and %q:\n%s%s", code, x.code, x.says, &out, &stderr)
			}
			if secret := c.Token(); strings.Contains(out.String()+stderr.String(), secret) {
				t.Error("the token was printed")
			}
		})
	}
}

func TestAClusterUnderTLSIsExactThroughAKillAndAPartition(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a cluster")
	}
	o := shortRun(t)
	o.Secure, o.Faults = true, mix(t, "kill", "partition")
	o.Duration, o.FaultEvery = 16*time.Second, 8*time.Second
	r, err := trial.Run(t.Context(), o, &testScreen{t})
	if err != nil {
		t.Fatal(err)
	}
	requireExact(t, r)
	if len(r.Faults) != 2 || !r.Setup.TLS {
		t.Errorf("%d faults, TLS: %v; want 2, over TLS", len(r.Faults), r.Setup.TLS)
	}
	for _, f := range r.Faults {
		if f.ElectedMS == 0 {
			t.Errorf("no other leader was seen: %+v", f)
		}
	}
	if l := r.Ledger; l.Counted == 0 || l.Acknowledged+l.Unknown < l.Unique {
		t.Errorf("the ledger is %+v, want ballots counted, each of them acknowledged or of unknown outcome", l)
	}
}

func TestAnInterruptedRunLeavesNoProcess(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a cluster")
	}
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(5*time.Second, cancel)
	dir := filepath.Join(t.TempDir(), "out")
	var out, stderr bytes.Buffer
	code := run(ctx, []string{"--binary", nodeBinary(t), "--rate", "100", "--duration", "1m", "--out", dir}, &out, &stderr)
	if code != exitInconclusive || !strings.Contains(out.String()+stderr.String(), "interrupted") {
		t.Errorf("exit code %d, want %d and a sentence about the interruption:\n%s%s", code, exitInconclusive, &out, &stderr)
	}
	if left := processesWith(t, dir); len(left) > 0 {
		t.Errorf("processes are left: %v", left)
	}
}

// processesWith lists the processes whose command line names a directory.
func processesWith(t *testing.T, dir string) (found []string) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Skip("this system does not list its processes")
	}
	for _, e := range entries {
		if line, err := os.ReadFile(fmt.Sprintf("/proc/%s/cmdline", e.Name())); err == nil && bytes.Contains(line, []byte(filepath.Join(dir, "cluster"))) {
			found = append(found, e.Name())
		}
	}
	return found
}

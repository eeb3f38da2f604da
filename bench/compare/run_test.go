package compare

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"voted/bench/machine"
	"voted/bench/measurement"
)

func TestAComparisonCountsEveryBallotAndLeavesNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("starts ten processes")
	}
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "out", "compare.json")
	var out bytes.Buffer
	o := Options{
		Rounds: 2, Seconds: 0.1, Connections: []int{1, 6}, Streams: []int{2}, Replays: true, Bulk: true,
		Systems: []string{systemVoted, systemProofs, systemHooks, systemBare}, Options: measurement.Options{Out: file, Dir: dir},
	}
	if err := Run(t.Context(), o, &out); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var r Report
	if err := json.Unmarshal(data, &r); err != nil {
		t.Fatal(err)
	}
	if len(r.Systems) != 5 || len(r.Works) != 4 || r.Machine.Cores == 0 || len(r.Works[0].Ratios) != 4 {
		t.Errorf("the report lacks something: %s", data)
	}
	for _, w := range r.Works {
		for _, l := range w.Lines {
			if len(l.Rounds) != 2 || l.Rate.Median <= 0 || l.Rounds[0].Acked != l.Rounds[0].Stored {
				t.Errorf("%s with %d: %+v", l.System, w.Connections, l)
			}
			// A ballot's id and selection take some bytes. Others write to the disk too.
			if l.System == systemVoted && w.Mode != ModeReplay && l.Written.Median < 10 && machine.WrittenBytes(dir) > 0 {
				t.Errorf("%s with %d wrote %g bytes a ballot", l.System, w.Connections, l.Written.Median)
			}
		}
	}
	if !strings.Contains(out.String(), "bare three") {
		t.Errorf("the table says:\n%s", out.String())
	}
	leavesNothing(t, dir)
}

func TestAComparisonUnderTLSCountsEveryBallot(t *testing.T) {
	if testing.Short() {
		t.Skip("starts seven processes")
	}
	t.Parallel()
	dir := t.TempDir()
	var out bytes.Buffer
	o := Options{
		Rounds: 1, Seconds: 0.1, Connections: []int{4}, Streams: []int{2}, Bulk: true, Replays: true, TLS: true,
		Systems: []string{systemVoted, systemBare}, Options: measurement.Options{JSON: true, Dir: dir},
	}
	if err := Run(t.Context(), o, &out); err != nil {
		t.Fatal(err)
	}
	var r Report
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		t.Fatal(err)
	}
	if !r.TLS || len(r.Works) != 3 || len(r.Works[0].Lines) != 3 {
		t.Errorf("the report lacks something: %s", out.Bytes())
	}
	for _, s := range r.Systems[:2] {
		if !strings.Contains(s.About, "TLS to clients") {
			t.Errorf("%s is said to be %q", s.Name, s.About)
		}
	}
	leavesNothing(t, dir)
}

// leavesNothing fails where data directories are left.
func leavesNothing(t *testing.T, dir string) {
	t.Helper()
	if left, _ := filepath.Glob(filepath.Join(dir, "voted-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestAComparisonThatIsCalledOffLeavesNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("starts seven processes")
	}
	t.Parallel()
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	o := Options{
		Rounds: 1, Seconds: 60, Connections: []int{4}, Systems: []string{systemVoted, systemBare},
		Options: measurement.Options{Dir: dir, Progress: writerFunc(func([]byte) { // called when the systems are about to be started
			time.AfterFunc(3*time.Second, cancel)
		})},
	}
	start := time.Now()
	if err := Run(ctx, o, &bytes.Buffer{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if took := time.Since(start); took > 50*time.Second {
		t.Errorf("it took %s to stop", took)
	}
	leavesNothing(t, dir)
}

type writerFunc func([]byte)

// Write implements io.Writer.
func (f writerFunc) Write(p []byte) (int, error) {
	f(p)
	return len(p), nil
}

func TestPeersThatAreNotInstalledAreNamedWithTheirPackage(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if _, err := findEtcd(); err == nil || !strings.Contains(err.Error(), "apt-get install etcd-server") {
		t.Errorf("etcd: %v", err)
	}
	if _, err := findPostgres(); err != nil && !strings.Contains(err.Error(), "apt-get install postgresql") {
		t.Errorf("PostgreSQL: %v", err)
	}
}

func TestOptionsThatMakeNoSenseAreRefused(t *testing.T) {
	t.Parallel()
	good := Options{Rounds: 1, Seconds: 1, Connections: []int{1}, Streams: []int{1}, Bulk: true, Systems: []string{systemVoted}}
	if err := good.check(); err != nil {
		t.Fatal(err)
	}
	for says, change := range map[string]func(*Options){
		"--rounds":      func(o *Options) { o.Rounds = 0 },
		"--seconds":     func(o *Options) { o.Seconds = -1 },
		"--connections": func(o *Options) { o.Connections = []int{1, 1000} },
		"--streams":     func(o *Options) { o.Streams = nil },
		"--systems":     func(o *Options) { o.Systems = []string{systemBare} },
	} {
		o := good
		change(&o)
		if err := Run(t.Context(), o, &bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", says, err)
		}
	}
}

func TestThePeersClientIsUnderstood(t *testing.T) {
	t.Parallel()
	const figures = `{"acknowledged":12,"in_window":10,"refused":1,"unknown":2,"problem":"x","seconds":2,"p50_ms":3,"p99_ms":4}`
	for name, c := range map[string]struct {
		says  string
		want  Figures
		fails bool
	}{
		"figures, then the count": {"ready\n" + figures + "\n{\"stored\":13}\n", Figures{Rate: 5, P50: 3, P99: 4, Acked: 12, Stored: 13, Refused: 1, Unknown: 2, Problem: "x"}, false},
		"it never gets ready":     {"", Figures{}, true},
		"it dies while it works":  {"ready\n", Figures{}, true},
		"it dies before counting": {"ready\n" + figures, Figures{}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var told bytes.Buffer
			begun, ended := 0, 0
			got, err := talk(&told, strings.NewReader(c.says), func() { begun++ }, func() { ended++ })
			if (err != nil) != c.fails || got != c.want {
				t.Errorf("got %+v, %v", got, err)
			}
			if !c.fails && (told.String() != "go\n" || begun != 1 || ended != 1) {
				t.Errorf("told %q, begun %d, ended %d", told.String(), begun, ended)
			}
		})
	}
}

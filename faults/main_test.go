package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"voted/faults/layer"
)

// pretend returns a layer whose run is the test's own.
func pretend(run func(r *layer.Run) error) *layer.Layer {
	return &layer.Layer{
		ID: "L0", Title: "pretended", Floors: []layer.Floor{{Kind: "cuts", CI: 10, Long: 100}},
		Run: func(_ context.Context, r *layer.Run) error { return run(r) },
	}
}

func TestTheExitCodeSaysWhatTheLayersFound(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		run  func(r *layer.Run) error
		root bool
		want int
	}{
		"every floor is reached": {
			run: func(r *layer.Run) error {
				r.Faults("cuts", r.Floor("cuts"))
				r.Control("no fsync", true, "lost")
				return nil
			}, want: exitReached,
		},
		"a floor is missed": {run: func(r *layer.Run) error { r.Faults("cuts", 9); return nil }, want: exitBelow},
		"a ballot is lost":  {run: func(r *layer.Run) error { r.Faults("cuts", 10); r.Lost(1, "gone"); return nil }, want: exitViolated},
		"a negative control passes": {
			run: func(r *layer.Run) error { r.Faults("cuts", 10); r.Control("no fsync", false, "kept all"); return nil }, want: exitViolated,
		},
		"the tool fails":                       {run: func(*layer.Run) error { return errors.New("no loop device") }, want: exitTool},
		"a violation is seen before a failure": {run: func(r *layer.Run) error { r.Violation("O4", "differ"); return errors.New("x") }, want: exitViolated},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := pretend(c.run)
			scale, err := layer.ParseScale("ci")
			if err != nil {
				t.Fatal(err)
			}
			r, err := layer.NewRun(l, scale, 1, t.TempDir(), layer.NewBuilds(t.TempDir(), ""), newScreen(io.Discard))
			if err != nil {
				t.Fatal(err)
			}
			all := &results{Layers: []*layer.Report{r.Do(t.Context())}}
			var out bytes.Buffer
			table(&out, all)
			if got := verdict(&out, all, "out"); got != c.want {
				t.Errorf("exit code %d, want %d\n%s", got, c.want, out.String())
			}
		})
	}
}

func TestALayerWithoutWhatItNeedsIsSkippedAndBelowItsFloor(t *testing.T) {
	t.Parallel()
	l := pretend(func(*layer.Run) error { t.Error("it ran"); return nil })
	l.Tools = []string{"no-such-command-anywhere"}
	scale, _ := layer.ParseScale("ci")
	r, err := layer.NewRun(l, scale, 1, t.TempDir(), layer.NewBuilds(t.TempDir(), ""), newScreen(io.Discard))
	if err != nil {
		t.Fatal(err)
	}
	report := r.Do(t.Context())
	if !report.Below() || len(report.Skipped) != 1 || !strings.Contains(report.Skipped[0].Why, "no-such-command-anywhere") {
		t.Errorf("%+v", report)
	}
}

func TestTheFloorIsScaled(t *testing.T) {
	t.Parallel()
	f := layer.Floor{Kind: "cuts", CI: 30, Long: 300}
	for text, want := range map[string]int{"ci": 30, "long": 300, "3x": 90, "2×": 60, "0.1x": 3, "0.001x": 1} {
		s, err := layer.ParseScale(text)
		if err != nil || s.Of(f) != want {
			t.Errorf("%s: %d, %v; want %d", text, s.Of(f), err, want)
		}
	}
	for _, text := range []string{"", "x", "-1x", "7", "NaNx", "long long"} {
		if _, err := layer.ParseScale(text); err == nil {
			t.Errorf("%q was accepted as a scale", text)
		}
	}
}

func TestWrongUsageSaysWhatToDo(t *testing.T) {
	t.Parallel()
	var stderr bytes.Buffer
	if code := run(t.Context(), []string{"--floor", "many"}, io.Discard, &stderr); code != exitTool || !strings.Contains(stderr.String(), "--floor is ci, long") {
		t.Errorf("%d %s", code, stderr.String())
	}
	stderr.Reset()
	if code := run(t.Context(), []string{"--layers", "L99"}, io.Discard, &stderr); code != exitTool || !strings.Contains(stderr.String(), `no layer "L99"`) {
		t.Errorf("%d %s", code, stderr.String())
	}
}

package hooks

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"voted/bench/measurement"
)

func TestReceiversThatHangHoldUpNoOther(t *testing.T) {
	if testing.Short() {
		t.Skip("starts three processes")
	}
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "hooks.json")
	var out bytes.Buffer
	o := Options{Hanging: 30, Healthy: 3, Rate: 10, Seconds: 2, Options: measurement.Options{Out: file, Dir: dir}}
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
	if !r.Exact || r.Events < 2 || r.First.Samples+r.Later.Samples != 3*r.Events || r.Calls < 30 || r.Later.P99 <= 0 || r.Peak < r.Idle {
		t.Errorf("the report is %+v", r)
	}
	if !strings.Contains(out.String(), "\nEXACT") || r.Terms == 0 && !strings.Contains(out.String(), "EXACT: each of those") {
		t.Errorf("the table is\n%s", out.String())
	}
}

func TestDeliveriesThatComeTwiceOrOutOfOrderAreSeen(t *testing.T) {
	t.Parallel()
	r := &receivers{came: make([][]arrival, 1), last: make([]uint64, 1)}
	r.hang()
	for _, sequence := range []string{"1", "3", "3", "2", "1", ""} {
		if !r.took(0, sequence, "polls/p", time.Now()) {
			t.Errorf("%q is not answered", sequence)
		}
	}
	if r.repeated != 2 || r.wrong != 1 || len(r.came[0]) != 2 {
		t.Errorf("%d came again, %d after a later one, and %d are right", r.repeated, r.wrong, len(r.came[0]))
	}
	if r.took(1, "1", "polls/p", time.Now()) || r.calls != 1 {
		t.Error("one that hangs has answered")
	}
}

func TestOptionsThatCannotBeMeasuredAreRefused(t *testing.T) {
	t.Parallel()
	good := Options{Hanging: 1, Healthy: 1, Rate: 1, Seconds: 1}
	if err := good.check(); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(o *Options){
		"--healthy": func(o *Options) { o.Healthy = 0 },
		"--hanging": func(o *Options) { o.Hanging = maxReceivers },
		"--rate":    func(o *Options) { o.Rate = maxRate + 1 },
		"--seconds": func(o *Options) { o.Seconds = 0 },
	} {
		o := good
		change(&o)
		if err := o.check(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

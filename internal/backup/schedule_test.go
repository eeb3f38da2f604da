package backup

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"voted/internal/poll"
)

// constant is a source that writes the same bytes.
type constant []byte

func (c constant) Write(w io.Writer) error { _, err := w.Write(c); return err }
func (constant) Close()                    {}

// directory is a directory of backups and the schedule that keeps it.
type directory struct {
	*Schedule
	t    *testing.T
	good []byte
	said *bytes.Buffer // the log
	fail error         // of the next backup

	metrics *prometheus.Registry
}

func newDirectory(t *testing.T, keep int) *directory {
	d := &directory{t: t, good: written(t, create(poll.Definition{ID: "p"})), said: new(bytes.Buffer)}
	d.Schedule = &Schedule{
		Dir: t.TempDir(), Every: time.Hour, Keep: keep, Name: "voted-n1-", Logger: slog.New(slog.NewTextHandler(d.said, nil)),
		Take: func(context.Context) (Source, error) { return constant(d.good), d.fail },
	}
	d.metrics = prometheus.NewRegistry()
	d.Measure(d.metrics)
	return d
}

// at is the name of the schedule's backup of a time.
func at(when time.Time) string { return "voted-n1-" + when.UTC().Format(stampLayout) + suffix }

func (d *directory) put(content []byte, names ...string) {
	d.t.Helper()
	for _, name := range names {
		if err := os.WriteFile(filepath.Join(d.Dir, name), content, 0o600); err != nil {
			d.t.Fatal(err)
		}
	}
}

func (d *directory) holds() (names []string) {
	d.t.Helper()
	entries, err := os.ReadDir(d.Dir)
	if err != nil {
		d.t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// lastSuccess is what the metric says, seconds since the Unix epoch.
func (d *directory) lastSuccess() float64 {
	d.t.Helper()
	families, err := d.metrics.Gather()
	if err != nil {
		d.t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "voted_backup_last_success_timestamp_seconds" {
			return f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	d.t.Fatal("there is no such metric")
	return 0
}

func (d *directory) make() {
	d.t.Helper()
	if err := d.once(d.t.Context()); err != nil {
		d.t.Fatal(err)
	}
}

func TestAScheduleKeepsTheLastOfItsOwnAndNothingElseGoes(t *testing.T) {
	t.Parallel()
	d := newDirectory(t, 2)
	day := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	mine := []string{at(day), at(day.Add(24 * time.Hour))}
	others := []string{"voted-n2-20200101T000000Z.backup", "voted-n1-notes.backup", "board.backup"}
	d.put(d.good, slices.Concat(mine, others)...)
	if wait := d.first(day.Add(24*time.Hour + 20*time.Minute)); wait != 40*time.Minute {
		t.Errorf("the first is due in %v", wait)
	}
	d.fail = errors.New("no leader")
	if err := d.once(t.Context()); !errors.Is(err, d.fail) {
		t.Fatalf("got %v", err)
	}
	if own, _ := d.own(); len(own) != 2 {
		t.Errorf("a failure has removed something: %v", own)
	}
	d.fail = nil
	d.make()
	own, err := d.own()
	if err != nil || len(own) != 2 || own[0] != mine[1] {
		t.Errorf("kept are %v, %v", own, err)
	}
	for _, name := range others {
		if !slices.Contains(d.holds(), name) {
			t.Errorf("%s is gone", name)
		}
	}
}

func TestABackupOfTheFutureStopsNoBackups(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)
	for name, x := range map[string]struct {
		junk   bool
		before bool // there is a good one of half an hour ago
		wait   time.Duration
	}{
		"garbage":                      {true, false, 0},
		"a good one":                   {false, false, 0},
		"garbage after a good one":     {true, true, 30 * time.Minute},
		"a good one after another one": {false, true, 30 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// Given a file of this schedule's name that is stamped in the future,
			d := newDirectory(t, 5)
			content := d.good
			if x.junk {
				content = []byte("junk")
			}
			d.put(content, at(now.Add(time.Hour)), at(now.AddDate(73, 0, 0)))
			want := 0.0
			if x.before {
				d.put(d.good, at(now.Add(-30*time.Minute)))
				want = float64(now.Add(-30 * time.Minute).Unix())
			}
			// when the schedule begins, the next backup is due as if the file were not there,
			if wait := d.first(now); wait != x.wait {
				t.Errorf("the first is due in %v, not %v", wait, x.wait)
			}
			// the metric names no time to come, and the log says why.
			if last := d.lastSuccess(); last != want {
				t.Errorf("the last success is of %v, not %v", last, want)
			}
			if !strings.Contains(d.said.String(), "is left where it is") {
				t.Errorf("the log says %q", d.said)
			}
		})
	}
}

func TestPruningNeverRemovesWhatWasJustMadeNorTheOnlyGoodOne(t *testing.T) {
	t.Parallel()
	now := time.Now()
	future := []string{at(now.AddDate(70, 0, 0)), at(now.AddDate(71, 0, 0))}
	past := []string{at(now.Add(-3 * time.Hour)), at(now.Add(-2 * time.Hour))}
	// Given strangers' files with names of this schedule's, of the future and of the past,
	d := newDirectory(t, 2)
	d.put([]byte("garbage"), slices.Concat(future, past)...)
	// and a good backup that is older than all of them,
	old := at(now.Add(-24 * time.Hour))
	d.put(d.good, old)
	// when one is made,
	d.make()
	// then it is there, and so is the old one: the garbage counts for nothing, and stays.
	if got := d.holds(); len(got) != 6 || !slices.Contains(got, old) {
		t.Errorf("the directory holds %v", got)
	}
	// With one more the oldest good one goes, and nothing else.
	d.put(d.good, at(now.Add(-time.Hour)))
	d.make()
	got := d.holds()
	if slices.Contains(got, old) {
		t.Errorf("a backup beyond those to keep is still there: %v", got)
	}
	for _, name := range slices.Concat(future, past) {
		if !slices.Contains(got, name) {
			t.Errorf("%s is not this schedule's, and gone", name)
		}
	}
	// A file is read and complained of once.
	if n := strings.Count(d.said.String(), "and is none"); n != 4 {
		t.Errorf("four files are complained of %d times", n)
	}
}

func TestAScheduleTellsWhetherItsLastBackupIsLateOrFailed(t *testing.T) {
	t.Parallel()
	began := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	for name, x := range map[string]struct {
		past         func(f *fares)
		after        time.Duration // since began
		failed, late bool
	}{
		"it has just begun":                  {func(*fares) {}, time.Minute, false, false},
		"it never made one":                  {func(*fares) {}, 2*time.Hour + 2*time.Minute, false, true},
		"it made one":                        {func(f *fares) { f.made(began.Add(time.Hour)) }, 3 * time.Hour, false, false},
		"the next one hangs":                 {func(f *fares) { f.made(began.Add(time.Hour)) }, 3*time.Hour + 2*time.Minute, false, true},
		"the last try failed":                {func(f *fares) { f.made(began); f.failed() }, time.Hour, true, false},
		"another try was good":               {func(f *fares) { f.failed(); f.made(began.Add(time.Hour)) }, time.Hour, false, false},
		"the clock was set back since":       {func(f *fares) { f.made(began.Add(100 * time.Hour)) }, 3 * time.Hour, false, true},
		"an earlier process left an old one": {func(f *fares) { f.made(began.Add(-72 * time.Hour)) }, time.Minute, false, false},
	} {
		s := &Schedule{Every: time.Hour}
		s.fares.begin(began)
		x.past(&s.fares)
		if _, failed, late := s.Fares(began.Add(x.after)); failed != x.failed || late != x.late {
			t.Errorf("%s: failed %v, late %v", name, failed, late)
		}
	}
	if _, _, late := new(Schedule).Fares(began); late {
		t.Error("a schedule that does not run yet is late")
	}
}

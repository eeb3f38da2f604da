package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Schedule keeps a directory of backups: it makes a new one at intervals, and keeps the
// last few.
type Schedule struct {
	Dir   string
	Every time.Duration
	Keep  int
	// Name begins the file names, so that nodes may share a directory; only files
	// of this name are ever removed.
	Name   string
	Take   func(ctx context.Context) (Source, error)
	Logger *slog.Logger
	// Made is called after each good backup; nil: no one is told.
	Made func(file string, bytes int64)

	last     prometheus.Gauge
	size     prometheus.Gauge
	failures prometheus.Counter

	fares   fares
	checked map[string]verdict // of files in Dir, by name; used by Run alone
}

// Source is a backup that waits to be written.
type Source interface {
	Write(w io.Writer) error
	Close()
}

const (
	// retryAfter is how long is waited after a failure, if that is less than Every.
	retryAfter = time.Minute
	// takeTimeout bounds the wait for a leader that confirms what is acknowledged.
	takeTimeout = 30 * time.Second
	// maxAhead is how far the time in a name may be ahead of the clock: more than the
	// second to which names are rounded, less than clocks are usually corrected by.
	maxAhead = 2 * time.Second
	// stampLayout sorts by time.
	stampLayout = "20060102T150405Z"
	suffix      = ".backup"
)

// Measure registers the schedule's metrics.
func (s *Schedule) Measure(registry prometheus.Registerer) {
	s.last = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "voted_backup_last_success_timestamp_seconds", Help: "When the last scheduled backup of this node was completed; 0: there is none.",
	})
	s.size = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "voted_backup_last_size_bytes", Help: "Size of the last scheduled backup of this node.",
	})
	s.failures = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "voted_backup_failures_total", Help: "Scheduled backups of this node that failed.",
	})
	registry.MustRegister(s.last, s.size, s.failures)
}

// Run makes backups until ctx ends. What goes wrong is logged and tried again.
func (s *Schedule) Run(ctx context.Context) {
	s.sweep()
	now := time.Now()
	s.fares.begin(now)
	wait := s.first(now)
	for {
		t := time.NewTimer(wait)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return
		}
		wait = s.Every
		if err := s.once(ctx); err != nil && ctx.Err() == nil {
			s.failures.Inc()
			s.fares.failed()
			wait = min(s.Every, retryAfter)
			s.Logger.Error("the scheduled backup failed; it is tried again", "dir", s.Dir, "in", wait, "error", err)
		}
	}
}

// first returns how long until the first backup is due. Backups of earlier processes
// count, so a node that restarts often does not make more of them; the metrics show the
// last one. A backup that is not whole, or has a time in the future, is ignored.
func (s *Schedule) first(now time.Time) time.Duration {
	own, err := s.own()
	if err != nil {
		return 0
	}
	for _, name := range slices.Backward(own) {
		made, _ := s.stampOf(name)
		v := s.check(name, now)
		if !v.good {
			continue
		}
		s.last.Set(float64(made.Unix()))
		s.fares.made(made)
		s.size.Set(float64(v.size))
		return max(0, s.Every-now.Sub(made))
	}
	return 0
}

// once makes one backup and removes those that are too many.
func (s *Schedule) once(ctx context.Context) error {
	if err := os.MkdirAll(s.Dir, 0o750); err != nil {
		return err
	}
	taking, cancel := context.WithTimeout(ctx, takeTimeout)
	source, err := s.Take(taking)
	cancel()
	if err != nil {
		return err
	}
	defer source.Close()
	start := time.Now()
	name := s.Name + start.UTC().Format(stampLayout) + suffix
	info, size, err := WriteFile(filepath.Join(s.Dir, name), func(w io.Writer) error { return source.Write(&writing{ctx, w}) })
	if err != nil {
		return err
	}
	s.last.Set(float64(start.Unix()))
	s.fares.made(start)
	s.size.Set(float64(size))
	if s.Made != nil {
		s.Made(filepath.Join(s.Dir, name), size)
	}
	s.Logger.Info("backup made and checked", "file", filepath.Join(s.Dir, name), "index", info.Index, "bytes", size, "took", time.Since(start).Round(time.Millisecond))
	return s.prune(name, start)
}

// writing breaks off when ctx ends.
type writing struct {
	ctx context.Context
	w   io.Writer
}

func (w *writing) Write(b []byte) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	return w.w.Write(b)
}

// sweep removes unfinished backups of this schedule that a crash left.
func (s *Schedule) sweep() {
	begun, _ := filepath.Glob(filepath.Join(s.Dir, "."+s.Name+"*"+suffix+".partial-*")) // ids have no characters that are special to Glob
	for _, name := range begun {
		if err := os.Remove(name); err != nil {
			s.Logger.Warn("what is left of a backup cannot be removed", "file", name, "error", err)
		}
	}
}

// prune removes the oldest backups of this schedule beyond Keep. The one that was just made
// is always kept. Files that are not whole backups, or have a time in the future, are not
// counted and not removed.
func (s *Schedule) prune(justMade string, now time.Time) error {
	own, err := s.own()
	if err != nil {
		return err
	}
	var errs []error
	kept := 1
	for _, name := range slices.Backward(own) {
		switch {
		case name == justMade || !s.check(name, now).good:
		case kept < s.Keep:
			kept++
		default:
			errs = append(errs, os.Remove(filepath.Join(s.Dir, name)))
			delete(s.checked, name)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("old backups cannot be removed: %w", err)
	}
	return nil
}

// verdict is what a check found about a file.
type verdict struct {
	size  int64
	mtime time.Time
	whole bool // a backup that passed the check
	ahead bool // the time in its name is in the future
	good  bool // whole, and not ahead
}

// check checks a file that has a name of this schedule. A file is read once, and again
// when it has changed. Each fault is logged once.
func (s *Schedule) check(name string, now time.Time) verdict {
	path := filepath.Join(s.Dir, name)
	info, err := os.Stat(path)
	if err != nil {
		return verdict{}
	}
	v, known := s.checked[name]
	if !known || v.size != info.Size() || !v.mtime.Equal(info.ModTime()) {
		known = false
		v = verdict{size: info.Size(), mtime: info.ModTime()}
		err = checkFile(path)
		if v.whole = err == nil; !v.whole {
			s.Logger.Warn("a file has the name of a scheduled backup and is none; it counts for nothing and is left where it is", "file", path, "error", err)
		}
	}
	made, _ := s.stampOf(name)
	if ahead := made.After(now.Add(maxAhead)); ahead && v.whole && !(known && v.ahead) {
		s.Logger.Warn("a backup's name is of the future, so a clock was or is wrong; it counts for nothing and is left where it is until then", "file", path)
		v.ahead = true
	} else {
		v.ahead = ahead
	}
	v.good = v.whole && !v.ahead
	if s.checked == nil {
		s.checked = map[string]verdict{}
	}
	s.checked[name] = v
	return v
}

func checkFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = Check(f)
	return err
}

// own returns the files that this schedule has made, judged by their names, oldest first.
func (s *Schedule) own() (names []string, err error) {
	entries, err := os.ReadDir(s.Dir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if _, ok := s.stampOf(e.Name()); ok && e.Type().IsRegular() {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return names, nil
}

// stampOf returns when a file of this schedule was made; ok is false for others.
func (s *Schedule) stampOf(name string) (at time.Time, ok bool) {
	middle, begins := strings.CutPrefix(name, s.Name)
	middle, ends := strings.CutSuffix(middle, suffix)
	at, err := time.Parse(stampLayout, middle)
	return at, begins && ends && err == nil
}

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

// Schedule keeps a directory of backups: a new one now and then, and the last few.
type Schedule struct {
	Dir   string
	Every time.Duration
	Keep  int
	// Name begins the file names, so that nodes may share a directory; only files
	// of this name are ever removed.
	Name   string
	Take   func(ctx context.Context) (Source, error)
	Logger *slog.Logger

	last     prometheus.Gauge
	size     prometheus.Gauge
	failures prometheus.Counter

	fares fares
}

// Source is a backup that waits to be written.
type Source interface {
	Write(w io.Writer) error
	Close()
}

const (
	// retryAfter is how long is waited after a failure, if that is less than Every.
	retryAfter = time.Minute
	// takeTimeout bounds the wait for a leader who confirms what is acknowledged.
	takeTimeout = 30 * time.Second
	// stampLayout sorts by time.
	stampLayout = "20060102T150405Z"
	suffix      = ".backup"
)

// Measure shows how the schedule fares.
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

// first is how long until the first backup is due: a node that restarts often does
// not make more of them, and what an earlier process made is shown.
func (s *Schedule) first(now time.Time) time.Duration {
	own, err := s.own()
	if err != nil || len(own) == 0 {
		return 0
	}
	name := own[len(own)-1]
	made, _ := s.stampOf(name)
	s.last.Set(float64(made.Unix()))
	s.fares.made(made)
	if info, err := os.Stat(filepath.Join(s.Dir, name)); err == nil {
		s.size.Set(float64(info.Size()))
	}
	return max(0, s.Every-now.Sub(made))
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
	s.Logger.Info("backup made and checked", "file", filepath.Join(s.Dir, name), "index", info.Index, "bytes", size, "took", time.Since(start).Round(time.Millisecond))
	return s.prune()
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

// sweep removes what a crash left of backups that this schedule had begun.
func (s *Schedule) sweep() {
	begun, _ := filepath.Glob(filepath.Join(s.Dir, "."+s.Name+"*"+suffix+".partial-*")) // ids hold nothing that Glob reads otherwise
	for _, name := range begun {
		if err := os.Remove(name); err != nil {
			s.Logger.Warn("what is left of a backup cannot be removed", "file", name, "error", err)
		}
	}
}

// prune removes the oldest of its own backups beyond Keep.
func (s *Schedule) prune() error {
	own, err := s.own()
	if err != nil {
		return err
	}
	var errs []error
	for _, name := range own[:max(0, len(own)-s.Keep)] {
		errs = append(errs, os.Remove(filepath.Join(s.Dir, name)))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("old backups cannot be removed: %w", err)
	}
	return nil
}

// own returns the files that this schedule has made, oldest first.
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

// Package livefile reads files that operators replace while a node runs: certificates,
// keys, lists of tokens. If a new content cannot be read, the last good one stays in
// force.
package livefile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// The limits of a watched file.
const (
	// LookEvery is how soon a change is noticed: soon enough for a token that must stop
	// working now, and rare enough to cost almost nothing.
	LookEvery = time.Second
	// maxBytes bounds one file: ten thousand tokens, or a long chain of certificates.
	maxBytes = 4 << 20
)

// Set is the value that some files hold together. If one of them has changed, they are
// read again at the next use, without a goroutine. It is safe for concurrent use.
type Set[T any] struct {
	parse func(contents [][]byte) (T, error)
	paths []string
	log   *slog.Logger

	value   atomic.Pointer[T]
	next    atomic.Int64  // when to look again, nanoseconds since the Unix epoch
	faulty  atomic.Int64  // since when it cannot be read, nanoseconds since the Unix epoch; 0: it can
	changes atomic.Uint64 // how often it was read again

	mu   sync.Mutex
	seen []stamp // guarded by mu: of the last reading, even if it could not be parsed
}

// stamp distinguishes contents of a file without reading it.
type stamp struct {
	info  fs.FileInfo
	size  int64
	mtime time.Time
}

func (s stamp) same(t stamp) bool {
	return s.info != nil && t.info != nil && os.SameFile(s.info, t.info) && s.size == t.size && s.mtime.Equal(t.mtime)
}

// Open reads the files for the first time; parse gets their contents in the order of
// paths. It fails if they cannot be read or parsed now. A later failure is logged once
// for each change, leaves the value as it was, and is reported by the watch.
func Open[T any](w *Watch, parse func(contents [][]byte) (T, error), paths ...string) (*Set[T], error) {
	s := &Set[T]{parse: parse, paths: paths, log: w.log}
	stamps, err := s.look()
	if err != nil {
		return nil, err
	}
	if err := s.read(); err != nil {
		return nil, err
	}
	s.seen = stamps
	s.next.Store(time.Now().Add(LookEvery).UnixNano())
	w.Add(s)
	return s, nil
}

// Paths implements Source.
func (s *Set[T]) Paths() []string { return s.paths }

// Fault implements Source.
func (s *Set[T]) Fault() time.Time {
	s.Now()
	if since := s.faulty.Load(); since != 0 {
		return time.Unix(0, since)
	}
	return time.Time{}
}

// Changes reads the files again if needed, and counts how often the value has changed.
func (s *Set[T]) Changes() uint64 {
	s.Now()
	return s.changes.Load()
}

// Now returns the value, at most LookEvery behind the files.
func (s *Set[T]) Now() T {
	now := time.Now()
	if now.UnixNano() >= s.next.Load() && s.mu.TryLock() {
		s.refresh(now)
		s.mu.Unlock()
	}
	return *s.value.Load()
}

// refresh reads the files if they have changed. The caller holds mu.
func (s *Set[T]) refresh(now time.Time) {
	s.next.Store(now.Add(LookEvery).UnixNano())
	stamps, err := s.look()
	if err == nil {
		if s.unchanged(stamps) {
			return
		}
		err = s.read()
	} else if s.seen == nil {
		return // the same error as last time
	}
	s.seen = stamps
	if err != nil {
		s.faulty.CompareAndSwap(0, now.UnixNano())
		s.log.Warn("a file has changed and cannot be used; what it held before stays in force, including what has been removed from it", "error", err)
		return
	}
	s.faulty.Store(0)
	s.changes.Add(1)
	s.log.Info("a file has changed and was read again", "files", s.paths)
}

func (s *Set[T]) unchanged(stamps []stamp) bool {
	if len(s.seen) != len(stamps) {
		return false
	}
	for i := range stamps {
		if !stamps[i].same(s.seen[i]) {
			return false
		}
	}
	return true
}

func (s *Set[T]) look() ([]stamp, error) {
	stamps := make([]stamp, len(s.paths))
	for i, path := range s.paths {
		info, err := os.Stat(path)
		if err != nil {
			return nil, Unreadable(path, err)
		}
		stamps[i] = stamp{info, info.Size(), info.ModTime()}
	}
	return stamps, nil
}

func (s *Set[T]) read() error {
	contents := make([][]byte, len(s.paths))
	for i, path := range s.paths {
		b, err := readBounded(path)
		if err != nil {
			return err
		}
		contents[i] = b
	}
	v, err := s.parse(contents)
	if err != nil {
		return err
	}
	s.value.Store(&v)
	return nil
}

func readBounded(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, Unreadable(path, err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxBytes+1))
	switch {
	case err != nil:
		return nil, Unreadable(path, err)
	case len(b) > maxBytes:
		return nil, fmt.Errorf("the file %s is larger than %d bytes; is it the right one?", path, maxBytes)
	}
	return b, nil
}

// Unreadable says in one sentence why a file cannot be read.
func Unreadable(path string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("there is no file %s: %w", path, err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("the file %s may not be read by this user: %w", path, err)
	}
	return fmt.Errorf("the file %s cannot be read: %w", path, err)
}

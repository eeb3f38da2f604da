package main

import (
	"fmt"
	"io"
	"sync"
	"time"

	"voted/internal/console"
)

// plainEvery is how often progress is written if the output is no terminal.
const plainEvery = 10 * time.Second

// screen shows progress: a line that is redrawn on a terminal, plain lines elsewhere.
type screen struct {
	console *console.Console
	started time.Time

	mu   sync.Mutex
	last time.Time // when a plain line was written last; guarded by mu
}

func newScreen(out io.Writer) *screen {
	return &screen{console: console.New(out), started: time.Now()}
}

// Say implements layer.Progress.
func (s *screen) Say(format string, args ...any) {
	s.console.Linef("· %5s "+format, append([]any{s.elapsed()}, args...)...)
}

// Show implements layer.Progress.
func (s *screen) Show(id, kind string, made, floor int) {
	line := fmt.Sprintf("%s %s: %d", id, kind, made)
	if floor > 0 {
		line += fmt.Sprintf(" of %d", floor)
	}
	if s.console.Terminal {
		s.console.Show("  " + line)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := time.Now(); now.Sub(s.last) >= plainEvery {
		s.last = now
		s.console.Linef("  %5s %s", s.elapsed(), line)
	}
}

func (s *screen) elapsed() time.Duration { return time.Since(s.started).Round(time.Second) }

func (s *screen) done() { s.console.Wipe() }

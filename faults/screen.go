package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/mattn/go-isatty"
)

// plainEvery is how often progress is written where there is no terminal.
const plainEvery = 10 * time.Second

// screen shows progress: a line that is redrawn on a terminal, plain lines elsewhere.
type screen struct {
	mu       sync.Mutex
	out      io.Writer
	terminal bool
	drawn    bool
	last     time.Time
	started  time.Time
}

func newScreen(out io.Writer) *screen {
	s := &screen{out: out, started: time.Now()}
	if f, ok := out.(*os.File); ok {
		s.terminal = isatty.IsTerminal(f.Fd()) && os.Getenv("TERM") != "dumb"
	}
	return s
}

// Say implements layer.Teller.
func (s *screen) Say(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wipe()
	fmt.Fprintf(s.out, "· %5s "+format+"\n", append([]any{time.Since(s.started).Round(time.Second)}, args...)...)
}

// Show implements layer.Teller.
func (s *screen) Show(id, kind string, made, floor int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	line := fmt.Sprintf("%s %s: %d", id, kind, made)
	if floor > 0 {
		line += fmt.Sprintf(" of %d", floor)
	}
	if s.terminal {
		fmt.Fprintf(s.out, "\r\x1b[K  %s", line)
		s.drawn = true
		return
	}
	if now := time.Now(); now.Sub(s.last) >= plainEvery {
		s.last = now
		fmt.Fprintf(s.out, "  %5s %s\n", time.Since(s.started).Round(time.Second), line)
	}
}

func (s *screen) done() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wipe()
}

func (s *screen) wipe() {
	if s.drawn {
		fmt.Fprint(s.out, "\r\x1b[K")
		s.drawn = false
	}
}

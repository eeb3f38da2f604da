// Package progress shows a run as it goes on: a block that is redrawn on a
// terminal, plain lines elsewhere.
package progress

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/mattn/go-isatty"

	"voted/loadtest/trial"
)

// plainEvery is how often a line is written where there is no terminal.
const plainEvery = 5

// barWidth is the width of the bar in characters.
const barWidth = 30

// Screen shows progress.
type Screen struct {
	out      io.Writer
	terminal bool
	colours  bool
	drawn    int // lines of the block on the terminal
	shown    int
	told     int // faults told
}

// New makes a screen on out.
func New(out io.Writer) *Screen {
	s := &Screen{out: out}
	if f, ok := out.(*os.File); ok {
		s.terminal = isatty.IsTerminal(f.Fd()) && os.Getenv("TERM") != "dumb"
	}
	s.colours = s.terminal && os.Getenv("NO_COLOR") == ""
	return s
}

// Colours tells whether colours are wanted.
func (s *Screen) Colours() bool { return s.colours }

// Say shows a line.
func (s *Screen) Say(format string, args ...any) {
	s.Done()
	fmt.Fprintf(s.out, "· "+format+"\n", args...)
}

// Done leaves the block as it is; what follows goes below.
func (s *Screen) Done() { s.drawn = 0 }

// Show shows the state of the load.
func (s *Screen) Show(x trial.Status) {
	lines := describe(x)
	s.shown++
	if !s.terminal {
		if x.Last != nil && x.Faults > s.told && x.UnderWay == nil || s.shown%plainEvery == 0 {
			fmt.Fprintln(s.out, strings.Join(lines, " | "))
			s.told = x.Faults
		}
		return
	}
	var b strings.Builder
	if s.drawn > 0 {
		fmt.Fprintf(&b, "\x1b[%dA", s.drawn)
	}
	fmt.Fprintf(&b, "\x1b[K%s\n", bar(x))
	for _, l := range lines {
		fmt.Fprintf(&b, "\x1b[K  %s\n", l)
	}
	s.drawn = len(lines) + 1
	_, _ = io.WriteString(s.out, b.String())
}

func bar(x trial.Status) string {
	full := min(barWidth, int(int64(barWidth)*int64(x.Elapsed)/int64(max(x.Duration, 1))))
	return "  " + strings.Repeat("█", full) + strings.Repeat("░", barWidth-full)
}

func describe(x trial.Status) []string {
	leader := x.Leader
	if leader == "" {
		leader = "none"
	}
	lines := []string{
		fmt.Sprintf("%s of %s", x.Elapsed.Round(time.Second), x.Duration),
		fmt.Sprintf("%.0f requests/s, %d waiting", x.Rate, x.Waiting),
		fmt.Sprintf("p50 %s p99 %s max %s", short(x.P50), short(x.P99), short(x.Max)),
		fmt.Sprintf("leader %s", leader),
		fmt.Sprintf("fault %d of %d: %s", x.Faults, x.Plan, faultLine(x)),
		fmt.Sprintf("%d ballots acknowledged, %d requests unanswered, %d contradictions", x.Acknowledged, x.Errors, x.Violations),
	}
	return lines
}

func faultLine(x trial.Status) string {
	switch {
	case x.UnderWay != nil:
		return fmt.Sprintf("%s of %s, %s ago", x.UnderWay.Kind, x.UnderWay.Target, (x.Elapsed - x.UnderWay.At).Round(100*time.Millisecond))
	case x.Last != nil:
		return fmt.Sprintf("%s of %s cost %s", x.Last.Kind, x.Last.Target, short(x.Last.Unavailable))
	}
	return "none yet"
}

func short(d time.Duration) string {
	switch {
	case d >= 10*time.Second:
		return d.Round(100 * time.Millisecond).String()
	case d >= 10*time.Millisecond:
		return d.Round(time.Millisecond).String()
	}
	return d.Round(10 * time.Microsecond).String()
}

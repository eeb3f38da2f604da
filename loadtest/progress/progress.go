// Package progress shows a run as it goes on: a block that is redrawn on a
// terminal, plain lines elsewhere.
package progress

import (
	"fmt"
	"io"
	"strings"
	"time"

	"voted/internal/console"
	"voted/loadtest/trial"
)

// plainEvery: without a terminal a line is written at every fifth call of Show.
const plainEvery = 5

// barWidth is the width of the bar in characters.
const barWidth = 30

// Screen shows progress.
type Screen struct {
	console *console.Console
	shown   int // calls of Show
	faults  int // how many were shown
}

// New makes a screen on out.
func New(out io.Writer) *Screen { return &Screen{console: console.New(out)} }

// Colours reports whether colours are wanted.
func (s *Screen) Colours() bool { return s.console.Colours }

// Say shows a line, below the block.
func (s *Screen) Say(format string, args ...any) {
	s.Done()
	s.console.Linef("· "+format, args...)
}

// Done leaves the block as it is; what follows goes below.
func (s *Screen) Done() { s.console.Leave() }

// Show shows the state of the load.
func (s *Screen) Show(status trial.Status) {
	lines := describe(status)
	s.shown++
	switch {
	case s.console.Terminal:
		s.console.Show(bar(status), "  "+strings.Join(lines, "\n  "))
	case status.Last != nil && status.Faults > s.faults && status.UnderWay == nil, s.shown%plainEvery == 0:
		s.console.Linef("%s", strings.Join(lines, " | "))
		s.faults = status.Faults
	}
}

func bar(status trial.Status) string {
	full := strings.TrimRight(console.Bar(float64(status.Elapsed)/float64(max(status.Duration, 1)), barWidth), " ")
	return "  " + full + console.Track(full, barWidth)
}

func describe(status trial.Status) []string {
	leader := status.Leader
	if leader == "" {
		leader = "none"
	}
	lines := []string{
		fmt.Sprintf("%s of %s", status.Elapsed.Round(time.Second), status.Duration),
		fmt.Sprintf("%.0f requests/s, %d waiting", status.Rate, status.Waiting),
		fmt.Sprintf("p50 %s p99 %s max %s", short(status.P50), short(status.P99), short(status.Max)),
		fmt.Sprintf("leader %s", leader),
		fmt.Sprintf("fault %d of %d: %s", status.Faults, status.Plan, faultLine(status)),
		fmt.Sprintf("%d ballots acknowledged, %d requests unanswered, %d contradictions", status.Acknowledged, status.Errors, status.Violations),
	}
	return lines
}

func faultLine(status trial.Status) string {
	switch {
	case status.UnderWay != nil:
		return fmt.Sprintf("%s of %s, %s ago", status.UnderWay.Kind, status.UnderWay.Target, (status.Elapsed - status.UnderWay.At).Round(100*time.Millisecond))
	case status.Last != nil:
		return fmt.Sprintf("%s of %s cost %s", status.Last.Kind, status.Last.Target, short(status.Last.Unavailable))
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

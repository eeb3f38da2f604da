package main

import (
	"fmt"
	"time"

	"voted/cmd/voted/display"
)

const (
	// plainEvery is how often a line is printed if nothing can be redrawn.
	plainEvery = 5 * time.Second
	// redrawEvery is how often the bar moves.
	redrawEvery = 100 * time.Millisecond
	// leastBar is the width of a bar that has no room.
	leastBar = 10
)

// progress shows the progress of a long command: a bar on a terminal, a line at intervals
// elsewhere. It belongs to one goroutine.
type progress struct {
	out     *display.Output
	things  string // what is counted, such as ballots
	size    int64  // of all, in bytes or things; 0: not known
	started time.Time
	shown   time.Time

	doing  string
	screen *display.Screen // nil without a terminal
	offset int64           // how much of size is done, as shown
	text   string          // next to the bar
}

// newProgress starts the display. doing is what is done, such as casting; things are what
// is counted.
func newProgress(o *display.Output, doing, things string, size int64) *progress {
	p := &progress{out: o, doing: doing, things: things, size: size, started: time.Now(), shown: time.Now()}
	if o.Terminal && size > 0 {
		p.screen = o.Screen()
		p.draw()
	}
	return p
}

// draw shows the bar, in the width that the text leaves free.
func (p *progress) draw() {
	p.screen.Draw(func(o *display.Output) {
		share := float64(p.offset) / float64(p.size)
		beginning := fmt.Sprintf("%s %3.0f %%", p.doing, 100*share)
		room := o.Width() - len([]rune(beginning+p.text)) - 1
		o.Linef("%s %s%s", beginning, o.Meter(share, max(leastBar, room)), p.text)
	})
}

// at reports how much of size is done, how many things that were, and how many were
// refused.
func (p *progress) at(offset int64, done, refused uint64) {
	now := time.Now()
	every := plainEvery
	if p.screen != nil {
		every = redrawEvery
	}
	if now.Sub(p.shown) < every {
		return
	}
	p.shown = now
	rate := float64(done) / now.Sub(p.started).Seconds()
	text := fmt.Sprintf(" %s %s · %s/s", display.Int(done), p.things, display.Int(int64(rate)))
	if refused > 0 {
		text += fmt.Sprintf(" · %s refused", display.Int(refused))
	}
	if p.screen != nil {
		p.offset, p.text = min(offset, p.size), text
		p.draw()
		return
	}
	share := ""
	if p.size > 0 {
		share = fmt.Sprintf("%3.0f %%", 100*float64(offset)/float64(p.size))
	}
	p.out.Linef("%s%s", share, text)
}

// end fills the bar, or erases it if the command did not complete.
func (p *progress) end(complete bool) {
	switch {
	case p.screen == nil:
	case complete:
		p.offset = p.size
		p.draw()
	default:
		p.screen.Wipe()
	}
}

package main

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"voted/cmd/voted/display"
)

const (
	// plainEvery is how often a line is printed where nothing can be redrawn.
	plainEvery = 5 * time.Second
	// redrawEvery is how often the bar moves.
	redrawEvery = 100 * time.Millisecond
)

// progress shows how far a long command is: a bar on a terminal, a line now and
// then elsewhere. It belongs to one goroutine.
type progress struct {
	out     *display.Output
	things  string // what is counted, such as ballots
	size    int64  // of all, in bytes or things; 0: not known
	started time.Time
	shown   time.Time

	bars *mpb.Progress // nil without a terminal
	bar  *mpb.Bar
	text atomic.Pointer[string] // beside the bar; read by the bar's goroutine
}

// newProgress begins with what is being done, such as casting, and to what.
func newProgress(o *display.Output, doing, things string, size int64) *progress {
	p := &progress{out: o, things: things, size: size, started: time.Now(), shown: time.Now()}
	p.text.Store(new(string))
	if !o.Terminal || size == 0 {
		return p
	}
	p.bars = mpb.New(mpb.WithOutput(o.Writer), mpb.WithWidth(o.Width()), mpb.WithRefreshRate(redrawEvery))
	style := mpb.BarStyle().Lbound("").Rbound("").Filler("█").Tip("").Padding("·")
	p.bar = p.bars.New(size, style,
		mpb.PrependDecorators(decor.Name(doing+" "), decor.Percentage(decor.WC{W: 5})),
		mpb.AppendDecorators(decor.Any(func(decor.Statistics) string { return *p.text.Load() })),
	)
	return p
}

// at says how much of size is done, how many things that were, and how many were refused.
func (p *progress) at(offset int64, done, refused uint64) {
	now := time.Now()
	every := plainEvery
	if p.bar != nil {
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
	if p.bar != nil {
		p.text.Store(&text)
		p.bar.SetCurrent(offset)
		return
	}
	share := ""
	if p.size > 0 {
		share = fmt.Sprintf("%3.0f %%", 100*float64(offset)/float64(p.size))
	}
	p.out.Linef("%s%s", share, text)
}

// end fills the bar, or takes it away, and waits until that is drawn.
func (p *progress) end(complete bool) {
	if p.bars == nil {
		return
	}
	if complete {
		p.bar.SetTotal(p.size, true)
	} else {
		p.bar.Abort(true)
	}
	p.bars.Wait()
}

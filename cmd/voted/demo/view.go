package demo

import (
	"fmt"
	"sync"
	"time"

	"voted/cmd/voted/display"
)

const (
	// redrawEvery is how often the view changes on a terminal.
	redrawEvery = 100 * time.Millisecond
	// plainEvery is how often a line is printed elsewhere.
	plainEvery = 2 * time.Second
	// rateOver smooths the rate.
	rateOver = time.Second
)

// view shows the progress of the casting.
type view struct {
	out    *display.Output
	sender *sender
	ledger *ledger
	began  time.Time

	mu     sync.Mutex
	events []event
	rates  []sample // of the last rateOver, oldest first

	finish chan struct{}
	ended  sync.WaitGroup
}

// sample is how many requests had been answered at some time.
type sample struct {
	at   time.Time
	sent int
}

func newView(out *display.Output, s *sender, l *ledger) *view {
	return &view{out: out, sender: s, ledger: l, began: time.Now(), finish: make(chan struct{})}
}

// happened adds an event to what is shown.
func (v *view) happened(e event) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.events = append(v.events, e)
	if !v.out.Terminal {
		v.out.Linef("%s", v.eventLine(v.out, e))
	}
}

// start shows the view until stop.
func (v *view) start() {
	v.began = time.Now()
	every, draw := plainEvery, v.plain
	if v.out.Terminal {
		screen := v.out.Screen()
		every, draw = redrawEvery, func() { screen.Draw(v.draw) }
	}
	v.ended.Go(func() { // ends with stop
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				draw()
			case <-v.finish:
				draw()
				return
			}
		}
	})
}

// stop draws the view a last time and leaves it there.
func (v *view) stop() {
	close(v.finish)
	v.ended.Wait()
}

// rate is how many requests a second were answered within rateOver.
func (v *view) rate(sent int) float64 {
	now := time.Now()
	v.rates = append(v.rates, sample{now, sent})
	for len(v.rates) > 2 && now.Sub(v.rates[1].at) > rateOver {
		v.rates = v.rates[1:]
	}
	first := v.rates[0]
	if d := now.Sub(first.at).Seconds(); d > 0 {
		return float64(sent-first.sent) / d
	}
	return 0
}

func (v *view) plain() {
	v.mu.Lock()
	defer v.mu.Unlock()
	seen := v.ledger.look()
	rate := v.rate(seen.Sent)
	v.out.Linef("%7s  %3.0f %%  counted %s  replayed %s  %s/s  leader %s", v.clock(time.Now()), 100*v.sender.done(),
		display.Int(seen.Counted), display.Int(seen.Replayed), display.Int(int64(rate)), seen.Leader)
}

func (v *view) clock(t time.Time) string { return fmt.Sprintf("%.1f s", t.Sub(v.began).Seconds()) }

func (v *view) eventLine(o *display.Output, e event) display.Painted {
	return o.Paint(display.Dim, fmt.Sprintf("%7s", v.clock(e.At))) + "  " + o.Paint(e.Style, e.Text)
}

func (v *view) draw(o *display.Output) {
	v.mu.Lock()
	defer v.mu.Unlock()
	seen := v.ledger.look()
	rate := fmt.Sprintf("%s/s", display.Int(int64(v.rate(seen.Sent))))
	done := v.sender.done()
	width := o.Width() - len("  casting  ") - len("  100 %  123,456/s  ") - 8
	o.Linef("  casting  %s  %3.0f %%  %9s  %6s", o.Meter(done, max(10, width)), 100*done, rate, v.clock(time.Now()))
	leader := seen.Leader
	if leader == "" {
		leader = "–"
	}
	o.Linef("  counted  %s   replayed  %s   leader  %s", o.Paint(display.Bold, fmt.Sprintf("%7s", display.Int(seen.Counted))),
		o.Paint(display.Bold, fmt.Sprintf("%7s", display.Int(seen.Replayed))), o.Paint(display.Bold, leader))
	for _, e := range v.events {
		o.Linef("%s", v.eventLine(o, e))
	}
}

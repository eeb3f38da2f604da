package main

import (
	"time"

	"voted/cmd/voted/display"
)

// transfer shows on a terminal how many bytes were transferred; elsewhere it shows nothing.
type transfer struct {
	screen *display.Screen // nil without a terminal
	what   string
	bytes  int64
	shown  time.Time
}

func newTransfer(o *display.Output, what string) *transfer {
	t := &transfer{what: what, shown: time.Now()}
	if o.Terminal {
		t.screen = o.Screen()
	}
	return t
}

// Write counts the bytes.
func (t *transfer) Write(b []byte) (int, error) {
	t.bytes += int64(len(b))
	if now := time.Now(); t.screen != nil && now.Sub(t.shown) >= redrawEvery {
		t.shown = now
		t.screen.Draw(func(o *display.Output) { o.Linef("%s %.1f MiB", t.what, float64(t.bytes)/(1<<20)) })
	}
	return len(b), nil
}

// end erases the line.
func (t *transfer) end() {
	if t.screen != nil {
		t.screen.Wipe()
	}
}

package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"voted/cmd/voted/display"
	"voted/internal/console"
)

// onTerminal is an output of a fixed width that can be drawn again.
func onTerminal(b *bytes.Buffer) *display.Output {
	o := display.Fixed(b, 60, false)
	o.Terminal = true
	return o
}

func TestABarMovesInPlaceAndIsFullOnlyWhenAllIsDone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		complete bool
		last     string
	}{
		"all was done": {true, "casting 100 % ██████"},
		"it broke off": {false, ""},
	} {
		var b bytes.Buffer
		p := newProgress(onTerminal(&b), "casting", "ballots", 200)
		p.started, p.shown = p.started.Add(-time.Second), p.shown.Add(-time.Second)
		p.at(100, 1500, 2)
		p.at(200, 3000, 2) // sooner than a bar moves
		if half := b.String(); !strings.Contains(half, "casting  50 % ███") || !strings.Contains(half, "·· 1,500 ballots · 1,") || strings.Contains(half, "3,000") {
			t.Errorf("%s: half way it is %q", name, half)
		}
		before := b.Len()
		p.end(c.complete)
		last := b.String()[before:]
		if !strings.HasPrefix(last, "\r\x1b[1A\x1b[K"+c.last) || strings.Contains(console.Plain(last), "·· ") {
			t.Errorf("%s: in the end it is %q", name, last)
		}
	}
}

func TestWithoutATerminalProgressIsALineNowAndThen(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	p := newProgress(display.Fixed(&b, 60, false), "casting", "ballots", 200)
	p.at(50, 10, 0)
	p.started, p.shown = p.started.Add(-10*time.Second), p.shown.Add(-10*time.Second)
	p.at(100, 1500, 0)
	p.end(true)
	if got := b.String(); got != " 50 % 1,500 ballots · 150/s\n" && got != " 50 % 1,500 ballots · 149/s\n" {
		t.Errorf("it says %q", got)
	}
}

func TestATransferIsCountedOnATerminalAndLeavesNothing(t *testing.T) {
	t.Parallel()
	var b, file bytes.Buffer
	for out, want := range map[*display.Output]string{
		onTerminal(&b):                  "received 1.0 MiB\n\r\x1b[1A\x1b[K\x1b[1B\x1b[1A",
		display.Fixed(&file, 60, false): "",
	} {
		x := newTransfer(out, "received")
		x.shown = x.shown.Add(-time.Second)
		_, err := x.Write(make([]byte, 1<<20))
		x.end()
		if got := out.Writer.(*bytes.Buffer).String(); err != nil || got != want {
			t.Errorf("%v: got %q, want %q", errors.Join(err), got, want)
		}
	}
}

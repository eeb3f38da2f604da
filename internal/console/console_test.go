package console

import (
	"bytes"
	"math"
	"strings"
	"testing"
)

func TestABarHasItsWidthWhateverTheShare(t *testing.T) {
	t.Parallel()
	for _, share := range []float64{-1, 0, 0.001, 0.01, 0.13, 0.5, 0.99, 0.999, 1, 2, math.NaN(), math.Inf(1)} {
		for _, width := range []int{1, 7, 40} {
			if got := len([]rune(Bar(share, width))); got != width {
				t.Errorf("Bar(%v, %d) is %d wide", share, width, got)
			}
		}
	}
	if Bar(0.5, 4) != "██  " || Bar(1, 2) != "██" || Bar(1.0/16, 2) != "▏ " {
		t.Errorf("bars are %q %q %q", Bar(0.5, 4), Bar(1, 2), Bar(1.0/16, 2))
	}
}

func TestALineThatIsCutKeepsItsColourToItself(t *testing.T) {
	t.Parallel()
	line := "ab \x1b[32mgreen and long\x1b[0m end"
	if got, want := clip(line, 8), "ab \x1b[32mgree…\x1b[0m"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := clip(line, 21); got != line {
		t.Errorf("a line that fits became %q", got)
	}
}

func TestWhatIsShownIsTakenAwayBeforeALineThatStays(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	c := New(&b)
	c.Terminal = true
	c.Show("a", strings.Repeat("x", 2*fallbackWidth))
	c.Linef("%d is said", 1)
	c.Show("b")
	c.Leave()
	c.Linef("end")
	want := "a\n" + strings.Repeat("x", fallbackWidth-1) + "…\n" + // what is wider than the window is cut
		"\r\x1b[2A\x1b[K\x1b[1B\x1b[K\x1b[1B\x1b[2A" + "1 is said\n" +
		"b\n" + "end\n"
	if got := b.String(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestAFileGetsPlainLines(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	c := New(&b)
	c.Linef("one")
	c.Wipe()
	c.Linef("two")
	if got := b.String(); got != "one\ntwo\n" || c.Terminal || c.Colours {
		t.Errorf("got %q on a terminal: %v, with colours: %v", got, c.Terminal, c.Colours)
	}
	if columns, rows := Size(&b); columns != 0 || rows != 0 {
		t.Errorf("a buffer is %d wide and %d high", columns, rows)
	}
}

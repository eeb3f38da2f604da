package main

import (
	"fmt"
	"os"
	"time"

	"github.com/mattn/go-isatty"

	"voted/cmd/voted/display"
)

// transfer shows on a terminal how much has gone through; elsewhere it is silent.
type transfer struct {
	out   *display.Output
	what  string
	bytes int64
	shown time.Time
	drawn bool
}

func newTransfer(o *display.Output, what string) *transfer {
	return &transfer{out: o, what: what, shown: time.Now()}
}

// Write counts.
func (t *transfer) Write(b []byte) (int, error) {
	t.bytes += int64(len(b))
	if now := time.Now(); t.out.Terminal && now.Sub(t.shown) >= redrawEvery {
		t.shown, t.drawn = now, true
		fmt.Fprintf(t.out, "\r%s %.1f MiB", t.what, float64(t.bytes)/(1<<20))
	}
	return len(b), nil
}

// end takes the line away.
func (t *transfer) end() {
	if t.drawn {
		fmt.Fprint(t.out, "\r\x1b[K") // erase to the end of the line, ECMA-48 section 8.3.41
	}
}

func isTerminal(f *os.File) bool { return isatty.IsTerminal(f.Fd()) }

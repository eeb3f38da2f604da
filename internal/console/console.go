// Package console shows a program's progress: in place on a terminal, in plain lines
// elsewhere.
package console

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"github.com/mattn/go-isatty"
)

// IsTerminal reports whether w is a terminal, a dumb one included.
func IsTerminal(w any) bool {
	f, ok := w.(*os.File)
	return ok && isatty.IsTerminal(f.Fd())
}

// Abilities reports what a writer can do. Lines can be redrawn in place on a terminal,
// unless TERM is dumb. Colours are wanted there too, unless NO_COLOR has a value
// (no-color.org).
func Abilities(w any) (redraws, colours bool) {
	redraws = IsTerminal(w) && os.Getenv("TERM") != "dumb"
	return redraws, redraws && os.Getenv("NO_COLOR") == ""
}

// fallbackWidth is the width that is assumed if the terminal's size is unknown.
const fallbackWidth = 80

// Console is where a program reports what it does. Its methods are safe for concurrent use.
type Console struct {
	Terminal bool // lines can be drawn again in place
	Colours  bool

	mu   sync.Mutex
	out  io.Writer
	view View // guarded by mu
}

// New makes a console that writes to w.
func New(w io.Writer) *Console {
	c := &Console{out: w}
	c.Terminal, c.Colours = Abilities(w)
	return c
}

// Linef erases what is shown in place, and writes a line that stays.
func (c *Console) Linef(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wipe()
	fmt.Fprintf(c.out, format+"\n", args...)
}

// Show replaces what is shown in place. Call it on a terminal only.
func (c *Console) Show(lines ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.draw(strings.Join(lines, "\n") + "\n")
}

// Wipe erases what is shown in place.
func (c *Console) Wipe() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wipe()
}

// Leave keeps what is shown in place; later output goes below it.
func (c *Console) Leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.view.Leave()
}

func (c *Console) wipe() {
	if c.Terminal {
		c.draw("")
	}
}

func (c *Console) draw(frame string) {
	width, rows := Size(c.out)
	if width <= 0 {
		width = fallbackWidth
	}
	c.view.Draw(c.out, frame, width, max(0, rows-1)) // the cursor needs the last line
}

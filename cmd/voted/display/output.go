package display

import (
	"fmt"
	"io"
	"os"

	"github.com/vbauerster/cupwriter"
)

const (
	// plainWidth is the width where there is no terminal to ask: it fits files,
	// mails and the logs of a build.
	plainWidth = 100
	// minWidth is the least that is laid out for; narrower terminals wrap.
	minWidth = 40
	// maxWidth keeps lines readable on very wide terminals.
	maxWidth = 140
)

// Output is a place where people read.
type Output struct {
	io.Writer
	Terminal bool // lines can be redrawn
	Color    bool

	width int // fixed; 0: ask the terminal each time
}

// New looks at what w is. Colour is off where NO_COLOR is set and not empty
// (no-color.org), and on a terminal that calls itself dumb.
func New(w io.Writer) *Output {
	o := &Output{Writer: w, width: plainWidth}
	if !cupwriter.New(w, false).IsTerminal() {
		return o
	}
	o.width = 0
	o.Terminal = os.Getenv("TERM") != "dumb"
	o.Color = o.Terminal && os.Getenv("NO_COLOR") == ""
	return o
}

// Fixed makes an Output of a given width, for tests and for files.
func Fixed(w io.Writer, width int, color bool) *Output {
	return &Output{Writer: w, Color: color, width: width}
}

// Width returns how many columns there are now.
func (o *Output) Width() int {
	if o.width > 0 {
		return o.width
	}
	columns, _, err := cupwriter.New(o.Writer, false).GetTermSize()
	if err != nil || columns <= 0 {
		return plainWidth
	}
	return min(max(columns, minWidth), maxWidth)
}

// Linef writes one line.
func (o *Output) Linef(format string, args ...any) { fmt.Fprintf(o, format+"\n", args...) }

// Style is how text stands out.
type Style string

// The styles. Each is the parameter of an SGR sequence (ECMA-48, section 8.3.117);
// colours are the terminal's own, so that they suit its background.
const (
	Plain  Style = ""
	Bold   Style = "1"
	Dim    Style = "2"
	Red    Style = "31"
	Green  Style = "32"
	Yellow Style = "33"
	Cyan   Style = "36"
	Good   Style = "1;32"
	Bad    Style = "1;31"
)

// Paint returns s in a style, or as it is where there is no colour.
func (o *Output) Paint(style Style, s string) string {
	if !o.Color || style == Plain || s == "" {
		return s
	}
	return "\x1b[" + string(style) + "m" + s + "\x1b[0m"
}

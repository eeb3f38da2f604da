package display

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"sync"

	"voted/internal/console"

	"github.com/mattn/go-runewidth"
)

const (
	// plainWidth is the width if the output is no terminal: it fits files, mails and the
	// logs of a build.
	plainWidth = 100
	// minWidth is the smallest width of a layout; narrower terminals wrap.
	minWidth = 40
	// maxWidth keeps lines readable on very wide terminals.
	maxWidth = 140
)

// Output is a writer for text that people read.
type Output struct {
	io.Writer
	Terminal bool // lines can be redrawn
	Color    bool

	tty   bool // a terminal, a dumb one included
	width int  // fixed; 0: ask the terminal each time
	rows  int  // how many lines there is room for; 0: any number

	lost *lost // nil: errors of writing are not kept
}

// lost keeps the first error; copies of an Output share it.
type lost struct {
	mu  sync.Mutex
	err error // guarded by mu
}

// Write implements io.Writer, and keeps the first error for [Output.Err].
func (o *Output) Write(b []byte) (int, error) {
	n, err := o.Writer.Write(b)
	if err != nil && o.lost != nil {
		o.lost.mu.Lock()
		defer o.lost.mu.Unlock()
		o.lost.err = cmp.Or(o.lost.err, err)
	}
	return n, err
}

// Err returns the first error of writing: if there is one, the output is not complete.
func (o *Output) Err() error {
	if o.lost == nil {
		return nil
	}
	o.lost.mu.Lock()
	defer o.lost.mu.Unlock()
	return o.lost.err
}

// New makes an Output with the abilities of w. Colour is off if NO_COLOR is set and not
// empty (no-color.org), and on a terminal that calls itself dumb.
func New(w io.Writer) *Output {
	o := &Output{Writer: w, width: plainWidth, lost: &lost{}}
	if !console.IsTerminal(w) {
		return o
	}
	o.tty, o.width = true, 0
	o.Terminal, o.Color = console.Abilities(w)
	return o
}

// Fixed makes an Output of a given width, for tests and for files.
func Fixed(w io.Writer, width int, color bool) *Output {
	return &Output{Writer: w, Color: color, width: width, lost: &lost{}}
}

// Width returns how many columns there are now.
func (o *Output) Width() int {
	if o.width > 0 {
		return o.width
	}
	columns, _ := console.Size(o.Writer)
	if columns <= 0 {
		return plainWidth
	}
	return min(max(columns, minWidth), maxWidth)
}

// Rows returns how many lines a view may have: one less than there are on a terminal, so
// that the line of the cursor is left; 0 for any number.
func (o *Output) Rows() int {
	if o.rows > 0 || o.width > 0 {
		return o.rows
	}
	_, rows := console.Size(o.Writer)
	return max(0, rows-1)
}

// Linef writes one line; an error is kept for [Output.Err]. Arguments are made safe, except
// those of type Painted.
func (o *Output) Linef(format string, args ...any) { fmt.Fprintf(o, format+"\n", safeArgs(args)...) }

// Para writes text in lines that fit the width, broken between words.
func (o *Output) Para(style Style, text string) {
	for _, line := range wrap(Safe(text), o.Width()) {
		o.Linef("%s", o.Paint(style, line))
	}
}

// Lead writes a painted beginning and text after it, on one line. On a terminal that is
// narrower the text is broken between words.
func (o *Output) Lead(beginning Painted, text string) {
	whole := console.Plain(string(beginning)) + Safe(text)
	if !o.Terminal || runewidth.StringWidth(whole) <= o.Width() {
		o.Linef("%s%s", beginning, text)
		return
	}
	for i, line := range wrap(whole, o.Width()) {
		if rest, ok := strings.CutPrefix(line, console.Plain(string(beginning))); i == 0 && ok {
			o.Linef("%s%s", beginning, rest)
			continue
		}
		o.Linef("%s", line)
	}
}

// wrap breaks text between words into lines of up to width columns; a longer word is cut
// into several.
func wrap(text string, width int) (lines []string) {
	line := ""
	for word := range strings.FieldsSeq(text) {
		for runewidth.StringWidth(word) > width {
			if line != "" {
				lines, line = append(lines, line), ""
			}
			head := runewidth.Truncate(word, width, "")
			lines, word = append(lines, head), word[len(head):]
		}
		switch {
		case line == "":
			line = word
		case runewidth.StringWidth(line)+1+runewidth.StringWidth(word) > width:
			lines, line = append(lines, line), word
		default:
			line += " " + word
		}
	}
	return append(lines, line)
}

// Style is a colour or weight of text.
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

// Paint returns s, made safe, in a style, or plain if colour is off.
func (o *Output) Paint(style Style, s string) Painted {
	s = Safe(s)
	if !o.Color || style == Plain || s == "" {
		return Painted(s)
	}
	return Painted("\x1b[" + string(style) + "m" + s + "\x1b[0m")
}

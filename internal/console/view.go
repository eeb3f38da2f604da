package console

import (
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/mattn/go-runewidth"
)

// View is lines on a terminal that are redrawn in place. The zero value begins below
// what is there.
type View struct {
	// lines are the widths of the view's lines on the terminal, down to the cursor: those
	// of the last frame, below those that a smaller window has pushed out.
	lines []int
}

// Draw replaces the view by a frame of whole lines, in a window of width columns and
// rows lines; 0 rows: any number. What does not fit the window is cut off, because lines
// outside it could not be erased later.
func (v *View) Draw(w io.Writer, frame string, width, rows int) {
	text, n := window(frame, width, rows)
	_, _ = io.WriteString(w, v.replace(text, n, width, rows)) // a terminal that is gone needs no view
}

// Leave keeps what is drawn: the next frame goes below it.
func (v *View) Leave() { v.lines = nil }

// Sequences of ECMA-48, sections 8.3.19, 8.3.22 and 8.3.41.
const (
	eraseRight = "\x1b[K"
	cursorUp   = "\x1b[%dA"
	cursorDown = "\x1b[%dB"
)

// replace returns the text that puts a frame of n lines in place of the last one. It
// erases line by line, because some terminals copy what a larger erasure removes to their
// history. A line is erased before it is written: erasing after a line that fills the
// width would remove its last character.
func (v *View) replace(frame string, n, width, rows int) string {
	var b strings.Builder
	up := v.rise(width, rows)
	if up > 0 {
		fmt.Fprintf(&b, "\r"+cursorUp, up)
	}
	drawn := 0
	for line := range strings.Lines(frame) {
		if drawn++; drawn <= up {
			b.WriteString(eraseRight)
		}
		b.WriteString(line)
		v.lines = append(v.lines, runewidth.StringWidth(Plain(strings.TrimSuffix(line, "\n"))))
	}
	if over := up - n; over > 0 {
		b.WriteString(strings.Repeat(eraseRight+fmt.Sprintf(cursorDown, 1), over) + fmt.Sprintf(cursorUp, over))
	}
	return b.String()
}

// rise returns how many rows above the cursor the view begins, at most those of the
// window, and forgets the lines from there on. A line that is wider than the window is now
// takes several rows.
func (v *View) rise(width, rows int) (up int) {
	for len(v.lines) > 0 && (rows == 0 || up < rows) {
		last := len(v.lines) - 1
		up += max(1, (v.lines[last]+width-1)/width)
		v.lines = v.lines[:last]
	}
	if rows > 0 {
		up = min(up, rows)
	}
	return up
}

// window cuts lines to a width and to a number of rows; 0: any number. It returns how many
// lines are left.
func window(text string, width, rows int) (string, int) {
	var b strings.Builder
	n := 0
	for line := range strings.Lines(text) {
		if n++; rows > 0 && n > rows {
			return b.String(), rows
		}
		b.WriteString(clip(strings.TrimSuffix(line, "\n"), width) + "\n")
	}
	return b.String(), n
}

// clip cuts a painted line to a width. Sequences that paint take no column.
func clip(line string, width int) string {
	if runewidth.StringWidth(Plain(line)) <= width {
		return line
	}
	var b strings.Builder
	used := 0
	for len(line) > 0 {
		if sequence := paint.FindString(line); sequence != "" {
			b.WriteString(sequence)
			line = line[len(sequence):]
			continue
		}
		r, size := utf8.DecodeRuneInString(line)
		line = line[size:]
		if used += runewidth.RuneWidth(r); used < width {
			b.WriteRune(r)
			continue
		}
		b.WriteString("…")
		for _, sequence := range anyPaint.FindAllString(line, -1) { // the colour ends
			b.WriteString(sequence)
		}
		break
	}
	return b.String()
}

// Sequences that paint text (SGR, ECMA-48 section 8.3.117).
var (
	anyPaint = regexp.MustCompile("\x1b\\[[0-9;]*m")
	paint    = regexp.MustCompile("^" + anyPaint.String())
)

// Plain returns painted text without its paint.
func Plain(line string) string { return anyPaint.ReplaceAllString(line, "") }

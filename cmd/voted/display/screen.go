package display

import (
	"bytes"

	"github.com/vbauerster/cupwriter"
)

// Screen is a view that is drawn again in place. It needs a terminal.
type Screen struct {
	out    *Output
	writer *cupwriter.Writer
}

// Screen starts a view below what is on the terminal.
func (o *Output) Screen() *Screen {
	return &Screen{out: o, writer: cupwriter.New(o.Writer, true)}
}

// Draw replaces the view by what draw writes. Its lines must fit the width: a
// wrapped one would be counted as one and stay behind.
func (s *Screen) Draw(draw func(o *Output)) {
	var lines bytes.Buffer
	draw(&Output{Writer: &lines, Terminal: true, Color: s.out.Color, width: s.out.Width()})
	n := bytes.Count(lines.Bytes(), []byte("\n"))
	_, _ = s.writer.Write(lines.Bytes()) // into memory
	_ = s.writer.Flush(n)                // a terminal that is gone needs no view
}

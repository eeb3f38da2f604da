package display

import (
	"bytes"

	"voted/internal/console"
)

// Screen is a view that is redrawn in place. It needs a terminal.
type Screen struct {
	out  *Output
	view console.View
}

// Screen starts a view below what is on the terminal.
func (o *Output) Screen() *Screen { return &Screen{out: o} }

// Draw replaces the view by what draw writes, as much of it as fits the window.
func (s *Screen) Draw(draw func(o *Output)) {
	var frame bytes.Buffer
	width, rows := s.out.Width(), s.out.Rows()
	draw(&Output{Writer: &frame, Terminal: true, Color: s.out.Color, width: width, rows: rows})
	s.view.Draw(s.out, frame.String(), width, rows)
}

// Wipe erases the view.
func (s *Screen) Wipe() { s.view.Draw(s.out, "", s.out.Width(), s.out.Rows()) }

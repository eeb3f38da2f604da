package cvr

import (
	"bytes"
	"io"
	"unicode/utf8"

	"voted/internal/textfile"
)

// places knows the line and column of what is read through it. It holds what was read and
// the consumer has not used yet.
type places struct {
	r      io.Reader
	behind func() int64 // how much the consumer has used
	window []byte
	start  int64 // the offset of the window
	line   int   // of the start, from 1
	column int   // of the start, from 1
}

// Read implements io.Reader.
func (p *places) Read(b []byte) (int, error) {
	p.advance(p.behind())
	n, err := p.r.Read(b)
	p.window = append(p.window, b[:n]...)
	return n, err
}

// advance forgets what is before an offset.
func (p *places) advance(offset int64) {
	n := max(0, min(offset-p.start, int64(len(p.window))))
	gone := p.window[:n]
	if i := bytes.LastIndexByte(gone, '\n'); i >= 0 {
		p.line += bytes.Count(gone, []byte("\n"))
		p.column = 1
		gone = gone[i+1:]
	}
	p.column += utf8.RuneCount(gone)
	p.window = append(p.window[:0], p.window[n:]...)
	p.start += n
}

// fault is a fault at an offset.
func (p *places) fault(offset int64, detail string) *textfile.Fault {
	p.advance(offset)
	return &textfile.Fault{Line: p.line, Column: p.column, Detail: detail}
}

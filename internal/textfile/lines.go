package textfile

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// Source returns the lines of a text one by one.
type Source interface {
	// Next returns the next line in UTF-8, without its end and without a byte order
	// mark, valid until the next call; io.EOF after the last one. A *Fault is a line
	// that is refused; the next one may be read.
	Next() ([]byte, error)
	// Number is the number of the line that Next returned last, from 1.
	Number() int
}

// sampleBytes is how much of a file is read, at most, to detect its encoding.
const sampleBytes = 64 << 10

// Lines reads the lines of a file. It is a [Source].
type Lines struct {
	r        *bufio.Reader
	source   *counter
	encoding Encoding
	found    bool // the encoding was detected
	limit    int
	end      byte // of a line

	number  int
	skipped int64 // bytes read by Next
	peeked  []byte
	fault   error // with peeked
	held    bool  // peeked and fault are the next line
}

// NewLines reads lines of up to limit bytes. If told is nil, a byte order mark decides;
// without one the text is UTF-16 if it clearly is, and otherwise UTF-8. Its error says
// that the file is not text.
func NewLines(r io.Reader, told *Encoding, limit int) (*Lines, error) {
	l := &Lines{source: &counter{r: r}, limit: limit, end: '\n'}
	l.r = bufio.NewReaderSize(l.source, max(sampleBytes, limit+2))
	sample := firstLine(l.r)
	var err error
	if l.encoding, err = find(sample); err != nil {
		return nil, err
	}
	if l.found = told == nil; !l.found {
		if err := l.tell(*told, sample); err != nil {
			return nil, err
		}
	}
	if l.encoding.wide {
		l.r = bufio.NewReaderSize(&narrower{r: l.r, big: l.encoding.big}, max(sampleBytes, limit+2))
		sample = firstLine(l.r)
	}
	if bytes.HasPrefix(sample, mark) {
		_, _ = l.r.Discard(len(mark)) // it was just read ahead
	}
	if bytes.IndexByte(sample, '\n') < 0 && bytes.IndexByte(sample, '\r') >= 0 {
		l.end = '\r' // as programs for the Macintosh wrote it
	}
	return l, nil
}

// firstLine returns what has arrived with the first line; it does not wait for a slow
// sender. Errors of reading are returned again later.
func firstLine(r *bufio.Reader) []byte {
	for {
		came, _ := r.Peek(r.Buffered())
		if i := bytes.IndexAny(came, "\r\n"); i >= 0 && i+1 < len(came) || len(came) > 0 && came[len(came)-1] == '\n' {
			return came
		}
		if more, err := r.Peek(len(came) + 1); err != nil {
			return more
		}
	}
}

// tell uses the encoding that was given. Between the two kinds of UTF-16, a byte order
// mark decides.
func (l *Lines) tell(told Encoding, sample []byte) error {
	if bytes.HasPrefix(sample, mark) && told != UTF8 {
		return fmt.Errorf("it begins with the byte order mark of UTF-8, so it is not %s; leave --encoding out", told)
	}
	if !told.wide || !l.encoding.wide {
		l.encoding = told
	}
	return nil
}

// find detects the encoding from the beginning of a file.
func find(sample []byte) (Encoding, error) {
	for _, c := range []struct{ magic, what string }{
		{"PK\x03\x04", "an Excel workbook or another archive, not text; save the sheet as CSV (UTF-8) and give that file"},
		{"\xd0\xcf\x11\xe0", "an old Excel workbook, not text; save the sheet as CSV (UTF-8) and give that file"},
		{"\x1f\x8b", "compressed; unpack it first"},
		{"\xff\xfe\x00\x00", "UTF-32; save it as UTF-8"},
		{"\x00\x00\xfe\xff", "UTF-32; save it as UTF-8"},
	} {
		if bytes.HasPrefix(sample, []byte(c.magic)) {
			return Encoding{}, fmt.Errorf("it is %s", c.what)
		}
	}
	switch {
	case bytes.HasPrefix(sample, []byte("\xff\xfe")):
		return UTF16LE, nil
	case bytes.HasPrefix(sample, []byte("\xfe\xff")):
		return UTF16BE, nil
	}
	return unmarked(sample), nil
}

// unmarked recognises UTF-16 without a mark by its zeros: in a text with Latin letters
// nearly every second byte is zero, and a text in UTF-8 has none.
func unmarked(sample []byte) Encoding {
	var zeros [2]int
	for i, b := range sample {
		if b == 0 {
			zeros[i%2]++
		}
	}
	clearly := len(sample) / 8 // a quarter of the characters
	switch {
	case zeros[1] > clearly && zeros[1] > 8*zeros[0]:
		return UTF16LE
	case zeros[0] > clearly && zeros[0] > 8*zeros[1]:
		return UTF16BE
	}
	return UTF8
}

// Encoding returns the file's encoding, and whether it was detected.
func (l *Lines) Encoding() (e Encoding, found bool) { return l.encoding, l.found }

// Number implements [Source].
func (l *Lines) Number() int { return l.number }

// Offset is how many bytes of the file have been read up to the end of the line; for
// UTF-16 up to one buffer more.
func (l *Lines) Offset() int64 {
	if l.encoding.wide {
		return l.source.n
	}
	return l.skipped
}

// Peek returns the next line that is not blank, without consuming it; nil if it cannot
// be read.
func (l *Lines) Peek() []byte {
	for !l.held {
		l.peeked, l.fault = l.Next()
		l.held = l.fault != nil || !Blank(l.peeked)
	}
	return l.peeked
}

// Next implements [Source].
func (l *Lines) Next() ([]byte, error) {
	if l.held {
		l.held = false
		return l.peeked, l.fault
	}
	raw, err := l.read()
	if err != nil {
		return nil, err
	}
	text, fault := l.encoding.Decode(raw)
	if fault != nil {
		fault.Line = l.number
		switch {
		case fault.Guess != "":
			fault.Detail = fmt.Sprintf("this file is not UTF-8; it looks like %s; give --encoding %s", fault.Guess, fault.Guess)
		case fault.Foreign:
			fault.Detail = "this file is not UTF-8; say with --encoding what it is, such as windows-1251 or iso-8859-2"
		}
		return nil, fault
	}
	return text, nil
}

// read returns a line with the bytes of the file.
func (l *Lines) read() ([]byte, error) {
	line, err := l.r.ReadSlice(l.end)
	l.skipped += int64(len(line))
	if errors.Is(err, bufio.ErrBufferFull) {
		return nil, l.passOver()
	}
	if err != nil && (!errors.Is(err, io.EOF) || len(line) == 0) {
		return nil, err
	}
	l.number++
	line = bytes.TrimSuffix(line, []byte{l.end})
	line = bytes.TrimSuffix(line, []byte("\r"))
	if len(line) > l.limit {
		return nil, l.tooLong()
	}
	return line, nil
}

func (l *Lines) tooLong() *Fault { return TooLong(l.number, l.limit) }

// TooLong is the fault of a line with more bytes than the limit.
func TooLong(line, limit int) *Fault {
	return &Fault{Line: line, TooLong: true, Detail: fmt.Sprintf("it has more than %d bytes; is this a text with one voter per line?", limit)}
}

// passOver discards the rest of a line that is too long, without keeping it in memory.
func (l *Lines) passOver() error {
	for {
		rest, err := l.r.ReadSlice(l.end)
		l.skipped += int64(len(rest))
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
		case err == nil || errors.Is(err, io.EOF):
			l.number++
			return l.tooLong()
		default:
			return err
		}
	}
}

// counter counts the bytes that were read.
type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

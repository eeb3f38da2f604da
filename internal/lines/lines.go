// Package lines splits what comes over a connection into lines. A sender may send its
// lines one by one and wait for the answers, so asking whether a whole line has come and
// waiting for one are different calls. A line that is longer than a limit is not held.
package lines

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// Reader splits what arrives into lines. Await and Discard wait for the sender, Ready and
// Next never do. It is for one goroutine.
type Reader struct {
	r          *bufio.Reader
	limit      int
	beforeWait func()
	passedOver bool // the next line was too long and has been discarded
}

// ErrTooLong stands for a line that is longer than the limit. The lines after it can be
// read.
var ErrTooLong = errors.New("the line is too long")

// New makes a Reader of lines of up to limit bytes. It takes up to buffer bytes at once,
// which must be more than limit and the two of a line's end, and calls beforeWait before
// each read that may wait.
func New(from io.Reader, buffer, limit int, beforeWait func()) *Reader {
	return &Reader{r: bufio.NewReaderSize(from, buffer), limit: limit, beforeWait: beforeWait}
}

// Await returns when a whole line has been received, and an error when there is
// nothing more.
func (l *Reader) Await() error {
	if l.passedOver {
		return nil
	}
	seen := 0
	for {
		buffered, _ := l.r.Peek(l.r.Buffered())
		if bytes.IndexByte(buffered[seen:], '\n') >= 0 {
			return nil
		}
		if len(buffered) > l.limit+len("\r") {
			return l.passOver()
		}
		seen = len(buffered)
		l.beforeWait()
		// Asking for one byte more than there is takes all that has come.
		if _, err := l.r.Peek(seen + 1); err != nil {
			if errors.Is(err, io.EOF) && seen > 0 {
				return nil // the last line lacks its newline
			}
			return err
		}
	}
}

// passOver discards a line that is too long, without holding it.
func (l *Reader) passOver() error {
	for {
		l.beforeWait()
		_, err := l.r.ReadSlice('\n')
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
		case err == nil || errors.Is(err, io.EOF):
			l.passedOver = true
			return nil
		default:
			return err
		}
	}
}

// Ready reports whether next has a whole line.
func (l *Reader) Ready() bool {
	buffered, _ := l.r.Peek(l.r.Buffered())
	return bytes.IndexByte(buffered, '\n') >= 0
}

// Next returns the line that has come, without its end; it is valid until the
// Next call. ErrTooLong stands for a line that was passed over.
func (l *Reader) Next() ([]byte, error) {
	if l.passedOver {
		l.passedOver = false
		return nil, ErrTooLong
	}
	line, err := l.r.ReadSlice('\n')
	if err != nil && !(errors.Is(err, io.EOF) && len(line) > 0) {
		return nil, err
	}
	line = bytes.TrimSuffix(line, []byte("\n"))
	line = bytes.TrimSuffix(line, []byte("\r"))
	if len(line) > l.limit {
		return nil, ErrTooLong
	}
	return line, nil
}

// Discard reads to the end of the body and keeps nothing. It calls before each time that
// it may wait.
func (l *Reader) Discard(before func()) error {
	for {
		before()
		l.beforeWait()
		if _, err := l.r.Discard(l.r.Buffered()); err != nil {
			return err
		}
		if _, err := l.r.Peek(1); err != nil {
			return err
		}
	}
}

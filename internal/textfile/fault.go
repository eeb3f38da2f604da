package textfile

import (
	"fmt"
	"unicode/utf8"
)

// Fault says that one line is refused; the next one may be read.
type Fault struct {
	Line   int    // from 1
	Column int    // in characters, from 1; 0 for the whole line
	Voter  string // the voter that the line names; empty if it names none
	Detail string // a sentence that says what to do
	// TooLong: the line has more bytes than allowed.
	TooLong bool
	// Foreign: the bytes are not UTF-8, and no other encoding was given. Guess is the
	// encoding that they look like, empty if that is unclear.
	Foreign bool
	Guess   string
	// Cause is the error that Detail was made from; nil if there was none.
	Cause error
}

// Error names the line and the column.
func (f *Fault) Error() string { return fmt.Sprintf("line %d: %s", f.Line, f.Sentence()) }

// Unwrap returns the cause.
func (f *Fault) Unwrap() error { return f.Cause }

// Sentence is what Error says without the line.
func (f *Fault) Sentence() string {
	if f.Column > 0 {
		return fmt.Sprintf("column %d: %s", f.Column, f.Detail)
	}
	return f.Detail
}

// Column returns the column of a line's byte at an offset, in characters from 1.
func Column(line []byte, offset int) int {
	return utf8.RuneCount(line[:min(max(offset, 0), len(line))]) + 1
}

func faultf(format string, args ...any) *Fault { return &Fault{Detail: fmt.Sprintf(format, args...)} }

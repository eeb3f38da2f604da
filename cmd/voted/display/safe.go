package display

import (
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Painted is text that goes to the terminal as it is. This package makes it, of text that
// was made safe.
type Painted string

// Safe makes text safe for a terminal. Control characters, characters that reverse a line
// or are invisible, and bytes that are not UTF-8 become escapes such as \x1b and \u202e.
func Safe(s string) string {
	if utf8.ValidString(s) && strings.IndexFunc(s, unsafeRune) < 0 {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, s[0])
		case !unsafeRune(r):
			b.WriteRune(r)
		case r < 0x80:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r > 0xffff:
			fmt.Fprintf(&b, `\U%08x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
		s = s[size:]
	}
	return b.String()
}

// unsafeRune reports whether a character is shown as an escape: controls, Unicode's format
// characters, and separators of lines and paragraphs.
func unsafeRune(r rune) bool {
	return r >= 0x7f && unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) || r < ' '
}

// safeArgs makes the arguments of a format safe.
func safeArgs(args []any) []any {
	safe := make([]any, len(args))
	for i, a := range args {
		switch v := a.(type) {
		case Painted:
			safe[i] = string(v)
		case string:
			safe[i] = Safe(v)
		case error:
			safe[i] = Safe(v.Error())
		case fmt.Stringer:
			safe[i] = Safe(v.String())
		default:
			safe[i] = a
		}
	}
	return safe
}

// Data returns the writer for data such as exports: it goes unchanged into files and
// pipes, and to a terminal as [Output.JSON] writes it.
func (o *Output) Data() io.Writer {
	if !o.tty {
		return o
	}
	return o.JSON()
}

// JSON returns the writer for the JSON that a command prints. Control characters and
// invisible ones become JSON escapes, so no value or name changes. That is done for files
// and pipes too, since a pipe may end at a terminal.
func (o *Output) JSON() io.Writer { return &escapingWriter{to: o} }

// escapingWriter escapes what is written to it. It keeps the beginning of a character that
// the next call may complete.
type escapingWriter struct {
	to   io.Writer
	kept []byte
}

// Write implements io.Writer.
func (w *escapingWriter) Write(p []byte) (int, error) {
	b := append(w.kept, p...)
	w.kept = nil
	out := make([]byte, 0, len(b))
	for len(b) > 0 {
		if !utf8.FullRune(b) {
			w.kept = append(w.kept, b...)
			break
		}
		r, size := utf8.DecodeRune(b)
		switch {
		case r == '\n' || r == '\t':
			out = append(out, b[0])
		case !unsafeRune(r):
			out = utf8.AppendRune(out, r)
		case r > 0xffff:
			hi, lo := (r-0x10000)>>10+0xd800, (r-0x10000)&0x3ff+0xdc00
			out = fmt.Appendf(out, `\u%04x\u%04x`, hi, lo)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
		b = b[size:]
	}
	if _, err := w.to.Write(out); err != nil {
		return 0, err
	}
	return len(p), nil
}

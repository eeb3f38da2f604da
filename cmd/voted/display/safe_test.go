package display

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"voted/internal/console"

	"github.com/mattn/go-runewidth"
)

func TestWhatATerminalWouldObeyIsShownAsAnEscape(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"plain, Zoë, 東京 ✓":   "plain, Zoë, 東京 ✓",
		"\x1b[2J":            `\x1b[2J`,
		"a\tb\r\nc\x00\x7f":  `a\x09b\x0d\x0ac\x00\x7f`,
		"\u009b31m":          `\u009b31m`,
		"a\u202eb\u2066c":    `a\u202eb\u2066c`,
		"\u200b\ufeff\u00ad": `\u200b\ufeff\u00ad`,
		"a\u2028b":           `a\u2028b`,
		"\U000e0041":         `\U000e0041`,
		"a\xffb":             `a\xffb`,
		"\ufffd":             "\ufffd",
	} {
		if got := Safe(in); got != want {
			t.Errorf("%q is shown as %q, want %q", in, got, want)
		}
	}
	var b bytes.Buffer
	o := Fixed(&b, 80, true)
	o.Linef("%s %s %v", o.Paint(Bold, "\x1b]0;x"), "\x1b[2J", io.ErrUnexpectedEOF)
	if got, want := b.String(), "\x1b[1m\\x1b]0;x\x1b[0m \\x1b[2J unexpected EOF\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestDataIsEscapedForTerminalsAlone(t *testing.T) {
	t.Parallel()
	const data = "{\"voter\":\"a\u202eb\u009b\U000e0041é\"}\n"
	var file, screen bytes.Buffer
	if _, err := io.Copy(Fixed(&file, 80, false).Data(), strings.NewReader(data)); err != nil || file.String() != data {
		t.Errorf("%v: a file got %q", err, file.String())
	}
	terminal := &Output{Writer: &screen, tty: true}
	if _, err := io.Copy(terminal.Data(), iotest.OneByteReader(strings.NewReader(data))); err != nil {
		t.Fatal(err)
	}
	if want := `{"voter":"a\u202eb\u009b\udb40\udc41é"}` + "\n"; screen.String() != want {
		t.Errorf("a terminal got %q, want %q", screen.String(), want)
	}
	var one, other any
	if json.Unmarshal(screen.Bytes(), &one) != nil || json.Unmarshal([]byte(data), &other) != nil || one.(map[string]any)["voter"] != other.(map[string]any)["voter"] {
		t.Errorf("it means something else now: %v, was %v", one, other)
	}
	file.Reset()
	if _, err := io.Copy(Fixed(&file, 80, false).JSON(), strings.NewReader(data)); err != nil || file.String() != screen.String() {
		t.Errorf("%v: JSON that is printed into a file is %q", err, file.String())
	}
}

func TestALiveViewNeverLeavesItsWindow(t *testing.T) {
	t.Parallel()
	r := manyRounds()
	for i := range 60 {
		r.Options = append(r.Options, r.Options[i%6])
		r.Options[len(r.Options)-1].Votes = 1
	}
	for _, width := range []int{40, 80, 140} {
		for _, rows := range []int{5, 10, 23, 60, 200} {
			var b bytes.Buffer
			o := &Output{Writer: &b, Terminal: true, width: width, rows: rows}
			o.Screen().Draw(func(o *Output) {
				o.Results(r, "A title that is longer than forty columns are wide, at any rate", nil)
			})
			lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
			if len(lines) > rows {
				t.Errorf("%d columns, %d rows: %d lines", width, rows, len(lines))
			}
			for _, line := range lines {
				if runewidth.StringWidth(console.Plain(line)) > width {
					t.Errorf("%d columns: %q", width, line)
				}
			}
			if rows >= 10 && !strings.Contains(b.String(), "leads") {
				t.Errorf("%d columns, %d rows: who leads is not in sight:\n%s", width, rows, b.String())
			}
			if rows == 23 && !strings.Contains(b.String(), "more") {
				t.Errorf("%d columns: what is left out is not said:\n%s", width, b.String())
			}
		}
	}
}

func TestATableThatIsTooWideForATerminalBecomesBlocks(t *testing.T) {
	t.Parallel()
	table := Table{Columns: []Column{{Title: "POLL"}, {Title: "TITLE", Flex: true}, {Title: "CLOSES"}}}
	table.Row(Cells("lunch", "What do we eat today?", "2026-12-02 20:00 +01:00 (in 4 days)")...)
	var b bytes.Buffer
	table.Write(&Output{Writer: &b, Terminal: true, width: 40})
	want := "lunch\n  title   What do we eat today?\n  closes  2026-12-02 20:00 +01:00 (in 4\n          days)\n"
	if b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
	b.Reset()
	table.Write(Fixed(&b, 40, false)) // a file's lines stay lines
	if strings.Count(b.String(), "\n") != 2 {
		t.Errorf("got\n%s", b.String())
	}
}

func FuzzSafeTextHoldsNothingThatATerminalObeys(f *testing.F) {
	f.Add("\x1b[2J\u202e\xff")
	f.Fuzz(func(t *testing.T, s string) {
		for _, r := range Safe(s) {
			if unsafeRune(r) {
				t.Fatalf("%q became %q", s, Safe(s))
			}
		}
		for _, line := range wrap(Safe(s), 40) {
			if runewidth.StringWidth(line) > 40 || !utf8.ValidString(line) {
				t.Fatalf("%q is wrapped to %q", s, line)
			}
		}
	})
}

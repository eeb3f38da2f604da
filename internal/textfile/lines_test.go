package textfile

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf16"
	"unicode/utf8"
)

// wide writes a text in UTF-16.
func wide(text string, big, marked bool) []byte {
	if marked {
		text = "\uFEFF" + text
	}
	var b []byte
	for _, u := range utf16.Encode([]rune(text)) {
		if big {
			b = append(b, byte(u>>8), byte(u))
		} else {
			b = append(b, byte(u), byte(u>>8))
		}
	}
	return b
}

// linesOf reads all lines; those that cannot be taken are "!" and their sentence.
func linesOf(t testing.TB, l *Lines) (got []string) {
	t.Helper()
	for {
		line, err := l.Next()
		var f *Fault
		switch {
		case errors.Is(err, io.EOF):
			return got
		case errors.As(err, &f):
			got = append(got, "!"+f.Error())
		case err != nil:
			t.Fatal(err)
		default:
			got = append(got, string(line))
		}
	}
}

func TestTextIsReadInTheEncodingThatItIsIn(t *testing.T) {
	t.Parallel()
	const text = "voter;weight\r\nZoë;1\r\n\r\n😀 last;2"
	want := []string{"voter;weight", "Zoë;1", "", "😀 last;2"}
	latin := []byte("voter\nZo\xeb\nJos\xe9 \x96 x")
	for name, c := range map[string]struct {
		bytes    []byte
		told     string
		encoding string
		want     []string
	}{
		"UTF-8":                                     {[]byte(text), "", "utf-8", want},
		"UTF-8 with a byte order mark":              {[]byte("\uFEFF" + text), "", "utf-8", want},
		"UTF-16 with a mark, low byte first":        {wide(text, false, true), "", "utf-16le", want},
		"UTF-16 with a mark, high byte first":       {wide(text, true, true), "", "utf-16be", want},
		"UTF-16 that is told, by its mark":          {wide(text, true, true), "UTF-16", "utf-16be", want},
		"UTF-16 without a mark, low byte first":     {wide(text, false, false), "", "utf-16le", want},
		"UTF-16 without a mark, high byte first":    {wide(text, true, false), "", "utf-16be", want},
		"lines that end as on an old Macintosh":     {[]byte("voter\rZoë\rlast"), "", "utf-8", []string{"voter", "Zoë", "last"}},
		"Windows-1252 that is told":                 {latin, "windows-1252", "windows-1252", []string{"voter", "Zoë", "José – x"}},
		"an old name of it":                         {latin, "CP1252", "windows-1252", []string{"voter", "Zoë", "José – x"}},
		"a byte that stands for nothing in it":      {[]byte("a\nb\x81\nc"), "windows-1252", "windows-1252", []string{"a", "!line 2: column 2: the byte 81 stands for no character in windows-1252; give the file's own --encoding", "c"}},
		"Windows-1252 that is not told":             {latin, "", "utf-8", []string{"voter", "!line 2: column 3: this file is not UTF-8; it looks like windows-1252; give --encoding windows-1252", "!line 3: column 4: this file is not UTF-8; it looks like windows-1252; give --encoding windows-1252"}},
		"Mac OS Roman that is not told":             {[]byte("Zo\x91"), "", "utf-8", []string{"!line 1: column 3: this file is not UTF-8; it looks like macintosh; give --encoding macintosh"}},
		"letters that could be of any alphabet":     {[]byte("\xcf\xe5\xf2\xf0"), "", "utf-8", []string{"!line 1: column 1: this file is not UTF-8; say with --encoding what it is, such as windows-1251 or iso-8859-2"}},
		"half a character of UTF-16":                {append(wide("ab\n", false, true), 0x00, 0xd8, 'x', 0, '\n', 0, 'y', 0), "", "utf-16le", []string{"ab", "!line 2: column 1: here is half a character of UTF-16; take another copy of the file", "y"}},
		"a byte too many in UTF-16":                 {append(wide("ab\ncd", false, true), 'x'), "", "utf-16le", []string{"ab", "!line 2: column 3: here is half a character of UTF-16; take another copy of the file"}},
		"a replacement character that stands there": {[]byte("zo\uFFFD\n"), "", "utf-8", []string{"zo\uFFFD"}},
		"nothing": {nil, "", "utf-8", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var told *Encoding
			if c.told != "" {
				e, err := Named(c.told)
				if err != nil {
					t.Fatal(err)
				}
				told = &e
			}
			for _, r := range []io.Reader{bytes.NewReader(c.bytes), iotest.OneByteReader(bytes.NewReader(c.bytes))} {
				l, err := NewLines(r, told, 1000)
				if err != nil {
					t.Fatal(err)
				}
				if got := linesOf(t, l); !slices.Equal(got, c.want) {
					t.Errorf("got %q\nwant %q", got, c.want)
				}
				if e, found := l.Encoding(); e.String() != c.encoding || found != (told == nil) {
					t.Errorf("it is taken for %v, found %v", e, found)
				}
				if l.Offset() != int64(len(c.bytes)) && !strings.HasPrefix(string(c.bytes), "\uFEFF") {
					t.Errorf("%d of %d bytes were read", l.Offset(), len(c.bytes))
				}
			}
		})
	}
}

func TestWhatIsNoTextIsRefusedWithWhatToDo(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, says string }{
		"an Excel workbook":   {"PK\x03\x04rest", "save the sheet as CSV"},
		"an old one":          {"\xd0\xcf\x11\xe0rest", "save the sheet as CSV"},
		"a file of gzip":      {"\x1f\x8b\x08", "unpack it first"},
		"UTF-32":              {"\xff\xfe\x00\x00v\x00\x00\x00", "save it as UTF-8"},
		"UTF-8 told as other": {"", "leave --encoding out"},
	} {
		var told *Encoding
		if c.text == "" {
			c.text, told = "\uFEFFvoter", &UTF16BE
		}
		if _, err := NewLines(strings.NewReader(c.text), told, 100); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v does not say %q", name, err, c.says)
		}
	}
	if _, err := Named("windows-1259"); err == nil || !strings.Contains(err.Error(), "windows-1252") {
		t.Errorf("an unknown encoding: %v", err)
	}
}

func TestASenderWhoGoesOnSlowlyIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	for name, first := range map[string]string{"UTF-8": "voter\r\n", "UTF-16": string(wide("voter\n", false, true))} {
		r, w := io.Pipe()
		wrote := make(chan error, 1)
		go func() {
			_, err := w.Write([]byte(first))
			wrote <- err
		}()
		l, err := NewLines(r, nil, 100)
		if err != nil {
			t.Fatal(err)
		}
		if line, err := l.Next(); err != nil || string(line) != "voter" {
			t.Errorf("%s: the first line is %q, %v", name, line, err)
		}
		if err := <-wrote; err != nil {
			t.Error(err)
		}
		_ = w.Close() // the reader's end
	}
}

func TestALineThatIsTooLongIsPassedOver(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 200)
	huge := strings.Repeat("y", 3*sampleBytes)
	l, err := NewLines(strings.NewReader("a\n"+long+"\nb\n"+huge+"\nc\n"+huge), nil, 100)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, line := range linesOf(t, l) {
		got = append(got, line[:min(len(line), 7)])
	}
	if want := []string{"a", "!line 2", "b", "!line 4", "c", "!line 6"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// FuzzLines checks that whatever a file holds, its lines are UTF-8 or refused, that none is
// lost, and that UTF-16 says the same as UTF-8.
func FuzzLines(f *testing.F) {
	f.Add([]byte("voter\nZo\xeb\n"), "Zoë\n😀")
	f.Add([]byte("\xff\xfev\x00\n\x00\x00\xd8"), "a\r\nb")
	f.Add([]byte("a\rb"), "\uFFFD")
	f.Fuzz(func(t *testing.T, raw []byte, text string) {
		if l, err := NewLines(bytes.NewReader(raw), nil, 100); err == nil {
			for n := 1; ; n++ {
				line, err := l.Next()
				var fault *Fault
				if errors.Is(err, io.EOF) {
					break
				}
				if l.Number() != n || err == nil && !utf8.Valid(line) || err != nil && (!errors.As(err, &fault) || fault.Line != n) {
					t.Fatalf("line %d is number %d: %q, %v", n, l.Number(), line, err)
				}
			}
		}
		if !utf8.ValidString(text) || strings.ContainsAny(text, "\r\uFEFF\x00") || len(text) > 90 {
			return
		}
		narrow, err := NewLines(strings.NewReader("\uFEFF"+text), nil, 400)
		if err != nil {
			t.Fatal(err)
		}
		want := linesOf(t, narrow)
		for _, big := range []bool{false, true} {
			l, err := NewLines(bytes.NewReader(wide(text, big, true)), nil, 400)
			if err != nil {
				t.Fatal(err)
			}
			if got := linesOf(t, l); !slices.Equal(got, want) {
				t.Fatalf("UTF-16 reads as %q, UTF-8 as %q", got, want)
			}
		}
	})
}

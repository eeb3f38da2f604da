package lines

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
)

// FuzzLines checks that the lines are those of the body, however it arrives.
func FuzzLines(f *testing.F) {
	f.Add([]byte("a\nb\r\n\nc"), 1)
	f.Add([]byte("\n"), 3)
	f.Add(bytes.Repeat([]byte("x"), 33), 7)
	f.Add(append(bytes.Repeat([]byte("x"), 200), "\ny"...), 64)
	f.Fuzz(func(t *testing.T, body []byte, step int) {
		const limit = 32 // short, so that long lines are tried often
		l := New(&drip{body, max(step, 1)}, 64, limit, func() {})
		want := strings.Split(string(body), "\n")
		if want[len(want)-1] == "" {
			want = want[:len(want)-1]
		}
		for i := 0; ; i++ {
			err := l.Await()
			if err != nil {
				if i != len(want) || !errors.Is(err, io.EOF) {
					t.Fatalf("%d of %d lines, then %v", i, len(want), err)
				}
				return
			}
			line, err := l.Next()
			if i >= len(want) {
				t.Fatalf("a line too many: %q", line)
			}
			expected := strings.TrimSuffix(want[i], "\r")
			if long := len(expected) > limit; long != errors.Is(err, ErrTooLong) || !long && string(line) != expected {
				t.Fatalf("line %d is %.40q, %v", i+1, line, err)
			}
		}
	})
}

// drip gives a few bytes at a time.
type drip struct {
	rest []byte
	step int
}

func (d *drip) Read(p []byte) (int, error) {
	if len(d.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p, d.rest[:min(d.step, len(d.rest))])
	d.rest = d.rest[n:]
	return n, nil
}

func TestTheSenderIsWaitedForOnlyWhenNoWholeLineIsThere(t *testing.T) {
	t.Parallel()
	waits := 0
	l := New(&drip{[]byte("a\nb\nc"), 4}, 64, 32, func() { waits++ })
	for i, want := range []struct {
		line  string
		waits int
	}{{"a", 1}, {"b", 1}, {"c", 3}} { // the last piece, and that there is no other
		if err := l.Await(); err != nil {
			t.Fatal(err)
		}
		if ready := l.Ready(); ready != (i < 2) {
			t.Errorf("line %d is whole: %v", i+1, ready)
		}
		if line, err := l.Next(); err != nil || string(line) != want.line || waits != want.waits {
			t.Errorf("line %d is %q, %v, after %d waits", i+1, line, err, waits)
		}
	}
	if err := l.Await(); !errors.Is(err, io.EOF) {
		t.Errorf("after the last line: %v", err)
	}
}

func TestWhatIsDiscardedIsReadToItsEndWithNoticeBeforeEachWait(t *testing.T) {
	t.Parallel()
	waits, notices := 0, 0
	l := New(&drip{bytes.Repeat([]byte("x\n"), 100), 50}, 64, 32, func() { waits++ })
	if err := l.Discard(func() { notices++ }); !errors.Is(err, io.EOF) || waits < 4 || notices != waits {
		t.Errorf("%v, %d notices, %d waits", err, notices, waits)
	}
}

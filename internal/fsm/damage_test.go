package fsm

import (
	"bytes"
	"io"
	"runtime"
	"slices"
	"testing"

	"voted/internal/poll"
)

// damages yields every truncation and every single-bit flip of b.
func damages(b []byte) func(yield func(string, []byte) bool) {
	return func(yield func(string, []byte) bool) {
		for n := range b {
			if !yield("truncated", b[:n]) {
				return
			}
		}
		for n := range 8 * len(b) {
			c := slices.Clone(b)
			c[n/8] ^= 1 << (n % 8)
			if !yield("flipped", c) {
				return
			}
		}
		yield("extended", append(slices.Clone(b), 0))
	}
}

func TestEveryDamageOfACommandIsNoticed(t *testing.T) {
	t.Parallel()
	for i, entry := range wholeLog() {
		for how, b := range damages(entry) {
			if c, err := decodeCommand(b); err == nil {
				t.Fatalf("entry %d, %s: read as %+v", i+1, how, c)
			}
		}
	}
	for name, c := range goldenCommands() {
		for how, b := range damages(EncodeRequest(c)) {
			if got, err := DecodeRequest(b); err == nil {
				t.Fatalf("request %s, %s: read as %+v", name, how, got)
			}
		}
	}
}

func TestEveryDamageOfASnapshotIsNoticedAndLeavesTheStateAlone(t *testing.T) {
	t.Parallel()
	for name, log := range allLogs() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := New(nil)
			applyFrom(f, 1, log)
			damageSnapshot(t, f)
		})
	}
}

func damageSnapshot(t *testing.T, f *FSM) {
	t.Helper()
	snapshot := persist(t, f)
	other := New(nil)
	applyFrom(other, 1, smallLog()[:3])
	before, index := digestOf(other), other.Index()
	step := 1
	if testing.Short() {
		step = 7
	}
	n := 0
	for how, b := range damages(snapshot) {
		if n++; n%step != 0 {
			continue
		}
		if err := other.Restore(io.NopCloser(bytes.NewReader(b))); err == nil {
			t.Fatalf("damage %d, %s: it was restored", n, how)
		}
		if digestOf(other) != before || other.Index() != index {
			t.Fatalf("damage %d, %s: the state changed", n, how)
		}
	}
	if err := other.Restore(io.NopCloser(bytes.NewReader(snapshot))); err != nil {
		t.Fatal(err)
	}
	if err := sameState(t, f, other); err != nil {
		t.Fatal(err)
	}
}

// A snapshot is also refused if a whole section is in the wrong place, missing or there
// twice.
func TestASnapshotWithWholeSectionsInTheWrongPlaceIsRefused(t *testing.T) {
	t.Parallel()
	for name, log := range allLogs() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := New(nil)
			applyFrom(f, 1, log)
			misplaceSections(t, persist(t, f))
		})
	}
}

func misplaceSections(t *testing.T, snapshot []byte) {
	t.Helper()
	head, sections := cutSections(t, snapshot)
	build := func(parts [][]byte) []byte { return append(slices.Clone(head), slices.Concat(parts...)...) }
	if _, _, err := ReadSnapshot(bytes.NewReader(build(sections))); err != nil {
		t.Fatal(err)
	}
	for i := range sections {
		missing := slices.Delete(slices.Clone(sections), i, i+1)
		twice := slices.Insert(slices.Clone(sections), i, sections[i])
		for what, parts := range map[string][][]byte{"missing": missing, "twice": twice} {
			if s, _, err := ReadSnapshot(bytes.NewReader(build(parts))); err == nil {
				t.Errorf("section %d of %d (%q) %s: read as index %d", i, len(sections), sections[i][0], what, s.Index())
			}
		}
		for j := range i {
			swapped := slices.Clone(sections)
			swapped[i], swapped[j] = swapped[j], swapped[i]
			s, _, err := ReadSnapshot(bytes.NewReader(build(swapped)))
			if err == nil && !bytes.Equal(sections[i], sections[j]) {
				t.Errorf("sections %d (%q) and %d (%q) swapped: read as index %d", i, sections[i][0], j, sections[j][0], s.Index())
			}
		}
	}
}

// cutSections takes a snapshot apart.
func cutSections(t *testing.T, b []byte) (head []byte, sections [][]byte) {
	t.Helper()
	head, b = b[:len(snapshotMagic)+2], b[len(snapshotMagic)+2:]
	for len(b) > 0 {
		c := poll.NewCursor(b[1:])
		c.Blob()
		c.Bytes(4)
		if c.Err() != nil {
			t.Fatal(c.Err())
		}
		size := len(b) - c.Len()
		sections = append(sections, b[:size])
		b = b[size:]
	}
	return head, sections
}

// A wrong length must not be believed before its bytes are there.
func TestALyingLengthAllocatesNothing(t *testing.T) {
	huge := []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0x1f} // 2^40 and more
	for name, read := range map[string]func(){
		"snapshot section": func() {
			b := append(append([]byte(snapshotMagic), SnapshotVersion, 0, sectionState), huge...)
			if _, _, err := ReadSnapshot(bytes.NewReader(b)); err == nil {
				t.Error("it was read")
			}
		},
		"frame": func() {
			b := append([]byte{1, 'p', 0}, huge...)
			if _, err := CountFrame(b); err == nil {
				t.Error("it was read")
			}
			if _, err := CountFrame(append([]byte{1, 'p', 0, 0}, huge...)); err == nil {
				t.Error("it was read")
			}
		},
		"request": func() {
			for _, payload := range [][]byte{huge, append([]byte{0, 0}, huge...)} {
				if _, err := DecodeRequest(appendCRC(append([]byte{FormatVersion, kindCreate}, payload...), 0)); err == nil {
					t.Error("it was read")
				}
			}
		},
		"outcomes": func() {
			if _, _, err := DecodeOutcomes([]byte{1, 1, 1}, 1<<40); err == nil {
				t.Error("they were read")
			}
		},
		"result": func() {
			if _, err := DecodeResult(append([]byte{1, 0, 0, 0, 1, 1, 0, 0}, huge...)); err == nil {
				t.Error("it was read")
			}
		},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		read()
		runtime.ReadMemStats(&after)
		// The largest is the reader's own buffer of a MiB.
		if got := after.TotalAlloc - before.TotalAlloc; got > 8<<20 {
			t.Errorf("%s: %d bytes were allocated", name, got)
		}
	}
}

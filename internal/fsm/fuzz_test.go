package fsm

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"voted/internal/poll"
)

// seed gives a fuzz target the golden files whose names begin with a prefix.
func seed(f *testing.F, prefix string, add func(b []byte)) {
	f.Helper()
	paths, err := filepath.Glob(filepath.Join("testdata", "v1", prefix+"*.golden"))
	if err != nil || len(paths) == 0 {
		f.Fatalf("no golden files %s: %v", prefix, err)
	}
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		add(b)
	}
}

// After a right checksum anything may follow. What can be read must encode to the same
// command again, and must not stop the state.
func FuzzCommand(f *testing.F) {
	seed(f, "command-", func(b []byte) { f.Add(b[:len(b)-commandTrailer]) })
	f.Fuzz(func(t *testing.T, body []byte) {
		if _, err := decodeCommand(body); err == nil && len(body) < commandHead+commandTrailer {
			t.Fatal("less than a head was read")
		}
		entry := appendCRC(bytes.Clone(body), 0)
		c, err := decodeCommand(entry)
		if err != nil {
			return
		}
		if c.manage == nil {
			if len(c.frames) > len(body) {
				t.Fatalf("%d frames in %d bytes", len(c.frames), len(body))
			}
			return
		}
		again, err := decodeCommand(AppendCommand(nil, c.at, c.manage))
		if err != nil || again.at != c.at {
			t.Fatalf("what was read cannot be read again: %v", err)
		}
		s := poll.NewState()
		s.Begin(poll.Stamp{Index: 1, At: c.at})
		s.Do(c.manage)
		s.End()
	})
}

func FuzzRequest(f *testing.F) {
	seed(f, "request-", func(b []byte) { f.Add(b[:len(b)-commandTrailer]) })
	f.Fuzz(func(t *testing.T, body []byte) {
		_, _ = DecodeRequest(body)
		c, err := DecodeRequest(appendCRC(bytes.Clone(body), 0))
		if err != nil {
			return
		}
		// The leader writes into the log what it has read, so that must be readable.
		if _, err := decodeCommand(AppendCommand(nil, 1, c)); err != nil {
			t.Fatalf("a request that can be read becomes an entry that cannot: %v", err)
		}
	})
}

func FuzzFrame(f *testing.F) {
	seed(f, "frame", func(b []byte) { f.Add(b) })
	f.Add([]byte{})
	f.Add([]byte{1, 'p', 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		n, err := CountFrame(b)
		if n > len(b)/minFrameBallot {
			t.Fatalf("%d ballots in %d bytes", n, len(b))
		}
		if err != nil {
			return
		}
		// What the leader accepts into the log must not stop a member.
		var frame Frame
		s := poll.NewState()
		s.Begin(poll.Stamp{Index: 1})
		s.Do(poll.Create{Definition: definition("secret", "plurality")})
		s.End()
		s.Begin(poll.Stamp{Index: 2})
		for _, ballot := range readBallots(t, b) {
			s.Cast(s.Find(ballot.Poll), &ballot)
			if (ballot.Voter != "") == (ballot.Poll == "open") { // one kind a poll
				frame.Add(&ballot)
			}
		}
		s.End()
		again, _ := frame.Seal()
		if got, err := CountFrame(again); err != nil || got != frame.Len() {
			t.Fatalf("written again it has %d of %d ballots: %v", got, frame.Len(), err)
		}
	})
}

// minFrameBallot is the fewest bytes a ballot takes: its key and its choice.
const minFrameBallot = 17

func FuzzOutcomes(f *testing.F) {
	seed(f, "outcomes", func(b []byte) { f.Add(b, uint16(5)) })
	f.Fuzz(func(t *testing.T, b []byte, n uint16) {
		index, outcomes, err := DecodeOutcomes(b, int(n))
		if err != nil {
			return
		}
		if len(outcomes) != int(n) {
			t.Fatalf("%d of %d outcomes", len(outcomes), n)
		}
		for _, o := range outcomes {
			_ = o.Err()
			_ = o.Kind.String() + o.Code.String()
		}
		clock, _ := binary.Uvarint(b[len(binary.AppendUvarint(nil, index)):])
		if _, _, err := DecodeOutcomes(AppendOutcomes(nil, index, int64(clock), outcomes), int(n)); err != nil {
			t.Fatalf("what was read cannot be read again: %v", err)
		}
	})
}

func FuzzResult(f *testing.F) {
	seed(f, "result-", func(b []byte) { f.Add(b) })
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := DecodeResult(b)
		if err != nil {
			return
		}
		again, err := DecodeResult(EncodeResult(r))
		if err != nil || again.String() != r.String() {
			t.Fatalf("%v came back as %v, %v", r, again, err)
		}
	})
}

// The input is a list of sections, each a kind and a blob; the target adds right
// checksums, so that the content is reached.
func FuzzSnapshot(f *testing.F) {
	seed(f, "snapshot", func(b []byte) {
		f.Add(b, true)
		f.Add(plainSections(b), false)
	})
	f.Fuzz(func(t *testing.T, b []byte, raw bool) {
		if !raw {
			b = sealSections(b)
		}
		s, of, err := ReadSnapshot(bytes.NewReader(b))
		if err != nil {
			return
		}
		v := s.View()
		defer v.Close()
		var again bytes.Buffer
		if err := WriteSnapshot(&again, of, v, nothing{}); err != nil {
			t.Fatal(err)
		}
		back, _, err := ReadSnapshot(&again)
		if err != nil || back.Digest() != s.Digest() || back.Index() != s.Index() {
			t.Fatalf("what was read cannot be read again: %v", err)
		}
		page, _ := s.List(0, 100, func(poll.Info) bool { return true })
		for _, i := range page {
			if c, refused := s.Count(i.Rules.ID); refused == nil {
				c.Tabulate()
			}
		}
	})
}

type nothing struct{}

func (nothing) Lock()   {}
func (nothing) Unlock() {}

// plainSections removes magic, version and checksums from a snapshot.
func plainSections(b []byte) (plain []byte) {
	for b = b[len(snapshotMagic)+2:]; len(b) > 0; {
		c := poll.NewCursor(b[1:])
		c.Blob()
		size := len(b) - c.Len()
		plain = append(plain, b[:size]...)
		b = b[size+4:]
	}
	return plain
}

// sealSections adds them again.
func sealSections(plain []byte) []byte {
	var out strings.Builder
	w := &sectionWriter{w: bufio.NewWriter(&out)}
	w.raw([]byte(snapshotMagic))
	w.raw([]byte{SnapshotVersion, 0})
	for len(plain) > 0 {
		c := poll.NewCursor(plain[1:])
		content := c.Blob()
		if c.Err() != nil {
			break
		}
		w.section(plain[0], content)
		plain = plain[len(plain)-c.Len():]
	}
	_ = w.w.Flush() // into memory
	return []byte(out.String())
}

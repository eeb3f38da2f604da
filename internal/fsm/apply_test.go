package fsm

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/raft"

	"voted/internal/poll"
)

func readCloser(b []byte) io.ReadCloser { return io.NopCloser(bytes.NewReader(b)) }

func TestApplyAnswersPerBallotFrameAfterFrame(t *testing.T) {
	t.Parallel()
	told := 0
	f := New(func(s Step) { told += s.Ballots })
	answers := applyFrom(f, 1, smallLog())
	var got []string
	for _, o := range answers[5].Outcomes {
		got = append(got, strings.TrimSpace(o.Kind.String()+" "+o.Code.String()))
	}
	// Within a frame the ballots of one poll are next to each other.
	want := []string{
		"counted", "counted", "refused poll_not_open", "counted",
		"replayed", "refused poll_not_found", "counted",
	}
	if !slices.Equal(got, want) {
		t.Fatalf("%q, not %q", got, want)
	}
	total := 0
	for i, a := range answers {
		if a.Index != uint64(i+1) {
			t.Fatalf("the answer to entry %d names %d", i+1, a.Index)
		}
		total += len(a.Outcomes)
	}
	if told != total {
		t.Fatalf("%d ballots were reported, %d answered", told, total)
	}
	if r := answers[2].Result; r.Err != nil || !r.Created || answers[2].Clock != 1100 {
		t.Fatalf("create: %+v", answers[2])
	}
}

// Halting is better than diverging: raft continues after an error, but not after a
// panic.
func TestApplyPanicsOnWhatItCannotRead(t *testing.T) {
	t.Parallel()
	badFrame := sealed(ballotOf("secret", "v", 0, 0))
	for name, data := range map[string][]byte{
		"nothing":              {},
		"a short entry":        {1, 2, 3},
		"a damaged checksum":   append(AppendCommand(nil, 1, poll.Tick{})[:13], 0xff),
		"only a checksum":      appendCRC(nil, 0),
		"an unknown format":    appendCRC([]byte{FormatVersion + 1, kindTick, 0, 0, 0, 0, 0, 0, 0, 0}, 0),
		"an unknown kind":      appendCRC([]byte{FormatVersion, 99, 0, 0, 0, 0, 0, 0, 0, 0}, 0),
		"a tick with a body":   appendCRC([]byte{FormatVersion, kindTick, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 0),
		"a frame that is cut":  AppendBallots(nil, 1, badFrame[:len(badFrame)-1]),
		"a frame with a flag":  AppendBallots(nil, 1, []byte{1, 'p', 2, 0, 0}),
		"a frame with a gap":   AppendBallots(nil, 1, append([]byte{1, 'p', 0, 0, 1}, make([]byte, 17)...)),
		"a frame of a long id": AppendBallots(nil, 1, sealed(ballotOf(strings.Repeat("p", poll.MaxIDBytes+1), "v", 0, 0))),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := New(nil)
			defer func() {
				msg, _ := recover().(string)
				if !strings.Contains(msg, "log entry 7 is committed but cannot be read") {
					t.Fatalf("it ended with %q", msg)
				}
				if f.Index() != 0 {
					t.Fatal("the entry counts as applied")
				}
			}()
			f.Apply(&raft.Log{Index: 7, Data: data})
		})
	}
}

func TestCountFrameRefusesWhatApplyWouldPanicOn(t *testing.T) {
	t.Parallel()
	frame := sealed(goldenBallots()...)
	for n := 1; n < len(frame); n++ {
		ballots, err := CountFrame(frame[:n])
		if err == nil && ballots >= len(goldenBallots()) {
			t.Fatalf("cut at %d: %d ballots", n, ballots)
		}
		if err != nil {
			continue
		}
		// Cut between two groups it is a smaller frame; the link's own framing
		// and the command's checksum see to that.
		f := New(nil)
		f.Apply(&raft.Log{Index: 1, Data: AppendBallots(nil, 1, frame[:n])})
	}
}

func TestFramesOfManyPollsAreReadIntoTheirOwn(t *testing.T) {
	t.Parallel()
	f := New(nil)
	var frame Frame
	var places []Place
	index := uint64(0)
	for _, id := range []string{"p1", "p2", "p3"} {
		index++
		f.Apply(&raft.Log{Index: index, Data: AppendCommand(nil, 1, poll.Create{Definition: definition(id, "plurality")})})
	}
	for n := range 30 {
		b := ballotOf([]string{"p1", "p2", "p3"}[n%3], string(rune('a'+n)), 0, byte(n%3))
		places = append(places, frame.Add(&b))
	}
	sealed, first := frame.Seal()
	a := f.Apply(&raft.Log{Index: 9, Data: AppendBallots(nil, 2, sealed)}).(*Applied)
	for n, p := range places {
		if o := a.Outcomes[p.Position(first)]; o.Kind != poll.Counted || o.Receipt.Ballot != uint32(n/3+1) {
			t.Fatalf("ballot %d: %+v", n, o)
		}
	}
}

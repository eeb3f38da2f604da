package poll

import (
	"reflect"
	"testing"
)

func TestPollsWithoutBallotsShareWhatIsNeverWritten(t *testing.T) {
	t.Parallel()
	// Given polls without a ballot, one of them deleted, one closed, one loaded.
	s := NewState()
	for n, c := range []Command{
		Create{Definition: Definition{ID: "empty", Options: []Option{{ID: "a"}, {ID: "b"}}}.WithDefaults()},
		Create{Definition: Definition{ID: "closed", Options: []Option{{ID: "a"}, {ID: "b"}}}.WithDefaults()},
		Close{Poll: "closed"},
		Create{Definition: Definition{ID: "gone", Options: []Option{{ID: "a"}, {ID: "b"}}}.WithDefaults()},
		Close{Poll: "gone"},
		Delete{Poll: "gone"},
		Create{Definition: Definition{ID: "voted", Options: []Option{{ID: "a"}, {ID: "b"}}}.WithDefaults()},
	} {
		s.Begin(Stamp{Index: uint64(n) + 1, At: 1})
		if r := s.Do(c); r.Err != nil {
			t.Fatal(r.Err)
		}
		s.End()
	}
	// When another one gets ballots.
	castRange(s, s.Find("voted"), 1, 10)
	// Then that one alone has contents of its own, and the others' are as they were.
	for _, p := range s.order {
		if own := p.contents != &nothing; own != (p.rules.ID == "voted") {
			t.Errorf("poll %s has contents of its own: %v", p.rules.ID, own)
		}
	}
	if !reflect.DeepEqual(nothing, contents{}) {
		t.Error("what empty polls share was written to")
	}
}

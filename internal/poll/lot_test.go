package poll

import (
	"reflect"
	"slices"
	"testing"

	"voted/internal/refusal"
	"voted/internal/tally"
)

// byLot is a poll that decides ties by lot.
func byLot(id string) Definition {
	return Definition{
		ID: id, Options: []Option{{ID: "a"}, {ID: "b"}, {ID: "c"}}, Method: "plurality",
		MinSelections: 1, Counting: tally.Settings{Ties: tally.TiesLot},
	}.WithDefaults()
}

// did applies a command to s at its next index.
func did(s *State, c Command) Result {
	s.Begin(Stamp{Index: s.index + 1, At: s.clock + 1})
	defer s.End()
	return s.Do(c)
}

func tied(t *testing.T, drawn ...int) tally.Result {
	t.Helper()
	s := NewState()
	did(s, Create{Definition: byLot("p")})
	if r := did(s, Close{Poll: "p"}); r.Err != nil {
		t.Fatal(r.Err)
	}
	if len(drawn) > 0 {
		if r := did(s, DrawLot{Poll: "p", Order: drawn}); r.Err != nil {
			t.Fatal(r.Err)
		}
	}
	info, _ := s.Info("p")
	m, _ := tally.ByName("plurality")
	return m.FromTotals(tally.Totals{Ballots: 4, Points: []int64{2, 2, 0}, Marks: []int64{2, 2, 0}}, info.Settings())
}

func TestALotThatIsDrawnDecidesTheTieThatWasOpen(t *testing.T) {
	t.Parallel()
	if r := tied(t); r.Unresolved == nil || !slices.Equal(r.Unresolved.Options, []int{0, 1}) {
		t.Errorf("without a lot the result is %+v", r)
	}
	if r := tied(t, 2, 1, 0); r.Unresolved != nil || !slices.Equal(r.Winners, []int{1}) {
		t.Errorf("with a lot the result is %+v", r)
	}
}

func TestALotIsDrawnOnceAfterTheClose(t *testing.T) {
	t.Parallel()
	s := NewState()
	given := byLot("given")
	given.Counting.Lot = []int{0, 1, 2}
	did(s, Create{Definition: byLot("p")})
	did(s, Create{Definition: given})
	did(s, Create{Definition: Definition{ID: "listed", Options: byLot("").Options, MinSelections: 1}.WithDefaults()})
	draw := func(id string, order ...int) DrawLot { return DrawLot{Poll: id, Order: order} }
	for _, step := range []struct {
		name    string
		command Command
		code    refusal.Code
	}{
		{"a poll that does not exist", draw("q", 0, 1, 2), refusal.PollNotFound},
		{"an open poll", draw("p", 0, 1, 2), refusal.PollNotClosed},
		{"closing", Close{Poll: "p"}, refusal.None},
		{"closing", Close{Poll: "given"}, refusal.None},
		{"closing", Close{Poll: "listed"}, refusal.None},
		{"a lot that lacks an option", draw("p", 0, 1), refusal.InvalidPoll},
		{"a lot with an option twice", draw("p", 0, 1, 1), refusal.InvalidPoll},
		{"a lot with an option that is not there", draw("p", 0, 1, 3), refusal.InvalidPoll},
		{"a poll that decides otherwise", draw("listed", 0, 1, 2), refusal.InvalidPoll},
		{"the lot", draw("p", 2, 0, 1), refusal.None},
		{"the lot again", draw("p", 2, 0, 1), refusal.None},
		{"another lot", draw("p", 0, 1, 2), refusal.LotDrawn},
		{"the lot of the definition", draw("given", 0, 1, 2), refusal.None},
		{"another than that of the definition", draw("given", 2, 1, 0), refusal.LotDrawn},
		{"deleting", Delete{Poll: "p"}, refusal.None},
		{"a deleted poll", draw("p", 2, 0, 1), refusal.PollNotFound},
	} {
		before := s.Digest()
		r := did(s, step.command)
		if r.Err == nil && step.code != refusal.None || r.Err != nil && r.Err.Code != step.code {
			t.Errorf("%s: %v, want %v", step.name, r.Err, step.code)
		}
		if step.code != refusal.None && s.Digest() != before {
			t.Errorf("%s changed the state", step.name)
		}
	}
}

func TestALotOfASeedIsTheOrderOfSHA256(t *testing.T) {
	t.Parallel()
	// As `for o in a b c; do printf %s 42$o | sha256sum; done` gives it.
	got := LotOfSeed([]Option{{ID: "a"}, {ID: "b"}, {ID: "c"}}, "42")
	if want := []int{2, 1, 0}; !slices.Equal(got, want) {
		t.Errorf("the order is %v, want %v", got, want)
	}
	if another := LotOfSeed([]Option{{ID: "c"}, {ID: "a"}, {ID: "b"}}, "42"); another[0] != (got[0]+1)%3 {
		t.Errorf("it depends on the order of the options: %v, then %v", got, another)
	}
}

func TestADefinitionThatAsksForACountComesBackAsItWas(t *testing.T) {
	t.Parallel()
	d := byLot("p")
	d.Ballots = AsMarked
	d.Counting = tally.Settings{Seats: 3, Ties: tally.TiesLot, Lot: []int{2, 1, 0}, Rules: tally.Rules{"x": {Word: "y", Count: 300, Options: []int{1}}}}
	d.Eligibility = OnRoll
	b := d.AppendCanonical(nil)
	c := NewCursor(b)
	if got := c.Definition(); c.Err() != nil || c.Len() != 0 || !reflect.DeepEqual(got, d) {
		t.Errorf("it came back as %+v, %v", got, c.Err())
	}
	for n := range b {
		if c := NewCursor(b[:n]); c.Definition().ID == "" || c.Err() == nil {
			if c.Err() == nil {
				t.Fatalf("%d of %d bytes are read as a whole definition", n, len(b))
			}
		}
	}
}

func TestWhatIsTheDefaultIsTheSamePollAsLeavingItOut(t *testing.T) {
	t.Parallel()
	plain := Definition{ID: "p", Options: byLot("").Options, Method: "irv", MinSelections: 1}
	said := plain
	said.Counting = tally.Settings{Seats: 1, Ties: tally.TiesListed}
	if !SamePoll(plain.WithDefaults(), said.WithDefaults()) || said.WithDefaults().Level() != FirstLevel {
		t.Error("one seat and the listed order make another poll")
	}
	said.Counting.Ties = tally.TiesReport
	if SamePoll(plain.WithDefaults(), said.WithDefaults()) || said.WithDefaults().Level() != CountingLevel {
		t.Error("a tie-break that is not the default makes no other poll")
	}
}

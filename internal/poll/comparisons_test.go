package poll

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"voted/internal/tally"
)

// rankedPoll is a state with a poll p of four options that is counted by a method.
func rankedPoll(t *testing.T, method string) *State {
	t.Helper()
	d := Definition{ID: "p", Method: method, Revote: RevoteUntilClose}
	for _, id := range []string{"a", "b", "c", "d"} {
		d.Options = append(d.Options, Option{ID: id})
	}
	s := NewState()
	if r := did(s, Create{Definition: d.WithDefaults()}); r.Err != nil {
		t.Fatal(r.Err)
	}
	return s
}

// ranks casts a voter's ballot, such as "acb"; version is that of their last one.
func ranks(t *testing.T, s *State, voter, order string, version uint32) {
	t.Helper()
	p := s.Find("p")
	marks := Marks{}
	for _, id := range strings.Split(order, "") {
		marks.Ranking = append(marks.Ranking, []string{id})
	}
	sel, errs := p.rules.Encode(marks)
	if errs != nil {
		t.Fatal(errs)
	}
	s.Begin(Stamp{Index: s.index + 1, At: s.clock + 1})
	defer s.End()
	if o := s.Cast(p, &Ballot{Poll: "p", Key: p.rules.Key(voter), Selections: sel, IfVersion: version}); o.Err() != nil {
		t.Fatal(o.Err())
	}
}

func countOf(t *testing.T, s *State) Count {
	t.Helper()
	c, refused := s.Count("p")
	if refused != nil {
		t.Fatal(refused)
	}
	return c
}

func TestComparisonsLookOnlyAtWhatHasChanged(t *testing.T) {
	t.Parallel()
	s := rankedPoll(t, "schulze")
	ranks(t, s, "v", "abcd", 0)
	ranks(t, s, "w", "bacd", 0)
	var earlier Comparisons
	first := countOf(t, s)
	first.TabulateAfter(&earlier)
	ranks(t, s, "w", "dcba", 1) // the same selections of v, none of the first of w
	ranks(t, s, "x", "dcba", 0)
	later := countOf(t, s)
	want := later.Tabulate()
	// What cannot be read shows that it is not looked at.
	later.profile.entries = slices.Clone(later.profile.entries)
	later.profile.entries[0], earlier.entries = "nonsense", slices.Clone(earlier.entries)
	earlier.entries[0] = "nonsense"
	if got := later.TabulateAfter(&earlier); !reflect.DeepEqual(got, want) || !slices.Equal(got.Winners, []int{3}) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestComparisonsOfAnotherStateAreNotUsed(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"copeland", "irv"} {
		old, restored := rankedPoll(t, method), rankedPoll(t, method)
		ranks(t, old, "v", "abcd", 0)
		ranks(t, old, "w", "bacd", 0)
		ranks(t, old, "x", "bacd", 0)
		for n, order := range []string{"cdab", "abcd", "dcba"} {
			ranks(t, restored, string(rune('a'+n)), order, 0)
		}
		var earlier Comparisons
		before, after := countOf(t, old), countOf(t, restored)
		before.TabulateAfter(&earlier)
		if got, want := after.TabulateAfter(&earlier), after.Tabulate(); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, want %+v", method, got, want)
		}
		if got, want := before.TabulateAfter(&earlier), before.Tabulate(); !reflect.DeepEqual(got, want) {
			t.Errorf("%s, fewer ballots: got %+v, want %+v", method, got, want)
		}
	}
}

// The control of what compares counts that follow with counts from the start.
func TestComparisonsThatMissAChangeGiveAnotherResult(t *testing.T) {
	t.Parallel()
	for _, name := range tally.Names() {
		m, _ := tally.ByName(name)
		if m.Form != tally.Ranking {
			continue
		}
		s := rankedPoll(t, name)
		ranks(t, s, "v", "abcd", 0)
		var earlier Comparisons
		first := countOf(t, s)
		first.TabulateAfter(&earlier)
		ranks(t, s, "w", "abcd", 0)
		later := countOf(t, s)
		earlier.counts = slices.Clone(later.profile.counts) // as if the second ballot were in it
		if reflect.DeepEqual(later.TabulateAfter(&earlier), later.Tabulate()) {
			t.Errorf("%s: a ballot was not compared, and the result is the same", name)
		}
	}
}

func TestACountInRoomThatIsThereNeedsNoMemoryUnderTheLock(t *testing.T) {
	t.Parallel()
	s := rankedPoll(t, "irv")
	ranks(t, s, "v", "abcd", 0)
	ranks(t, s, "w", "bacd", 0)
	p := s.Find("p")
	const many = 200_000 // as many selections, all of one ballot
	for len(p.profile.counts) < many {
		p.profile.entries, p.profile.counts = append(p.profile.entries, p.profile.entries[0]), append(p.profile.counts, 1)
	}
	room := RoomFor(s.Distinct("p"))
	c, refused := s.CountIn("p", room)
	if refused != nil || !slices.Equal(c.profile.counts, p.profile.counts) {
		t.Fatalf("%v: %d of %d are copied", refused, len(c.profile.counts), many)
	}
	if &c.profile.counts[0] != &room.counts[:1][0] {
		t.Error("the memory that was there is not used")
	}
	small, _ := s.CountIn("p", RoomFor(1)) // many came in between
	if !slices.Equal(small.profile.counts, p.profile.counts) {
		t.Error("a count in room that is too small is not whole")
	}
	if s.Distinct("none") != 0 {
		t.Error("a poll that is not there has distinct selections")
	}
}

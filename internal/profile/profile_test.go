package profile

import (
	"errors"
	"slices"
	"testing"

	"voted/internal/tally"
)

func TestEqualBallotsAreAddedUp(t *testing.T) {
	t.Parallel()
	c := Collector{Form: tally.Ranking}
	for range 3 {
		c.Mark(1)
		c.NextRank()
		c.NextRank()
		c.Mark(2)
		c.Mark(0)
		c.NextRank() // an empty rank at the end says nothing
		if err := c.Add(2); err != nil {
			t.Fatal(err)
		}
	}
	c.NextRank()
	if err := c.Add(5); err != nil {
		t.Fatal(err)
	}
	p := Profile{Options: make([]Option, 3), Form: tally.Ranking, Groups: c.Groups()}
	if len(p.Groups) != 2 || p.Groups[0].Weight != 6 || !slices.EqualFunc(p.Groups[0].Ranking, [][]int{{1}, {}, {0, 2}}, slices.Equal[[]int]) {
		t.Errorf("got %v", p.Groups)
	}
	if odd := p.Oddities(); odd != (Oddities{Blank: 5, Skipped: 6, Shared: 6}) {
		t.Errorf("got %+v", odd)
	}
}

func TestABallotThatIsRefusedLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	c := Collector{Form: tally.Choice}
	c.Mark(1)
	c.Mark(1)
	var twice *TwiceError
	if err := c.Add(1); !errors.As(err, &twice) || twice.Option != 1 {
		t.Errorf("an option twice: %v", err)
	}
	c.Mark(0)
	if err := c.Add(MaxBallots); err != nil {
		t.Fatal(err)
	}
	c.Mark(0)
	var many *TooManyError
	if err := c.Add(1); !errors.As(err, &many) {
		t.Errorf("one ballot more than there can be: %v", err)
	}
	if c.Total() != MaxBallots || len(c.Groups()) != 1 {
		t.Errorf("%d ballots in %v", c.Total(), c.Groups())
	}
}

func TestEachOptionHasANameOfItsOwn(t *testing.T) {
	t.Parallel()
	p := Profile{Options: []Option{{"a", "Ann"}, {"b", "ann"}, {"c", "Ann (a)"}, {"d", " Di\n Lee "}, {"e", ""}}}
	want := []string{"Ann (a) 1", "ann (b)", "Ann (a)", "Di Lee", "(e)"}
	if got := p.Names(); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestACountIsAWholeNumberThatFits(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{"1": 1, "007": 7, "": 0, "0": 0, "-1": 0, "1.5": 0, "1e3": 0, "9223372036854775807": 0, "9223372036854775808": 0, "４": 0} {
		if got, err := ParseCount(text); got != want || (err == nil) != (want > 0) {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
}

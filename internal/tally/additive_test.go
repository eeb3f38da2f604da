package tally_test

import (
	"reflect"
	"testing"

	"voted/internal/tally"
)

func TestAdditiveMethods(t *testing.T) {
	t.Parallel()
	type points = tally.OptionScore
	tests := []struct {
		name    string
		method  string
		profile tally.Profile
		ballots int64
		options []tally.OptionResult
		winners []int
	}{
		{
			name: "the most votes win, without a majority", method: "plurality",
			profile: tally.Profile{Options: 4, Groups: []tally.Group{chosen(42, 0), chosen(26, 1), chosen(15, 2), chosen(17, 3)}},
			ballots: 100,
			options: []tally.OptionResult{{Votes: 42, Marks: 42}, {Votes: 26, Marks: 26}, {Votes: 15, Marks: 15}, {Votes: 17, Marks: 17}},
			winners: []int{0},
		},
		{
			name: "all leaders of a tie win", method: "plurality",
			profile: tally.Profile{Options: 3, Groups: []tally.Group{chosen(5, 2), chosen(5, 0), chosen(4, 1)}},
			ballots: 14,
			options: []tally.OptionResult{{Votes: 5, Marks: 5}, {Votes: 4, Marks: 4}, {Votes: 5, Marks: 5}},
			winners: []int{0, 2},
		},
		{
			name: "blank ballots are ballots without a vote", method: "plurality",
			profile: tally.Profile{Options: 2, Groups: []tally.Group{chosen(9), chosen(1, 1)}},
			ballots: 10,
			options: []tally.OptionResult{{}, {Votes: 1, Marks: 1}},
			winners: []int{1},
		},
		{
			name: "a ballot of several choices is a vote for each", method: "approval",
			profile: tally.Profile{Options: 3, Groups: []tally.Group{chosen(4, 0), chosen(3, 1, 2), chosen(2, 0, 1)}},
			ballots: 9,
			options: []tally.OptionResult{{Votes: 6, Marks: 6}, {Votes: 5, Marks: 5}, {Votes: 3, Marks: 3}},
			winners: []int{0},
		},
		{
			name: "an option named twice on a ballot has one vote, an unknown one none", method: "approval",
			profile: tally.Profile{Options: 2, Groups: []tally.Group{chosen(3, 1, 1, 7, -1), chosen(-5, 0)}},
			ballots: 3,
			options: []tally.OptionResult{{}, {Votes: 3, Marks: 3}},
			winners: []int{1},
		},
		{
			name: "the highest sum wins, not the highest mean", method: "score",
			profile: tally.Profile{Options: 3, Groups: []tally.Group{
				scored(3, points{Option: 0, Score: 6}, points{Option: 1, Score: 2}),
				scored(1, points{Option: 2, Score: 10}),
			}},
			ballots: 4,
			options: []tally.OptionResult{{Score: 18, Marks: 3, Mean: 6}, {Score: 6, Marks: 3, Mean: 2}, {Score: 10, Marks: 1, Mean: 10}},
			winners: []int{0},
		},
		{
			name: "equal sums win together", method: "score",
			profile: tally.Profile{Options: 2, Groups: []tally.Group{
				scored(2, points{Option: 0, Score: 3}),
				scored(1, points{Option: 1, Score: 6}),
			}},
			ballots: 3,
			options: []tally.OptionResult{{Score: 6, Marks: 2, Mean: 3}, {Score: 6, Marks: 1, Mean: 6}},
			winners: []int{0, 1},
		},
		{
			name: "a score of zero is a mark, and being passed over does not win", method: "score",
			profile: tally.Profile{Options: 2, Groups: []tally.Group{scored(2, points{Option: 1, Score: 0})}},
			ballots: 2,
			options: []tally.OptionResult{{}, {Marks: 2}},
			winners: []int{1},
		},
		{
			name: "only the first score for an option counts, an unknown option has none", method: "score",
			profile: tally.Profile{Options: 1, Groups: []tally.Group{
				scored(2, points{Option: 0, Score: 4}, points{Option: 0, Score: 9}, points{Option: 5, Score: 9}),
			}},
			ballots: 2,
			options: []tally.OptionResult{{Score: 8, Marks: 2, Mean: 4}},
			winners: []int{0},
		},
	}
	for _, tt := range tests {
		t.Run(tt.method+": "+tt.name, func(t *testing.T) {
			t.Parallel()
			r := method(t, tt.method).FromProfile(tt.profile, tally.Settings{})
			if r.Ballots != tt.ballots {
				t.Errorf("got %d ballots, want %d", r.Ballots, tt.ballots)
			}
			if !reflect.DeepEqual(r.Options, tt.options) {
				t.Errorf("got the options %+v, want %+v", r.Options, tt.options)
			}
			if !reflect.DeepEqual(r.Winners, tt.winners) {
				t.Errorf("got the winners %v, want %v", r.Winners, tt.winners)
			}
			if r.Rounds != nil {
				t.Errorf("got rounds %+v from a method that has none", r.Rounds)
			}
		})
	}
}

func TestTotalsWithoutMarksStillGiveTheVotes(t *testing.T) {
	t.Parallel()
	r := method(t, "plurality").FromTotals(tally.Totals{Ballots: 5, Points: []int64{2, 3}}, tally.Settings{})
	if !reflect.DeepEqual(r.Winners, []int{1}) || r.Options[1].Votes != 3 {
		t.Errorf("got %+v, want option 1 to win with 3 votes", r)
	}
}

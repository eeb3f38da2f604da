package tally_test

import (
	"reflect"
	"strings"
	"testing"

	"voted/internal/tally"
)

// wantRound is what a table says about a round; who stands follows from the
// eliminations before it.
type wantRound struct {
	votes     []int64
	out       []int
	exhausted int64
	decided   string // a part of the sentence; "" means that there is none
}

func TestInstantRunoff(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		options int
		groups  []tally.Group
		ballots int64
		rounds  []wantRound
		winners []int
	}{
		{
			name:    "Alaska, special election of August 2022: Peltola 0, Palin 1, Begich 2",
			options: 3,
			groups: []tally.Group{
				ranked(47407, 0, 2, 1), ranked(23733, 0), ranked(4647, 0, 1, 2),
				ranked(34078, 1, 2, 0), ranked(21237, 1), ranked(3659, 1, 0, 2),
				ranked(27070, 2, 1, 0), ranked(15478, 2, 0, 1), ranked(11262, 2),
			},
			ballots: 188571,
			rounds: []wantRound{
				{votes: []int64{75787, 58974, 53810}, out: []int{2}},
				{votes: []int64{91265, 86044, 0}, exhausted: 11262},
			},
			winners: []int{0},
		},
		{
			name:    "the capital of Tennessee: Memphis 0, Nashville 1, Chattanooga 2, Knoxville 3",
			options: 4,
			groups: []tally.Group{
				ranked(42, 0, 1, 2, 3), ranked(26, 1, 2, 3, 0), ranked(15, 2, 3, 1, 0), ranked(17, 3, 2, 1, 0),
			},
			ballots: 100,
			rounds: []wantRound{
				{votes: []int64{42, 26, 15, 17}, out: []int{2}},
				{votes: []int64{42, 26, 0, 32}, out: []int{1}},
				{votes: []int64{42, 0, 0, 58}},
			},
			winners: []int{3},
		},
		{
			name:    "more than half of the first votes ends the count",
			options: 3,
			groups:  []tally.Group{ranked(51, 2, 0), ranked(30, 0), ranked(19, 1)},
			ballots: 100,
			rounds:  []wantRound{{votes: []int64{30, 19, 51}}},
			winners: []int{2},
		},
		{
			name:    "exactly half is not more than half",
			options: 3,
			groups:  []tally.Group{ranked(50, 0), ranked(30, 1), ranked(20, 2, 1)},
			ballots: 100,
			rounds: []wantRound{
				{votes: []int64{50, 30, 20}, out: []int{2}},
				{votes: []int64{50, 50, 0}, out: []int{1}, decided: "round 1 decided"},
				{votes: []int64{50, 0, 0}, exhausted: 50},
			},
			winners: []int{0},
		},
		{
			name:    "blank ballots are exhausted from the first round and raise no bar",
			options: 2,
			groups:  []tally.Group{ranked(10), ranked(2, 0), ranked(1, 1)},
			ballots: 13,
			rounds:  []wantRound{{votes: []int64{2, 1}, exhausted: 10}},
			winners: []int{0},
		},
		{
			name:    "options that no ballot puts first go together",
			options: 5,
			groups:  []tally.Group{ranked(4, 0, 3), ranked(3, 1, 4), ranked(2, 2, 1)},
			ballots: 9,
			rounds: []wantRound{
				{votes: []int64{4, 3, 2, 0, 0}, out: []int{3, 4}, decided: "2 options tied for last with 0 votes each went together"},
				{votes: []int64{4, 3, 2, 0, 0}, out: []int{2}},
				{votes: []int64{4, 5, 0, 0, 0}},
			},
			winners: []int{1},
		},
		{
			name:    "tied options that together stay below the next go together, and their ballots pass each other by",
			options: 4,
			groups:  []tally.Group{ranked(9, 0), ranked(7, 1), ranked(3, 2, 3, 1), ranked(3, 3, 2, 1)},
			ballots: 22,
			rounds: []wantRound{
				{votes: []int64{9, 7, 3, 3}, out: []int{2, 3}, decided: "their 6 votes are fewer than the next option's 7"},
				{votes: []int64{9, 13, 0, 0}},
			},
			winners: []int{1},
		},
		{
			name:    "tied options that together equal the next do not go together, and the later one goes",
			options: 4,
			groups:  []tally.Group{ranked(9, 0), ranked(6, 1), ranked(3, 2), ranked(3, 3, 2)},
			ballots: 21,
			rounds: []wantRound{
				{votes: []int64{9, 6, 3, 3}, out: []int{3}, decided: "the one listed last in the poll"},
				{votes: []int64{9, 6, 6, 0}, out: []int{2}, decided: "round 1 decided"},
				{votes: []int64{9, 6, 0, 0}, exhausted: 6},
			},
			winners: []int{0},
		},
		{
			name:    "the next option is the lowest above the tie, wherever it is listed",
			options: 4,
			groups:  []tally.Group{ranked(3, 0, 1), ranked(3, 1), ranked(5, 2), ranked(8, 3)},
			ballots: 19,
			rounds: []wantRound{
				{votes: []int64{3, 3, 5, 8}, out: []int{1}, decided: "the one listed last in the poll"},
				{votes: []int64{3, 0, 5, 8}, out: []int{0}, exhausted: 3},
				{votes: []int64{0, 0, 5, 8}, exhausted: 6},
			},
			winners: []int{3},
		},
		{
			name:    "a tie is decided by the most recent round that differs, though an earlier one and the list say otherwise",
			options: 5,
			groups: []tally.Group{
				ranked(30, 0), ranked(16, 1), ranked(14, 2),
				ranked(6, 3, 2), ranked(2, 3, 1), ranked(3, 3),
				ranked(8, 4, 1), ranked(6, 4, 2), ranked(1, 4),
			},
			ballots: 86,
			rounds: []wantRound{
				{votes: []int64{30, 16, 14, 11, 15}, out: []int{3}},
				{votes: []int64{30, 18, 20, 0, 15}, out: []int{4}, exhausted: 3},
				{votes: []int64{30, 26, 26, 0, 0}, out: []int{1}, exhausted: 4, decided: "round 2 decided"},
				{votes: []int64{30, 0, 26, 0, 0}, exhausted: 30},
			},
			winners: []int{0},
		},
		{
			name:    "a tie of three that one earlier round only narrows is decided by the round before that",
			options: 6,
			groups: []tally.Group{
				ranked(40, 0), ranked(10, 1), ranked(11, 2), ranked(14, 3),
				ranked(3, 4, 1), ranked(2, 4, 2),
				ranked(3, 5, 1), ranked(3, 5, 2), ranked(2, 5, 3), ranked(1, 5),
			},
			ballots: 89,
			rounds: []wantRound{
				{votes: []int64{40, 10, 11, 14, 5, 9}, out: []int{4}},
				{votes: []int64{40, 13, 13, 14, 0, 9}, out: []int{5}},
				{votes: []int64{40, 16, 16, 16, 0, 0}, out: []int{1}, exhausted: 1, decided: "3 options tied for last with 16 votes each: looking back, round 1 decided"},
				{votes: []int64{40, 0, 16, 16, 0, 0}, exhausted: 17},
			},
			winners: []int{0},
		},
		{
			name:    "two options left equal: the one listed later goes",
			options: 2,
			groups:  []tally.Group{ranked(5, 1, 0), ranked(5, 0)},
			ballots: 10,
			rounds: []wantRound{
				{votes: []int64{5, 5}, out: []int{1}, decided: "2 options tied for last with 5 votes each, and no earlier round decides"},
				{votes: []int64{10, 0}},
			},
			winners: []int{0},
		},
		{
			name:    "a poll of one option",
			options: 1,
			groups:  []tally.Group{ranked(1, 0), ranked(2)},
			ballots: 3,
			rounds:  []wantRound{{votes: []int64{1}, exhausted: 2}},
			winners: []int{0},
		},
		{
			name:    "what means nothing is passed over, and a ballot ends at a tie",
			options: 3,
			groups: []tally.Group{
				{Weight: 5, Preference: tally.Preference{Ranking: [][]int{{}, {9}, {-1}, {1}, {1}, {0}}}},
				{Weight: 4, Preference: tally.Preference{Ranking: [][]int{{0, 2}, {1}}}},
				ranked(4, 2), ranked(1, 0), ranked(-100, 0),
			},
			ballots: 14,
			rounds: []wantRound{
				{votes: []int64{1, 5, 4}, out: []int{0}, exhausted: 4},
				{votes: []int64{0, 5, 4}, exhausted: 5},
			},
			winners: []int{1},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := method(t, "irv").FromProfile(tally.Profile{Options: tt.options, Groups: tt.groups}, tally.Settings{})
			if r.Ballots != tt.ballots {
				t.Errorf("got %d ballots, want %d", r.Ballots, tt.ballots)
			}
			if !reflect.DeepEqual(r.Winners, tt.winners) {
				t.Errorf("got the winners %v, want %v", r.Winners, tt.winners)
			}
			checkRounds(t, r, tt.options, tt.rounds)
		})
	}
}

func checkRounds(t *testing.T, r tally.Result, options int, want []wantRound) {
	t.Helper()
	if len(r.Rounds) != len(want) {
		t.Fatalf("got %d rounds, want %d: %+v", len(r.Rounds), len(want), r.Rounds)
	}
	standing := make([]bool, options)
	for i := range standing {
		standing[i] = true
		if r.Options[i].Votes != want[0].votes[i] {
			t.Errorf("option %d: got %d votes, want those of the first round, %d", i, r.Options[i].Votes, want[0].votes[i])
		}
	}
	for i, w := range want {
		got := r.Rounds[i]
		if !reflect.DeepEqual(got.Votes, wholes(w.votes...)) || got.Exhausted != tally.Whole(w.exhausted) {
			t.Errorf("round %d: got %v and %s exhausted, want %v and %d", i+1, got.Votes, got.Exhausted, w.votes, w.exhausted)
		}
		if !reflect.DeepEqual(got.Eliminated, w.out) {
			t.Errorf("round %d: got %v out, want %v", i+1, got.Eliminated, w.out)
		}
		if !reflect.DeepEqual(got.Standing, standing) {
			t.Errorf("round %d: got %v standing, want %v", i+1, got.Standing, standing)
		}
		if (got.Decided == "") != (w.decided == "") || !strings.Contains(got.Decided, w.decided) {
			t.Errorf("round %d: decided %q, want %q in it", i+1, got.Decided, w.decided)
		}
		for _, option := range w.out {
			standing[option] = false
		}
	}
}

func TestMarksOfARankingCountItsMentions(t *testing.T) {
	t.Parallel()
	r := method(t, "irv").FromProfile(tally.Profile{Options: 3, Groups: []tally.Group{ranked(3, 0, 1), ranked(2, 1, 1), ranked(1)}}, tally.Settings{})
	for i, want := range []int64{3, 5, 0} {
		if got := r.Options[i].Marks; got != want {
			t.Errorf("option %d: got %d marks, want %d", i, got, want)
		}
	}
}

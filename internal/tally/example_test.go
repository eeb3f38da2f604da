package tally_test

import (
	"fmt"

	"voted/internal/tally"
)

// A ranked poll is counted from its distinct preferences.
func ExampleMethod_FromProfile() {
	irv, _ := tally.ByName("irv")
	result := irv.FromProfile(tally.Profile{
		Options: 3,
		Groups: []tally.Group{
			{Preference: tally.Preference{Ranking: [][]int{{0}}}, Weight: 40},
			{Preference: tally.Preference{Ranking: [][]int{{1}, {2}}}, Weight: 35},
			{Preference: tally.Preference{Ranking: [][]int{{2}, {1}}}, Weight: 25},
		},
	}, tally.Settings{})
	for i, round := range result.Rounds {
		fmt.Println("round", i+1, round.Votes, "out:", round.Eliminated)
	}
	fmt.Println("winners", result.Winners)
	// Output:
	// round 1 [40 35 25] out: [2]
	// round 2 [40 60 0] out: []
	// winners [1]
}

// An additive poll is counted from the sums it keeps.
func ExampleMethod_FromTotals() {
	score, _ := tally.ByName("score")
	result := score.FromTotals(tally.Totals{Ballots: 3, Points: []int64{18, 9}, Marks: []int64{3, 1}}, tally.Settings{})
	for _, option := range result.Options {
		fmt.Println(option.Score, option.Mean)
	}
	fmt.Println("winners", result.Winners)
	// Output:
	// 18 6
	// 9 9
	// winners [0]
}

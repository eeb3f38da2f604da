package tally_test

import (
	"math"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"voted/internal/tally"
)

// A small number of options, small weights and few distinct ballots make ties,
// and ties of ties, as frequent as they can be.
const (
	mostOptions = 6
	mostGroups  = 14
	mostWeight  = 4
)

// drawProfile makes a profile that is valid for every form at once, apart from
// what a sloppy caller might leave in it: now and then a mention that means nothing.
func drawProfile(t *rapid.T, sloppy bool) tally.Profile {
	p := tally.Profile{Options: rapid.IntRange(1, mostOptions).Draw(t, "options")}
	all := make([]int, p.Options)
	for i := range all {
		all[i] = i
	}
	for range rapid.IntRange(0, mostGroups).Draw(t, "groups") {
		order := rapid.Permutation(all).Draw(t, "order")
		order = order[:rapid.IntRange(0, len(order)).Draw(t, "named")]
		g := tally.Group{Weight: rapid.Int64Range(1, mostWeight).Draw(t, "weight")}
		if sloppy && rapid.IntRange(0, 3).Draw(t, "sloppy") == 0 {
			g.Weight = rapid.Int64Range(-1, 1).Draw(t, "odd weight")
			order = append(order, rapid.SliceOfN(rapid.IntRange(-1, p.Options), 0, 3).Draw(t, "odd options")...)
		}
		g.Choice = order
		for i, option := range order {
			if sloppy && i > 0 && rapid.IntRange(0, 9).Draw(t, "tie") == 0 {
				g.Ranking[len(g.Ranking)-1] = append(g.Ranking[len(g.Ranking)-1], option)
			} else {
				g.Ranking = append(g.Ranking, []int{option})
			}
			g.Scores = append(g.Scores, tally.OptionScore{Option: option, Score: rapid.IntRange(0, 3).Draw(t, "score")})
		}
		p.Groups = append(p.Groups, g)
	}
	return p
}

func TestEveryMethodAgreesWithItsPlainTwin(t *testing.T) {
	t.Parallel()
	twins := map[string]func(int, []tally.Preference) plainResult{
		"plurality": plainPlurality,
		"approval":  plainPlurality,
		"score":     plainScore,
		"irv":       plainIRV,
	}
	for _, m := range allMethods(t) {
		t.Run(m.Name, func(t *testing.T) {
			t.Parallel()
			twin, ok := twins[m.Name]
			if !ok {
				t.Fatal("this method has no second implementation to be compared with")
			}
			rapid.Check(t, func(t *rapid.T) {
				p := drawProfile(t, true)
				ballots := ballotsOf(p)
				compare(t, m.FromProfile(p), twin(p.Options, ballots), len(ballots))
			})
		})
	}
}

func compare(t *rapid.T, got tally.Result, want plainResult, ballots int) {
	if got.Ballots != int64(ballots) {
		t.Fatalf("got %d ballots, want %d", got.Ballots, ballots)
	}
	if !slices.Equal(got.Winners, want.winners) {
		t.Fatalf("got the winners %v, want %v", got.Winners, want.winners)
	}
	for i, o := range got.Options {
		if o.Marks != want.marks[i] || o.Votes+o.Score != want.points[i] {
			t.Fatalf("option %d: got %+v, want %d points and %d marks", i, o, want.points[i], want.marks[i])
		}
	}
	if len(got.Rounds) != len(want.rounds) {
		t.Fatalf("got %d rounds, want %d", len(got.Rounds), len(want.rounds))
	}
	for i, w := range want.rounds {
		round := got.Rounds[i]
		if !slices.Equal(round.Eliminated, w.out) || round.Exhausted != w.exhausted {
			t.Fatalf("round %d: got %v out and %d exhausted, want %v and %d", i+1, round.Eliminated, round.Exhausted, w.out, w.exhausted)
		}
		for option, votes := range round.Votes {
			n, standing := w.votes[option]
			if round.Standing[option] != standing || votes != n {
				t.Fatalf("round %d, option %d: got %d votes, standing %v, want %d, %v", i+1, option, votes, round.Standing[option], n, standing)
			}
		}
	}
}

// checkForAll checks a property for every method in the table.
func checkForAll(t *testing.T, property func(*rapid.T, tally.Method)) {
	t.Helper()
	for _, m := range allMethods(t) {
		t.Run(m.Name, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) { property(t, m) })
		})
	}
}

func same(t *rapid.T, got, want tally.Result) {
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("got  %+v\nwant %+v", got, want)
	}
}

func TestTheOrderOfTheGroupsDoesNotMatter(t *testing.T) {
	t.Parallel()
	checkForAll(t, func(t *rapid.T, m tally.Method) {
		p := drawProfile(t, true)
		shuffled := tally.Profile{Options: p.Options}
		for _, i := range rapid.Permutation(numbers(len(p.Groups))).Draw(t, "shuffle") {
			shuffled.Groups = append(shuffled.Groups, p.Groups[i])
		}
		same(t, m.FromProfile(shuffled), m.FromProfile(p))
	})
}

func numbers(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = i
	}
	return list
}

func TestSplittingAGroupDoesNotMatter(t *testing.T) {
	t.Parallel()
	checkForAll(t, func(t *rapid.T, m tally.Method) {
		p := drawProfile(t, true)
		split := tally.Profile{Options: p.Options}
		for _, g := range p.Groups {
			part := g
			part.Weight = rapid.Int64Range(0, max(g.Weight, 0)).Draw(t, "part")
			g.Weight -= part.Weight
			split.Groups = append(split.Groups, part, g)
		}
		same(t, m.FromProfile(split), m.FromProfile(p))
	})
}

func TestScalingAllWeightsScalesTheCountsAndNothingElse(t *testing.T) {
	t.Parallel()
	checkForAll(t, func(t *rapid.T, m tally.Method) {
		p := drawProfile(t, true)
		factor := rapid.Int64Range(1, 1_000_000).Draw(t, "factor")
		scaled := tally.Profile{Options: p.Options, Groups: slices.Clone(p.Groups)}
		for i := range scaled.Groups {
			scaled.Groups[i].Weight *= factor
		}
		got, want := m.FromProfile(scaled), m.FromProfile(p)
		want.Ballots *= factor
		for i := range want.Options {
			o := &want.Options[i]
			o.Votes, o.Score, o.Marks = o.Votes*factor, o.Score*factor, o.Marks*factor
			// The mean is the quotient of larger numbers now, which may round differently.
			o.Mean = got.Options[i].Mean
		}
		for i := range want.Rounds {
			round := &want.Rounds[i]
			round.Exhausted *= factor
			for option := range round.Votes {
				round.Votes[option] *= factor
			}
			// The sentence quotes numbers of votes.
			if (round.Decided == "") == (got.Rounds[i].Decided == "") {
				round.Decided = got.Rounds[i].Decided
			}
		}
		same(t, got, want)
	})
}

func TestATabulationLeavesItsProfileAlone(t *testing.T) {
	t.Parallel()
	checkForAll(t, func(t *rapid.T, m tally.Method) {
		p := drawProfile(t, true)
		before := tally.Profile{Options: p.Options}
		for _, g := range p.Groups {
			before.Groups = append(before.Groups, cloneGroup(g))
		}
		first := m.FromProfile(p)
		if !reflect.DeepEqual(p, before) {
			t.Fatalf("the profile became %+v, it was %+v", p, before)
		}
		same(t, m.FromProfile(p), first)
	})
}

func cloneGroup(g tally.Group) tally.Group {
	g.Choice = slices.Clone(g.Choice)
	g.Scores = slices.Clone(g.Scores)
	g.Ranking = slices.Clone(g.Ranking)
	for i := range g.Ranking {
		g.Ranking[i] = slices.Clone(g.Ranking[i])
	}
	return g
}

// Such weights break the promise about their sum, so the numbers mean nothing;
// but a panic or an endless count would stop every replica.
func TestWeightsTooLargeToAddUpNeitherPanicNorHang(t *testing.T) {
	t.Parallel()
	large := rapid.SampledFrom([]int64{math.MaxInt64, math.MaxInt64 - 1, 1 << 62, 1 << 61, 1})
	checkForAll(t, func(t *rapid.T, m tally.Method) {
		p := drawProfile(t, false)
		for i := range p.Groups {
			p.Groups[i].Weight = large.Draw(t, "weight")
		}
		m.FromProfile(p)
	})
}

func TestTotalsKeptByThePollGiveTheSameResultAsTheProfile(t *testing.T) {
	t.Parallel()
	checkForAll(t, func(t *rapid.T, m tally.Method) {
		if !m.Additive() {
			return
		}
		p := drawProfile(t, false)
		totals := tally.Totals{Points: make([]int64, p.Options), Marks: make([]int64, p.Options)}
		for _, b := range ballotsOf(p) {
			totals.Ballots++
			for i, option := range b.Choice { // Scores name the same options in the same order
				totals.Marks[option]++
				if m.Form == tally.Choice {
					totals.Points[option]++
				} else {
					totals.Points[option] += int64(b.Scores[i].Score)
				}
			}
		}
		same(t, m.FromTotals(totals), m.FromProfile(p))
	})
}

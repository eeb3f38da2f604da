package tally_test

import (
	"math"
	"math/big"
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
			if sloppy && rapid.IntRange(0, 7).Draw(t, "empty rank") == 0 {
				g.Ranking = append(g.Ranking, nil)
			}
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

// twin is a second implementation.
type twin func(options int, ballots []tally.Preference, s tally.Settings) plainResult

// byDefault is a twin that knows the default settings only.
func byDefault(plain func(int, []tally.Preference) plainResult) twin {
	return func(options int, ballots []tally.Preference, s tally.Settings) plainResult {
		r := plain(options, ballots)
		r.byDefault = true
		return r
	}
}

func TestEveryMethodAgreesWithItsPlainTwin(t *testing.T) {
	t.Parallel()
	twins := map[string]twin{
		"plurality": plainPlurality,
		"approval":  plainPlurality,
		"score":     plainScore,
		"irv":       plainPaper,
		"star":      plainStar,
		"star_pr":   plainAllocation,
		"borda":     plainBorda,

		// The twins of their rules are in condorcet_test.go.
		"schulze":      byDefault(plainSchulzeDefault),
		"ranked_pairs": byDefault(plainRankedPairsDefault),
		"minimax":      byDefault(plainMinimaxDefault),
		"copeland":     byDefault(plainCopelandDefault),
	}
	for _, m := range allMethods(t) {
		t.Run(m.Name, func(t *testing.T) {
			t.Parallel()
			twin, ok := twins[m.Name]
			if m.Name == "stv" { // see TestEachRuleSetOfSTVAgreesWithItsPlainTwin
				return
			}
			if !ok {
				t.Fatal("this method has no second implementation to be compared with")
			}
			rapid.Check(t, func(t *rapid.T) {
				p := drawProfile(t, true)
				s := drawSettings(t, m, p.Options)
				ballots := ballotsOf(p)
				want := twin(p.Options, ballots, s)
				if want.byDefault {
					s = tally.Settings{}
				}
				compare(t, m.FromProfile(p, s), want, len(ballots))
			})
		})
	}
}

func TestAnInstantRunoffByTheDefaultRulesAgreesWithItsPlainTwin(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := drawProfile(t, true)
		ballots := ballotsOf(p)
		compare(t, runoffOf(t).FromProfile(p, tally.Settings{}), plainIRV(p.Options, ballots), len(ballots))
	})
}

func compare(t *rapid.T, got tally.Result, want plainResult, ballots int) {
	if got.Ballots != int64(ballots) {
		t.Fatalf("got %d ballots, want %d", got.Ballots, ballots)
	}
	if !slices.Equal(got.Winners, want.winners) {
		t.Fatalf("got the winners %v, want %v", got.Winners, want.winners)
	}
	var open []int
	if got.Unresolved != nil {
		open = got.Unresolved.Options
	}
	if !slices.Equal(open, want.unresolved) {
		t.Fatalf("got %v unresolved, want %v", open, want.unresolved)
	}
	for i, o := range got.Options {
		if o.Marks != want.marks[i] || o.Votes+o.Score != want.points[i] {
			t.Fatalf("option %d: got %+v, want %d points and %d marks", i, o, want.points[i], want.marks[i])
		}
		if want.exact != nil && o.Points.Rat().Cmp(want.exact[i]) != 0 {
			t.Fatalf("option %d: got %s points, want %s", i, o.Points, want.exact[i])
		}
	}
	for n, sums := range want.sums {
		for o, sum := range sums {
			if n >= len(got.Rounds) || got.Rounds[n].Scores[o].Rat().Cmp(sum) != 0 {
				t.Fatalf("round %d of %d, option %d: want a sum of %s, got %+v", n+1, len(got.Rounds), o, sum, got.Rounds)
			}
		}
	}
	if want.winnersOnly {
		return
	}
	if len(got.Rounds) != len(want.rounds) {
		t.Fatalf("got %d rounds, want %d", len(got.Rounds), len(want.rounds))
	}
	for i, w := range want.rounds {
		round := got.Rounds[i]
		if !slices.Equal(round.Eliminated, w.out) || round.Exhausted != tally.Whole(w.exhausted) {
			t.Fatalf("round %d: got %v out and %s exhausted, want %v and %d", i+1, round.Eliminated, round.Exhausted, w.out, w.exhausted)
		}
		if w.spent != nil {
			e := tally.Exhaustion{Choices: w.spent["choices"], Overvotes: w.spent["overvotes"], Skipped: w.spent["skipped"], Repeated: w.spent["repeated"]}
			if round.ExhaustedBy != e || round.Threshold != tally.Whole(w.threshold) || w.elected && !slices.Equal(round.Elected, got.Winners) {
				t.Fatalf("round %d: got %+v, want %+v", i+1, round, w)
			}
		}
		for option, votes := range round.Votes {
			n, standing := w.votes[option]
			if round.Standing[option] != standing || votes != tally.Whole(n) {
				t.Fatalf("round %d, option %d: got %s votes, standing %v, want %d, %v", i+1, option, votes, round.Standing[option], n, standing)
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
		s := drawSettings(t, m, p.Options)
		shuffled := tally.Profile{Options: p.Options}
		for _, i := range rapid.Permutation(numbers(len(p.Groups))).Draw(t, "shuffle") {
			shuffled.Groups = append(shuffled.Groups, p.Groups[i])
		}
		same(t, m.FromProfile(shuffled, s), m.FromProfile(p, s))
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
		s := drawSettings(t, m, p.Options)
		split := tally.Profile{Options: p.Options}
		for _, g := range p.Groups {
			part := g
			part.Weight = rapid.Int64Range(0, max(g.Weight, 0)).Draw(t, "part")
			g.Weight -= part.Weight
			split.Groups = append(split.Groups, part, g)
		}
		same(t, m.FromProfile(split, s), m.FromProfile(p, s))
	})
}

func TestScalingAllWeightsScalesTheCountsAndNothingElse(t *testing.T) {
	t.Parallel()
	checkForAll(t, func(t *rapid.T, m tally.Method) {
		if m.Name == "stv" {
			return // a quota has one vote, or one last decimal, more than a share of the votes
		}
		p := drawProfile(t, true)
		s := drawSettings(t, m, p.Options)
		delete(s.Rules, "min_scores") // a number of ballots, which does not scale with them
		if s.Rules["strength"].Word == "ratio" {
			delete(s.Rules, "strength") // paths do not scale
		}
		factor := rapid.Int64Range(1, 1_000_000).Draw(t, "factor")
		scaled := tally.Profile{Options: p.Options, Groups: slices.Clone(p.Groups)}
		for i := range scaled.Groups {
			scaled.Groups[i].Weight *= factor
		}
		got, want := m.FromProfile(scaled, s), m.FromProfile(p, s)
		want.Ballots *= factor
		want.Blank *= factor
		if len(want.Rounds) == 0 { // otherwise it is that of the first round
			scaleRunoff(want.Runoff, factor)
		}
		scalePairs(&want, factor)
		want.Quota = times(want.Quota, factor)
		for i := range want.Options {
			o := &want.Options[i]
			o.Votes, o.Score, o.Marks, o.TopScores = o.Votes*factor, o.Score*factor, o.Marks*factor, o.TopScores*factor
			o.Points = times(o.Points, factor)
			for score := range o.Distribution {
				o.Distribution[score] *= factor
			}
			// The mean is the quotient of larger numbers now, which may round differently.
			o.Mean = got.Options[i].Mean
		}
		for i := range want.Rounds {
			round := &want.Rounds[i]
			round.Exhausted = times(round.Exhausted, factor)
			scaleRunoff(round.Runoff, factor)
			for option := range round.Scores {
				round.Scores[option] = times(round.Scores[option], factor)
			}
			round.ExhaustedBy = tally.Exhaustion{
				Choices: round.ExhaustedBy.Choices * factor, Overvotes: round.ExhaustedBy.Overvotes * factor,
				Skipped: round.ExhaustedBy.Skipped * factor, Repeated: round.ExhaustedBy.Repeated * factor,
			}
			round.Threshold = got.Rounds[i].Threshold // more than half: it does not scale
			for option := range round.Votes {
				round.Votes[option] = times(round.Votes[option], factor)
			}
			// The sentence quotes numbers of votes.
			if (round.Decided == "") == (got.Rounds[i].Decided == "") {
				round.Decided = got.Rounds[i].Decided
			}
		}
		same(t, got, want)
	})
}

// scalePairs multiplies what pairwise comparisons count.
func scalePairs(r *tally.Result, factor int64) {
	for _, row := range r.Pairwise {
		for b := range row {
			row[b] *= factor
		}
	}
	for _, row := range r.Paths {
		for b := range row {
			row[b].Votes *= factor
		}
	}
	for i := range r.WorstDefeat {
		r.WorstDefeat[i] *= factor
	}
}

func scaleRunoff(r *tally.Runoff, factor int64) {
	if r == nil {
		return
	}
	for i := range r.Votes {
		r.Votes[i] *= factor
	}
	r.NoPreference *= factor
}

func times(n tally.Number, factor int64) tally.Number {
	r := n.Rat()
	return tally.Fraction(r.Mul(r, new(big.Rat).SetInt64(factor)), n.Places())
}

func TestATabulationLeavesItsProfileAlone(t *testing.T) {
	t.Parallel()
	checkForAll(t, func(t *rapid.T, m tally.Method) {
		p := drawProfile(t, true)
		before := tally.Profile{Options: p.Options}
		for _, g := range p.Groups {
			before.Groups = append(before.Groups, cloneGroup(g))
		}
		s := drawSettings(t, m, p.Options)
		first := m.FromProfile(p, s)
		if !reflect.DeepEqual(p, before) {
			t.Fatalf("the profile became %+v, it was %+v", p, before)
		}
		same(t, m.FromProfile(p, s), first)
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
		m.FromProfile(p, drawSettings(t, m, p.Options))
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
			if len(b.Choice) == 0 {
				totals.Blank++
			}
			for i, option := range b.Choice { // Scores name the same options in the same order
				totals.Marks[option]++
				if m.Form == tally.Choice {
					totals.Points[option]++
				} else {
					totals.Points[option] += int64(b.Scores[i].Score)
				}
			}
		}
		s := drawSettings(t, m, p.Options)
		same(t, m.FromTotals(totals, s), m.FromProfile(p, s))
	})
}

package tally_test

import (
	"math"
	"math/big"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"voted/internal/tally"
)

// drawRankings makes a profile of few options, whose ballots often rank several options
// equal and leave some out: equal pairs and circles are as frequent as they can be.
func drawRankings(t *rapid.T, least, most int) tally.Profile {
	p := tally.Profile{Options: rapid.IntRange(least, most).Draw(t, "options")}
	for range rapid.IntRange(0, 8).Draw(t, "groups") {
		g := tally.Group{Weight: rapid.Int64Range(1, 3).Draw(t, "weight")}
		order := rapid.Permutation(numbers(p.Options)).Draw(t, "order")
		for _, option := range order[:rapid.IntRange(0, p.Options).Draw(t, "named")] {
			if len(g.Ranking) > 0 && rapid.IntRange(0, 4).Draw(t, "equal") == 0 {
				g.Ranking[len(g.Ranking)-1] = append(g.Ranking[len(g.Ranking)-1], option)
			} else {
				g.Ranking = append(g.Ranking, []int{option})
			}
		}
		p.Groups = append(p.Groups, g)
	}
	return p
}

// asked are settings with rules that are words.
func asked(ties tally.TieBreak, rules ...string) tally.Settings {
	s := tally.Settings{Ties: ties, Rules: tally.Rules{}}
	for i := 0; i < len(rules); i += 2 {
		s.Rules[rules[i]] = tally.Value{Word: rules[i+1]}
	}
	return s
}

func drawUnranked(t *rapid.T) string {
	return rapid.SampledFrom([]string{"bottom", "ignore"}).Draw(t, "unranked")
}

// condorcetMethods elect the Condorcet winner if there is one.
var condorcetMethods = []string{"schulze", "ranked_pairs", "minimax", "copeland"}

// eachVariant calls a check for each method with each of its measures of strength.
func eachVariant(t *testing.T, names []string, check func(t *rapid.T, m tally.Method, strength string)) {
	t.Helper()
	for _, name := range names {
		m := method(t, name)
		strengths := []string{""}
		for _, rule := range m.Rules {
			if rule.Name == "strength" {
				strengths = rule.Words
			}
		}
		for _, strength := range strengths {
			t.Run(name+" "+strength, func(t *testing.T) {
				t.Parallel()
				rapid.Check(t, func(t *rapid.T) { check(t, m, strength) })
			})
		}
	}
}

// variant are the settings for a measure of strength.
func variant(ties tally.TieBreak, strength, unranked string) tally.Settings {
	if strength == "" {
		return asked(ties, "unranked", unranked)
	}
	return asked(ties, "strength", strength, "unranked", unranked)
}

func TestTheMatrixCountsEachTwoOptionsAsTheBallotsDo(t *testing.T) {
	t.Parallel()
	eachVariant(t, condorcetMethods, func(t *rapid.T, m tally.Method, strength string) {
		p := drawProfile(t, true)
		unranked := drawUnranked(t)
		r := m.FromProfile(p, variant(tally.TiesDefault, strength, unranked))
		if over := plainOver(p.Options, ballotsOf(p), unranked == "ignore"); !reflect.DeepEqual(r.Pairwise, over) {
			t.Fatalf("got %v, want %v", r.Pairwise, over)
		}
	})
}

func TestEveryMethodOfRankingsShowsTheComparisons(t *testing.T) {
	t.Parallel()
	for _, m := range allMethods(t) {
		t.Run(m.Name, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				p := drawRankings(t, 1, 5)
				r := m.FromProfile(p, tally.Settings{})
				ballots := ballotsOf(p)
				over := plainOver(p.Options, ballots, false)
				if m.Form != tally.Ranking {
					over = nil
				}
				if !reflect.DeepEqual(r.Pairwise, over) {
					t.Fatalf("got %v, want %v", r.Pairwise, over)
				}
				if over != nil && !slices.Equal(r.Smith, plainSmith(over, plainNamed(p.Options, ballots))) {
					t.Fatalf("got the Smith set %v of %v", r.Smith, over)
				}
			})
		})
	}
}

func TestComparisonsOfManyOptionsAreShownOnlyWhereTheyElect(t *testing.T) {
	t.Parallel()
	for name, shown := range map[string][2]bool{"irv": {true, false}, "copeland": {true, true}} {
		for i, options := range []int{tally.MaxComparedOptions, tally.MaxComparedOptions + 1} {
			r := method(t, name).FromProfile(benchProfile(options, 3), tally.Settings{})
			if (r.Pairwise != nil) != shown[i] || (r.Smith != nil) != shown[i] {
				t.Errorf("%s with %d options: shown is %v, want %v", name, options, r.Pairwise != nil, shown[i])
			}
		}
	}
}

func TestBallotsThatAreTakenOutOfTheMatrixLeaveNoTrace(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := drawRankings(t, 1, 6)
		kept, all := tally.NewPairCounts(p.Options), tally.NewPairCounts(p.Options)
		var out []tally.Group
		for _, g := range p.Groups {
			all.Add(g)
			if rapid.Bool().Draw(t, "kept") {
				kept.Add(g)
			} else {
				out = append(out, g)
			}
		}
		for _, g := range out {
			g.Weight = -g.Weight
			all.Add(g)
		}
		for _, unranked := range []tally.Unranked{tally.UnrankedBottom, tally.UnrankedIgnore} {
			if got, want := all.Pairwise(unranked), kept.Pairwise(unranked); !reflect.DeepEqual(got, want) {
				t.Fatalf("got %v, want %v", got, want)
			}
		}
	})
}

func TestTheSmithSetIsTheSmallestThatBeatsAllOthers(t *testing.T) {
	t.Parallel()
	m := method(t, "copeland")
	rapid.Check(t, func(t *rapid.T) {
		p := drawRankings(t, 1, 6)
		unranked := drawUnranked(t)
		r := m.FromProfile(p, asked(tally.TiesDefault, "unranked", unranked))
		ballots := ballotsOf(p)
		want := plainSmith(plainOver(p.Options, ballots, unranked == "ignore"), plainNamed(p.Options, ballots))
		if !slices.Equal(r.Smith, want) {
			t.Fatalf("got %v, want %v", r.Smith, want)
		}
		if (r.CondorcetWinner != nil) != (len(want) == 1) || r.CondorcetWinner != nil && *r.CondorcetWinner != want[0] {
			t.Fatalf("got the Condorcet winner %v with the Smith set %v", r.CondorcetWinner, want)
		}
	})
}

func TestACondorcetWinnerIsElectedWhateverTheMeasure(t *testing.T) {
	t.Parallel()
	eachVariant(t, condorcetMethods, func(t *rapid.T, m tally.Method, strength string) {
		p := drawRankings(t, 2, 5)
		if strength == "opposition" {
			return // the most votes against a Condorcet winner may be more than those against another
		}
		r := m.FromProfile(p, variant(tally.TiesReport, strength, drawUnranked(t)))
		if r.CondorcetWinner != nil && !slices.Equal(r.Winners, []int{*r.CondorcetWinner}) {
			t.Fatalf("the Condorcet winner is %d, and %v won", *r.CondorcetWinner, r.Winners)
		}
	})
}

func TestTheWinnerIsInTheSmithSet(t *testing.T) {
	t.Parallel()
	eachVariant(t, []string{"schulze", "ranked_pairs", "copeland"}, func(t *rapid.T, m tally.Method, strength string) {
		p := drawRankings(t, 2, 6)
		r := m.FromProfile(p, variant(rapid.SampledFrom([]tally.TieBreak{tally.TiesListed, tally.TiesReport}).Draw(t, "ties"), strength, drawUnranked(t)))
		for _, winner := range append(r.Winners, r.OtherOrders...) {
			if !slices.Contains(r.Smith, winner) {
				t.Fatalf("%d wins or could have won, outside the Smith set %v", winner, r.Smith)
			}
		}
	})
}

func TestSchulzeIsWhatTheAlgorithmOfThePaperGives(t *testing.T) {
	t.Parallel()
	eachVariant(t, []string{"schulze"}, func(t *rapid.T, m tally.Method, strength string) {
		p := drawRankings(t, 1, 6)
		unranked := drawUnranked(t)
		r := m.FromProfile(p, variant(tally.TiesReport, strength, unranked))
		ballots := ballotsOf(p)
		over := plainOver(p.Options, ballots, unranked == "ignore")
		winners, paths := plainSchulze(over, plainNamed(p.Options, ballots), strength)
		if !slices.Equal(r.Winners, winners) {
			t.Fatalf("got the winners %v, want %v", r.Winners, winners)
		}
		for a := range paths {
			for b := range paths {
				if got := plainOf(r.Paths[a][b], strength); a != b && got.Cmp(paths[a][b]) != 0 {
					t.Fatalf("got %v (%v) from %d to %d, want %v", r.Paths[a][b], got, a, b, paths[a][b])
				}
			}
		}
		checkRanking(t, r, func(a, b int) bool { return paths[a][b].Cmp(paths[b][a]) > 0 })
	})
}

// plainOf is a strength as plainStrength gives it.
func plainOf(s tally.Strength, measure string) *big.Rat {
	switch {
	case s == tally.Strength{} || measure != "ratio":
		return big.NewRat(s.Votes, 1)
	case s.Against == 0:
		return big.NewRat(1_000_000+s.Votes, 1)
	}
	return big.NewRat(s.Votes, s.Against)
}

// checkRanking holds that each option is in the ranking once, below all that are better,
// and directly below one of them; options that no ballot ranks are last.
func checkRanking(t *rapid.T, r tally.Result, better func(a, b int) bool) {
	place := map[int]int{}
	for i, tier := range r.Ranking {
		for _, option := range tier {
			if _, again := place[option]; again {
				t.Fatalf("%d is twice in the ranking %v", option, r.Ranking)
			}
			place[option] = i
		}
	}
	if len(r.Winners) == 0 && len(r.Ranking) == 0 {
		return
	}
	if len(place) != len(r.Options) {
		t.Fatalf("the ranking %v is not complete", r.Ranking)
	}
	last := len(r.Ranking) - 1
	for b := range r.Options {
		if r.Options[b].Marks == 0 {
			if place[b] != last || slices.ContainsFunc(r.Ranking[last], func(o int) bool { return r.Options[o].Marks > 0 }) {
				t.Fatalf("no ballot ranks %d, in the ranking %v", b, r.Ranking)
			}
			continue
		}
		above := -1
		for a := range r.Options {
			if a != b && r.Options[a].Marks > 0 && better(a, b) {
				above = max(above, place[a])
			}
		}
		if place[b] != above+1 {
			t.Fatalf("%d has place %d in the ranking %v, and %d the place of the lowest better one", b, place[b], r.Ranking, above)
		}
	}
}

// More than 64 options take several words of bits, and the borders are where errors live.
func TestPathsOfManyOptionsAreThoseOfThePaper(t *testing.T) {
	t.Parallel()
	for _, options := range []int{63, 64, 65, 127, 128, 130} {
		p := benchProfile(options, 9)
		r := method(t, "schulze").FromProfile(p, tally.Settings{})
		strongest := make([][]int64, options)
		for a := range strongest {
			for b := range options {
				strongest[a] = append(strongest[a], 0)
				if r.Pairwise[a][b] > r.Pairwise[b][a] {
					strongest[a][b] = r.Pairwise[a][b]
				}
			}
		}
		for via := range options {
			for a := range options {
				for b := range options {
					strongest[a][b] = max(strongest[a][b], min(strongest[a][via], strongest[via][b]))
				}
			}
		}
		for a := range options {
			for b := range options {
				if a != b && r.Paths[a][b].Votes != strongest[a][b] {
					t.Fatalf("%d options: got %v from %d to %d, want %d", options, r.Paths[a][b], a, b, strongest[a][b])
				}
			}
		}
	}
}

func TestRankedPairsLocksWhatAListOfPairsGives(t *testing.T) {
	t.Parallel()
	eachVariant(t, []string{"ranked_pairs"}, func(t *rapid.T, m tally.Method, strength string) {
		p := drawRankings(t, 1, 6)
		unranked := drawUnranked(t)
		s := variant(tally.TiesLot, strength, unranked)
		s.Lot = rapid.Permutation(numbers(p.Options)).Draw(t, "lot")
		r := m.FromProfile(p, s)
		ballots := ballotsOf(p)
		winner, locked := plainRankedPairs(plainOver(p.Options, ballots, unranked == "ignore"), plainNamed(p.Options, ballots), s.Lot, strength)
		if len(r.Locked) != len(locked) {
			t.Fatalf("got %v locked, want %v", r.Locked, locked)
		}
		for i, pair := range locked {
			if r.Locked[i] != [2]int(pair) {
				t.Fatalf("got %v locked, want %v", r.Locked, locked)
			}
		}
		if winner < 0 && len(r.Winners) > 0 || winner >= 0 && !slices.Equal(r.Winners, []int{winner}) {
			t.Fatalf("got the winners %v, want %d", r.Winners, winner)
		}
		var leads func(a, b int) bool
		leads = func(a, b int) bool {
			return slices.ContainsFunc(locked, func(p plainPair) bool { return p[0] == a && (p[1] == b || leads(p[1], b)) })
		}
		checkRanking(t, r, leads)
	})
}

func TestExactlyTheOptionsThatWinRankedPairsInSomeOrderAreFound(t *testing.T) {
	t.Parallel()
	eachVariant(t, []string{"ranked_pairs"}, func(t *rapid.T, m tally.Method, strength string) {
		p := drawRankings(t, 1, 5)
		unranked := drawUnranked(t)
		ballots := ballotsOf(p)
		over, named := plainOver(p.Options, ballots, unranked == "ignore"), plainNamed(p.Options, ballots)
		reported := m.FromProfile(p, variant(tally.TiesReport, strength, unranked))
		var possible []int
		for order := range permutations(p.Options) {
			winner, locked := plainRankedPairs(over, named, order, strength)
			if winner >= 0 && !slices.Contains(possible, winner) {
				possible = append(possible, winner)
			}
			for _, pair := range reported.Locked {
				if !slices.Contains(locked, plainPair(pair)) {
					t.Fatalf("%v is said to be locked, and is not with the order %v: %v", pair, order, locked)
				}
			}
		}
		slices.Sort(possible)

		if !slices.Equal(reported.Winners, possible) || reported.OrdersLeft {
			t.Fatalf("got the winners %v (orders left: %v), want %v", reported.Winners, reported.OrdersLeft, possible)
		}
		open := m.FromProfile(p, variant(tally.TiesLot, strength, unranked))
		switch {
		case len(possible) > 1 && (len(open.Winners) > 0 || open.Unresolved == nil || !slices.Equal(open.Unresolved.Options, possible)):
			t.Fatalf("got the winners %v and %v open before the lot is drawn, want %v", open.Winners, open.Unresolved, possible)
		case len(possible) <= 1 && (!slices.Equal(open.Winners, possible) || open.Unresolved != nil):
			t.Fatalf("got the winners %v and %v open before the lot is drawn, want %v", open.Winners, open.Unresolved, possible)
		}
		listed := m.FromProfile(p, variant(tally.TiesListed, strength, unranked))
		all := slices.Sorted(slices.Values(slices.Concat(listed.Winners, listed.OtherOrders)))
		if !slices.Equal(all, possible) {
			t.Fatalf("got %v, and %v in other orders, want %v in all", listed.Winners, listed.OtherOrders, possible)
		}
	})
}

// The note of the search says why orders of the options are enough. Here equal pairs come
// in any order.
func TestEqualPairsInAnyOrderElectNoOtherOption(t *testing.T) {
	t.Parallel()
	eachVariant(t, []string{"ranked_pairs"}, func(t *rapid.T, m tally.Method, strength string) {
		p := drawRankings(t, 1, 6)
		ballots := ballotsOf(p)
		rank := map[plainPair]int{}
		for i, at := range rapid.Permutation(numbers(p.Options*p.Options)).Draw(t, "order of pairs") {
			rank[plainPair{at / p.Options, at % p.Options}] = i
		}
		pairs := plainPairs(plainOver(p.Options, ballots, false), strength, func(p, q plainPair) bool { return rank[p] < rank[q] })
		possible := m.FromProfile(p, variant(tally.TiesReport, strength, "bottom")).Winners
		for _, winner := range plainUnbeaten(plainLock(pairs), plainNamed(p.Options, ballots)) {
			if !slices.Contains(possible, winner) {
				t.Fatalf("%d wins with the pairs in the order %v, and only %v are found", winner, pairs, possible)
			}
		}
	})
}

// permutations are all orders of so many options.
func permutations(n int) func(yield func([]int) bool) {
	return func(yield func([]int) bool) {
		order := numbers(n)
		var from func(i int) bool
		from = func(i int) bool {
			if i == n {
				return yield(slices.Clone(order))
			}
			for k := i; k < n; k++ {
				order[i], order[k] = order[k], order[i]
				goOn := from(i + 1)
				order[i], order[k] = order[k], order[i]
				if !goOn {
					return false
				}
			}
			return true
		}
		from(0)
	}
}

func TestMinimaxLooksAtTheWorstDefeat(t *testing.T) {
	t.Parallel()
	eachVariant(t, []string{"minimax"}, func(t *rapid.T, m tally.Method, strength string) {
		p := drawRankings(t, 1, 6)
		unranked := drawUnranked(t)
		r := m.FromProfile(p, variant(tally.TiesReport, strength, unranked))
		ballots := ballotsOf(p)
		winners, worst := plainMinimax(plainOver(p.Options, ballots, unranked == "ignore"), plainNamed(p.Options, ballots), strength)
		if !slices.Equal(r.Winners, winners) || !slices.Equal(r.WorstDefeat, worst) {
			t.Fatalf("got %v with the worst defeats %v, want %v with %v", r.Winners, r.WorstDefeat, winners, worst)
		}
		checkTiers(t, r, func(a int) *big.Rat { return big.NewRat(-worst[a], 1) })
	})
}

func TestCopelandCountsWins(t *testing.T) {
	t.Parallel()
	m := method(t, "copeland")
	rapid.Check(t, func(t *rapid.T) {
		p := drawRankings(t, 1, 6)
		unranked := drawUnranked(t)
		r := m.FromProfile(p, asked(tally.TiesReport, "unranked", unranked))
		ballots := ballotsOf(p)
		winners, wins := plainCopeland(plainOver(p.Options, ballots, unranked == "ignore"), plainNamed(p.Options, ballots))
		if !slices.Equal(r.Winners, winners) {
			t.Fatalf("got the winners %v, want %v", r.Winners, winners)
		}
		for a, want := range wins {
			if r.Options[a].Marks > 0 && r.Options[a].Wins.Rat().Cmp(want) != 0 {
				t.Fatalf("got %v wins for %d, want %v", r.Options[a].Wins, a, want)
			}
		}
		checkTiers(t, r, func(a int) *big.Rat { return wins[a] })
	})
}

// checkTiers holds that the ranking of the options that some ballot ranks goes by a number,
// the highest first.
func checkTiers(t *rapid.T, r tally.Result, value func(option int) *big.Rat) {
	var last *big.Rat
	for _, tier := range r.Ranking {
		if r.Options[tier[0]].Marks == 0 {
			continue
		}
		for _, option := range tier {
			if value(option).Cmp(value(tier[0])) != 0 || last != nil && value(option).Cmp(last) >= 0 {
				t.Fatalf("the ranking %v is not by value: %d has %v", r.Ranking, option, value(option))
			}
		}
		last = value(tier[0])
	}
}

// raised moves an option up to the top of a ballot, and leaves the order of all others.
func raised(g tally.Group, option int) tally.Group {
	up := tally.Group{Weight: g.Weight, Preference: tally.Preference{Ranking: [][]int{{option}}}}
	for _, tier := range g.Ranking {
		rest := slices.DeleteFunc(slices.Clone(tier), func(o int) bool { return o == option })
		if len(rest) > 0 {
			up.Ranking = append(up.Ranking, rest)
		}
	}
	return up
}

func TestAWinnerThatIsRaisedStillWins(t *testing.T) {
	t.Parallel()
	eachVariant(t, condorcetMethods, func(t *rapid.T, m tally.Method, strength string) {
		p := drawRankings(t, 2, 5)
		// With unranked options ignored, to rank the winner at all also adds comparisons.
		s := variant(rapid.SampledFrom([]tally.TieBreak{tally.TiesListed, tally.TiesReport}).Draw(t, "ties"), strength, "bottom")
		before := m.FromProfile(p, s)
		if len(before.Winners) == 0 {
			return
		}
		winner := rapid.SampledFrom(before.Winners).Draw(t, "winner")
		better := tally.Profile{Options: p.Options}
		for _, g := range p.Groups {
			if rapid.Bool().Draw(t, "raised") {
				g = raised(g, winner)
			}
			better.Groups = append(better.Groups, g)
		}
		if after := m.FromProfile(better, s); !slices.Contains(after.Winners, winner) {
			t.Fatalf("%d won, was raised, and %v won: %v", winner, after.Winners, better)
		}
	})
}

// cloned puts a second option at the rank of another one, or right below it, on every ballot. It is the
// last one of the new poll.
func cloned(t *rapid.T, p tally.Profile, option int) tally.Profile {
	with := tally.Profile{Options: p.Options + 1}
	for _, g := range p.Groups {
		c := tally.Group{Weight: g.Weight}
		for _, tier := range g.Ranking {
			c.Ranking = append(c.Ranking, slices.Clone(tier))
			if i := len(c.Ranking) - 1; slices.Contains(tier, option) {
				if len(tier) == 1 && rapid.Bool().Draw(t, "apart") {
					c.Ranking = append(c.Ranking, []int{p.Options})
				} else {
					c.Ranking[i] = append(c.Ranking[i], p.Options)
				}
			}
		}
		with.Groups = append(with.Groups, c)
	}
	return with
}

func TestACloneNeitherHelpsNorHurts(t *testing.T) {
	t.Parallel()
	eachVariant(t, []string{"schulze", "ranked_pairs"}, func(t *rapid.T, m tally.Method, strength string) {
		p := drawRankings(t, 2, 5)
		option := rapid.IntRange(0, p.Options-1).Draw(t, "option")
		s := variant(tally.TiesReport, strength, drawUnranked(t))
		before, after := m.FromProfile(p, s), m.FromProfile(cloned(t, p, option), s)
		withoutClone := slices.DeleteFunc(slices.Clone(after.Winners), func(o int) bool { return o == option || o == p.Options })
		others := slices.DeleteFunc(slices.Clone(before.Winners), func(o int) bool { return o == option })
		won := slices.Contains(before.Winners, option)
		wins := len(withoutClone) < len(after.Winners)
		if !slices.Equal(withoutClone, others) || won != wins {
			t.Fatalf("%v won, and with a clone of %d, which is %d, %v", before.Winners, option, p.Options, after.Winners)
		}
	})
}

func TestAnOptionThatNoBallotRanksCannotWin(t *testing.T) {
	t.Parallel()
	// Each of the three is beaten by another with all of its votes, as the fourth one is
	// that no ballot ranks; and if unranked options are ignored, nothing beats that one.
	p := tally.Profile{Options: 4, Groups: []tally.Group{ranked(2, 0, 1), ranked(2, 1, 2), ranked(2, 2, 0)}}
	for _, name := range condorcetMethods {
		for _, unranked := range []string{"bottom", "ignore"} {
			r := method(t, name).FromProfile(p, asked(tally.TiesReport, "unranked", unranked))
			if !slices.Equal(r.Winners, []int{0, 1, 2}) || !slices.Equal(r.Smith, []int{0, 1, 2}) {
				t.Errorf("%s, unranked %s: got %v, and the Smith set %v", name, unranked, r.Winners, r.Smith)
			}
			if name != "ranked_pairs" && !reflect.DeepEqual(r.Ranking, [][]int{{0, 1, 2}, {3}}) {
				t.Errorf("%s, unranked %s: got the ranking %v", name, unranked, r.Ranking)
			}
		}
	}
}

// A circle of three with equal strengths: nothing in any of the methods decides.
func TestATieAtTheTopIsDecidedAsThePollAsks(t *testing.T) {
	t.Parallel()
	p := tally.Profile{Options: 4, Groups: []tally.Group{ranked(2, 1, 2, 3, 0), ranked(2, 2, 3, 1, 0), ranked(2, 3, 1, 2, 0)}}
	tied := []int{1, 2, 3}
	for _, name := range condorcetMethods {
		m := method(t, name)
		for _, tt := range []struct {
			name       string
			settings   tally.Settings
			winners    []int
			unresolved *tally.Unresolved
			tie        tally.Tie
			others     []int
		}{
			{
				"listed",
				tally.Settings{Ties: tally.TiesListed},
				[]int{1},
				nil,
				tally.Tie{Options: tied, Step: tally.TieListed, Chosen: []int{1}},
				[]int{2, 3},
			},
			{
				"the lot",
				tally.Settings{Ties: tally.TiesLot, Lot: []int{0, 3, 1, 2}},
				[]int{3},
				nil,
				tally.Tie{Options: tied, Step: tally.TieLot, Chosen: []int{3}},
				[]int{1, 2},
			},
			{
				"a lot that is not drawn",
				tally.Settings{Ties: tally.TiesLot},
				nil, &tally.Unresolved{Seats: 1, Options: tied, Stage: tally.StageLastSeat},
				tally.Tie{Options: tied, Step: tally.TieOpen},
				nil,
			},
			{
				"report",
				tally.Settings{Ties: tally.TiesReport},
				tied, nil,
				tally.Tie{Options: tied, Step: tally.TieReported, Chosen: tied},
				nil,
			},
		} {
			t.Run(name+": "+tt.name, func(t *testing.T) {
				t.Parallel()
				r := m.FromProfile(p, tt.settings)
				if !slices.Equal(r.Winners, tt.winners) || !reflect.DeepEqual(r.Unresolved, tt.unresolved) ||
					!reflect.DeepEqual(r.Ties, []tally.Tie{tt.tie}) || !slices.Equal(r.OtherOrders, tt.others) || r.OrdersLeft {
					t.Errorf("got %v won, %v open, ties %v, others %v", r.Winners, r.Unresolved, r.Ties, r.OtherOrders)
				}
				if r.TieBreaking == "" || r.CondorcetWinner != nil || !slices.Equal(r.Smith, tied) {
					t.Errorf("got %q, the Condorcet winner %v and the Smith set %v", r.TieBreaking, r.CondorcetWinner, r.Smith)
				}
			})
		}
	}
}

func TestRankedRobinBreaksATieByMargins(t *testing.T) {
	t.Parallel()
	robin := asked(tally.TiesReport, "tie_ladder", "margins")
	for _, tt := range []struct {
		name    string
		profile tally.Profile
		winners []int
		steps   []tally.TieStep
	}{
		{
			"over the other tied options",
			tally.Profile{Options: 3, Groups: []tally.Group{ranked(2, 0, 1, 2), ranked(4, 1, 2, 0), ranked(5, 2, 0, 1)}},
			[]int{2},
			[]tally.TieStep{tally.TieMarginsAmong},
		},
		{
			// 0, 1 and 2 are a circle of equal margins; 1 beats 3 most clearly.
			"over all options, if those over the tied ones are equal",
			tally.Profile{Options: 4, Groups: []tally.Group{
				ranked(2, 0, 1, 2, 3), ranked(2, 1, 2, 0, 3), ranked(2, 2, 0, 1, 3), ranked(1, 0, 1, 3, 2), ranked(1, 1, 3, 2, 0), ranked(1, 2, 3, 0, 1),
			}},
			[]int{1},
			[]tally.TieStep{tally.TieMarginsAll},
		},
		{
			"and if all of them are equal, the tie stays",
			tally.Profile{Options: 3, Groups: []tally.Group{ranked(1, 0, 1, 2), ranked(1, 1, 2, 0), ranked(1, 2, 0, 1)}},
			[]int{0, 1, 2},
			[]tally.TieStep{tally.TieReported},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := method(t, "copeland").FromProfile(tt.profile, robin)
			var steps []tally.TieStep
			for _, tie := range r.Ties {
				steps = append(steps, tie.Step)
			}
			if !slices.Equal(r.Winners, tt.winners) || !slices.Equal(steps, tt.steps) {
				t.Errorf("got %v by %v, pairs %v", r.Winners, r.Ties, r.Pairwise)
			}
		})
	}
}

// The margins over all options add up to 9 × third for 0 and 1, which is just more than an
// int64 holds, and to just less for 2.
func TestSumsOfHugeMarginsAreExact(t *testing.T) {
	t.Parallel()
	const third = math.MaxInt64/9 + 1
	p := tally.Profile{Options: 6, Groups: []tally.Group{
		ranked(third-5, 0, 1, 2, 3, 4, 5), ranked(5, 0, 1, 3, 2, 4, 5),
		ranked(third, 1, 2, 0, 3, 4, 5), ranked(third, 2, 0, 1, 3, 4, 5),
	}}
	r := method(t, "copeland").FromProfile(p, asked(tally.TiesReport, "tie_ladder", "margins"))
	if !slices.Equal(r.Winners, []int{0, 1}) || len(r.Ties) == 0 || r.Ties[0].Step != tally.TieMarginsAll {
		t.Errorf("got %v by %v", r.Winners, r.Ties)
	}
}

func TestRatiosOfHugeCountsAreComparedExactly(t *testing.T) {
	t.Parallel()
	// Each of three beats the next. As ratios the three wins differ by less than 1 in 2^60,
	// which is less than a floating point number can tell, and the one of 2 over 0 is the
	// weakest.
	const huge = 1 << 60
	p := tally.Profile{Options: 3, Groups: []tally.Group{
		ranked(huge+1, 0, 1, 2), ranked(huge, 1, 2, 0), ranked(huge-1, 2, 0, 1),
	}}
	r := method(t, "schulze").FromProfile(p, asked(tally.TiesReport, "strength", "ratio"))
	if !slices.Equal(r.Winners, []int{0}) {
		t.Errorf("got %v with the paths %v", r.Winners, r.Paths)
	}
}

// Three ballots with so many options make thousands of equal pairs.
func TestOrdersOfPairsThatAreTooManyLeaveTheWinnerOpen(t *testing.T) {
	t.Parallel()
	p := benchProfile(60, 3)
	for i := range p.Groups {
		p.Groups[i].Weight = 1
	}
	m := method(t, "ranked_pairs")
	listed := m.FromProfile(p, tally.Settings{Ties: tally.TiesListed})
	if !listed.OrdersLeft || len(listed.Winners) != 1 {
		t.Errorf("got the winners %v, others %v and orders left: %v", listed.Winners, listed.OtherOrders, listed.OrdersLeft)
	}
	for _, ties := range []tally.TieBreak{tally.TiesLot, tally.TiesReport} {
		r := m.FromProfile(p, tally.Settings{Ties: ties})
		if !r.OrdersLeft || len(r.Winners) > 0 || r.Unresolved == nil || !slices.Equal(r.Unresolved.Options, r.Smith) {
			t.Errorf("%s: got the winners %v, %v open and orders left: %v", ties, r.Winners, r.Unresolved, r.OrdersLeft)
		}
		if r.Ranking != nil {
			t.Errorf("%s: got the ranking %v, which depends on the order", ties, r.Ranking)
		}
	}
}

// The one who wins in the given order wins also where a search of other orders ends before
// it comes to that order.
func TestTheOrderDecidesHoweverManyOthersThereAre(t *testing.T) {
	t.Parallel()
	draw := rand.New(rand.NewPCG(0, 24))
	p := tally.Profile{Options: 24}
	for range 3 {
		p.Groups = append(p.Groups, ranked(1, draw.Perm(p.Options)...))
	}
	lot := numbers(p.Options)
	slices.Reverse(lot)
	r := method(t, "ranked_pairs").FromProfile(p, tally.Settings{Ties: tally.TiesLot, Lot: lot})
	winner, _ := plainRankedPairs(plainOver(p.Options, ballotsOf(p), false), lot, lot, "winning_votes")
	if !slices.Equal(r.Winners, []int{winner}) || !r.OrdersLeft {
		t.Errorf("got %v (orders left: %v), want %d", r.Winners, r.OrdersLeft, winner)
	}
}

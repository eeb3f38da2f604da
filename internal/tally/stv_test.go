package tally_test

import (
	"maps"
	"math"
	"math/big"
	"path/filepath"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"voted/internal/tally"
)

func stv(t testing.TB) tally.Method { return method(t, "stv") }

// stvSettings asks for seats by a rule set.
func stvSettings(seats int, set string) tally.Settings {
	return tally.Settings{Seats: seats, Rules: tally.Rules{"rule_set": {Word: set}}}
}

func ruleSets() []string { return []string{"scottish", "prf_wigm", "prf_meek", "rctab", "exact"} }

// plainQuotas are the names of the quotas, as the plain twin has them, of the rule sets that
// can choose.
var plainQuotas = map[string]map[string]string{
	"rctab": {"droop": "whole", "hagenbach_bischoff": "cut", "hare": "hare"},
	"exact": {"droop": "whole", "hagenbach_bischoff": "exact", "hare": "hare"},
}

// forEachRuleSet checks a property for every rule set.
func forEachRuleSet(t *testing.T, property func(t *rapid.T, set string)) {
	t.Helper()
	for _, set := range ruleSets() {
		t.Run(set, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) { property(t, set) })
		})
	}
}

func TestEachRuleSetOfSTVAgreesWithItsPlainTwin(t *testing.T) {
	t.Parallel()
	forEachRuleSet(t, func(t *rapid.T, set string) {
		p := drawProfile(t, true)
		seats := rapid.IntRange(1, mostOptions+1).Draw(t, "seats")
		s, rules := stvSettings(seats, set), plainSets[set]
		if set == "prf_wigm" && rapid.Bool().Draw(t, "sure losers") {
			s.Rules["eliminate"] = tally.Value{Word: "sure_losers"}
			rules.sureLosers = true
		}
		if quotas := plainQuotas[set]; quotas != nil {
			name := rapid.SampledFrom(slices.Sorted(maps.Keys(quotas))).Draw(t, "quota")
			s.Rules["quota"], rules.quota = tally.Value{Word: name}, quotas[name]
		}
		if set == "rctab" && rapid.Bool().Draw(t, "write-ins") {
			rules.writeIns = []int{rapid.IntRange(0, p.Options-1).Draw(t, "write-in")}
			s.Rules["write_in"] = tally.Value{Options: rules.writeIns}
		}
		withdrawn := rapid.SliceOfNDistinct(rapid.IntRange(0, p.Options-1), 0, p.Options, rapid.ID[int]).Draw(t, "withdrawn")
		s.Rules["withdrawn"] = tally.Value{Options: withdrawn}
		if rapid.Bool().Draw(t, "lot") {
			s.Ties, s.Lot = tally.TiesLot, rapid.Permutation(numbers(p.Options)).Draw(t, "order")
			rules.outFirst = slices.Clone(s.Lot)
			slices.Reverse(rules.outFirst)
		}
		ballots := ballotsOf(p)
		compareSTV(t, stvOf(t).FromProfile(p, s), plainCountSTV(p.Options, seats, rules, withdrawn, ballots), int64(len(ballots)))
	})
}

func stvOf(t *rapid.T) tally.Method {
	m, ok := tally.ByName("stv")
	if !ok {
		t.Fatal("there is no method stv")
	}
	return m
}

func compareSTV(t failer, got tally.Result, want *plainSTV, ballots int64) {
	sorted := slices.Sorted(slices.Values(want.elected))
	if !slices.Equal(got.Elected, want.elected) || !slices.Equal(got.Winners, sorted) {
		t.Fatalf("got %v elected and the winners %v, want %v", got.Elected, got.Winners, want.elected)
	}
	if len(got.Rounds) != len(want.rounds) {
		t.Fatalf("got %d rounds, want %d", len(got.Rounds), len(want.rounds))
	}
	for i, w := range want.rounds {
		round := got.Rounds[i]
		if !slices.Equal(round.Elected, w.elected) || !slices.Equal(round.Eliminated, w.gone) || !slices.Equal(round.SurplusOf, w.surplusOf) {
			t.Fatalf("round %d: got %v elected, %v out, the surplus of %v, want %v, %v, %v",
				i+1, round.Elected, round.Eliminated, round.SurplusOf, w.elected, w.gone, w.surplusOf)
		}
		for option, votes := range round.Votes {
			if votes.Rat().Cmp(w.votes[option]) != 0 {
				t.Fatalf("round %d, option %d: got %v votes, want %v", i+1, option, votes, w.votes[option].FloatString(9))
			}
		}
		quota := got.Quota
		if want.meek {
			quota = round.Quota
		}
		if quota.Rat().Cmp(w.quota) != 0 || round.Loss.Rat().Cmp(w.loss) != 0 {
			t.Fatalf("round %d: got the quota %v and the loss %v, want %v and %v", i+1, quota, round.Loss, w.quota.FloatString(9), w.loss.FloatString(9))
		}
		invalid := big.NewRat(ballots-int64(len(want.papers)), 1)
		if spent := new(big.Rat).Sub(round.Exhausted.Rat(), invalid); spent.Cmp(w.spent) != 0 {
			t.Fatalf("round %d: got %v votes spent, want %v", i+1, spent.FloatString(9), w.spent.FloatString(9))
		}
	}
}

// failer is what a check needs of a test, of each kind.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

// checkSTV checks what holds for every count of STV. It fails where there is none.
func checkSTV(t failer, r tally.Result, p tally.Profile, s tally.Settings) {
	t.Helper()
	ballots := new(big.Rat)
	for _, g := range p.Groups {
		ballots.Add(ballots, new(big.Rat).SetInt64(max(g.Weight, 0)))
	}
	if len(r.Rounds) == 0 || len(r.Rounds) > max(p.Options, 0)+1 {
		t.Fatalf("got %d rounds for %d options", len(r.Rounds), p.Options)
	}
	gone := make([]bool, max(p.Options, 0))
	for _, option := range s.Rules["withdrawn"].Options {
		if option >= 0 && option < len(gone) {
			gone[option] = true
		}
	}
	var elected []int
	for i, round := range r.Rounds {
		total := round.Exhausted.Rat()
		total.Add(total, round.Loss.Rat())
		for option, votes := range round.Votes {
			total.Add(total, votes.Rat())
			if votes.Sign() < 0 || round.Standing[option] == gone[option] || gone[option] && votes.Sign() > 0 {
				t.Fatalf("round %d has option %d wrong: %+v", i+1, option, round)
			}
		}
		if total.Cmp(ballots) != 0 || round.Loss.Sign() < 0 || round.Exhausted.Sign() < 0 {
			t.Fatalf("round %d adds up to %s ballots of %s: %+v", i+1, total, ballots, round)
		}
		for _, option := range round.Eliminated {
			if gone[option] || slices.Contains(elected, option) || slices.Contains(round.Elected, option) {
				t.Fatalf("round %d eliminates %d, which is elected or has left: %+v", i+1, option, round)
			}
			gone[option] = true
		}
		elected = append(elected, round.Elected...)
		if i+1 < len(r.Rounds) {
			checkTransfers(t, round, r.Rounds[i+1], i+1)
		}
	}
	if s.Rules["rule_set"].Word == "rctab" {
		for _, option := range s.Rules["write_in"].Options { // never elected
			if option >= 0 && option < len(gone) && slices.Contains(elected, option) {
				t.Fatalf("write-ins are elected: %v", elected)
			} else if option >= 0 && option < len(gone) {
				gone[option] = true
			}
		}
	}
	checkWinners(t, r, s, elected, gone)
}

// checkTransfers checks that what a round moves arrives in the next one.
func checkTransfers(t failer, round, next tally.Round, number int) {
	t.Helper()
	if len(round.Keep) > 0 {
		return // Meek shares all ballots out again
	}
	votes := append([]*big.Rat{}, round.Exhausted.Rat())
	for _, v := range round.Votes {
		votes = append(votes, v.Rat())
	}
	for _, m := range round.Transfers {
		votes[m.To+1].Add(votes[m.To+1], m.Votes.Rat())
		votes[m.From+1].Sub(votes[m.From+1], m.Votes.Rat())
	}
	for _, option := range round.SurplusOf {
		votes[option+1].Sub(votes[option+1], next.Loss.Rat()).Add(votes[option+1], round.Loss.Rat())
	}
	if votes[0].Cmp(next.Exhausted.Rat()) != 0 {
		t.Fatalf("round %d: %s exhausted after its transfers, then %v", number, votes[0], next.Exhausted)
	}
	for option, v := range next.Votes {
		if votes[option+1].Cmp(v.Rat()) != 0 {
			t.Fatalf("round %d: option %d has %s after its transfers, then %v", number, option, votes[option+1], v)
		}
	}
}

func checkWinners(t failer, r tally.Result, s tally.Settings, elected []int, gone []bool) {
	t.Helper()
	seats, standing := max(s.Seats, 1), 0
	for _, out := range gone {
		if !out {
			standing++
		}
	}
	reported := len(r.Ties) > 0 && r.Ties[len(r.Ties)-1].Step == tally.TieReported
	open := 0
	if r.Unresolved != nil {
		open = r.Unresolved.Seats
	}
	valid := false
	for _, votes := range r.Rounds[0].Votes {
		valid = valid || votes.Sign() > 0
	}
	switch {
	case !slices.Equal(r.Elected, elected):
		t.Fatalf("got %v elected, but the rounds say %v", r.Elected, elected)
	case !slices.IsSorted(r.Winners) || len(slices.Compact(slices.Clone(r.Winners))) != len(r.Winners):
		t.Fatalf("the winners %v are not ascending", r.Winners)
	case !valid && (len(r.Winners) > 0 || r.Unresolved != nil):
		t.Fatalf("got the winners %v without a vote", r.Winners)
	case valid && !reported && len(r.Winners)+open != min(seats, max(standing, len(elected))):
		t.Fatalf("got the winners %v and %d open for %d seats and %d options", r.Winners, open, seats, standing)
	case !reported && open == 0 && !slices.Equal(r.Winners, slices.Sorted(slices.Values(elected))):
		t.Fatalf("got the winners %v, but %v elected", r.Winners, elected)
	case open > 0 && len(r.Unresolved.Options) < 2:
		t.Fatalf("got a tie of %v", r.Unresolved.Options)
	}
}

func TestEveryCountOfSTVAddsUp(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := drawProfile(t, true)
		s := drawSettings(t, stvOf(t), p.Options)
		checkSTV(t, stvOf(t).FromProfile(p, s), p, s)
	})
}

// Ballots by the million of millions: the sum of all weights is the highest there can be.
func TestSTVCountsTheHighestWeightsExactly(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := drawProfile(t, false)
		s := drawSettings(t, stvOf(t), p.Options)
		left := int64(math.MaxInt64)
		for i := range p.Groups {
			w := rapid.Int64Range(1, max(left/2, 1)).Draw(t, "large weight")
			p.Groups[i].Weight, left = w, left-w
		}
		checkSTV(t, stvOf(t).FromProfile(p, s), p, s)
	})
}

// winnersOfAllLots counts once for each order that can be drawn.
func winnersOfAllLots(m tally.Method, p tally.Profile, s tally.Settings) (some, all map[int]bool) {
	some, all = map[int]bool{}, map[int]bool{}
	for o := range p.Options {
		all[o] = true
	}
	s.Ties = tally.TiesLot
	eachOrder(numbers(p.Options), 0, func(lot []int) {
		s.Lot = lot
		r := m.FromProfile(p, s)
		for o := range p.Options {
			won := slices.Contains(r.Winners, o)
			some[o] = some[o] || won
			all[o] = all[o] && won
		}
	})
	return some, all
}

func eachOrder(order []int, fixed int, do func([]int)) {
	if fixed == len(order) {
		do(slices.Clone(order))
		return
	}
	for i := fixed; i < len(order); i++ {
		order[fixed], order[i] = order[i], order[fixed]
		eachOrder(order, fixed+1, do)
		order[fixed], order[i] = order[i], order[fixed]
	}
}

// drawTied makes a small profile with many ties.
func drawTied(t *rapid.T) (tally.Profile, tally.Settings) {
	p := tally.Profile{Options: rapid.IntRange(1, 4).Draw(t, "options")}
	for range rapid.IntRange(0, 6).Draw(t, "groups") {
		order := rapid.Permutation(numbers(p.Options)).Draw(t, "order")
		p.Groups = append(p.Groups, ranked(rapid.Int64Range(1, 2).Draw(t, "weight"), order[:rapid.IntRange(1, len(order)).Draw(t, "named")]...))
	}
	s := stvSettings(rapid.IntRange(1, 3).Draw(t, "seats"), rapid.SampledFrom(ruleSets()).Draw(t, "set"))
	return p, s
}

func TestWhoCouldHaveWonByAnotherOrderIsWhoWinsByALot(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p, s := drawTied(t)
		r := stvOf(t).FromProfile(p, s)
		some, _ := winnersOfAllLots(stvOf(t), p, s)
		for o := range p.Options {
			could := slices.Contains(r.Winners, o) || slices.Contains(r.OtherOrders, o)
			if could != some[o] && !r.OrdersLeft {
				t.Fatalf("got %v and by other orders %v; by a lot option %d can win: %v", r.Winners, r.OtherOrders, o, some[o])
			}
		}
	})
}

func TestATieIsLeftOpenOnlyWhereALotChangesWhoWins(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p, s := drawTied(t)
		s.Ties = rapid.SampledFrom([]tally.TieBreak{tally.TiesLot, tally.TiesReport}).Draw(t, "ties")
		r := stvOf(t).FromProfile(p, s)
		checkSTV(t, r, p, s)
		some, all := winnersOfAllLots(stvOf(t), p, s)
		reported := len(r.Ties) > 0 && r.Ties[len(r.Ties)-1].Step == tally.TieReported
		for o := range p.Options {
			switch won := slices.Contains(r.Winners, o); {
			case won && !reported && !all[o]:
				t.Fatalf("option %d surely wins, says %+v; but by some lot it does not", o, r)
			case won && reported && !some[o]:
				t.Fatalf("option %d wins in a reported tie, but by no lot", o)
			case !won && r.Unresolved == nil && some[o]:
				t.Fatalf("option %d does not win, says %+v; but by some lot it does", o, r)
			}
		}
		differ := false
		for o := range p.Options {
			differ = differ || some[o] != all[o]
		}
		if open := r.Unresolved != nil || reported; open != differ {
			t.Fatalf("a tie is open: %v; lots elect different options: %v", open, differ)
		}
	})
}

// The twin counts the elections too, so that it is right for more than what it is compared by.
func TestThePlainTwinOfSTVAgreesWithKnownElections(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(electionsDir, "stv-*.txt"))
	if err != nil {
		t.Fatal(err)
	}
	counted := 0
	for _, file := range files {
		e := readElection(t, file)
		rules := map[string]string{}
		for _, r := range e.rules {
			rules[r[0]] = r[1]
		}
		quotas := plainQuotas[rules["rule_set"]]
		if quotas == nil || e.counted != "" {
			continue
		}
		counted++
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			plain := plainSets[rules["rule_set"]]
			if name := rules["quota"]; name != "" {
				plain.quota = quotas[name]
			}
			writeIns, err := e.numbers(rules["write_in"])
			if err != nil {
				t.Fatal(err)
			}
			plain.writeIns = writeIns
			c := plainCountSTV(len(e.options), max(e.settings.Seats, 1), plain, nil, ballotsOf(e.profile))
			for _, d := range e.compareAll(t, c.result(e.profile)) {
				t.Error(d)
			}
		})
	}
	if counted < 18 {
		t.Errorf("only %d elections are counted", counted)
	}
}

// result writes a plain count as a result.
func (c *plainSTV) result(p tally.Profile) tally.Result {
	r := tally.Result{Elected: c.elected, Winners: slices.Sorted(slices.Values(c.elected)), Quota: tally.Fraction(c.rounds[0].quota, 9)}
	gone, won := map[int]bool{}, map[int]bool{}
	for i, round := range c.rounds {
		for _, o := range round.elected {
			won[o] = true
		}
		n := tally.Round{Elected: round.elected, Eliminated: round.gone, SurplusOf: round.surplusOf, Exhausted: tally.Fraction(round.spent, 9)}
		for o, votes := range round.votes {
			n.Votes = append(n.Votes, tally.Fraction(votes, 9))
			n.Standing = append(n.Standing, !gone[o])
		}
		for _, o := range round.gone {
			gone[o] = true
		}
		if len(round.gone) == 1 {
			var tied []int
			for o, votes := range round.votes {
				if n.Standing[o] && !won[o] && votes.Cmp(round.votes[round.gone[0]]) == 0 {
					tied = append(tied, o)
				}
			}
			r.Ties = append(r.Ties, tally.Tie{Round: i + 1, Options: tied})
		}
		r.Rounds = append(r.Rounds, n)
	}
	return r
}

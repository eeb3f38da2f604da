package tally

import (
	"math/big"
	"slices"
)

// wigmRules are what rule sets of the weighted inclusive Gregory method differ in. In all of
// them an elected option's surplus moves on all its papers, each at a part of the value at
// which the option received it.
type wigmRules struct {
	decimals int // that votes and values of papers have, or fractions
	quota    quotaRule
	// value gives a paper's value when it moves on with a surplus, from the value it had.
	value func(had, surplus, votes, vote *big.Int) *big.Int
	// zeroSurplus says that a surplus of zero moves too, in a round of its own.
	zeroSurplus bool
	// fillBeforeTransfer says that after an exclusion the last seats are filled before the
	// papers of the excluded option move; otherwise after that.
	fillBeforeTransfer bool
	// earlierRounds says that equal options are compared by earlier rounds, latest first,
	// before the settings decide.
	earlierRounds bool
	// sureLosers says that options that cannot win are excluded together.
	sureLosers bool
	// writeIns says that the option of the rule write_in is excluded first.
	writeIns bool
}

// quotaRule gives the quota from the valid votes; vote is one vote.
type quotaRule func(valid, vote *big.Int, seats int) *big.Int

// prfWIGM is the Proportional Representation Foundation's reference rule for the weighted
// inclusive Gregory method (prfound.org/resources/reference/reference-wigm-rule), by its
// steps. Ties are decided by an order that is drawn before the count (D.1).
var prfWIGM = wigmRules{
	decimals: 4,
	// A.1, D.4: the valid ballots, divided by one more than the seats, rounded down, plus 0.0001.
	quota: func(valid, _ *big.Int, seats int) *big.Int { return shareAndOne(valid, seats) },
	// B.3, D.4: multiplied by the surplus, then divided by the votes, each time rounded down.
	value: func(had, surplus, votes, vote *big.Int) *big.Int {
		v := new(big.Int).Mul(had, surplus)
		v.Quo(v, vote)
		v.Mul(v, vote)
		return v.Quo(v, votes)
	},
	zeroSurplus:        true, // B.3
	fillBeforeTransfer: true, // B.4, D.3
}

// wigm is a count by the weighted inclusive Gregory method.
type wigm struct {
	*stvCount
	rules wigmRules
	holds [][]parcel // per option, ascending by value
}

// parcel is a bundle of papers of one option that have one value.
type parcel struct {
	value *big.Int
	bundle
}

// countWIGM counts round by round. It ends: in each round but the last, an option leaves or
// its surplus moves, and neither happens to an option twice.
func countWIGM(p Profile, s Settings, rules wigmRules, plan stvPlan) *stvCount {
	c, first := newSTVCount(p, s, rules.decimals, plan)
	c.earlierRounds = rules.earlierRounds
	if rules.writeIns {
		c.writeIn = slices.Index(s.marked(stvWriteIn, len(c.votes)), true)
	}
	c.quota = rules.quota(c.valid, c.vote, s.seats())
	c.result.Quota = c.number(c.quota)
	w := &wigm{stvCount: c, rules: rules, holds: make([][]parcel, len(c.votes))}
	for _, pile := range first {
		w.receive(pile, c.vote)
	}
	for w.nextRound() {
	}
	return c
}

// nextRound carries out a round. It reports whether another one follows.
func (w *wigm) nextRound() bool {
	w.open()
	if !w.dropOneTooMany() {
		return false
	}
	w.electReached()
	if w.over() {
		w.fill()
		return false
	}
	givers := w.givers()
	out := w.losers()
	switch {
	case len(out) > 0:
	case len(givers) > 0:
		giver, ok := w.choose(givers, toGive)
		if ok {
			w.transferSurplus(giver)
		}
		return ok
	case w.writeIn != none && w.seats[w.writeIn] == isContinuing:
		out = []int{w.writeIn}
	default:
		weakest, ok := w.choose(w.who(isContinuing), toLeave)
		if !ok {
			return false
		}
		out = []int{weakest}
	}
	w.eliminate(out)
	if w.rules.fillBeforeTransfer && w.over() {
		w.fill()
		return false
	}
	for _, option := range w.round().Eliminated {
		w.move(option, func(had *big.Int) *big.Int { return had })
		w.votes[option] = new(big.Int)
	}
	return true
}

// dropOneTooMany takes out one of the options that have the quota, if they are more than the
// seats that are left. Only with the quota V/(s+1) itself can they be: then each of them has
// exactly one quota, and no further option has a vote, so these leave as well. It reports
// whether the tie could be decided. With every other quota, one more of it than there are
// seats is more than all votes.
func (w *wigm) dropOneTooMany() bool {
	reached := w.reached()
	if len(reached) <= w.vacancies() {
		return true
	}
	idle := slices.DeleteFunc(w.who(isContinuing), func(option int) bool { return slices.Contains(reached, option) })
	w.eliminate(idle)
	out, ok := w.choose(reached, toLeave)
	if ok {
		w.eliminate(append(idle, out))
	}
	return ok
}

// givers are the elected options whose surplus has to move.
func (w *wigm) givers() (givers []int) {
	for _, option := range w.who(isElected) {
		if w.rules.zeroSurplus || w.votes[option].Cmp(w.quota) > 0 {
			givers = append(givers, option)
		}
	}
	return givers
}

// losers are the options that cannot win, whatever papers still come to them, if the rules
// let them leave together. They are the largest set whose votes, with all surpluses that
// have to move, are fewer than those of each other continuing option, while the others are
// enough for the seats. Source: step B.2 of the reference rule.
func (w *wigm) losers() []int {
	if !w.rules.sureLosers {
		return nil
	}
	order := w.who(isContinuing)
	slices.SortStableFunc(order, toLeave.order(w.votes))
	sum := new(big.Int)
	for _, option := range w.who(isElected) {
		sum.Add(sum, w.votes[option]).Sub(sum, w.quota)
	}
	sure := 0
	for i := range len(order) - w.vacancies() {
		// Where the next option has as few votes as this one, the sum is not below it.
		if sum.Add(sum, w.votes[order[i]]).Cmp(w.votes[order[i+1]]) < 0 {
			sure = i + 1
		}
	}
	return order[:sure]
}

// transferSurplus moves what an elected option has beyond the quota.
func (w *wigm) transferSurplus(giver int) {
	if w.decimals == fractions {
		w.refine(giver)
	}
	votes := w.votes[giver]
	surplus := new(big.Int).Sub(votes, w.quota)
	w.seats[giver] = isSettled
	w.round().SurplusOf = []int{giver}
	moved := w.move(giver, func(had *big.Int) *big.Int { return w.rules.value(had, surplus, votes, w.vote) })
	w.loss.Add(w.loss, surplus).Sub(w.loss, moved)
	w.votes[giver] = w.quota
}

// move gives the papers of an option to the next continuing option on each, at the value
// that each has from then on. It returns the votes that moved, also those that no option
// receives.
func (w *wigm) move(from int, value func(had *big.Int) *big.Int) (moved *big.Int) {
	open := w.are(isContinuing)
	got := make([]*big.Int, len(w.votes)+1) // per option, and last for no option
	for i := range got {
		got[i] = new(big.Int)
	}
	for _, had := range w.holds[from] {
		each := value(had.value)
		piles, left := w.papers.deal(had.bundle, open)
		for _, pile := range piles {
			w.receive(pile, each)
			got[pile.option].Add(got[pile.option], new(big.Int).Mul(each, counted(pile.weight)))
		}
		got[len(w.votes)].Add(got[len(w.votes)], new(big.Int).Mul(each, counted(left.weight)))
	}
	w.holds[from] = nil
	return w.credit(from, got)
}

// credit books votes that come from one option: per option, and last for no option.
func (w *wigm) credit(from int, got []*big.Int) (sum *big.Int) {
	sum = new(big.Int)
	for to, votes := range got {
		if votes.Sign() == 0 {
			continue
		}
		sum.Add(sum, votes)
		if to == len(w.votes) {
			to = none
			w.spent.Add(w.spent, votes)
		} else {
			w.votes[to] = new(big.Int).Add(w.votes[to], votes)
		}
		if w.plan.quiet {
			continue
		}
		w.round().Transfers = append(w.round().Transfers, Transfer{from, to, w.number(votes)})
	}
	return sum
}

// receive adds a pile to what its option holds.
func (w *wigm) receive(p pile, value *big.Int) {
	holds := w.holds[p.option]
	at, found := slices.BinarySearchFunc(holds, value, func(held parcel, value *big.Int) int { return held.value.Cmp(value) })
	if !found {
		holds = slices.Insert(holds, at, parcel{value: value})
	}
	w.papers.join(&holds[at].bundle, p.bundle)
	w.holds[p.option] = holds
}

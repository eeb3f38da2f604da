package tally

import "math/big"

// exactWIGM is the weighted inclusive Gregory method in exact fractions, with the tie-breaks
// of [scottish]. No law has it: it is how encyclopedias and the tests of other programs count
// their examples (Wikipedia, "Single transferable vote"), and a check of rules that round.
var exactWIGM = wigmRules{
	decimals: fractions,
	// The unit is fine enough for the quotient to be whole: see refine.
	value: func(had, surplus, votes, _ *big.Int) *big.Int {
		v := new(big.Int).Mul(had, surplus)
		return v.Quo(v, votes)
	},
	earlierRounds: true,
}

// exactQuotas are whole amounts in the units with which a count in fractions begins.
var exactQuotas = map[string]quotaRule{
	quotaDroop:      wholeDroop,
	quotaFractional: func(valid, _ *big.Int, seats int) *big.Int { return quoDown(valid, seats+1) },
	quotaHare:       func(valid, _ *big.Int, seats int) *big.Int { return quoDown(valid, seats) },
}

func quoDown(a *big.Int, b int) *big.Int { return new(big.Int).Quo(a, big.NewInt(int64(b))) }

// fractions stands for a number of decimals where votes are exact fractions.
const fractions = -1

// A surplus multiplies the unit by the votes of its option, which are a number of units: each
// time the unit has twice as many digits. With eight seats that are some thousand digits at
// most; a result keeps a fraction for each option in each round.
const (
	maxExactSeats   = 8
	maxExactOptions = 100
)

// firstUnits is how many units one vote is at the start of a count. Fractions begin with
// units in which each share of the votes for a seat is whole.
func firstUnits(decimals, seats int) *big.Int {
	if decimals == fractions {
		return new(big.Int).Mul(big.NewInt(int64(seats)), big.NewInt(int64(seats)+1))
	}
	return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(decimals)), nil)
}

// refine makes the unit small enough for the papers of an elected option to move on with its
// surplus at whole values.
func (w *wigm) refine(giver int) {
	votes := w.votes[giver]
	shared := new(big.Int).Sub(votes, w.quota)
	shared.GCD(nil, nil, shared, votes)
	times := new(big.Int).Quo(votes, shared)
	for _, amount := range []**big.Int{&w.vote, &w.quota, &w.valid, &w.spent, &w.loss, &w.invalid} {
		*amount = new(big.Int).Mul(*amount, times)
	}
	for i := range w.votes {
		w.votes[i] = new(big.Int).Mul(w.votes[i], times)
		for at := range w.holds[i] {
			w.holds[i][at].value = new(big.Int).Mul(w.holds[i][at].value, times)
		}
	}
}

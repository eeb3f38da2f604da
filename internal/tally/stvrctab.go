package tally

import "math/big"

// rctab is the count for several seats of RCTab, the tabulator of the Ranked Choice Voting
// Resource Center, with four decimals. With Droop's quota and a write_in it is how
// Minneapolis counts: Code of Ordinances, title 8.5, chapter 167, where the surplus fraction
// is cut first, and then the value of each vote. Ties are decided by lot (167.70).
var rctab = wigmRules{
	decimals: 4,
	// The surplus divided by the votes, rounded down; then multiplied by the value, rounded down.
	value: func(had, surplus, votes, vote *big.Int) *big.Int {
		v := new(big.Int).Mul(surplus, vote)
		v.Quo(v, votes)
		v.Mul(v, had)
		return v.Quo(v, vote)
	},
	writeIns: true,
}

// rctabQuotas are those of RCTab: its default, nonIntegerWinningThreshold and hareQuota.
var rctabQuotas = map[string]quotaRule{
	quotaDroop:      wholeDroop,
	quotaFractional: func(valid, _ *big.Int, seats int) *big.Int { return shareAndOne(valid, seats) },
	quotaHare: func(valid, vote *big.Int, seats int) *big.Int {
		q := quoUp(new(big.Int).Quo(valid, vote), big.NewInt(int64(seats)))
		return q.Mul(q, vote)
	},
}

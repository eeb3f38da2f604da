package tally

import "math/big"

// scottish is the count of Scottish council elections: the Scottish Local Government
// Elections Order 2007 (SSI 2007/42), schedule 1, rules 45 to 52.
var scottish = wigmRules{
	decimals: 5,          // rule 48(3)
	quota:    wholeDroop, // rule 46
	// Rule 48(3): the surplus multiplied by the value, divided by the votes, rounded down once.
	value: func(had, surplus, votes, _ *big.Int) *big.Int {
		v := new(big.Int).Mul(had, surplus)
		return v.Quo(v, votes)
	},
	earlierRounds: true, // rules 49(2) and 51(2)
}

// wholeDroop is the valid papers, divided by one more than the seats, without decimals, plus
// one.
func wholeDroop(valid, vote *big.Int, seats int) *big.Int {
	q := shareAndOne(new(big.Int).Quo(valid, vote), seats)
	return q.Mul(q, vote)
}

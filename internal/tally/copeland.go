package tally

import "math/big"

// copeland elects the option that wins the most pairwise comparisons; an equal one is
// half a win. Where asked, ties are broken as in Ranked Robin.
//
// Source: A. H. Copeland, "A reasonable social welfare function", seminar notes,
// University of Michigan, 1951. Ties: the first two degrees of Ranked Robin,
// electowiki.org/wiki/Ranked_Robin.
var copeland = Method{
	Name:        "copeland",
	Title:       "Copeland",
	Form:        Ranking,
	Ties:        true,
	OneSeat:     true,
	DefaultTies: TiesReport,
	Rules:       []Rule{copelandLadder, unrankedRule},
	compared:    compareCopeland,
}

var copelandLadder = Rule{
	Name:  "tie_ladder",
	Words: []string{"none", "margins"},
	Help:  "What is tried first with options that win equally often: nothing, or their margins, added up as in Ranked Robin.",
}

// The steps of Ranked Robin.
const (
	TieMarginsAmong TieStep = "margins_among_tied" // the highest sum of margins over the other tied options
	TieMarginsAll   TieStep = "margins_over_all"   // the highest sum of margins over all other options
)

func compareCopeland(pairs Pairwise, s Settings) Result {
	var l ladder
	lead := "with the most wins"
	if s.word(copelandLadder) == "margins" {
		l = rankedRobin(pairs)
		lead += " and the same sums of margins"
	}
	r := pairs.result(severalLead(s, lead))
	r.fillSeats(s, pairs.candidates(), func(a, b int) int { return r.Options[b].Wins.Cmp(r.Options[a].Wins) }, l)
	return r
}

// rankedRobin is the ladder of Ranked Robin: the margins of each tied option over the
// other tied ones are added up; if that leaves a tie, those over all other options are.
func rankedRobin(pairs Pairwise) ladder {
	all := make([]int, pairs.Options())
	for i := range all {
		all[i] = i
	}
	degree := func(step TieStep, against func(tied []int) []int) rung {
		return rung{step, func(tied []int, places int) (in, left []int) {
			opponents := against(tied)
			sums := make(map[int]*big.Int, len(tied))
			for _, a := range tied {
				sums[a] = pairs.margins(a, opponents)
			}
			return by(step, func(a, b int) int { return sums[b].Cmp(sums[a]) }).split(tied, places)
		}}
	}
	return ladder{
		degree(TieMarginsAmong, func(tied []int) []int { return tied }),
		degree(TieMarginsAll, func([]int) []int { return all }),
	}
}

// margins adds up by how many ballots an option is ahead of others. A sum over many
// options can be more than an int64 holds, though each margin fits.
func (p Pairwise) margins(a int, others []int) *big.Int {
	sum := new(big.Int)
	for _, b := range others {
		if a != b {
			sum.Add(sum, big.NewInt(p.Over(a, b)-p.Over(b, a)))
		}
	}
	return sum
}

package tally

import (
	"cmp"
	"slices"
)

// minimax elects the option whose worst pairwise defeat is the smallest.
//
// Source: P. B. Simpson, "On defining areas of voter choice", Quarterly Journal of
// Economics 83 (1969) 478-490; G. H. Kramer, "A dynamical model of political
// equilibrium", Journal of Economic Theory 16 (1977) 310-334.
var minimax = Method{
	Name:        "minimax",
	Title:       "Minimax",
	Form:        Ranking,
	Ties:        true,
	OneSeat:     true,
	DefaultTies: TiesReport,
	Rules:       []Rule{minimaxStrength, unrankedRule},
	compared:    compareMinimax,
}

var minimaxStrength = Rule{
	Name:  "strength",
	Words: []string{"winning_votes", "margins", "opposition"},
	Help: "How bad a defeat is: by the votes of the other option, by how many more these are, " +
		"or by the most votes of any other option, won against or not.",
}

func compareMinimax(pairs Pairwise, s Settings) Result {
	r := pairs.result(severalLead(s, "with the smallest worst defeat"))
	r.WorstDefeat = worstDefeats(pairs, s.word(minimaxStrength))
	r.fillSeats(s, pairs.candidates(), func(a, b int) int { return cmp.Compare(r.WorstDefeat[a], r.WorstDefeat[b]) }, nil)
	return r
}

// worstDefeats gives, for each option, the worst that another one does to it:
//
//   - winning_votes: the most votes of an option that beats it; 0 if none does;
//   - margins: by how many votes the worst opponent is ahead; negative if the option is
//     ahead of all others: then it is ahead of each by at least so many votes;
//   - opposition: the most votes for another option against it.
func worstDefeats(pairs Pairwise, measure string) []int64 {
	worst := make([]int64, pairs.Options())
	for a := range worst {
		var defeats []int64
		for b := range worst {
			votes, own := pairs.Over(b, a), pairs.Over(a, b)
			switch {
			case a == b:
			case measure == "margins":
				defeats = append(defeats, votes-own)
			case measure == "opposition" || votes > own:
				defeats = append(defeats, votes)
			}
		}
		if len(defeats) > 0 {
			worst[a] = slices.Max(defeats)
		}
	}
	return worst
}

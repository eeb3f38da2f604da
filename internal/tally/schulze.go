package tally

import "cmp"

// schulze compares options by chains of pairwise wins. A chain is as strong as its
// weakest link; an option is better than another if its strongest chain to it is stronger
// than the strongest one back. The options to which no other is better are the potential
// winners; mostly there is one.
//
// Source: M. Schulze, "A new monotonic, clone-independent, reversal symmetric, and
// Condorcet-consistent single-winner election method", Social Choice and Welfare 36
// (2011) 267-303, section 2. Links with equal winning votes are equal here, as in most
// services; a finer order in the paper then looks at the votes of the losing side. Its
// section 5 breaks ties by a ballot that is drawn, which a secret vote cannot have.
var schulze = Method{
	Name:        "schulze",
	Title:       "Schulze",
	Form:        Ranking,
	Ties:        true,
	OneSeat:     true,
	DefaultTies: TiesReport,
	Rules:       []Rule{schulzeStrength, unrankedRule},
	compared:    compareSchulze,
}

var schulzeStrength = Rule{
	Name:  "strength",
	Words: []string{"winning_votes", "margins", "ratio"},
	Help:  "What makes a pairwise win strong: its votes, how many more, or how many times as many they are.",
}

func compareSchulze(pairs Pairwise, s Settings) Result {
	r := pairs.result(severalLead(s, "to which no other is better"))
	paths := strongestPaths(pairs, s.word(schulzeStrength))
	better := func(a, b int) bool { return paths.rank(a, b) > paths.rank(b, a) }
	r.Paths = paths.table()
	place := places(layers(pairs.candidates(), better), pairs.Options())
	r.fillSeats(s, pairs.candidates(), func(a, b int) int { return cmp.Compare(place[a], place[b]) }, nil)
	return r
}

// Strength is how strong a chain of pairwise wins is, which is how strong its weakest
// link is. The zero Strength is that of two options without a chain.
type Strength struct {
	// Votes are the winning votes of the link, or its margin. By ratios they are the
	// first number of the ratio in lowest terms.
	Votes int64
	// Against is the second number of a ratio, and 0 where no ballot opposes the link.
	// It is 0 for other measures than the ratio.
	Against int64
}

// paths are the strongest chains between all options.
type paths struct {
	options   int
	ranks     []int32    // at a*options+b: the rank of the strength; 0 without a chain
	strengths []Strength // by rank, which is higher for a stronger chain
}

func (p paths) rank(a, b int) int32 { return p.ranks[a*p.options+b] }

// table is the strengths as a matrix.
func (p paths) table() [][]Strength {
	table := make([][]Strength, p.options)
	for a := range table {
		table[a] = make([]Strength, p.options)
		for b := range table[a] {
			if a != b {
				table[a][b] = p.strengths[p.rank(a, b)]
			}
		}
	}
	return table
}

// measure is a way to tell how strong a link is.
type measure struct {
	compare strength
	of      func(link) Strength
}

var schulzeMeasures = map[string]measure{
	"winning_votes": {byWinningVotes, func(l link) Strength { return Strength{Votes: l.won} }},
	"margins":       {byMargin, func(l link) Strength { return Strength{Votes: l.won - l.lost} }},
	"ratio": {byRatio, func(l link) Strength {
		if l.lost == 0 {
			return Strength{Votes: l.won}
		}
		shared := greatestDivisor(l.won, l.lost)
		return Strength{l.won / shared, l.lost / shared}
	}},
}

// strongestPaths adds the links one after the other, strongest first. The link that
// connects two options for the first time is the weakest of their strongest chain. For
// 1,024 options this takes a small part of the time of the algorithm in the paper (Floyd
// and Warshall's): a link is added in steps of 64 options.
func strongestPaths(pairs Pairwise, name string) paths {
	m := schulzeMeasures[name]
	levels := pairs.levels(m.compare)
	options := pairs.Options()
	p := paths{
		options:   options,
		ranks:     make([]int32, options*options),
		strengths: make([]Strength, len(levels)+1),
	}
	connected := newReach(options)
	for i, level := range levels {
		rank := len(levels) - i
		// Links of a ratio are equal only if they are so in lowest terms, or both unopposed
		// with equal votes: any of them stands for all.
		p.strengths[rank] = m.of(level[0])
		for _, l := range level {
			connected.add(l.from, l.to, func(from, to int32) {
				p.ranks[int(from)*options+int(to)] = int32(rank)
			})
		}
	}
	return p
}

// greatestDivisor is the greatest common divisor of two numbers of which one is not 0.
func greatestDivisor(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

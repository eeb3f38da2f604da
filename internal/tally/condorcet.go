package tally

import "math/big"

// What the methods share that decide by pairwise comparisons.

// MaxComparedOptions is the most options whose pairwise comparisons are shown with a method
// that elects by other rules. The comparisons grow with the square of the options: a
// table of more is too large to read, and could take longer than the count itself.
const MaxComparedOptions = 128

var unrankedRule = Rule{
	Name:  "unranked",
	Words: []string{"bottom", "ignore"},
	Help:  "What a ballot says of options that it does not rank: that they come last, or nothing.",
}

// unranked is the rule of that name.
func (s Settings) unranked() Unranked {
	if s.word(unrankedRule) == "ignore" {
		return UnrankedIgnore
	}
	return UnrankedBottom
}

// result is what a result from a matrix begins with.
func (p Pairwise) result(tieBreaking string) Result {
	r := Result{
		Ballots:     p.ballots,
		Blank:       p.blank,
		Options:     make([]OptionResult, p.Options()),
		TieBreaking: tieBreaking,
	}
	for _, i := range p.candidates() {
		r.Options[i] = OptionResult{Marks: p.marks[i], Wins: Fraction(big.NewRat(p.halfWins(i), 2), 1)}
	}
	r.showPairs(p)
	return r
}

// showPairs adds what every ranked method shows.
func (r *Result) showPairs(p Pairwise) {
	r.Pairwise = p.over
	r.Smith = p.SmithSet()
	if len(r.Smith) == 1 {
		winner := r.Smith[0]
		r.CondorcetWinner = &winner
	}
}

// severalLead says what happens if several options lead.
func severalLead(s Settings, how string) string {
	if s.Ties == TiesReport {
		return "Options " + how + " all win if there are several: a tie is reported, not broken."
	}
	return "If there are several options " + how + ", " + s.lastTieBreak() + "."
}

// layers sorts options by a relation: first those to which none is preferred, then those
// to which none of the rest is, and so on. better must not have cycles.
func layers(options []int, better func(a, b int) bool) (ranking [][]int) {
	above := make([]int, len(options)) // for each of the options: how many of those left are better
	for _, a := range options {
		for j, b := range options {
			if better(a, b) {
				above[j]++
			}
		}
	}
	placed := make([]bool, len(options))
	for left := len(options); left > 0; {
		var layer []int
		for i, a := range options {
			if !placed[i] && above[i] == 0 {
				placed[i] = true
				layer = append(layer, a)
			}
		}
		if layer == nil {
			return ranking // better had a cycle
		}
		for _, a := range layer {
			for j, b := range options {
				if better(a, b) {
					above[j]--
				}
			}
		}
		ranking = append(ranking, layer)
		left -= len(layer)
	}
	return ranking
}

// places gives, for each option of a poll, the number of its layer.
func places(layers [][]int, options int) []int {
	place := make([]int, options)
	for i, layer := range layers {
		for _, option := range layer {
			place[option] = i
		}
	}
	return place
}

package tally

import (
	"cmp"
	"fmt"
	"slices"
)

// Tie is one step that decided between equal options. The next step decides what this
// one leaves open.
type Tie struct {
	Round   int     // from 1; 0 if the method has no rounds
	Options []int   // those that were equal, ascending
	Step    TieStep // what was done
	// Chosen are those that it picked, ascending: to win, or to be eliminated in a round.
	// If there are more of them than places, the next step chooses among those that are
	// still equal.
	Chosen []int
}

// TieStep names how a step decided.
type TieStep string

// The steps.
const (
	TieReported     TieStep = "report"        // all of them won
	TieOpen         TieStep = "open"          // nothing was decided: Result.Unresolved has them
	TieTogether     TieStep = "together"      // all were eliminated: their order cannot matter
	TieAnyOrder     TieStep = "any_order"     // one was taken, and whichever it is, the same options win
	TieEarlierRound TieStep = "earlier_round" // the votes in the latest round in which they differed
	TieHeadToHead   TieStep = "head_to_head"  // fewer comparisons lost among the tied
	TieScore        TieStep = "score"         // a higher sum of scores
	TieTopScores    TieStep = "top_scores"    // more ballots with the highest score
	TieListed       TieStep = "listed"        // the order of the definition: the first win, the last is eliminated
	TieLot          TieStep = "lot"           // the order that was drawn: the first win, the last is eliminated
)

// rung is a step of a ladder: one way to tell equal options apart. It looks at the tied
// options only.
type rung struct {
	step TieStep
	// split fills up to so many places, which are fewer than the tied options. The options
	// in "in" have a place. Those in "left" have one too if there are enough places for all
	// of them; otherwise they are still equal. All others are out. A rung that cannot tell
	// the options apart returns all of them in left. Both lists keep the order of tied.
	split func(tied []int, places int) (in, left []int)
}

// by is a rung that compares two options: the smaller one has the place.
func by(step TieStep, compare func(a, b int) int) rung {
	return rung{step, func(tied []int, places int) (in, left []int) {
		order := slices.Clone(tied)
		slices.SortStableFunc(order, compare)
		edge := order[places-1]
		for _, option := range tied {
			switch c := compare(option, edge); {
			case c < 0:
				in = append(in, option)
			case c == 0:
				left = append(left, option)
			}
		}
		return in, left
	}}
}

// byFewest is a rung that prefers a lower value.
func byFewest[T cmp.Ordered](step TieStep, values []T) rung {
	return by(step, func(a, b int) int { return cmp.Compare(values[a], values[b]) })
}

// ladder are the steps for a tie, in their order.
type ladder []rung

// decision is how a tie was decided.
type decision struct {
	chosen []int // ascending; fewer than the places if some are open
	open   []int // those who are equal for the places that are left, ascending
	ties   []Tie // the steps that told options apart
	rung   int   // number of the last rung that told options apart; -1 if none did
}

// choose fills places from options that are tied, which are ascending.
func (l ladder) choose(round int, tied []int, places int) decision {
	d := decision{rung: -1}
	if len(tied) <= places {
		d.chosen = slices.Clone(tied)
		return d
	}
	for i, r := range l {
		in, left := r.split(tied, places)
		if len(left) == len(tied) {
			continue
		}
		d.rung = i
		d.chosen = append(d.chosen, in...)
		places -= len(in)
		d.ties = append(d.ties, Tie{round, slices.Clone(tied), r.step, ascending(in, left)})
		if len(left) <= places {
			d.chosen = ascending(d.chosen, left)
			return d
		}
		tied = left
	}
	d.chosen, d.open = ascending(d.chosen), slices.Clone(tied)
	d.ties = append(d.ties, Tie{Round: round, Options: slices.Clone(tied), Step: TieOpen})
	return d
}

// ascending joins lists of options in ascending order.
func ascending(lists ...[]int) []int {
	return slices.Sorted(slices.Values(slices.Concat(lists...)))
}

// winning is the last rung where places are won: the order of the definition, or of the
// lot. It is empty where ties are reported, and while the lot is not drawn.
func (s Settings) winning() ladder {
	switch {
	case s.Ties == TiesListed:
		return ladder{by(TieListed, cmp.Compare[int])}
	case s.lotDrawn():
		return ladder{by(TieLot, s.byLot)}
	}
	return nil
}

// leaving is the last rung where options leave the count: it is winning from its end.
func (s Settings) leaving() ladder {
	switch {
	case s.Ties == TiesListed:
		return ladder{by(TieListed, func(a, b int) int { return cmp.Compare(b, a) })}
	case s.lotDrawn():
		return ladder{by(TieLot, func(a, b int) int { return s.byLot(b, a) })}
	}
	return nil
}

// lotDrawn reports whether a lot decides ties and is known.
func (s Settings) lotDrawn() bool { return s.Ties == TiesLot && len(s.Lot) > 0 }

// byLot compares places in the lot. Options that it does not name come last, as listed.
func (s Settings) byLot(a, b int) int {
	place := func(option int) int {
		if i := slices.Index(s.Lot, option); i >= 0 {
			return i
		}
		return len(s.Lot) + option
	}
	return cmp.Compare(place(a), place(b))
}

// lastTieBreak says in plain words what decides in the end between options that could win.
func (s Settings) lastTieBreak() string {
	return s.inTheEnd("the one %s first%s wins", "the lot decides, which is not drawn yet", "the tie is reported, not broken")
}

// lastToLeave says in plain words which option leaves in the end.
func (s Settings) lastToLeave() string {
	return s.inTheEnd("the one %s last%s", "the one that the lot decides, which is not drawn yet", "none: the count stops, and the tie is reported")
}

// inTheEnd fills a sentence in with what orders the options, or returns another one: for
// a lot that is not drawn, or for ties that are reported.
func (s Settings) inTheEnd(ordered, notDrawn, reported string) string {
	switch {
	case s.Ties == TiesListed:
		return fmt.Sprintf(ordered, "listed", " in the poll")
	case s.lotDrawn():
		return fmt.Sprintf(ordered, "that was drawn", " by lot")
	case s.Ties == TiesLot:
		return notDrawn
	}
	return reported
}

package tally

import "slices"

// Unranked says what a ballot tells about an option that it does not rank.
type Unranked uint8

// What a ballot may tell about options that it does not rank.
const (
	UnrankedBottom Unranked = iota // it ranks them equal, below all options that it ranks
	UnrankedIgnore                 // nothing: it counts only between two options that it ranks
)

// PairCounts adds up how ballots rank each two options. It is a sum: ballots may come in
// any order, and a ballot is taken out again by adding it with its weight negated. Get
// one from [NewPairCounts].
type PairCounts struct {
	options int
	ballots int64   // all ballots, blank ones too
	blank   int64   // ballots that rank no option
	marks   []int64 // per option: ballots that rank it
	above   []int64 // at a*options+b: ballots that rank both, and a above b
	level   []int64 // at a*options+b: ballots that rank both equal; nil while no ballot does

	seen   once
	ranked []int // the options of one ballot, best first; kept to save an allocation a ballot
	below  []int // for each of ranked: where the options below it begin
}

// NewPairCounts returns counts without a ballot, for a poll of so many options.
func NewPairCounts(options int) *PairCounts {
	options = max(options, 0)
	return &PairCounts{
		options: options,
		marks:   make([]int64, options),
		above:   make([]int64, options*options),
		seen:    newOnce(options),
	}
}

// Add counts the ballots of a group; a negative weight takes them out. Its cost is half
// the square of the number of options that the ballot ranks, however many options the
// poll has.
func (c *PairCounts) Add(g Group) {
	c.read(g.Ranking)
	c.ballots += g.Weight
	if len(c.ranked) == 0 {
		c.blank += g.Weight
	}
	for i, a := range c.ranked {
		c.marks[a] += g.Weight
		row := c.above[a*c.options : (a+1)*c.options]
		for _, b := range c.ranked[c.below[i]:] {
			row[b] += g.Weight
		}
		for _, b := range c.ranked[i+1 : c.below[i]] {
			c.addLevel(a, b, g.Weight)
		}
	}
}

// read notes the valid options of a ranking, each at its first mention. A tier without
// one has no meaning here: who is above whom is the same without it.
func (c *PairCounts) read(ranking [][]int) {
	c.seen.nextBallot()
	c.ranked, c.below = c.ranked[:0], c.below[:0]
	for _, tier := range ranking {
		for _, option := range tier {
			if c.seen.first(option) {
				c.ranked = append(c.ranked, option)
			}
		}
		for len(c.below) < len(c.ranked) {
			c.below = append(c.below, len(c.ranked))
		}
	}
}

// addLevel counts ballots that rank two options equal. Most polls have none, so the
// memory for them comes with the first.
func (c *PairCounts) addLevel(a, b int, weight int64) {
	if c.level == nil {
		c.level = make([]int64, len(c.above))
	}
	c.level[a*c.options+b] += weight
	c.level[b*c.options+a] += weight
}

// Bytes is about how much memory the counts hold.
func (c *PairCounts) Bytes() int { return 8 * (len(c.above) + len(c.level) + 2*c.options) }

// Pairwise gives the matrix of the ballots counted so far.
func (c *PairCounts) Pairwise(unranked Unranked) Pairwise {
	p := Pairwise{
		ballots: c.ballots,
		blank:   c.blank,
		marks:   slices.Clone(c.marks),
		over:    make([][]int64, c.options),
	}
	for a := range c.options {
		row := make([]int64, c.options)
		for b := range row {
			switch {
			case a == b:
			case unranked == UnrankedIgnore:
				row[b] = c.above[a*c.options+b]
			default:
				// All ballots that rank a, without those that rank b as high or higher.
				row[b] = c.marks[a] - c.above[b*c.options+a]
				if c.level != nil {
					row[b] -= c.level[b*c.options+a]
				}
			}
		}
		p.over[a] = row
	}
	return p
}

// Pairwise is the matrix of pairwise comparisons: for each two options, how many ballots
// rank the first above the second. The zero Pairwise has no options.
type Pairwise struct {
	ballots, blank int64     // as in PairCounts
	marks          []int64   // as in PairCounts
	over           [][]int64 // at [a][b]: ballots that rank a above b
}

// pairCounts compares the options of a profile. Groups whose weight is not positive are
// ignored, as by every method.
func pairCounts(p Profile) *PairCounts {
	c := NewPairCounts(p.Options)
	for _, g := range p.Groups {
		if g.Weight > 0 {
			c.Add(g)
		}
	}
	return c
}

// Options is the number of options that the matrix compares.
func (p Pairwise) Options() int { return len(p.over) }

// Over counts the ballots that rank option a above option b.
func (p Pairwise) Over(a, b int) int64 { return p.over[a][b] }

// beats reports whether more ballots rank a above b than b above a.
func (p Pairwise) beats(a, b int) bool { return p.over[a][b] > p.over[b][a] }

// candidates lists the options that some ballot ranks, ascending. No other option can win:
// with UnrankedIgnore it would be unbeaten without a single vote.
func (p Pairwise) candidates() []int {
	var ranked []int
	for i, marks := range p.marks {
		if marks > 0 {
			ranked = append(ranked, i)
		}
	}
	return ranked
}

// SmithSet lists, ascending, the smallest set of options of which each beats every option
// outside it. If it has one option, that is the Condorcet winner. Only options that some
// ballot ranks are looked at; if there are none, the set is empty.
//
// Source: J. H. Smith, "Aggregation of preferences with variable electorate",
// Econometrica 41 (1973) 1027-1041.
func (p Pairwise) SmithSet() []int {
	candidates := p.candidates()
	// An option inside beats all those outside, and an option outside loses to all those
	// inside. So those with the best record are inside; and so is, one after the other,
	// each option that is not beaten by one that is inside.
	inside := p.bestRecords(candidates)
	in := make([]bool, p.Options())
	for _, a := range inside {
		in[a] = true
	}
	for next := 0; next < len(inside); next++ {
		for _, b := range candidates {
			if !in[b] && !p.beats(inside[next], b) {
				in[b] = true
				inside = append(inside, b)
			}
		}
	}
	var set []int
	for _, a := range candidates {
		if in[a] {
			set = append(set, a)
		}
	}
	return set
}

// bestRecords finds the candidates with the most wins, where an equal pair is half a win.
func (p Pairwise) bestRecords(candidates []int) []int {
	halves := make([]int64, p.Options())
	for _, a := range candidates {
		halves[a] = p.halfWins(a)
	}
	return most(candidates, func(option int) int64 { return halves[option] })
}

// halfWins counts the comparisons that an option wins, two each, and those that are
// equal, one each.
func (p Pairwise) halfWins(a int) (halves int64) {
	for b := range p.Options() {
		switch {
		case a == b:
		case p.beats(a, b):
			halves += 2
		case !p.beats(b, a):
			halves++
		}
	}
	return halves
}

// most returns those of the options with the highest value, in their order.
func most(options []int, value func(option int) int64) []int {
	var best []int
	for _, option := range options {
		switch {
		case len(best) == 0 || value(option) > value(best[0]):
			best = []int{option}
		case value(option) == value(best[0]):
			best = append(best, option)
		}
	}
	return best
}

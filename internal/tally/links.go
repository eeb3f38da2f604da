package tally

import (
	"cmp"
	"math/bits"
	"slices"
)

// link is a comparison that one option won: more ballots rank from above to than the
// other way round.
type link struct {
	from, to  int32
	won, lost int64 // ballots with from above to, and with to above from
}

// strength compares two links: positive if the first one is stronger.
type strength func(a, b link) int

// byWinningVotes goes by the ballots of the winning side.
func byWinningVotes(a, b link) int { return cmp.Compare(a.won, b.won) }

// byMargin goes by how many more ballots the winning side has.
func byMargin(a, b link) int { return cmp.Compare(a.won-a.lost, b.won-b.lost) }

// byRatio goes by how many times as many ballots the winning side has. Of two links that
// no ballot opposes, the one with more ballots is stronger.
func byRatio(a, b link) int {
	if a.lost == 0 && b.lost == 0 {
		return cmp.Compare(a.won, b.won)
	}
	// won/lost against won/lost, multiplied out: a product has up to 126 bits.
	leftHigh, leftLow := bits.Mul64(uint64(a.won), uint64(b.lost))
	rightHigh, rightLow := bits.Mul64(uint64(b.won), uint64(a.lost))
	return cmp.Or(cmp.Compare(leftHigh, rightHigh), cmp.Compare(leftLow, rightLow))
}

// levels groups the links of a matrix by their strength, strongest first. Links of equal
// strength are in one group, in no particular order.
func (p Pairwise) levels(compare strength) [][]link {
	links := p.links()
	slices.SortFunc(links, func(a, b link) int { return compare(b, a) })
	var levels [][]link
	for begin := 0; begin < len(links); {
		end := begin + 1
		for end < len(links) && compare(links[begin], links[end]) == 0 {
			end++
		}
		levels = append(levels, links[begin:end:end])
		begin = end
	}
	return levels
}

// links lists the comparisons that have a winner.
func (p Pairwise) links() []link {
	links := make([]link, 0, p.Options()*(p.Options()-1)/2)
	for a := range p.Options() {
		for b := range p.Options() {
			if p.beats(a, b) {
				links = append(links, link{int32(a), int32(b), p.Over(a, b), p.Over(b, a)})
			}
		}
	}
	return links
}

package tally

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
)

// orders finds the options that ranked pairs can elect if pairs of equal strength are
// locked in any order.
//
// It makes no difference whether the pairs come in any order or only in those that an
// order of the options gives. The reason: the wins that some order of the pairs has locked
// have no circle. So there is an order of the options in which each winner is before its
// loser, and any unbeaten option may be the first in it. With that order the same pairs
// are locked. A pair that was passed over closes a circle with locked wins, all of whose
// winners are before that pair's own: so these are locked earlier, and it is passed over
// again.
//
// To find out whether an option can win is hard in general (M. Brill and F. Fischer, "The
// price of neutrality for the ranked pairs method", AAAI 2012), so the search has an end.
// It passes over what cannot lead to a new winner.
type orders struct {
	levels     [][]link
	candidates []int // the Smith set: no one outside it can win
	connected  *reach
	found      []bool                     // per option: some order elects it
	seen       map[[sha256.Size]byte]bool // digests of the states that were searched
	state      []byte                     // memory for one state
}

// maxOrderWork bounds a search, in words of memory that are looked at: some tenths of a
// second. Up to about ten options hardly any search needs more.
const maxOrderWork = 1 << 25

func newOrders(levels [][]link, pairs Pairwise) *orders {
	o := &orders{
		levels:     levels,
		candidates: pairs.SmithSet(),
		connected:  newReach(pairs.Options()),
		found:      make([]bool, pairs.Options()),
		seen:       map[[sha256.Size]byte]bool{},
	}
	o.connected.logged = true
	return o
}

// winners lists, ascending, the options that win in some order; all is false if the search
// ended before all orders had been tried, and so others may also win.
func (o *orders) winners() (possible []int, all bool) {
	all = o.lockFrom(0)
	for option, found := range o.found {
		if found {
			possible = append(possible, option)
		}
	}
	return possible, all || len(possible) == len(o.candidates)
}

// lockFrom locks the levels from one on, in every order, and leaves the links as they
// were. It returns false if the search has to end.
func (o *orders) lockFrom(level int) (goOn bool) {
	if o.hopeless() {
		return true
	}
	mark := o.connected.mark()
	defer o.connected.undo(mark)
	for ; level < len(o.levels); level++ {
		before := o.connected.mark()
		links := o.connected.fitting(o.levels[level])
		if !o.lockAll(links) {
			o.connected.undo(before)
			return o.lockLevel(level, links)
		}
	}
	for _, option := range o.connected.unreached(o.candidates) {
		o.found[option] = true
	}
	return true
}

// lockAll locks links and reports whether all could be.
func (o *orders) lockAll(links []link) bool {
	for _, l := range links {
		if o.connected.has(l.to, l.from) {
			return false
		}
		o.connected.add(l.from, l.to, nil)
	}
	return true
}

// lockLevel tries the orders of those links of a level that still fit.
func (o *orders) lockLevel(level int, links []link) (goOn bool) {
	switch {
	case o.connected.work > maxOrderWork:
		return false
	case o.hopeless() || !o.firstVisit(level):
		return true
	}
	mark := o.connected.mark()
	defer o.connected.undo(mark)
	links = o.lockFree(o.connected.fitting(links))
	if len(links) == 0 {
		return o.lockFrom(level + 1)
	}
	for _, l := range links {
		before := o.connected.mark()
		o.connected.add(l.from, l.to, nil)
		goOn := o.lockLevel(level, links)
		o.connected.undo(before)
		if !goOn {
			return false
		}
	}
	return true
}

// lockFree locks those links that are locked in every order, since all links together
// have no circle through them. It returns the others that lead somewhere new.
func (o *orders) lockFree(links []link) (others []link) {
	mark := o.connected.mark()
	for _, l := range links {
		o.connected.add(l.from, l.to, nil)
	}
	var free []link
	for _, l := range links {
		if o.connected.has(l.to, l.from) {
			others = append(others, l)
		} else {
			free = append(free, l)
		}
	}
	o.connected.undo(mark)
	o.lockAll(free)
	return slices.DeleteFunc(others, func(l link) bool { return o.connected.has(l.from, l.to) })
}

// hopeless reports whether every option that is still unbeaten is known to win in some
// order.
func (o *orders) hopeless() bool {
	for _, option := range o.connected.unreached(o.candidates) {
		if !o.found[option] {
			return false
		}
	}
	return true
}

// firstVisit reports whether a level is reached with these connections for the first time.
// What follows depends on nothing else: of the level's links only those fit that close no
// circle, and those that lead nowhere new make no difference.
func (o *orders) firstVisit(level int) bool {
	o.state = binary.AppendUvarint(o.state[:0], uint64(level))
	for _, word := range o.connected.to {
		o.state = binary.LittleEndian.AppendUint64(o.state, word)
	}
	o.connected.work += len(o.connected.to)
	digest := sha256.Sum256(o.state)
	if o.seen[digest] {
		return false
	}
	o.seen[digest] = true
	return true
}

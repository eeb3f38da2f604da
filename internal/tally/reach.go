package tally

import "math/bits"

// reach knows from which option a chain of links leads to which, while links are added
// one after the other.
//
// Each option has a set of those that it reaches, as a row of bits. A new link is thus
// added in steps of 64 options, and only if it leads somewhere new.
type reach struct {
	options, words int
	to             []uint64 // words per option: the options that it reaches
	work           int      // words read or written so far: a measure of time that is equal on all machines

	logged  bool     // whether changes are kept for undo
	changes []change // in their order
}

// change is what a word of reach.to was before it changed.
type change struct {
	word   int
	before uint64
}

func newReach(options int) *reach {
	words := (options + 63) / 64
	return &reach{options: options, words: words, to: make([]uint64, options*words)}
}

// has reports whether a chain of links leads from one option to another.
func (r *reach) has(from, to int32) bool {
	return r.to[int(from)*r.words+int(to)/64]>>(to%64)&1 == 1
}

// add adds a link. found, if it is not nil, gets each pair that was not connected before.
func (r *reach) add(from, to int32, found func(from, to int32)) {
	r.work++
	if r.has(from, to) {
		return // then also whatever reaches from already reaches what to reaches
	}
	r.work += r.options
	for x := range int32(r.options) {
		if (x == from || r.has(x, from)) && !r.has(x, to) {
			r.join(x, to, found)
		}
	}
}

// join lets x reach an option and all that this one reaches.
func (r *reach) join(x, to int32, found func(from, to int32)) {
	r.work += r.words
	row, further := int(x)*r.words, int(to)*r.words
	for w := range r.words {
		fresh := r.to[further+w]
		if w == int(to)/64 {
			fresh |= 1 << (to % 64)
		}
		fresh &^= r.to[row+w]
		if fresh == 0 {
			continue
		}
		if r.logged {
			r.changes = append(r.changes, change{row + w, r.to[row+w]})
		}
		r.to[row+w] |= fresh
		if found == nil {
			continue
		}
		for ; fresh != 0; fresh &= fresh - 1 {
			found(x, int32(w*64+bits.TrailingZeros64(fresh)))
		}
	}
}

// mark is the moment to which undo can return.
func (r *reach) mark() int {
	return len(r.changes)
}

// undo forgets all links that were added since a mark.
func (r *reach) undo(mark int) {
	for i := len(r.changes) - 1; i >= mark; i-- {
		r.to[r.changes[i].word] = r.changes[i].before
	}
	r.changes = r.changes[:mark]
}

// unreached lists those of the options that no other one reaches, in their order.
func (r *reach) unreached(options []int) []int {
	r.work += len(r.to)
	reached := make([]uint64, r.words)
	for x := range r.options {
		for w := range r.words {
			reached[w] |= r.to[x*r.words+w]
		}
	}
	var list []int
	for _, option := range options {
		if reached[option/64]>>(option%64)&1 == 0 {
			list = append(list, option)
		}
	}
	return list
}

// fitting lists the links that close no circle with those that are there.
func (r *reach) fitting(links []link) []link {
	r.work += len(links)
	fitting := make([]link, 0, len(links))
	for _, l := range links {
		if !r.has(l.to, l.from) {
			fitting = append(fitting, l)
		}
	}
	return fitting
}

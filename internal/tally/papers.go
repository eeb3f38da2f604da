package tally

// papers are the ballots of a profile, in its groups, for a count that moves them from
// option to option. Each paper is read from its top to its end once: what it has passed
// over, it never returns to. The papers of a bundle are a linked list through next, so
// bundles are put together without a look at what is in them.
type papers struct {
	groups []Group
	next   []int32 // per group: the one after it in its bundle, unless it is the last
	resume []int32 // per group: the tier of its ranking at which to read on
	pileOf []int32 // per option, while papers are dealt: its pile, or none
}

// bundle is a number of papers that are in the same place. The zero bundle is empty.
type bundle struct {
	first, last int32  // groups
	groups      int32  // how many
	weight      uint64 // ballots
}

// pile is what one option gets when a bundle is dealt.
type pile struct {
	option int
	bundle
}

// newPapers returns the papers of a profile with groups of positive weight in one bundle.
func newPapers(p Profile) (ps *papers, all bundle) {
	ps = &papers{
		groups: p.Groups,
		next:   make([]int32, len(p.Groups)),
		resume: make([]int32, len(p.Groups)),
		pileOf: make([]int32, max(p.Options, 0)),
	}
	for i := range ps.pileOf {
		ps.pileOf[i] = none
	}
	for g := range p.Groups {
		if p.Groups[g].Weight > 0 {
			ps.put(&all, int32(g))
		}
	}
	return ps, all
}

// put adds one group to a bundle.
func (ps *papers) put(b *bundle, g int32) {
	ps.join(b, bundle{g, g, 1, uint64(ps.groups[g].Weight)})
}

// join puts a bundle at the end of another. The joined bundle must not be used further.
func (ps *papers) join(b *bundle, joined bundle) {
	switch {
	case joined.groups == 0:
		return
	case b.groups == 0:
		b.first = joined.first
	default:
		ps.next[b.last] = joined.first
	}
	b.last = joined.last
	b.groups += joined.groups
	b.weight += joined.weight
}

// deal sorts the papers of a bundle into piles by the next option on each that is open.
// What is left names no further one. The bundle must not be used further.
func (ps *papers) deal(b bundle, open []bool) (piles []pile, left bundle) {
	g := b.first
	for range b.groups {
		following := ps.next[g]
		if option := ps.read(g, open); option == none {
			ps.put(&left, g)
		} else {
			at := ps.pileOf[option]
			if at == none {
				at = int32(len(piles))
				ps.pileOf[option] = at
				piles = append(piles, pile{option: option})
			}
			ps.put(&piles[at].bundle, g)
		}
		g = following
	}
	for _, p := range piles {
		ps.pileOf[p.option] = none
	}
	return piles, left
}

// read reads a group's ranking on to the next option that is open, and returns it or none. A
// ranking here has no ties. If one has, the ballot ends there, since no one may choose for
// its voter.
func (ps *papers) read(g int32, open []bool) int {
	ranking := ps.groups[g].Ranking
	for t := int(ps.resume[g]); t < len(ranking); t++ {
		tier := ranking[t]
		if len(tier) > 1 {
			break
		}
		if len(tier) == 1 && tier[0] >= 0 && tier[0] < len(open) && open[tier[0]] {
			ps.resume[g] = int32(t + 1)
			return tier[0]
		}
	}
	ps.resume[g] = int32(len(ranking))
	return none
}

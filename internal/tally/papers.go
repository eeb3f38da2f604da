package tally

// papers are the ballots of a profile, in its groups, for a count that moves them from
// option to option. Each paper is read from its top to its end once: what it has passed
// over, it never returns to. The papers of a bundle are a linked list through the sheets,
// so bundles are put together without a look at what is in them.
type papers struct {
	sheets
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

// newPapers returns the papers of a profile with groups of positive weight in one bundle. A
// ranking here has no ties. If one has, the ballot ends there, since no one may choose for
// its voter.
func newPapers(p Profile) (ps *papers, all bundle) {
	ps = &papers{sheets: newSheets(p), pileOf: make([]int32, max(p.Options, 0))}
	for i := range ps.pileOf {
		ps.pileOf[i] = none
	}
	for g := range p.Groups {
		group, s := &p.Groups[g], &ps.list[g]
		if group.Weight <= 0 {
			continue
		}
		s.weight, s.at = group.Weight, int32(len(ps.order))
		for _, tier := range group.Ranking {
			if len(tier) > 1 {
				break
			}
			if len(tier) == 1 && tier[0] >= 0 && tier[0] < p.Options {
				ps.order = append(ps.order, int32(tier[0]))
			}
		}
		s.end = int32(len(ps.order))
		ps.put(&all, int32(g))
	}
	return ps, all
}

// put adds one group to a bundle.
func (ps *papers) put(b *bundle, g int32) {
	ps.join(b, bundle{g, g, 1, uint64(ps.list[g].weight)})
}

// join puts a bundle at the end of another. The joined bundle must not be used further.
func (ps *papers) join(b *bundle, joined bundle) {
	switch {
	case joined.groups == 0:
		return
	case b.groups == 0:
		b.first = joined.first
	default:
		ps.list[b.last].next = joined.first
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
		following := ps.list[g].next
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

package tally

import (
	"math/big"
	"math/bits"
	"slices"
)

// meekDecimals are those of votes and keep factors.
const meekDecimals = 9

// meekUnit is one, as a keep factor or as what is left of a ballot.
const meekUnit = 1_000_000_000

// meekOmega is 0.000001 votes: a total surplus below it is as good as none.
const meekOmega = 1000

// meek is a count by Meek's method: an elected option keeps a share of each ballot that
// comes to it, its keep factor, and the ballot goes on with the rest. The keep factors are
// those with which every elected option holds one quota, and they are found by iteration.
//
// It is the reference rule of the Proportional Representation Foundation
// (prfound.org/resources/reference/reference-meek-rule), by its steps; the method is
// Algorithm 123 of Hill, Wichmann and Woodall, The Computer Journal 30 (1987) 277–281. In
// nine decimals no keep factor and no part of a ballot needs more than 64 bits; votes do.
type meek struct {
	*stvCount
	keep    []uint64 // per option, in units
	root    node     // all papers
	sums    []sum128 // per option: its votes, while ballots are shared out
	surplus *big.Int // of all elected options together
}

// node stands for the papers that have come the same way: through the same elected options
// in the same order. All papers of a node are worth the same, so a distribution looks at
// nodes and not at papers.
type node struct {
	option   int     // where they are
	weight   uint64  // ballots, also those that have gone on from here
	papers   bundle  // those that rest here, as the option keeps all that comes to it
	children []*node // where the papers go on to from an elected option
}

// countMeek counts. It ends: each round elects an option or eliminates one, and within a
// round the surplus becomes smaller each time, in whole units, or the iteration stops.
func countMeek(p Profile, s Settings, plan stvPlan) *stvCount {
	c, first := newSTVCount(p, s, meekDecimals, plan)
	m := &meek{stvCount: c, keep: make([]uint64, len(c.votes)), sums: make([]sum128, len(c.votes))}
	for option := range m.keep {
		if c.seats[option] == isContinuing {
			m.keep[option] = meekUnit // A
		}
	}
	open := c.are(isContinuing)
	for _, pile := range first {
		m.add(&m.root, pile, open)
	}
	m.setQuota()
	c.result.Quota = c.number(c.quota)
	if c.over() { // B.1, C
		m.openRound()
		c.fill()
		return c
	}
	for m.nextRound() {
	}
	return c
}

// nextRound carries out a round. It reports whether another one follows.
func (m *meek) nextRound() bool {
	reached := m.iterate()
	m.openRound()
	if reached {
		m.electReached()
		for _, option := range m.round().Elected {
			m.pass(option)
		}
		return !m.over()
	}
	m.unsettled = m.surplus.Cmp(big.NewInt(meekOmega)) >= 0
	out, ok := m.breakTie(m.lowest(), toLeave) // B.3
	if !ok {
		return false
	}
	m.eliminate([]int{out})
	if m.over() { // C
		m.fill()
		return false
	}
	m.keep[out] = 0
	m.leave(out)
	return true
}

// openRound begins a round with the votes that the iteration has found.
func (m *meek) openRound() {
	m.open()
	if !m.plan.quiet {
		m.round().Quota, m.round().Keep = m.number(m.quota), m.keepFactors()
	}
}

// iterate looks for the keep factors until an option reaches the quota, or until the
// surplus is too small, or becomes no smaller. It reports whether an option has reached it.
func (m *meek) iterate() (reached bool) {
	for before := (*big.Int)(nil); ; before = m.surplus {
		m.shareOut() // B.2.a
		m.setQuota() // B.2.b
		m.surplus = m.totalSurplus()
		for _, option := range m.who(isContinuing) { // B.2.c
			reached = reached || m.votes[option].Cmp(m.quota) >= 0
		}
		small := m.surplus.Cmp(big.NewInt(meekOmega)) < 0
		if reached || small || before != nil && m.surplus.Cmp(before) >= 0 { // B.2.e
			return reached
		}
		for _, option := range m.who(isElected) { // B.2.f
			m.keep[option] = m.newKeep(option)
		}
	}
}

// shareOut gives each option its part of each ballot, rounded up in units.
func (m *meek) shareOut() {
	clear(m.sums)
	m.share(&m.root, meekUnit)
	m.spent.Set(m.valid)
	for option := range m.votes {
		if votes := m.sums[option].value(); votes.Cmp(m.votes[option]) != 0 {
			m.votes[option] = votes
		}
		m.spent.Sub(m.spent, m.votes[option])
	}
}

// share gives the options after a node their parts of what has come through it of each of
// its ballots.
func (m *meek) share(n *node, part uint64) {
	for _, child := range n.children {
		kept := (part*m.keep[child.option] + meekUnit - 1) / meekUnit
		m.sums[child.option].addProduct(kept, child.weight)
		if kept < part && len(child.children) > 0 {
			m.share(child, part-kept)
		}
	}
}

// setQuota divides the votes that options hold by one more than the seats, rounds down, and
// adds a unit.
func (m *meek) setQuota() {
	m.quota = shareAndOne(new(big.Int).Sub(m.valid, m.spent), m.settings.seats())
}

// totalSurplus is what the elected options have beyond a quota each, and not below zero:
// B.2.d.
func (m *meek) totalSurplus() *big.Int {
	sum := new(big.Int)
	for _, option := range m.who(isElected) {
		sum.Add(sum, m.votes[option]).Sub(sum, m.quota)
	}
	if sum.Sign() < 0 {
		sum.SetInt64(0)
	}
	return sum
}

// newKeep is the keep factor with which an elected option would hold a quota, if nothing
// else changed. Both the product and the quotient are rounded up. It is never more than
// one: an option cannot keep more of a ballot than comes to it.
func (m *meek) newKeep(option int) uint64 {
	if m.votes[option].Sign() == 0 {
		return m.keep[option]
	}
	unit := big.NewInt(meekUnit)
	k := counted(m.keep[option])
	k = quoUp(k.Mul(k, m.quota), unit)
	k = quoUp(k.Mul(k, unit), m.votes[option])
	if k.Cmp(unit) > 0 {
		return meekUnit
	}
	return k.Uint64()
}

// quoUp divides positive numbers and rounds up.
func quoUp(a, b *big.Int) *big.Int {
	q, rest := new(big.Int).QuoRem(a, b, new(big.Int))
	if rest.Sign() > 0 {
		q.Add(q, big.NewInt(1))
	}
	return q
}

// lowest are the options that may be eliminated: those that have no more votes than the
// lowest has with the whole surplus.
func (m *meek) lowest() (tied []int) {
	rest := m.who(isContinuing)
	low := slices.MinFunc(rest, toLeave.order(m.votes))
	most := new(big.Int).Add(m.votes[low], m.surplus)
	for _, option := range rest {
		if m.votes[option].Cmp(most) <= 0 {
			tied = append(tied, option)
		}
	}
	return tied
}

func (m *meek) keepFactors() []Number {
	all := make([]Number, len(m.keep))
	for option, k := range m.keep {
		all[option] = m.number(counted(k))
	}
	return all
}

// add puts papers that come through n to the option of the pile. open are the options to
// which they may go from n.
func (m *meek) add(n *node, p pile, open []bool) {
	at := slices.IndexFunc(n.children, func(child *node) bool { return child.option == p.option })
	if at < 0 {
		at = len(n.children)
		n.children = append(n.children, &node{option: p.option})
	}
	child := n.children[at]
	child.weight += p.weight
	m.papers.join(&child.papers, p.bundle)
	if m.seats[p.option] == isElected {
		m.passOn(child, open)
	}
}

// passOn moves the papers that rest at an elected option's node to those after it.
func (m *meek) passOn(n *node, open []bool) {
	open[n.option] = false
	defer func() { open[n.option] = true }()
	piles, _ := m.papers.deal(n.papers, open)
	n.papers = bundle{}
	for _, pile := range piles {
		m.add(n, pile, open)
	}
}

// pass makes the papers of an option that is elected now go on from it.
func (m *meek) pass(option int) {
	m.visit(&m.root, m.are(isContinuing, isElected), func(n *node, open []bool) {
		for _, child := range n.children {
			if child.option == option {
				m.passOn(child, open)
			}
		}
	})
}

// leave makes the papers of an option that is eliminated now go on without it.
func (m *meek) leave(option int) {
	m.visit(&m.root, m.are(isContinuing, isElected), func(n *node, open []bool) {
		at := slices.IndexFunc(n.children, func(child *node) bool { return child.option == option })
		if at < 0 {
			return
		}
		papers := n.children[at].papers
		n.children = slices.Delete(n.children, at, at+1)
		piles, _ := m.papers.deal(papers, open)
		for _, pile := range piles {
			m.add(n, pile, open)
		}
	})
}

// visit calls do for a node and then for all after it, with the options to which papers may
// go from there.
func (m *meek) visit(n *node, open []bool, do func(n *node, open []bool)) {
	do(n, open)
	for _, child := range n.children {
		if len(child.children) > 0 {
			open[child.option] = false
			m.visit(child, open, do)
			open[child.option] = true
		}
	}
}

// sum128 is a sum of products of 64 bits.
type sum128 struct{ high, low uint64 }

func (s *sum128) addProduct(a, b uint64) {
	high, low := bits.Mul64(a, b)
	var carry uint64
	s.low, carry = bits.Add64(s.low, low, 0)
	s.high += high + carry
}

func (s *sum128) value() *big.Int {
	v := new(big.Int).SetUint64(s.high)
	return v.Add(v.Lsh(v, 64), new(big.Int).SetUint64(s.low))
}

package tally_test

import (
	"math/big"
	"sort"

	"voted/internal/tally"
)

// STV once more, paper by paper and in fractions: each round adds up what every paper is
// worth, and what rounding has lost is what is missing in the end.

// plainRules are what the rule sets differ in.
type plainRules struct {
	meek       bool
	decimals   int    // below 0: fractions are exact
	quota      string // whole, cut, exact or hare
	value      string // product first, two steps or ratio first
	zero       bool   // a surplus of zero moves too
	early      bool   // the last seats are filled before the papers of who is out move
	lookBack   bool   // earlier rounds decide ties
	sureLosers bool
	writeIns   []int // never elected, and the first to leave
	outFirst   []int // the order in which equal options are taken
}

var plainSets = map[string]plainRules{
	"scottish": {decimals: 5, quota: "whole", value: "product first", lookBack: true},
	"prf_wigm": {decimals: 4, quota: "cut", value: "two steps", zero: true, early: true},
	"prf_meek": {decimals: 9, quota: "cut", meek: true, early: true},
	"rctab":    {decimals: 4, quota: "whole", value: "ratio first"},
	"exact":    {decimals: -1, quota: "whole", lookBack: true},
}

type plainSTVPaper struct {
	ranking []int // valid, each option once
	at      int   // the option it counts for, or one of the places below
	value   *big.Rat
}

const (
	plainSpent = -1 - iota // now counts for no option
	plainKept              // stays with an elected option
)

type plainSTV struct {
	plainRules
	options, seats int
	papers         []plainSTVPaper
	out            map[int]bool // also withdrawn
	moved          map[int]bool // elected, and its surplus has moved
	quotaNow       *big.Rat
	keep           map[int]*big.Rat // Meek
	surplus        *big.Rat         // Meek
	elected        []int
	rounds         []plainSTVRound
}

type plainSTVRound struct {
	votes         []*big.Rat
	quota         *big.Rat
	spent, loss   *big.Rat // of papers that name an option
	elected, gone []int
	surplusOf     []int
}

// plainCountSTV counts all papers, one a ballot.
func plainCountSTV(options, seats int, rules plainRules, withdrawn []int, ballots []tally.Preference) *plainSTV {
	c := &plainSTV{
		plainRules: rules, options: options, seats: seats,
		out: map[int]bool{}, moved: map[int]bool{}, keep: map[int]*big.Rat{},
	}
	for _, o := range withdrawn {
		c.out[o] = true
	}
	if c.outFirst == nil {
		for o := options - 1; o >= 0; o-- {
			c.outFirst = append(c.outFirst, o)
		}
	}
	for _, b := range ballots {
		if ranking := plainOrder(options, c.out, b.Ranking); len(ranking) > 0 {
			c.papers = append(c.papers, plainSTVPaper{ranking, ranking[0], big.NewRat(1, 1)})
		}
	}
	c.quotaNow = c.quotaOf(big.NewRat(int64(len(c.papers)), 1))
	if c.meek {
		for o := range options {
			c.keep[o] = big.NewRat(1, 1)
		}
		for c.meekRound() {
		}
	} else {
		for c.wigmRound() {
		}
	}
	return c
}

// plainOrder is what a ballot says until it names two options at once.
func plainOrder(options int, out map[int]bool, tiers [][]int) (order []int) {
	for _, tier := range tiers {
		if len(tier) > 1 {
			break
		}
		for _, o := range tier {
			if o >= 0 && o < options && !out[o] && !plainHas(order, o) {
				order = append(order, o)
			}
		}
	}
	return order
}

func plainHas(list []int, o int) bool {
	for _, x := range list {
		if x == o {
			return true
		}
	}
	return false
}

// cut drops the decimals that the rules do not keep; up rounds them up.
func (c *plainSTV) cut(x *big.Rat) *big.Rat { return c.round(x, 0) }
func (c *plainSTV) up(x *big.Rat) *big.Rat  { return c.round(x, 1) }

func (c *plainSTV) round(x *big.Rat, up int64) *big.Rat {
	if c.decimals < 0 {
		return x
	}
	scaled := new(big.Rat).Quo(x, c.last())
	whole := new(big.Int).Quo(scaled.Num(), scaled.Denom())
	if !scaled.IsInt() {
		whole.Add(whole, big.NewInt(up))
	}
	return new(big.Rat).Mul(new(big.Rat).SetInt(whole), c.last())
}

// last is one in the last decimal.
func (c *plainSTV) last() *big.Rat {
	x := big.NewRat(1, 1)
	for range c.decimals {
		x.Mul(x, big.NewRat(1, 10))
	}
	return x
}

func (c *plainSTV) quotaOf(votes *big.Rat) *big.Rat {
	share := new(big.Rat).Quo(votes, big.NewRat(int64(c.seats)+1, 1))
	switch c.quota {
	case "whole":
		whole := new(big.Int).Quo(share.Num(), share.Denom())
		return new(big.Rat).SetInt(whole.Add(whole, big.NewInt(1)))
	case "cut":
		return new(big.Rat).Add(c.cut(share), c.last())
	case "hare":
		q := new(big.Rat).Quo(votes, big.NewRat(int64(c.seats), 1))
		if c.decimals >= 0 && !q.IsInt() {
			whole := new(big.Int).Quo(q.Num(), q.Denom())
			q.SetInt(whole.Add(whole, big.NewInt(1)))
		}
		return q
	}
	return share
}

func (c *plainSTV) hopeful() (list []int) {
	for o := range c.options {
		if !c.out[o] && !plainHas(c.elected, o) {
			list = append(list, o)
		}
	}
	return list
}

// electable are the hopeful ones that stand for a person.
func (c *plainSTV) electable() (list []int) {
	for _, o := range c.hopeful() {
		if !plainHas(c.writeIns, o) {
			list = append(list, o)
		}
	}
	return list
}

// sorted puts options in order by their votes now, then, looking back, by earlier rounds.
func (c *plainSTV) sorted(options []int, highestFirst, lookBack bool, then []int) []int {
	order := append([]int{}, options...)
	place := map[int]int{}
	for i, o := range then {
		place[o] = i
	}
	sort.Slice(order, func(i, j int) bool {
		a, b := order[i], order[j]
		for k := len(c.rounds) - 1; k >= 0; k-- {
			if d := c.rounds[k].votes[a].Cmp(c.rounds[k].votes[b]); d != 0 {
				return (d > 0) == highestFirst
			}
			if !lookBack {
				break
			}
		}
		return place[a] < place[b]
	})
	return order
}

func (c *plainSTV) win(options []int) {
	listed := make([]int, c.options)
	for o := range listed {
		listed[o] = o
	}
	now := &c.rounds[len(c.rounds)-1]
	order := c.sorted(options, true, true, listed)
	c.elected = append(c.elected, order...)
	now.elected = append(now.elected, order...)
}

// finished fills the last seats, if that is all that is left to do.
func (c *plainSTV) finished() bool {
	left := c.seats - len(c.elected)
	if len(c.papers) == 0 || left == 0 {
		return true
	}
	if electable := c.electable(); len(electable) <= left {
		c.win(electable)
		return true
	}
	return false
}

// note adds up a round.
func (c *plainSTV) note(votes []*big.Rat, spent *big.Rat) {
	loss := big.NewRat(int64(len(c.papers)), 1)
	loss.Sub(loss, spent)
	for _, v := range votes {
		loss.Sub(loss, v)
	}
	c.rounds = append(c.rounds, plainSTVRound{votes: votes, quota: c.quotaNow, spent: spent, loss: loss})
}

func (c *plainSTV) winAtQuota() {
	now := c.rounds[len(c.rounds)-1]
	var reached []int
	for _, o := range c.electable() {
		if len(c.papers) > 0 && now.votes[o].Cmp(c.quotaNow) >= 0 {
			reached = append(reached, o)
		}
	}
	if len(reached) > c.seats-len(c.elected) { // all votes are theirs, a quota each
		reached = c.sorted(reached, false, c.lookBack, c.outFirst)[1:]
		var gone []int
		for _, o := range c.hopeful() {
			if !plainHas(reached, o) {
				gone, c.out[o] = append(gone, o), true
			}
		}
		c.rounds[len(c.rounds)-1].gone = gone
	}
	c.win(reached)
}

func (c *plainSTV) wigmRound() bool {
	votes := make([]*big.Rat, c.options)
	for o := range votes {
		votes[o] = new(big.Rat)
		if c.moved[o] {
			votes[o].Set(c.quotaNow)
		}
	}
	spent := new(big.Rat)
	for _, p := range c.papers {
		switch {
		case p.at >= 0:
			votes[p.at].Add(votes[p.at], p.value)
		case p.at == plainSpent:
			spent.Add(spent, p.value)
		}
	}
	c.note(votes, spent)
	c.winAtQuota()
	if c.finished() {
		return false
	}
	now := &c.rounds[len(c.rounds)-1]
	if gone := c.cannotWin(votes); c.sureLosers && len(gone) > 0 {
		now.gone = gone
	} else {
		var full []int
		for _, o := range c.elected {
			if !c.moved[o] && (c.zero || votes[o].Cmp(c.quotaNow) > 0) {
				full = append(full, o)
			}
		}
		if len(full) > 0 {
			giver := c.sorted(full, true, c.lookBack, c.outFirst)[0]
			now.surplusOf = []int{giver}
			c.moved[giver] = true
			c.moveFrom(giver, new(big.Rat).Sub(votes[giver], c.quotaNow), votes[giver])
			return true
		}
		now.gone = c.sorted(c.hopeful(), false, c.lookBack, c.outFirst)[:1]
		for _, o := range c.writeIns {
			if plainHas(c.hopeful(), o) {
				now.gone = []int{o}
			}
		}
	}
	for _, o := range now.gone {
		c.out[o] = true
	}
	if c.early && c.finished() {
		return false
	}
	for _, o := range now.gone {
		c.moveFrom(o, nil, nil)
	}
	return true
}

// moveFrom moves each paper of an option; with a surplus each becomes worth less.
func (c *plainSTV) moveFrom(from int, surplus, votes *big.Rat) {
	hopeful := c.hopeful()
	for i := range c.papers {
		p := &c.papers[i]
		if p.at != from {
			continue
		}
		if surplus != nil {
			p.value = c.worth(p.value, surplus, votes)
		}
		p.at = plainSpent
		for _, o := range p.ranking {
			if plainHas(hopeful, o) {
				p.at = o
				break
			}
		}
	}
}

func (c *plainSTV) worth(value, surplus, votes *big.Rat) *big.Rat {
	mul := func(a, b *big.Rat) *big.Rat { return new(big.Rat).Mul(a, b) }
	quo := func(a, b *big.Rat) *big.Rat { return new(big.Rat).Quo(a, b) }
	switch c.value {
	case "two steps":
		return c.cut(quo(c.cut(mul(value, surplus)), votes))
	case "ratio first":
		return c.cut(mul(value, c.cut(quo(surplus, votes))))
	}
	return c.cut(quo(mul(value, surplus), votes))
}

// cannotWin tries each number of options, the largest first.
func (c *plainSTV) cannotWin(votes []*big.Rat) []int {
	order := c.sorted(c.hopeful(), false, false, nil)
	for n := len(order) - (c.seats - len(c.elected)); n > 0; n-- {
		sum := new(big.Rat)
		for _, o := range order[:n] {
			sum.Add(sum, votes[o])
		}
		for _, o := range c.elected {
			if !c.moved[o] {
				sum.Add(sum, new(big.Rat).Sub(votes[o], c.quotaNow))
			}
		}
		if sum.Cmp(votes[order[n]]) < 0 {
			gone := append([]int{}, order[:n]...)
			sort.Ints(gone)
			return gone
		}
	}
	return nil
}

func (c *plainSTV) meekRound() bool {
	if len(c.rounds) == 0 && len(c.hopeful()) <= c.seats || len(c.papers) == 0 {
		votes, spent := c.handOut()
		c.note(votes, spent)
		c.finished()
		return false
	}
	votes, spent, someone := c.meekIterate()
	c.note(votes, spent)
	if someone {
		c.winAtQuota()
		return !c.finished()
	}
	limit := new(big.Rat).Add(votes[c.sorted(c.hopeful(), false, false, nil)[0]], c.surplus)
	for _, o := range c.outFirst {
		if plainHas(c.hopeful(), o) && votes[o].Cmp(limit) <= 0 {
			c.rounds[len(c.rounds)-1].gone = []int{o}
			c.out[o] = true
			c.keep[o] = new(big.Rat)
			break
		}
	}
	return !c.finished()
}

// handOut gives each paper to its options in turn, a part to each.
func (c *plainSTV) handOut() (votes []*big.Rat, spent *big.Rat) {
	votes = make([]*big.Rat, c.options)
	for o := range votes {
		votes[o] = new(big.Rat)
	}
	spent = new(big.Rat)
	for _, p := range c.papers {
		rest := big.NewRat(1, 1)
		for _, o := range p.ranking {
			part := c.up(new(big.Rat).Mul(rest, c.keep[o]))
			votes[o].Add(votes[o], part)
			rest.Sub(rest, part)
		}
		spent.Add(spent, rest)
	}
	return votes, spent
}

func (c *plainSTV) meekIterate() (votes []*big.Rat, spent *big.Rat, someone bool) {
	var before *big.Rat
	for {
		votes, spent = c.handOut()
		held := new(big.Rat)
		for _, v := range votes {
			held.Add(held, v)
		}
		c.quotaNow = c.quotaOf(held)
		for _, o := range c.hopeful() {
			if votes[o].Cmp(c.quotaNow) >= 0 {
				someone = true
			}
		}
		c.surplus = new(big.Rat)
		for _, o := range c.elected {
			c.surplus.Add(c.surplus, new(big.Rat).Sub(votes[o], c.quotaNow))
		}
		if c.surplus.Sign() < 0 {
			c.surplus = new(big.Rat)
		}
		if someone || c.surplus.Cmp(big.NewRat(1, 1_000_000)) < 0 || before != nil && before.Cmp(c.surplus) <= 0 {
			return votes, spent, someone
		}
		before = c.surplus
		for _, o := range c.elected {
			if votes[o].Sign() > 0 {
				k := c.up(new(big.Rat).Mul(c.keep[o], c.quotaNow))
				if k = c.up(k.Quo(k, votes[o])); k.Cmp(big.NewRat(1, 1)) < 0 {
					c.keep[o] = k
				} else {
					c.keep[o] = big.NewRat(1, 1)
				}
			}
		}
	}
}

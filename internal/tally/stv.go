package tally

import (
	"math/big"
	"slices"
)

// stv elects several options in proportion: an option that has the quota is elected, what it
// has beyond that moves to the next option on its ballots, and while seats are left, the
// weakest option leaves and all its ballots move on.
//
// The rule set says how, to the last decimal. Each is a known one, named by its users: see
// [scottish], [prfWIGM], [meek], [rctab] and [exactWIGM].
var stv = Method{
	Name:        "stv",
	Title:       "Single transferable vote",
	Form:        Ranking,
	DefaultTies: TiesListed,
	Rules:       []Rule{stvRuleSet, stvQuota, stvEliminate, stvWriteIn, stvWithdrawn},
	check:       checkSTV,
	tabulate:    tabulateSTV,
}

// tabulateSTV counts, and counts again for other orders in which listed ties could have
// been decided. If a tie is left open, but every order of the options elects the same ones,
// they are elected.
func tabulateSTV(p Profile, s Settings) Result {
	r, listed := countSTV(p, s, stvPlan{})
	if len(listed) > 0 {
		again := func(script [][]int) (Result, []listedTie) {
			return countSTV(p, s, stvPlan{script: script, quiet: true})
		}
		r.OtherOrders, r.OrdersLeft = otherOrders(again, ordersWorthCounting(len(r.Options)), r.Winners, listed)
	}
	if r.Unresolved != nil {
		inOrder := s
		inOrder.Ties = TiesListed
		if one := tabulateSTV(p, inOrder); len(one.OtherOrders) == 0 && !one.OrdersLeft {
			r, _ = countSTV(p, s, stvPlan{anyOrder: true})
		}
	}
	return r
}

// ordersWorthCounting is how many other orders may be counted. With many options a count has
// many rounds of many comparisons, and there are ties by the hundred: then it is fewer, so
// that all of them together still take about a second.
func ordersWorthCounting(options int) int {
	const comparisons = 4_000_000
	return min(maxOtherOrders, max(comparisons/max(options*options, 1), 1))
}

// stvPlan says what to do at ties that only the order of the definition decides.
type stvPlan struct {
	script   [][]int // who is taken in the first of them; in later ones it is the last option
	anyOrder bool    // ties that are left open are decided by that order: it cannot matter
	quiet    bool    // only who wins is asked for, so rounds need not say what happened
}

// countSTV counts once, by the rule set.
func countSTV(p Profile, s Settings, plan stvPlan) (Result, []listedTie) {
	var c *stvCount
	if set := s.stvSet(p.Options); set == setPRFMeek {
		c = countMeek(p, s, plan)
	} else {
		c = countWIGM(p, s, s.wigmRules(set), plan)
	}
	c.result.Winners = ascending(c.result.Winners, c.result.Elected)
	return c.result, c.listings.made
}

// seat says where an option is in a count for several seats.
type seat uint8

const (
	isContinuing seat = iota // may still be elected
	isElected                // has a seat, and its surplus may have to move
	isSettled                // has a seat, and its surplus has moved
	isEliminated             // has left the count
	isWithdrawn              // is passed over as if no ballot named it
)

// stvCount is what all rule sets share: the papers, the votes, who is where, and the result
// so far. Amounts of votes are whole numbers of the last decimal that the rule set keeps:
// with five decimals one vote is 100000. Of [fractions], one vote is a number in which all
// amounts so far are whole.
type stvCount struct {
	settings Settings
	decimals int // or fractions
	// earlierRounds says that ties are decided by earlier rounds before the settings.
	earlierRounds bool
	// unsettled says that votes may change in the next round though no papers move.
	unsettled bool
	// writeIn is the option that leaves first, whatever it has; none if there is no such one.
	writeIn int

	vote    *big.Int // one vote
	quota   *big.Int
	papers  *papers
	valid   *big.Int   // the ballots that name an option, a vote each
	votes   []*big.Int // per option; an amount in it is replaced, and never changed
	seats   []seat     // per option
	spent   *big.Int   // votes of valid ballots that can no longer count for an option
	loss    *big.Int   // votes that rounding has cut off
	invalid *big.Int   // ballots that count for no option from the start, a vote each

	history  [][]*big.Int // the votes of each round
	result   Result       // Winners only has who wins without being elected in a round
	plan     stvPlan
	listings listings
}

// newSTVCount deals the papers to their first options, in piles.
func newSTVCount(p Profile, s Settings, decimals int, plan stvPlan) (c *stvCount, first []pile) {
	options := max(p.Options, 0)
	c = &stvCount{
		settings: s,
		decimals: decimals,
		writeIn:  none,
		vote:     firstUnits(decimals, s.seats()),
		quota:    new(big.Int),
		valid:    new(big.Int),
		votes:    make([]*big.Int, options),
		seats:    make([]seat, options),
		spent:    new(big.Int),
		loss:     new(big.Int),
		plan:     plan,
		listings: listings{script: plan.script},
	}
	for i, out := range s.marked(stvWithdrawn, options) {
		c.votes[i] = new(big.Int)
		if out {
			c.seats[i] = isWithdrawn
		}
	}
	c.result = Result{Options: make([]OptionResult, options), TieBreaking: stvTieBreaking(s)}
	c.mention(p)
	papers, all := newPapers(p)
	c.papers = papers
	first, left := papers.deal(all, c.are(isContinuing))
	for _, pile := range first {
		c.result.Options[pile.option].Votes = int64(pile.weight)
		c.votes[pile.option] = new(big.Int).Mul(c.vote, counted(pile.weight))
		c.valid.Add(c.valid, c.votes[pile.option])
	}
	c.invalid = new(big.Int).Mul(c.vote, counted(left.weight))
	return c, first
}

// mention counts what ballots name, whatever comes of it.
func (c *stvCount) mention(p Profile) {
	seen := newOnce(len(c.votes))
	for i := range p.Groups {
		group := &p.Groups[i]
		if group.Weight <= 0 {
			continue
		}
		c.result.Ballots += group.Weight
		seen.nextBallot()
		blank := true
		for _, tier := range group.Ranking {
			for _, option := range tier {
				if seen.first(option) {
					c.result.Options[option].Marks += group.Weight
					blank = false
				}
			}
		}
		if blank {
			c.result.Blank += group.Weight
		}
	}
}

// counted is a number of ballots that can be calculated with.
func counted(ballots uint64) *big.Int { return new(big.Int).SetUint64(ballots) }

// shareAndOne divides votes by one more than the seats, rounds down, and adds one: the
// least amount that no more options than seats can have. It is Droop's quota, in whole votes
// or units.
func shareAndOne(votes *big.Int, seats int) *big.Int {
	one := big.NewInt(1)
	parts := new(big.Int).Add(big.NewInt(int64(seats)), one)
	return parts.Add(parts.Quo(votes, parts), one)
}

// are reports per option whether it is in one of the places.
func (c *stvCount) are(places ...seat) []bool {
	in := make([]bool, len(c.seats))
	for i, at := range c.seats {
		in[i] = slices.Contains(places, at)
	}
	return in
}

// who are the options in one place, ascending.
func (c *stvCount) who(place seat) []int {
	var in []int
	for i, at := range c.seats {
		if at == place {
			in = append(in, i)
		}
	}
	return in
}

// vacancies is how many seats have to be filled.
func (c *stvCount) vacancies() int { return c.settings.seats() - len(c.result.Elected) }

// over reports whether there is nothing more to count: all seats are filled, or there are
// no more options than seats for them, or there are no votes at all.
func (c *stvCount) over() bool {
	return c.valid.Sign() == 0 || c.vacancies() <= 0 || len(c.hopeful()) <= c.vacancies()
}

// hopeful are the options that can still be elected, ascending.
func (c *stvCount) hopeful() []int {
	return slices.DeleteFunc(c.who(isContinuing), func(option int) bool { return option == c.writeIn })
}

// round returns the round in which the count is.
func (c *stvCount) round() *Round { return &c.result.Rounds[len(c.result.Rounds)-1] }

// open begins a round with the votes as they are.
func (c *stvCount) open() {
	c.history = append(c.history, slices.Clone(c.votes))
	if c.plan.quiet {
		c.result.Rounds = append(c.result.Rounds, Round{})
		return
	}
	c.result.Rounds = append(c.result.Rounds, Round{
		Votes:     c.numbers(),
		Standing:  c.are(isContinuing, isElected, isSettled),
		Exhausted: c.number(new(big.Int).Add(c.invalid, c.spent)),
		Loss:      c.number(c.loss),
	})
}

func (c *stvCount) number(amount *big.Int) Number {
	if c.decimals == fractions {
		return Fraction(new(big.Rat).SetFrac(amount, c.vote), shownDecimals)
	}
	return Fixed(amount, c.decimals)
}

// numbers are the votes of this round. Most are as in the round before.
func (c *stvCount) numbers() []Number {
	all := make([]Number, len(c.votes))
	before := len(c.history) - 2
	for i, votes := range c.votes {
		if before >= 0 && votes == c.history[before][i] {
			all[i] = c.result.Rounds[before].Votes[i]
		} else {
			all[i] = c.number(votes)
		}
	}
	return all
}

// elect gives seats to options, those with the most votes first; of equal ones, those that
// had more in the latest earlier round in which they differ, then the one listed first.
func (c *stvCount) elect(options []int) {
	slices.SortStableFunc(options, func(a, b int) int {
		for _, votes := range slices.Backward(c.history) {
			if order := toGive.order(votes)(a, b); order != 0 {
				return order
			}
		}
		return 0
	})
	for _, option := range options {
		c.seats[option] = isElected
	}
	c.result.Elected = append(c.result.Elected, options...)
	c.round().Elected = append(c.round().Elected, options...)
}

// electReached gives a seat to each option that has reached the quota. There are not more of
// them than vacancies: see [wigm.dropOneTooMany].
func (c *stvCount) electReached() { c.elect(c.reached()) }

// reached are the options that have the quota and no seat, ascending.
func (c *stvCount) reached() (reached []int) {
	if c.valid.Sign() == 0 {
		return nil
	}
	for _, option := range c.hopeful() {
		if c.votes[option].Cmp(c.quota) >= 0 {
			reached = append(reached, option)
		}
	}
	return reached
}

// fill ends a count: the seats that are left go to all continuing options.
func (c *stvCount) fill() {
	if c.valid.Sign() > 0 && c.vacancies() > 0 {
		c.elect(c.hopeful())
	}
}

// eliminate takes options out of the count.
func (c *stvCount) eliminate(options []int) {
	for _, option := range options {
		c.seats[option] = isEliminated
	}
	c.round().Eliminated = ascending(options)
}

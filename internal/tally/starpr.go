package tally

import (
	"cmp"
	"math/big"
	"slices"
)

// starPR is allocated score, the proportional form of STAR: the option with the highest sum
// is elected, and uses up a quota of ballots of those who support it most; then the sums
// are taken again of what is left of each ballot.
//
// Source: the Equal Vote Coalition, starvoting.org, "Proportional STAR Voting"; electowiki,
// "Allocated Score". The quota is Hare's: the weight of all ballots that are not blank, over
// the seats. All is exact fractions.
var starPR = Method{
	Name:            "star_pr",
	Title:           "Proportional STAR (allocated score)",
	Form:            Scores,
	DefaultMaxScore: 5,
	MaxSeats:        25, // the exact shares of ballots have more digits with each seat
	DefaultTies:     TiesListed,
	tabulate:        tabulateStarPR,
}

func tabulateStarPR(p Profile, s Settings) Result {
	b := scoredBallots{max(p.Options, 0), s.MaxScore, p.Groups}
	sums := b.result("Of options with the same sum of scores, " + s.lastTieBreak() + ".")
	count := func(script [][]int) (Result, []listedTie) {
		r := sums
		r.Options = slices.Clone(sums.Options)
		return newAllocation(b, s, &r, script).count()
	}
	r, listed := count(nil)
	if len(listed) > 0 {
		r.OtherOrders, r.OrdersLeft = otherOrders(count, ordersWorth(b.options*b.options*s.seats()), r.Winners, listed)
	}
	return r
}

// allocation is the state of a count. All ballots that have the same share left are one
// class: there are few of them, and exact fractions are slow.
type allocation struct {
	ballots  scoredBallots
	settings Settings
	r        *Result
	quota    *big.Rat
	left     []int      // options that are not elected, ascending
	class    []int32    // per group
	share    []*big.Rat // per class: what is left of each of its ballots
	listings
}

// spent is the class of ballots of which nothing is left, fresh that of whole ballots.
const (
	spentClass = 0
	freshClass = 1
)

func newAllocation(b scoredBallots, s Settings, r *Result, script [][]int) *allocation {
	a := &allocation{
		ballots: b, settings: s, r: r, left: r.scored(),
		quota:    big.NewRat(max(r.Ballots-r.Blank, 0), int64(s.seats())),
		class:    make([]int32, len(b.groups)),
		share:    []*big.Rat{spentClass: new(big.Rat), freshClass: big.NewRat(1, 1)},
		listings: listings{script: script},
	}
	for g := range a.class {
		a.class[g] = freshClass
	}
	r.Quota = Fraction(a.quota, shownDecimals)
	return a
}

// count fills the seats one by one.
func (a *allocation) count() (Result, []listedTie) {
	seats := a.settings.seats()
	for number := 1; number <= seats && len(a.left) > 0; number++ {
		round := Round{Standing: make([]bool, a.ballots.options)}
		for _, option := range a.left {
			round.Standing[option] = true
		}
		sums := a.sums()
		for _, sum := range sums {
			round.Scores = append(round.Scores, Fraction(sum, shownDecimals))
		}
		winner, open := a.highest(sums, number)
		if open != nil {
			a.r.Unresolved = &Unresolved{Seats: seats - number + 1, Options: open, Stage: StageScoring}
			round.Unresolved = &Unresolved{Seats: seats - number + 1, Options: slices.Clone(open), Stage: StageScoring}
			a.r.Rounds = append(a.r.Rounds, round)
			break
		}
		round.Elected = []int{winner}
		a.r.Rounds = append(a.r.Rounds, round)
		a.r.Elected = append(a.r.Elected, winner)
		a.left = slices.DeleteFunc(slices.Clone(a.left), func(o int) bool { return o == winner })
		a.allocate(winner)
	}
	a.r.Winners = ascending(a.r.Elected)
	return *a.r, a.made
}

// sums are the sums of the scores of each option. Each ballot counts for as much as is left
// of it.
func (a *allocation) sums() []*big.Rat {
	whole := make([][]wide, len(a.share)) // by class and option
	a.ballots.each(func(g int, scores []OptionScore, weight int64) {
		class := a.class[g]
		if class == spentClass {
			return
		}
		if whole[class] == nil {
			whole[class] = make([]wide, a.ballots.options)
		}
		for _, s := range scores {
			whole[class][s.Option].add(weight, s.Score)
		}
	})
	sums := make([]*big.Rat, a.ballots.options)
	for option := range sums {
		sums[option] = new(big.Rat)
		for class, share := range a.share {
			if whole[class] != nil && whole[class][option] != (wide{}) {
				part := new(big.Rat).SetInt(whole[class][option].Int())
				sums[option].Add(sums[option], part.Mul(part, share))
			}
		}
	}
	return sums
}

// highest is the option with the highest sum. open are those whose tie is not decided.
func (a *allocation) highest(sums []*big.Rat, number int) (winner int, open []int) {
	_, equal := by("", func(x, y int) int { return sums[y].Cmp(sums[x]) }).split(a.left, 1)
	if len(equal) == 1 {
		return equal[0], nil
	}
	d := a.decided(a.settings.winning().choose(number, equal, 1))
	a.r.Ties = append(a.r.Ties, d.ties...)
	if d.open != nil {
		return 0, d.open
	}
	return d.chosen[0], nil
}

// support is the ballots of a class that give the elected option the same score.
type support struct {
	class int32
	score int
}

// allocate uses up a quota of the ballots that support an option. Those with the highest
// product of share and score come first. Where ballots with equal products are more than
// what is left of the quota, all of them lose the same part.
func (a *allocation) allocate(winner int) {
	weights := map[support]wide{}
	of := make([]support, len(a.class))
	a.ballots.each(func(g int, scores []OptionScore, weight int64) {
		for _, s := range scores {
			if s.Option == winner && s.Score > 0 && a.class[g] != spentClass {
				k := support{a.class[g], s.Score}
				of[g] = k
				sum := weights[k]
				sum.add(weight, 1)
				weights[k] = sum
			}
		}
	})
	moved := a.use(weights)
	for g, k := range of {
		if class, ok := moved[k]; ok {
			a.class[g] = class
		}
	}
}

// use decides which ballots are used up. Ballots that lose only a part get new classes, with
// what is left of them.
func (a *allocation) use(weights map[support]wide) (moved map[support]int32) {
	value := func(k support) *big.Rat {
		v := new(big.Rat).SetInt64(int64(k.score))
		return v.Mul(v, a.share[k.class])
	}
	order := make([]support, 0, len(weights))
	for k := range weights {
		order = append(order, k)
	}
	slices.SortFunc(order, func(x, y support) int {
		return cmp.Or(value(y).Cmp(value(x)), cmp.Compare(x.class, y.class), cmp.Compare(x.score, y.score))
	})
	moved = map[support]int32{}
	left := new(big.Rat).Set(a.quota)
	for start := 0; start < len(order) && left.Sign() > 0; {
		end := start + 1
		for end < len(order) && value(order[end]).Cmp(value(order[start])) == 0 {
			end++
		}
		level := order[start:end]
		weight := new(big.Rat)
		for _, k := range level {
			part := new(big.Rat).SetInt(weights[k].Int())
			weight.Add(weight, part.Mul(part, a.share[k.class]))
		}
		if weight.Cmp(left) > 0 {
			keep := weight.Quo(new(big.Rat).Sub(weight, left), weight)
			for _, k := range level {
				moved[k] = int32(len(a.share))
				a.share = append(a.share, new(big.Rat).Mul(a.share[k.class], keep))
			}
			return moved
		}
		left.Sub(left, weight)
		for _, k := range level {
			moved[k] = spentClass
		}
		start = end
	}
	return moved
}

package tally

import "slices"

// maxOtherOrders bounds how many orders of listed ties are counted besides the real
// one. With a few ties all orders are counted; with many there are more orders than can
// be counted, and one count of millions of ballots takes a while.
const maxOtherOrders = 64

// ByOrder reports whether an order of the options decided: that of the definition, or the
// lot. Another order could have decided otherwise; [Result.OtherOrders] says for whom.
func (s TieStep) ByOrder() bool { return s == TieListed || s == TieLot }

// listedTie is a tie that only an order of the options decides.
type listedTie struct {
	equals []int // those who were equal, ascending
	chosen []int // which of them it picked, ascending
}

// maxOrderSteps bounds the work on other orders, where one count can be a lot of work: a
// step is a few nanoseconds.
const maxOrderSteps = 500_000_000

// ordersWorth is how many other orders are counted if one takes so many steps, by the
// options and seats of the poll: how a profile is cut into groups must not matter.
func ordersWorth(steps int) int { return min(maxOrderSteps/max(steps, 1), maxOtherOrders) }

// recount counts once more, for the case that the first listed ties are decided as script
// says and later ones by the list.
type recount func(script [][]int) (Result, []listedTie)

// otherOrders finds the options that win if listed ties are decided otherwise, in so many
// counts at most; left reports that not all orders were counted. Equal profiles get the
// same orders.
func otherOrders(again recount, most int, winners []int, listed []listedTie) (others []int, left bool) {
	type order struct {
		listed []listedTie
		fixed  int // how many of its choices were given
	}
	queue := []order{{listed, 0}}
	counted := 0
	for len(queue) > 0 {
		o := queue[0]
		queue = queue[1:]
		// The latest tie comes first: it is the likeliest to change who wins.
		for i := len(o.listed) - 1; i >= o.fixed; i-- {
			for choice := range choices(o.listed[i].equals, len(o.listed[i].chosen)) {
				if slices.Equal(choice, o.listed[i].chosen) {
					continue
				}
				if counted == most {
					return others, true
				}
				counted++
				var script [][]int
				for _, tie := range o.listed[:i] {
					script = append(script, tie.chosen)
				}
				r, further := again(append(script, choice))
				for _, winner := range r.Winners {
					if at, found := slices.BinarySearch(others, winner); !found && !slices.Contains(winners, winner) {
						others = slices.Insert(others, at, winner)
					}
				}
				queue = append(queue, order{further, i + 1})
			}
		}
	}
	return others, false
}

// choices yields each choice of n out of options, in their order.
func choices(options []int, n int) func(yield func([]int) bool) {
	return func(yield func([]int) bool) {
		var from func(start int, picked []int) bool
		from = func(start int, picked []int) bool {
			if len(picked) == n {
				return yield(slices.Clone(picked))
			}
			for i := start; i <= len(options)-(n-len(picked)); i++ {
				if !from(i+1, append(picked, options[i])) {
					return false
				}
			}
			return true
		}
		from(0, make([]int, 0, n))
	}
}

// listings keeps what the list decided in a count, or what a script says instead.
type listings struct {
	script [][]int
	made   []listedTie
}

// decided takes a decision into account, and returns it as the script wants it.
func (l *listings) decided(d decision) decision {
	n := len(d.ties)
	if n == 0 || !d.ties[n-1].Step.ByOrder() {
		return d
	}
	tie := &d.ties[n-1]
	if len(l.made) < len(l.script) {
		sure := slices.DeleteFunc(slices.Clone(d.chosen), func(o int) bool { return slices.Contains(tie.Chosen, o) })
		tie.Chosen = l.script[len(l.made)]
		d.chosen = ascending(sure, tie.Chosen)
	}
	l.made = append(l.made, listedTie{tie.Options, tie.Chosen})
	return d
}

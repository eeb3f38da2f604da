package tally

import (
	"cmp"
	"fmt"
	"slices"
)

// last is who leaves at the end of a round. If there was a tie, it says how it was
// decided, step by step and in a sentence. If nothing decides, out is empty and the last
// step is open.
type last struct {
	out     []int
	ties    []Tie
	decided string
}

// listed reports whether an order of the options decided: the list or the lot.
func (l last) listed() bool {
	n := len(l.ties)
	return n > 0 && l.ties[n-1].Step.ByOrder()
}

// lastPlace chooses which options leave at the end of a round. history has the votes of
// all rounds, this one last.
func (c *runoff) lastPlace(history [][]int64) last {
	if c.hasWriteIn() {
		return last{out: []int{c.rules.writeIn}, decided: "Write-ins that were not declared go first."}
	}
	order := c.fromTheLast()
	tied := c.tiedForLast(order)
	if out, sentence := c.leaveTogether(order, tied); len(out) > 1 {
		l := last{out: out, decided: sentence}
		if len(tied) > 1 {
			l.ties = []Tie{{len(history), tied, TieTogether, tied}}
		}
		return l
	}
	if len(tied) == 1 {
		return last{out: tied}
	}
	return c.lookBack(tied, history)
}

// fromTheLast are the options in the count, the one with the fewest votes first.
func (c *runoff) fromTheLast() (order []int) {
	for i, standing := range c.standing {
		if standing {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(c.votes[a], c.votes[b]) })
	return order
}

// tiedForLast are the options with the fewest votes, ascending.
func (c *runoff) tiedForLast(order []int) []int {
	n := 1
	for n < len(order) && c.votes[order[n]] == c.votes[order[0]] {
		n++
	}
	return ascending(order[:n])
}

// leaveTogether finds options, if several, that can leave in one round since none of them
// could catch up with the next option: those who are tied for last, or by the rule for
// sure losers the largest such group.
func (c *runoff) leaveTogether(order, tied []int) (out []int, decided string) {
	if !c.rules.together {
		return nil, ""
	}
	least := 1 // how many must stay
	if c.rules.untilTwo {
		least = 2
	}
	var sum, together int64 // of the options looked at, and of those who leave
	n := 0
	for i := range order[:len(order)-1] {
		sum += c.votes[order[i]]
		group := i+1 == len(tied) || c.rules.sureLosers && i+1 > len(tied)
		if group && i+1 <= len(order)-least && sum < c.votes[order[i+1]] {
			n, together = i+1, sum
		}
	}
	if n < 2 {
		return nil, ""
	}
	next := c.votes[order[n]]
	if n == len(tied) {
		return tied, fmt.Sprintf("%d options tied for last with %d votes each went together: their %d votes are fewer than the next option's %d.",
			n, c.votes[tied[0]], together, next)
	}
	return ascending(order[:n]), fmt.Sprintf("%d options went together: their %d votes are fewer than the next option's %d.", n, together, next)
}

// lookBack decides a tie for last by earlier rounds, from the latest on, and in the end as
// the settings say.
func (c *runoff) lookBack(tied []int, history [][]int64) last {
	number := len(history)
	var steps ladder
	for _, before := range slices.Backward(history[:number-1]) {
		steps = append(steps, byFewest(TieEarlierRound, before))
	}
	d := append(steps, c.settings.leaving()...).choose(number, tied, 1)
	if step := &d.ties[len(d.ties)-1]; step.Step == TieOpen && c.anyOrder {
		d.chosen = []int{slices.Max(step.Options)}
		step.Step, step.Chosen = TieAnyOrder, slices.Clone(d.chosen)
	}
	decided := fmt.Sprintf("%d options tied for last with %d votes each", len(tied), c.votes[tied[0]])
	switch d.ties[len(d.ties)-1].Step {
	case TieEarlierRound:
		decided += fmt.Sprintf(": looking back, round %d decided, and the one with the fewest votes there went.", number-1-d.rung)
	case TieListed:
		decided += ", and no earlier round decides: the one listed last in the poll went."
	case TieLot:
		decided += ", and no earlier round decides: the one that was drawn last by lot went."
	case TieAnyOrder:
		decided += ", and no earlier round decides, but their order does not matter: whichever goes, the same option wins."
	default:
		decided += ", and no earlier round decides: it stays a tie."
	}
	return last{d.chosen, d.ties, decided}
}

// tieBreaking says how a tie for last is decided, in the end as the settings say.
func (c *runoff) tieBreaking() string {
	rule := "Options tied for last go together if their votes together are fewer than those of the next option; otherwise "
	switch {
	case c.rules.sureLosers:
		rule = "The most options whose votes together are fewer than those of the next option go together; of others that are tied for last, "
	case !c.rules.together:
		rule = "Of options tied for last, "
	}
	return rule + "the one with the fewest votes in the most recent earlier round in which they differed goes, " +
		"and if they never differed, " + c.settings.lastToLeave() + "."
}

package tally

import (
	"fmt"
	"math/big"
	"slices"
)

// contest is what options are compared for.
type contest uint8

const (
	toLeave contest = iota // who is eliminated: the fewest votes
	toGive                 // whose surplus moves first: the most votes
)

// order compares two options by the votes of a round. The one to be taken comes first.
func (of contest) order(votes []*big.Int) func(a, b int) int {
	if of == toGive {
		return func(a, b int) int { return votes[b].Cmp(votes[a]) }
	}
	return func(a, b int) int { return votes[a].Cmp(votes[b]) }
}

// choose takes one of the options by their votes. ok is false if they are tied and the tie
// is left open: then the count has stopped.
func (c *stvCount) choose(options []int, of contest) (taken int, ok bool) {
	_, tied := by("", of.order(c.votes)).split(options, 1)
	return c.breakTie(tied, of)
}

// breakTie takes one of the tied, which are ascending. Earlier rounds decide, the latest in
// which they differ first, if the rule set looks back, and then the settings. These take
// the last option for both purposes, to be eliminated and to have its surplus moved first:
// the reference rules have one order for both.
func (c *stvCount) breakTie(tied []int, of contest) (taken int, ok bool) {
	if len(tied) == 1 {
		return tied[0], true
	}
	number := len(c.history)
	var steps ladder
	var rounds []int // of the first steps
	if c.earlierRounds {
		for i, votes := range slices.Backward(c.history[:number-1]) {
			differ := func(option int) bool {
				return votes[option] != votes[tied[0]] && votes[option].Cmp(votes[tied[0]]) != 0
			}
			if slices.ContainsFunc(tied, differ) {
				steps, rounds = append(steps, by(TieEarlierRound, of.order(votes))), append(rounds, i+1)
			}
		}
	}
	d := append(steps, c.settings.leaving()...).choose(number, tied, 1)
	last := &d.ties[len(d.ties)-1]
	switch {
	case !last.Step.ByOrder() && last.Step != TieOpen:
		taken = d.chosen[0]
	case of == toLeave && c.allLeave(last.Options), last.Step == TieOpen && c.plan.anyOrder:
		taken = slices.Max(last.Options)
		if last.Step == TieLot {
			taken = d.chosen[0]
		}
		last.Step, last.Chosen = TieAnyOrder, []int{taken}
	case last.Step.ByOrder():
		taken = c.listings.decided(d).chosen[0]
	}
	c.result.Ties = append(c.result.Ties, d.ties...)
	if !c.plan.quiet {
		c.round().Decided = c.sentence(tied, of, d, rounds)
	}
	if last.Step == TieOpen {
		c.stop(last.Options, of)
		return none, false
	}
	return taken, true
}

// allLeave reports whether the tied all leave, one directly after the other: they have no
// votes, so nothing moves, and there are enough others for the seats.
func (c *stvCount) allLeave(tied []int) bool {
	voted := func(option int) bool { return c.votes[option].Sign() > 0 }
	return !c.unsettled && !slices.ContainsFunc(tied, voted) && len(c.who(isContinuing))-len(tied) >= c.vacancies()
}

// stop ends the count at a tie that nothing decides. If one has to leave for the others to
// have the last seats, the tie is for these, and all who are not part of it have theirs.
func (c *stvCount) stop(tied []int, of contest) {
	open := &Unresolved{Seats: c.vacancies(), Options: slices.Clone(tied), Stage: StageElimination}
	last := &c.result.Ties[len(c.result.Ties)-1]
	switch rest := c.who(isContinuing); {
	case of == toGive:
		open.Stage = StageSurplus
	case len(rest)-1 > c.vacancies():
	case c.settings.seats() == 1 && c.settings.Ties == TiesReport:
		last.Step, last.Chosen = TieReported, slices.Clone(tied)
		c.result.Winners = slices.Clone(tied)
		return
	default:
		rest = slices.DeleteFunc(rest, func(option int) bool { return slices.Contains(tied, option) })
		c.result.Winners = rest
		open.Seats, open.Stage = c.vacancies()-len(rest), StageLastSeat
	}
	same := *open
	same.Options = slices.Clone(open.Options)
	c.result.Unresolved, c.round().Unresolved = open, &same
}

// sentence says in plain words how a tie was decided.
func (c *stvCount) sentence(tied []int, of contest, d decision, rounds []int) string {
	s := fmt.Sprintf("%d options tied for last with %s", len(tied), c.amount(tied))
	extreme, does := "fewest", "went"
	if of == toGive {
		s = fmt.Sprintf("%d options tied for the largest surplus with %s", len(tied), c.amount(tied))
		extreme, does = "most", "had its surplus moved first"
	}
	if c.earlierRounds && d.ties[len(d.ties)-1].Step != TieEarlierRound {
		s += ", and no earlier round decides"
	}
	switch d.ties[len(d.ties)-1].Step {
	case TieEarlierRound:
		return s + fmt.Sprintf(": looking back, round %d decided, and the one with the %s votes there %s.", rounds[d.rung], extreme, does)
	case TieAnyOrder:
		return s + ", and their order does not matter: whichever is taken, the same options win."
	case TieListed:
		return s + fmt.Sprintf(": the one listed last in the poll %s.", does)
	case TieLot:
		return s + fmt.Sprintf(": the one that was drawn last by lot %s.", does)
	}
	return s + ": the count stopped."
}

// amount is how many votes the tied have, which can differ as [meek.lowest] says.
func (c *stvCount) amount(tied []int) string {
	least := slices.MinFunc(tied, toLeave.order(c.votes))
	most := slices.MinFunc(tied, toGive.order(c.votes))
	if toLeave.order(c.votes)(least, most) == 0 {
		return fmt.Sprintf("%s votes each", c.number(c.votes[least]))
	}
	return fmt.Sprintf("%s to %s votes, which the surplus left could make equal", c.number(c.votes[least]), c.number(c.votes[most]))
}

// stvTieBreaking says what is done about ties in a count by these settings.
func stvTieBreaking(s Settings) string {
	last := s.lastToLeave()
	switch s.word(stvRuleSet) {
	case setPRFMeek:
		return "Of options that are tied for last, or that the surpluses left could bring there, it is " + last + ", that goes."
	case setPRFWIGM, setRCTab:
		return "Of options that are tied for last, or for the largest surplus, it is " + last + ", that goes, or has its surplus moved first."
	}
	return "Of options that are tied for last, the one with the fewest votes in the most recent earlier round in which they differed goes, " +
		"and of surpluses that are equal, that of the one with the most votes there moves first. If they never differed, it is " + last + "."
}

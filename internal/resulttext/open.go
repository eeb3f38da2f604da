package resulttext

import (
	"fmt"
	"slices"
	"strings"

	"voted/internal/resultjson"
	"voted/internal/tally"
)

// OtherOrders says who else could have won where the order of the options or the lot
// decided a tie; empty where neither did. final says that no ballot can change that any more.
func OtherOrders(o *resultjson.Outcome, final bool, names Names) string {
	i := slices.IndexFunc(o.Ties, func(t resultjson.Tie) bool { return tally.TieStep(t.Step).ByOrder() })
	if i < 0 {
		return ""
	}
	another, orders := "order of the options", "orders"
	if o.Ties[i].Step == string(tally.TieLot) {
		another, orders = "lot", "lots"
	}
	can := "changes"
	if final {
		can = "would have changed"
	}
	var said []string
	switch {
	case o.OtherOrders != nil && len(*o.OtherOrders) > 0:
		said = append(said, fmt.Sprintf("With another %s %s could have won.", another, names(*o.OtherOrders, "or")))
	case !o.OrdersLeft:
		said = append(said, fmt.Sprintf("No other %s %s who wins.", another, can))
	}
	if o.OrdersLeft {
		said = append(said, fmt.Sprintf("There are too many %s to count them all: others may win as well.", orders))
	}
	return strings.Join(said, " ")
}

// Open says for how many seats options are equal, and where the count stopped.
func Open(u *resultjson.Unresolved, names Names) string {
	seats := "1 seat"
	if u.Seats != 1 {
		seats = fmt.Sprintf("%d seats", u.Seats)
	}
	equal, either := names(u.Options, "and"), names(u.Options, "or")
	switch tally.Stage(u.Stage) {
	case tally.StageScoring:
		return fmt.Sprintf("Open: %s have equal scores, so %s cannot be filled.", equal, seats)
	case tally.StageRunoff:
		return fmt.Sprintf("Open: %s are equal in the runoff, so %s cannot be filled.", equal, seats)
	case tally.StageElimination:
		return fmt.Sprintf("Open: nothing has decided whether %s goes out, so the count stopped, and %s cannot be filled.", either, seats)
	case tally.StageSurplus:
		return fmt.Sprintf("Open: nothing has decided whether the surplus of %s moves first, so the count stopped, and %s cannot be filled.", either, seats)
	}
	return fmt.Sprintf("Open: %s are equal for %s.", equal, seats)
}

// DecidedBy says what decided between two finalists.
func DecidedBy(by string) string {
	switch tally.DecidedBy(by) {
	case tally.ByRunoff:
		return "More ballots prefer the winner."
	case tally.ByScore:
		return "The ballots are equal; the higher sum of scores decided."
	case tally.ByTopScores:
		return "The ballots are equal; the higher number of top scores decided."
	case tally.ByListed:
		return "The ballots are equal; the order of the options decided."
	case tally.ByLot:
		return "The ballots are equal; the lot decided."
	}
	return "Decided by " + by + "." // of a newer build
}

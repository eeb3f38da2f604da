package poll

import (
	"fmt"
	"strings"
	"testing"

	"voted/internal/tally"
)

// knownMethods is what builds that read CountingLevel can be asked to count. If this test fails
// because there is more, members of older builds would refuse polls that newer ones hold, and their
// states would differ: let Definition.Level give what is new a level of its own, and leave it out here.
const knownMethods = `
plurality seats:0
approval seats:0
score seats:0 by:sum|mean min_scores:
star seats:0 tie_ladder:official|simple|report
star_pr seats:25
irv seats:0 until:majority|two eliminate:tied_sure_losers|one|sure_losers threshold:active|first_round overvote:exhaust|skip|exhaust_if_multiple_continuing max_skipped: duplicate:skip|exhaust write_in: withdrawn:
stv seats:0 rule_set:scottish|prf_wigm|prf_meek|rctab|exact quota:droop|hagenbach_bischoff|hare eliminate:one|sure_losers write_in: withdrawn:
borda seats:0 points:standard|n|dowdall|modified unranked:average|zero
schulze seats:0 strength:winning_votes|margins|ratio unranked:bottom|ignore
ranked_pairs seats:0 strength:winning_votes|margins unranked:bottom|ignore
minimax seats:0 strength:winning_votes|margins|opposition unranked:bottom|ignore
copeland seats:0 tie_ladder:none|margins unranked:bottom|ignore
`

func TestWhatCanBeCountedHasALevel(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for _, name := range tally.Names() {
		m, _ := tally.ByName(name)
		fmt.Fprintf(&b, "%s seats:%d", name, m.MaxSeats)
		for _, r := range m.Rules {
			fmt.Fprintf(&b, " %s:%s", r.Name, strings.Join(r.Words, "|"))
		}
		b.WriteByte('\n')
	}
	if got := b.String(); got != strings.TrimLeft(knownMethods, "\n") {
		t.Errorf("it is now\n%s", got)
	}
}

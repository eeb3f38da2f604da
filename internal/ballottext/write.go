package ballottext

import (
	"strconv"
	"strings"

	"voted/internal/poll"
	"voted/internal/tally"
)

// Write returns the text of the marks of a ballot of a form.
func Write(form tally.Form, m poll.Marks) string {
	switch form {
	case tally.Ranking:
		tiers := make([]string, len(m.Ranking))
		for i, tier := range m.Ranking {
			if tiers[i] = strings.Join(tier, "="); len(tier) == 0 {
				tiers[i] = Skipped
			}
		}
		return strings.Join(tiers, ">")
	case tally.Scores:
		pairs := make([]string, len(m.Scores))
		for i, s := range m.Scores {
			pairs[i] = s.Option + "=" + strconv.Itoa(s.Points)
		}
		return strings.Join(pairs, ";")
	case tally.Choice:
	}
	return strings.Join(m.Selections, ";")
}

package public_test

import (
	"strings"
	"testing"

	"voted/client"
)

func TestAFrameShowsTheLastRoundsAloneInBarsAndInTheTable(t *testing.T) {
	t.Parallel()
	n := given(t)
	n.poll(t, client.Definition{ID: "rounds-framed", Options: client.Options("ann", "bo", "cy"), Method: client.IRV, Audience: client.AudienceAnyone}, ranking()...)
	for query, first := range map[string]bool{"": true, "&last=1": false} {
		got := n.get(t, "", "/polls/rounds-framed/embed?lang=en&view=rounds"+query).body
		for _, round := range []string{`<span class="round">1</span>`, `>Round 1</th>`} {
			if strings.Contains(got, round) != first {
				t.Errorf("%q: it has %s: %v", query, round, !first)
			}
		}
		for _, round := range []string{`<span class="round">2</span>`, `>Round 2</th>`} {
			if !strings.Contains(got, round) {
				t.Errorf("%q: it lacks %s:\n%s", query, round, got)
			}
		}
	}
}

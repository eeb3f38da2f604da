package api

import (
	"fmt"
	"testing"

	"voted/internal/tally"
)

// Whatever a poll asks of its method, what comes out is as the reference says: each answer
// is held against it. The ballots are full of ties, so that every step decides somewhere.
func TestWhateverRulesAPollHasItsResultsAreAsTheReferenceSays(t *testing.T) {
	t.Parallel()
	ballots := map[tally.Form][]string{
		tally.Choice: {`{"selections":["ann"]}`, `{"selections":["bo"]}`, `{"selections":["cy"]}`},
		tally.Scores: {`{"scores":{"ann":5,"bo":3}}`, `{"scores":{"bo":5,"ann":3}}`, `{"scores":{"cy":5,"dee":3}}`, `{"scores":{"dee":5,"cy":3}}`},
	}
	for _, ranking := range []string{`"ann","cy"`, `"ann","cy"`, `"ann","cy"`, `"ann","cy"`, `"bo","dee"`, `"bo","dee"`, `"bo","dee"`, `"bo","dee"`, `"cy"`, `"cy"`, `"dee"`, `"dee"`} {
		ballots[tally.Ranking] = append(ballots[tally.Ranking], `{"ranking":[`+ranking+`]}`)
	}
	for _, name := range tally.Names() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, _ := tally.ByName(name)
			g := newRig(t)
			number := 0
			results := func(seats int, tieBreak, rules string) answer {
				number++
				id := fmt.Sprint("p", number)
				g.poll(id, fmt.Sprintf(`{"options":["ann","bo","cy","dee"],"method":%q,"seats":%d,"tie_break":%q,"rules":{%s}}`, name, seats, tieBreak, rules))
				for i, b := range ballots[m.Form] {
					g.cast(id, fmt.Sprint("v", i), b)
				}
				return g.do("GET", "/v1/polls/"+id+"/results", "").want(200).holds(`"tie_breaking":"`)
			}
			for _, tieBreak := range tally.TieBreakNames() {
				seats := []int{1, 3}
				if m.OneSeat {
					seats = seats[:1]
				}
				for _, n := range seats {
					results(n, tieBreak, "")
					for _, r := range m.Rules {
						for _, word := range r.Words[min(1, len(r.Words)):] {
							rules := fmt.Sprintf("%q:%q", r.Name, word)
							switch {
							case name == "stv" && r.Name == "eliminate":
								rules += `,"rule_set":"prf_wigm"`
							case name == "stv" && r.Name == "quota":
								rules += `,"rule_set":"exact"`
							}
							results(n, tieBreak, rules)
						}
					}
				}
			}
			switch name {
			case "stv":
				results(3, "report", `"rule_set":"exact","quota":"hagenbach_bischoff"`).holds(`"unresolved":{"seats":1,"options":["ann","bo"],"stage":"surplus"}`)
			case "minimax":
				g.poll("ahead", `{"options":["ann","bo"],"method":"minimax","rules":{"strength":"margins"}}`)
				g.cast("ahead", "v", `{"ranking":["ann","bo"]}`)
				g.do("GET", "/v1/polls/ahead/results", "").want(200).holds(`"worst_defeat":{"ann":-1,"bo":1}`)
			}
		})
	}
}

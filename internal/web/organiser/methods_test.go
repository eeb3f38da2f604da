package organiser

import (
	"slices"
	"testing"

	"voted/internal/tally"
)

func TestTheFormOffersTheMethodsAndRulesThatThereAre(t *testing.T) {
	t.Parallel()
	ballots := map[tally.Form]string{tally.Choice: "choices", tally.Scores: "scores", tally.Ranking: "ranks"}
	kinds := map[tally.RuleKind]ruleKind{tally.Word: oneWord, tally.Count: wholeNumber, tally.OneOption: oneOption, tally.SomeOptions: someOptions}
	if !slices.Equal(methodNames(), tally.Names()) {
		t.Fatalf("the form offers %v; there are %v", methodNames(), tally.Names())
	}
	for _, name := range tally.Names() {
		counted, _ := tally.ByName(name)
		offered := methodNamed(name)
		if offered.Ballot != ballots[counted.Form] || offered.OneSeat != counted.OneSeat {
			t.Errorf("%s is offered as %+v", name, offered)
		}
		var rules []rule
		for _, r := range counted.Rules {
			rules = append(rules, rule{Name: r.Name, Kind: kinds[r.Kind], Words: r.Words})
		}
		same := func(a, b rule) bool { return a.Name == b.Name && a.Kind == b.Kind && slices.Equal(a.Words, b.Words) }
		if !slices.EqualFunc(offered.Rules, rules, same) {
			t.Errorf("of %s the form offers the rules %v; there are %v", name, offered.Rules, rules)
		}
	}
}

package recount

import (
	"errors"
	"strings"
	"testing"

	"voted/internal/poll"
	"voted/proof"
)

func TestTheWeightOfAChoiceIsOneThatItsVotersCanHave(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name        string
		eligibility poll.Eligibility
		line        string
		good        bool
	}{
		{"a weight for each voter", poll.OnRoll, `"count":2,"weight":5`, true},
		{"the most that voters can have", poll.OnRoll, `"count":2,"weight":2000000`, true},
		{"more than voters can have", poll.OnRoll, `"count":2,"weight":2000001`, false},
		{"more voters than any poll has", poll.OnRoll, `"count":18446744073709551615,"weight":1`, false},
		{"a choice of nobody", poll.OnRoll, `"count":0,"weight":0`, false},
		{"no weight in a poll without weights", poll.Anyone, `"count":2`, true},
		{"each voter once in a poll without weights", poll.Anyone, `"count":2,"weight":2`, true},
		{"a weight in a poll without weights", poll.Anyone, `"count":2,"weight":5`, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			rules := rulesOf(t, poll.Definition{Eligibility: c.eligibility})
			_, err := ReadProfile(strings.NewReader(`{"selections":["ann"],`+c.line+"}\n"), rules)
			if c.good && err != nil || !c.good && !errors.Is(err, proof.ErrMalformed) {
				t.Errorf("got %v, want an error: %v", err, !c.good)
			}
		})
	}
}

// rulesOf are the rules of a poll of ann and bo as its log has them.
func rulesOf(t *testing.T, d poll.Definition) *poll.Rules {
	t.Helper()
	d.ID, d.Options = "board", []poll.Option{{ID: "ann", Title: "Ann"}, {ID: "bo", Title: "Bo"}}
	rules, err := poll.ReadLogged(d.WithDefaults().AppendLogged(nil))
	if err != nil {
		t.Fatal(err)
	}
	return rules
}

package display

import (
	"fmt"
	"slices"
	"strings"

	"voted/client"
	"voted/internal/resultjson"
	"voted/internal/resulttext"
)

// maxTies is how many tie-breaking steps are shown; --json has them all.
const maxTies = 5

// ties writes how ties were decided, and who else could have won.
func (o *Output) ties(r client.Results, titles Titles) {
	if len(r.Ties) == 0 {
		return
	}
	o.Linef("")
	outcome := outcomeOf(r)
	for i, sentence := range resulttext.Ties(outcome, titles.list) {
		if i < maxTies {
			o.Para(Yellow, sentence)
		}
	}
	if more := len(r.Ties) - maxTies; more > 0 {
		o.Para(Yellow, fmt.Sprintf("… and %s more; --json has all.", Plural(int64(more), "tie")))
	}
	if others := resulttext.OtherOrders(outcome, r.State == client.StateClosed, titles.list); others != "" {
		o.Para(Yellow, others)
	}
}

// tiesInShort writes only the last sentence about ties.
func (o *Output) tiesInShort(r client.Results, titles Titles) {
	if len(r.Ties) == 0 {
		return
	}
	o.Linef("")
	outcome := outcomeOf(r)
	said := resulttext.Ties(outcome, titles.list)
	last := said[len(said)-1]
	if others := resulttext.OtherOrders(outcome, r.State == client.StateClosed, titles.list); others != "" {
		last = "The order of the options decided a tie. " + others
		if slices.ContainsFunc(r.Ties, func(t client.Tie) bool { return t.Step == client.TieLot }) {
			last = "The lot decided a tie. " + others
		}
	}
	o.Para(Yellow, last)
}

// outcomeOf is what sentences about ties are made of.
func outcomeOf(r client.Results) *resultjson.Outcome {
	o := &resultjson.Outcome{
		Winners: r.Winners, Finalists: r.Finalists, Unresolved: (*resultjson.Unresolved)(r.Unresolved),
		OtherOrders: &r.OtherOrdersElect, OrdersLeft: r.OtherOrdersLeft,
	}
	if r.Quota != 0 {
		o.Quota = resultjson.Number(fmt.Sprint(r.Quota))
	}
	for _, t := range r.Ties {
		o.Ties = append(o.Ties, resultjson.Tie{Round: t.Round, Options: t.Options, Step: string(t.Step), Chosen: t.Chosen})
	}
	for _, x := range r.Rounds {
		round := resultjson.Round{SurplusOf: x.SurplusOf, Finalists: x.Finalists, Unresolved: (*resultjson.Unresolved)(x.Unresolved)}
		for _, option := range r.Options {
			if votes, ok := x.Votes[option.ID]; ok {
				round.Votes = append(round.Votes, resultjson.Pair[resultjson.Number]{ID: option.ID, Value: resultjson.Number(fmt.Sprint(votes))})
			}
		}
		o.Rounds = append(o.Rounds, round)
	}
	return o
}

// list names options: "Ann, Bo and Cy".
func (t Titles) list(ids []string, and string) string {
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = t.of(id)
	}
	const most = 6
	if n := len(names); n > most {
		names = append(slices.Clone(names[:most-1]), fmt.Sprintf("%d more", n-most+1))
	}
	if n := len(names); n > 1 {
		return strings.Join(names[:n-1], ", ") + " " + and + " " + names[n-1]
	}
	return strings.Join(names, "")
}

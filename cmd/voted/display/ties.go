package display

import (
	"fmt"
	"slices"
	"strings"

	"voted/client"
)

// maxTies is how many tie-breaking steps are shown; --json has them all.
const maxTies = 5

// ties writes how ties were decided, and who else could have won.
func (o *Output) ties(r client.Results, titles Titles) {
	if len(r.Ties) == 0 {
		return
	}
	o.Linef("")
	listed := false
	for i, t := range r.Ties {
		listed = listed || t.Step == client.TieListed
		if i < maxTies {
			o.Para(Yellow, tieSentence(r, t, titles))
		}
	}
	if more := len(r.Ties) - maxTies; more > 0 {
		o.Para(Yellow, fmt.Sprintf("… and %s more: see `voted results %s --json`.", Plural(int64(more), "tie"), r.Poll))
	}
	if listed {
		o.Para(Yellow, otherOrders(r, titles))
	}
}

// tiesInShort writes only the last sentence about ties.
func (o *Output) tiesInShort(r client.Results, titles Titles) {
	if len(r.Ties) == 0 {
		return
	}
	o.Linef("")
	last := r.Ties[len(r.Ties)-1]
	if slices.ContainsFunc(r.Ties, func(t client.Tie) bool { return t.Step == client.TieListed }) {
		o.Para(Yellow, "The order of the options decided a tie. "+otherOrders(r, titles))
		return
	}
	o.Para(Yellow, tieSentence(r, last, titles))
}

// tieSentence describes how one tie was decided.
func tieSentence(r client.Results, t client.Tie, titles Titles) string {
	equals, chosen := titles.list(t.Options, "and"), titles.list(t.Chosen, "and")
	if t.Round == 0 && t.Step != client.TieReport {
		return winningTie(t, equals, chosen)
	}
	where := fmt.Sprintf("Tie in round %d: %s were last with equal votes", t.Round, equals)
	if t.Round > 0 && t.Round <= len(r.Rounds) && len(t.Options) == len(r.Rounds[t.Round-1].Votes) {
		where = fmt.Sprintf("Tie in round %d: %s, all that were left, had equal votes", t.Round, equals)
	}
	switch t.Step {
	case client.TieReport:
		return fmt.Sprintf("Tie: %s share first place. It is reported, not broken.", equals)
	case client.TieTogether:
		return where + " and went out together, as their order cannot matter."
	case client.TieEarlierRound:
		if len(t.Chosen) > 1 {
			return fmt.Sprintf("%s; an earlier round left %s.", where, chosen)
		}
		return fmt.Sprintf("%s; an earlier round decided, and %s went out.", where, chosen)
	case client.TieListed:
		return fmt.Sprintf("%s; the order of the options decided, and %s, listed last, went out.", where, chosen)
	}
	return fmt.Sprintf("%s; decided by %s: %s.", where, t.Step, chosen)
}

// winningTie describes a tie of a method without rounds: it is about who wins.
func winningTie(t client.Tie, equals, chosen string) string {
	win := "wins"
	if len(t.Chosen) > 1 {
		win = "win"
	}
	switch t.Step {
	case client.TieOpen:
		return fmt.Sprintf("Tie: %s are equal, and nothing has decided between them.", equals)
	case client.TieListed:
		return fmt.Sprintf("Tie: %s are equal; the order of the options decided, and %s %s.", equals, chosen, win)
	case client.TieLot:
		return fmt.Sprintf("Tie: %s are equal; the lot decided, and %s %s.", equals, chosen, win)
	}
	return fmt.Sprintf("Tie: %s are equal; by %s, %s came first.", equals, strings.ReplaceAll(string(t.Step), "_", " "), chosen)
}

// otherOrders says which options another order of the options would have elected.
func otherOrders(r client.Results, titles Titles) string {
	var said []string
	can := "would have changed"
	if r.State != client.StateClosed {
		can = "changes"
	}
	switch {
	case len(r.OtherOrdersElect) > 0:
		said = append(said, fmt.Sprintf("With another order of the options %s could have won.", titles.list(r.OtherOrdersElect, "or")))
	case !r.OtherOrdersLeft:
		said = append(said, fmt.Sprintf("No other order of the options %s who wins.", can))
	}
	if r.OtherOrdersLeft {
		said = append(said, "There are too many orders to count them all: others may win as well.")
	}
	return strings.Join(said, " ")
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

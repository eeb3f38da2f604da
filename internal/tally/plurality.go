package tally

import "cmp"

// plurality gives each ballot's vote to the option it names; most votes win. A
// poll may let a ballot name several, each of which then gets one vote. With several
// seats this is block voting.
var plurality = Method{
	Name:        "plurality",
	Title:       "Plurality",
	Form:        Choice,
	DefaultTies: TiesReport,
	additive:    mostVotes,
}

// mostVotes is the rule of every method in which naming an option is a vote.
func mostVotes(t Totals, s Settings) Result {
	r := t.result(leadersTie(s, "number of votes"))
	var voted []int
	for i, votes := range t.Points {
		r.Options[i] = OptionResult{Votes: votes, Marks: markedBy(t, i)}
		if votes > 0 {
			voted = append(voted, i)
		}
	}
	r.fillSeats(s, voted, func(a, b int) int { return cmp.Compare(t.Points[b], t.Points[a]) }, nil)
	return r
}

// result is what any result from totals begins with.
func (t Totals) result(tieBreaking string) Result {
	return Result{
		Ballots:     t.Ballots,
		Blank:       t.Blank,
		Overvoted:   t.Overvoted,
		Options:     make([]OptionResult, len(t.Points)),
		TieBreaking: tieBreaking,
	}
}

// leadersTie says what happens when options share the highest value of something.
func leadersTie(s Settings, of string) string {
	switch {
	case s.seats() > 1:
		return "Where options with the same " + of + " are more than the seats left, " + s.lastTieBreak() + "."
	case s.Ties == TiesReport:
		return "Options that share the highest " + of + " all win: a tie is reported, not broken."
	}
	return "Of options that share the highest " + of + ", " + s.lastTieBreak() + "."
}

// markedBy counts the ballots that name an option.
func markedBy(t Totals, option int) int64 {
	if option >= len(t.Marks) {
		return 0
	}
	return t.Marks[option]
}

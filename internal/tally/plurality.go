package tally

// plurality gives each ballot's vote to the option it names; most votes win. A
// poll may let a ballot name several, each of which then gets one vote (block
// voting).
var plurality = Method{
	Name:     "plurality",
	Title:    "Plurality",
	Form:     Choice,
	additive: mostVotes,
}

const mostVotesTieBreaking = "Options that share the highest number of votes all win: a tie is reported, not broken."

// mostVotes is the rule of every method in which naming an option is a vote.
func mostVotes(t Totals) Result {
	r := Result{
		Ballots:     t.Ballots,
		Options:     make([]OptionResult, len(t.Points)),
		TieBreaking: mostVotesTieBreaking,
	}
	var most int64
	for i, votes := range t.Points {
		r.Options[i] = OptionResult{Votes: votes, Marks: markedBy(t, i)}
		most = max(most, votes)
	}
	if most == 0 {
		return r
	}
	for i, votes := range t.Points {
		if votes == most {
			r.Winners = append(r.Winners, i)
		}
	}
	return r
}

// markedBy counts the ballots that name an option.
func markedBy(t Totals, option int) int64 {
	if option >= len(t.Marks) {
		return 0
	}
	return t.Marks[option]
}

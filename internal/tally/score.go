package tally

// score lets a ballot give points to each option; the highest sum wins. The sum
// decides and not the mean, or an option that one voter alone knows and loves
// would beat everybody; the mean is reported beside it.
var score = Method{
	Name:            "score",
	Title:           "Score",
	Form:            Scores,
	DefaultMaxScore: 10,
	additive:        highestScore,
}

const scoreTieBreaking = "Options that share the highest sum of scores all win: a tie is reported, not broken."

// highestScore leaves an option that no ballot scored out of the lead: where all
// scores given are 0, it has not won by being passed over.
func highestScore(t Totals) Result {
	r := Result{
		Ballots:     t.Ballots,
		Options:     make([]OptionResult, len(t.Points)),
		TieBreaking: scoreTieBreaking,
	}
	for i, points := range t.Points {
		marks := markedBy(t, i)
		r.Options[i] = OptionResult{Score: points, Marks: marks}
		if marks <= 0 {
			continue
		}
		r.Options[i].Mean = float64(points) / float64(marks)
		switch {
		case len(r.Winners) == 0 || points > t.Points[r.Winners[0]]:
			r.Winners = append(r.Winners[:0], i)
		case points == t.Points[r.Winners[0]]:
			r.Winners = append(r.Winners, i)
		}
	}
	return r
}

package tally

import (
	"cmp"
	"math/big"
)

// score lets a ballot give points to each option; the highest sum wins, or the highest
// mean of the ballots that scored an option. With the mean, an option that only one voter
// knows and loves can win, unless it needs a number of scores.
//
// Source: W. D. Smith, "Range Voting" (2000); the least number of scores is its quorum.
var score = Method{
	Name:            "score",
	Title:           "Score",
	Form:            Scores,
	DefaultMaxScore: 10,
	DefaultTies:     TiesReport,
	Rules:           []Rule{scoreBy, scoreMinScores},
	check:           checkScore,
	additive:        highestScore,
}

var (
	scoreBy = Rule{
		Name: "by", Kind: Word, Words: []string{"sum", "mean"},
		Help: "Whether the highest sum of scores wins, or the highest mean of the ballots that score an option.",
	}
	scoreMinScores = Rule{
		Name: "min_scores", Kind: Count, Least: 1, Default: "1",
		Help: "By mean: how many ballots must score an option so that it can win.",
	}
)

func checkScore(s Settings, _ int) []Fault {
	if _, set := s.count(scoreMinScores); set && s.word(scoreBy) != "mean" {
		return []Fault{{"rules.min_scores", "It needs the rule by to be mean."}}
	}
	return nil
}

// highestScore does not let an option lead that no ballot scored: if all scores are 0,
// such an option has not won.
func highestScore(t Totals, s Settings) Result {
	byMean, of := s.word(scoreBy) == "mean", "sum of scores"
	if byMean {
		of = "mean score"
	}
	least, _ := s.count(scoreMinScores)
	r := t.result(leadersTie(s, of))
	means := make([]*big.Rat, len(t.Points))
	var scored []int
	for i, points := range t.Points {
		marks := markedBy(t, i)
		r.Options[i] = OptionResult{Score: points, Marks: marks}
		if marks <= 0 {
			continue
		}
		r.Options[i].Mean = float64(points) / float64(marks)
		if byMean && marks < int64(least) {
			continue
		}
		scored = append(scored, i)
		if byMean {
			means[i] = big.NewRat(points, marks)
		}
	}
	better := func(a, b int) int { return cmp.Compare(t.Points[b], t.Points[a]) }
	if byMean {
		better = func(a, b int) int { return means[b].Cmp(means[a]) }
	}
	r.fillSeats(s, scored, better, nil)
	return r
}

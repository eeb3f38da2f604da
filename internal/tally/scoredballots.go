package tally

// scoredBallots are ballots of scores, read as often as a count needs.
type scoredBallots struct {
	options  int
	maxScore int
	groups   []Group
}

// each visits the ballots: the valid scores of one, each option once, and its weight.
// Scores that the poll does not allow are ignored. visit must not keep the scores.
func (b scoredBallots) each(visit func(g int, scores []OptionScore, weight int64)) {
	seen := newOnce(b.options)
	var scores []OptionScore
	for g := range b.groups {
		group := &b.groups[g]
		if group.Weight <= 0 {
			continue
		}
		seen.nextBallot()
		scores = scores[:0]
		for _, s := range group.Scores {
			if s.Score >= 0 && s.Score <= b.maxScore && seen.first(s.Option) {
				scores = append(scores, s)
			}
		}
		visit(g, scores, group.Weight)
	}
}

// mostDistributed is the highest score of a poll whose ballots are counted score by score.
const mostDistributed = 20

// result is what a result from scores begins with: sums, top scores and, where scores
// are few, how many ballots give each of them.
func (b scoredBallots) result(tieBreaking string) Result {
	r := Result{Options: make([]OptionResult, b.options), TieBreaking: tieBreaking}
	b.each(func(_ int, scores []OptionScore, weight int64) {
		r.Ballots += weight
		if len(scores) == 0 {
			r.Blank += weight
		}
		for _, s := range scores {
			o := &r.Options[s.Option]
			o.Score += int64(s.Score) * weight
			o.Marks += weight
			if s.Score == b.maxScore {
				o.TopScores += weight
			}
			if b.maxScore <= mostDistributed {
				if o.Distribution == nil {
					o.Distribution = make([]int64, b.maxScore+1)
				}
				o.Distribution[s.Score] += weight
			}
		}
	})
	for i := range r.Options {
		if o := &r.Options[i]; o.Marks > 0 {
			o.Mean = float64(o.Score) / float64(o.Marks)
		}
	}
	return r
}

// scored are the options that some ballot scores, ascending.
func (r *Result) scored() (options []int) {
	for i, o := range r.Options {
		if o.Marks > 0 {
			options = append(options, i)
		}
	}
	return options
}

// compare gives the weight of the ballots that score option x higher than y, and of those
// that score y higher; an option that a ballot does not score has 0.
func (b scoredBallots) compare(x, y int) []int64 {
	over := make([]int64, 2)
	b.each(func(_ int, scores []OptionScore, weight int64) {
		difference := 0
		for _, s := range scores {
			switch s.Option {
			case x:
				difference += s.Score
			case y:
				difference -= s.Score
			}
		}
		switch {
		case difference > 0:
			over[0] += weight
		case difference < 0:
			over[1] += weight
		}
	})
	return over
}

// preferences gives, for each two options, the weight of the ballots that score the first
// one higher; an option that a ballot does not score has 0. A ballot costs the square of
// the number of options that it scores.
func (b scoredBallots) preferences() [][]int64 {
	over := make([][]int64, b.options)
	for i := range over {
		over[i] = make([]int64, b.options)
	}
	above := make([]int64, b.options) // ballots that score the option above 0
	b.each(func(_ int, scores []OptionScore, weight int64) {
		for _, mine := range scores {
			if mine.Score == 0 {
				continue
			}
			above[mine.Option] += weight
			row := over[mine.Option]
			for _, theirs := range scores {
				if theirs.Score >= mine.Score {
					row[theirs.Option] -= weight
				}
			}
		}
	})
	for i, row := range over {
		for j := range row {
			row[j] += above[i]
		}
		row[i] = 0
	}
	return over
}

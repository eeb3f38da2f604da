package tally

import (
	"cmp"
	"slices"
)

// star is score, then automatic runoff: of the two options with the highest sums, the one
// that more ballots score higher wins. With several seats it is bloc STAR: the count is
// repeated without those elected, and every ballot counts in full each time.
//
// Source: the Equal Vote Coalition, starvoting.org, and its Official Tiebreaker Protocol.
var star = Method{
	Name:            "star",
	Title:           "STAR",
	Form:            Scores,
	DefaultMaxScore: 5,
	DefaultTies:     TiesListed,
	Rules:           []Rule{starTieLadder},
	tabulate:        tabulateStar,
}

var starTieLadder = Rule{
	Name: "tie_ladder", Kind: Word, Words: []string{"official", "simple", "report"},
	Help: "What decides ties before the tie-break of the poll: for a place in the runoff, who loses most comparisons among the tied goes, then top scores; in the runoff, the sum of scores, then top scores (official); the same without top scores (simple); or nothing, and a tie stays open (report).",
}

func tabulateStar(p Profile, s Settings) Result {
	ladder := s.word(starTieLadder)
	if ladder == "report" {
		s.Ties = TiesReport
	}
	b := scoredBallots{max(p.Options, 0), s.MaxScore, p.Groups}
	c := &starCount{
		ballots: b, settings: s, ladder: ladder, blank: b.result(starTieBreaking(s, ladder)),
	}
	r, listed := c.count(nil)
	if len(listed) > 0 {
		r.OtherOrders, r.OrdersLeft = otherOrders(c.count, ordersWorth(b.options*b.options*s.seats()), r.Winners, listed)
	}
	return r
}

func starTieBreaking(s Settings, ladder string) string {
	switch ladder {
	case "report":
		return "A tie for a place in the runoff, or in it, is reported, not broken."
	case "simple":
		return "In a tie for a place in the runoff, those who lose the most comparisons among the tied go, as long as enough are left; then " + s.lastTieBreak() +
			". In a tied runoff, the higher sum of scores wins; then " + s.lastTieBreak() + "."
	}
	return "In a tie for a place in the runoff, those who lose the most comparisons among the tied go, as long as enough are left; then the most top scores decide; then " + s.lastTieBreak() +
		". In a tied runoff, the higher sum of scores wins, then the more top scores; then " + s.lastTieBreak() + "."
}

// starCount counts STAR, once for each order of listed ties that is tried.
type starCount struct {
	ballots  scoredBallots
	settings Settings
	ladder   string
	blank    Result    // the sums, with no winner yet
	over     [][]int64 // preferences; nil until they are needed
	listings           // of the count under way
}

// count fills the seats one by one. script decides the first listed ties.
func (c *starCount) count(script [][]int) (Result, []listedTie) {
	c.listings = listings{script: script}
	r := c.blank
	r.Options = slices.Clone(c.blank.Options)
	left := r.scored()
	seats := min(c.settings.seats(), len(left))
	for number := 1; number <= seats; number++ {
		round := c.round(&r, left, c.roundNumber(number))
		if c.settings.seats() > 1 {
			r.Rounds = append(r.Rounds, round)
		}
		if number == 1 {
			r.Finalists, r.Runoff, r.DecidedBy = slices.Clone(round.Finalists), round.Runoff, round.DecidedBy
		}
		if round.Unresolved != nil {
			open := *round.Unresolved
			open.Seats = c.settings.seats() - number + 1
			r.Unresolved = &open
			break
		}
		if c.settings.seats() > 1 {
			r.Elected = append(r.Elected, round.Elected...)
		}
		r.Winners = ascending(r.Winners, round.Elected)
		left = slices.DeleteFunc(slices.Clone(left), func(o int) bool { return o == round.Elected[0] })
	}
	return r, c.made
}

// roundNumber is how ties name the round; a count for one seat has none.
func (c *starCount) roundNumber(number int) int {
	if c.settings.seats() == 1 {
		return 0
	}
	return number
}

// round elects one of the options that are left.
func (c *starCount) round(r *Result, left []int, number int) Round {
	round := Round{Scores: make([]Number, len(r.Options)), Standing: make([]bool, len(r.Options))}
	for i := range r.Options {
		round.Scores[i] = Whole(r.Options[i].Score)
	}
	for _, option := range left {
		round.Standing[option] = true
	}
	if len(left) == 1 {
		round.Elected = slices.Clone(left)
		return round
	}
	finalists, open := c.finalists(r, left, number)
	if open != nil {
		round.Unresolved = &Unresolved{Seats: 1, Options: open, Stage: StageScoring}
		return round
	}
	byScore := func(a, b int) int { return cmp.Compare(r.Options[b].Score, r.Options[a].Score) }
	slices.SortStableFunc(finalists, byScore)
	round.Finalists = finalists
	c.runoff(r, &round, number)
	return round
}

// finalists are the two options with the highest sums. open are options whose tie for the
// places is not decided.
func (c *starCount) finalists(r *Result, left []int, number int) (finalists, open []int) {
	const places = 2
	in, tied := by("", func(a, b int) int { return cmp.Compare(r.Options[b].Score, r.Options[a].Score) }).split(left, places)
	if len(in)+len(tied) <= places {
		return ascending(in, tied), nil
	}
	var l ladder
	if c.ladder != "report" {
		l = append(l, c.headToHead())
	}
	if c.ladder == "official" {
		l = append(l, by(TieTopScores, func(a, b int) int { return cmp.Compare(r.Options[b].TopScores, r.Options[a].TopScores) }))
	}
	d := c.decided(append(l, c.settings.winning()...).choose(number, tied, places-len(in)))
	r.Ties = append(r.Ties, d.ties...)
	return ascending(in, d.chosen), d.open
}

// headToHead drops those who lose the most comparisons among the tied, again and again, as
// long as enough are left for the places.
func (c *starCount) headToHead() rung {
	return rung{TieHeadToHead, func(tied []int, places int) (in, left []int) {
		left = slices.Clone(tied)
		lost := make([]int, len(c.blank.Options)) // comparisons that an option loses to those left
		for _, option := range left {
			for _, other := range left {
				if c.beats(other, option) {
					lost[option]++
				}
			}
		}
		for {
			most := 0
			for _, option := range left {
				most = max(most, lost[option])
			}
			var stay, out []int
			for _, option := range left {
				if lost[option] == most {
					out = append(out, option)
				} else {
					stay = append(stay, option)
				}
			}
			if len(stay) < places {
				return nil, left
			}
			for _, option := range stay {
				for _, gone := range out {
					if c.beats(gone, option) {
						lost[option]--
					}
				}
			}
			if left = stay; len(left) == places {
				return nil, left
			}
		}
	}}
}

// beats reports whether more ballots score the first option higher.
func (c *starCount) beats(a, b int) bool {
	over := c.preferences()
	return over[a][b] > over[b][a]
}

// votes are the ballots that score the first option higher, and those that score the second
// one higher. For one seat the finalists are mostly the only pair that matters: comparing
// all options takes far longer than anything else in a count.
func (c *starCount) votes(a, b int) []int64 {
	if c.over == nil && c.settings.seats() == 1 {
		return c.ballots.compare(a, b)
	}
	over := c.preferences()
	return []int64{over[a][b], over[b][a]}
}

// preferences are those of all options, counted once.
func (c *starCount) preferences() [][]int64 {
	if c.over == nil {
		c.over = c.ballots.preferences()
	}
	return c.over
}

// runoff compares the finalists, and elects one of them if it can be decided.
func (c *starCount) runoff(r *Result, round *Round, number int) {
	votes := c.votes(round.Finalists[0], round.Finalists[1])
	round.Runoff = &Runoff{Votes: votes, NoPreference: r.Ballots - r.Blank - votes[0] - votes[1]}
	switch {
	case votes[0] > votes[1]:
		round.Elected, round.DecidedBy = round.Finalists[:1:1], ByRunoff
		return
	case votes[0] < votes[1]:
		round.Elected, round.DecidedBy = slices.Clone(round.Finalists[1:]), ByRunoff
		return
	}
	var l ladder
	if c.ladder != "report" {
		l = append(l, by(TieScore, func(a, b int) int { return cmp.Compare(r.Options[b].Score, r.Options[a].Score) }))
	}
	if c.ladder == "official" {
		l = append(l, by(TieTopScores, func(a, b int) int { return cmp.Compare(r.Options[b].TopScores, r.Options[a].TopScores) }))
	}
	d := c.decided(append(l, c.settings.winning()...).choose(number, ascending(round.Finalists), 1))
	r.Ties = append(r.Ties, d.ties...)
	if d.open != nil {
		round.Unresolved = &Unresolved{Seats: 1, Options: d.open, Stage: StageRunoff}
		return
	}
	round.Elected = d.chosen
	round.DecidedBy = decidedBy[d.ties[len(d.ties)-1].Step]
}

// decidedBy names what has decided a tied runoff, by the step that ended it.
var decidedBy = map[TieStep]DecidedBy{
	TieScore: ByScore, TieTopScores: ByTopScores, TieListed: ByListed, TieLot: ByLot,
}

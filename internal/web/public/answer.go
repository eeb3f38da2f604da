package public

import (
	"slices"

	"voted/internal/resultjson"
)

// answer says how a poll ended, or who is ahead, in a sentence.
func (s *speaker) answer(p *poll, r *results) string {
	switch {
	case len(r.Winners) == 0 && r.Unresolved == nil:
		return s.Text("public.answer.none")
	case r.Unresolved != nil && len(r.Winners) == 0:
		return s.TextN("public.answer.unresolved", r.Unresolved.Seats, s.list(r.Unresolved.Options, "public.and"))
	case r.Unresolved != nil:
		return s.elected(r) + " " + s.TextN("public.answer.unresolved", r.Unresolved.Seats, s.list(r.Unresolved.Options, "public.and"))
	case max(r.Seats, 1) > 1:
		return s.elected(r)
	case len(r.Winners) > 1:
		return s.Text("public.answer.tied", s.list(r.Winners, "public.and"))
	}
	winner := r.Winners[0]
	how := s.how(p, r, winner)
	if r.Certified {
		return s.Text("public.answer.won", s.name(winner), how)
	}
	return s.Text("public.answer.ahead", s.name(winner), how)
}

// elected says who has a seat.
func (s *speaker) elected(r *results) string {
	ids := r.Elected
	if len(ids) == 0 {
		ids = r.Winners
	}
	key := "public.answer.elected"
	if !r.Certified {
		key = "public.answer.leading"
	}
	return s.TextN(key, len(ids), s.list(ids, "public.and"))
}

// how says by what a single winner is ahead.
func (s *speaker) how(p *poll, r *results, winner string) string {
	switch {
	case len(r.Rounds) > 0 && len(r.Rounds[len(r.Rounds)-1].Votes) > 0:
		return s.howInRounds(r, winner)
	case r.Runoff != nil && len(r.Finalists) == 2:
		return s.howInRunoff(r, winner)
	case r.CondorcetWinner == winner:
		return s.Text("public.how.condorcet")
	case len(r.Ranking) > 0 && len(r.Pairwise) > 0 && p.Method != "borda":
		return s.Text("public.how.pairs", s.method(p))
	}
	c := r.column()
	o, _ := r.option(winner)
	value := c.of(o)
	if c.shares {
		if r.Weight != nil {
			c.name = "weight"
		}
		return s.Text("public.how."+c.name, s.number(value), s.Number(int64(r.whole())), s.percent(float(value), float64(r.whole())))
	}
	return s.Text("public.how."+c.name, s.number(value))
}

func (s *speaker) howInRounds(r *results, winner string) string {
	n := len(r.Rounds)
	last := &r.Rounds[n-1]
	votes, _ := last.Votes.Of(winner)
	sum := total(last.Votes)
	first, later := "public.how.first_round", "public.how.rounds"
	if r.Weight != nil {
		first, later = "public.how.first_round.weight", "public.how.rounds.weight"
	}
	if n == 1 {
		return s.Text(first, s.number(votes), s.number(sum), s.percent(float(votes), float(sum)))
	}
	return s.Text(later, n, s.number(votes), s.number(sum), s.percent(float(votes), float(sum)))
}

func (s *speaker) howInRunoff(r *results, winner string) string {
	other := r.Finalists[0]
	if other == winner {
		other = r.Finalists[1]
	}
	own, _ := r.Runoff.Votes.Of(winner)
	theirs, _ := r.Runoff.Votes.Of(other)
	return s.Text("public.how.runoff", s.name(other), s.number(own), s.number(theirs))
}

// column is the number that options are compared by.
type column struct {
	name   string // the last part of the keys of its words
	shares bool   // it is a part of all ballots
	of     func(o *resultjson.Option) resultjson.Number
}

var columns = []column{
	{"points", false, func(o *resultjson.Option) resultjson.Number { return o.Points }},
	{"score", false, func(o *resultjson.Option) resultjson.Number { return o.Score }},
	{"wins", false, func(o *resultjson.Option) resultjson.Number { return o.Wins }},
	{"votes", true, func(o *resultjson.Option) resultjson.Number { return o.Votes }},
}

// column is the first number that an option has, as the options of a poll all have the same.
func (r *results) column() column {
	for _, c := range columns {
		if slices.ContainsFunc(r.Options, func(o resultjson.Option) bool { return c.of(&o) != "" }) {
			return c
		}
	}
	return columns[len(columns)-1]
}

func (r *results) option(id string) (*resultjson.Option, bool) {
	i := slices.IndexFunc(r.Options, func(o resultjson.Option) bool { return o.ID == id })
	if i < 0 {
		return &resultjson.Option{ID: id, Votes: "0"}, false
	}
	return &r.Options[i], true
}

func (s *speaker) method(p *poll) string {
	if key := "public.method." + p.Method; s.Has(key) {
		return s.Text(key)
	}
	return p.Method // of a newer node
}

package resultjson

import (
	"strconv"

	"voted/internal/tally"
)

// Of is the outcome of a result: ids are those of the options, form is that of the ballots.
func Of(r *tally.Result, form tally.Form, ids []string) Outcome {
	n := namer(ids)
	o := Outcome{Winners: n.all(r.Winners), Options: n.options(r, form), TieBreaking: r.TieBreaking}
	o.Elected, o.Unresolved, o.Blank, o.Overvoted = n.some(r.Elected), n.unresolved(r.Unresolved), r.Blank, r.Overvoted
	for _, tier := range r.Ranking {
		o.Ranking = append(o.Ranking, n.all(tier))
	}
	for a := range r.Pairwise {
		o.Pairwise = append(o.Pairwise, Pair[By[Number]]{ids[a], others(n, a, func(b int) Number { return Int(r.Pairwise[a][b]) })})
	}
	for a := range r.Paths {
		o.Paths = append(o.Paths, Pair[By[Strength]]{ids[a], others(n, a, func(b int) Strength { return strength(r.Paths[a][b]) })})
	}
	if r.CondorcetWinner != nil {
		o.CondorcetWinner = ids[*r.CondorcetWinner]
	}
	o.Smith = n.some(r.Smith)
	for i, worst := range r.WorstDefeat {
		o.WorstDefeat = append(o.WorstDefeat, Pair[Number]{ids[i], Int(worst)})
	}
	o.Locked, o.Dropped = n.pairs(r.Locked), n.pairs(r.Dropped)
	o.Finalists, o.Runoff, o.DecidedBy, o.Quota = n.some(r.Finalists), n.runoff(r.Runoff, r.Finalists), string(r.DecidedBy), some(r.Quota)
	for i := range r.Rounds {
		o.Rounds = append(o.Rounds, n.round(&r.Rounds[i]))
	}
	for _, t := range r.Ties {
		o.Ties = append(o.Ties, Tie{t.Round, n.all(t.Options), string(t.Step), n.all(t.Chosen)})
		if t.Step.ByOrder() {
			o.OtherOrders = new(n.all(r.OtherOrders))
		}
	}
	o.OrdersLeft = len(r.Ties) > 0 && r.OrdersLeft
	return o
}

func (n namer) round(r *tally.Round) Round {
	o := Round{
		Votes: n.standing(r.Votes, r.Standing), Eliminated: n.all(r.Eliminated),
		Exhausted: number(r.Exhausted), Decided: r.Decided,
	}
	o.Elected, o.SurplusOf = n.some(r.Elected), n.some(r.SurplusOf)
	if r.ExhaustedBy != (tally.Exhaustion{}) {
		o.ExhaustedBy = new(Exhaustion(r.ExhaustedBy))
	}
	o.Loss, o.Threshold, o.Quota = some(r.Loss), some(r.Threshold), some(r.Quota)
	o.Keep, o.Scores = n.standing(r.Keep, r.Standing), n.standing(r.Scores, r.Standing)
	for _, t := range r.Transfers {
		to := Exhausted
		if t.To >= 0 {
			to = n[t.To]
		}
		last := len(o.Transfers) - 1
		if last < 0 || o.Transfers[last].ID != n[t.From] {
			o.Transfers = append(o.Transfers, Pair[By[Number]]{ID: n[t.From]})
			last++
		}
		o.Transfers[last].Value = append(o.Transfers[last].Value, Pair[Number]{to, number(t.Votes)})
	}
	o.Finalists, o.Runoff, o.DecidedBy = n.some(r.Finalists), n.runoff(r.Runoff, r.Finalists), string(r.DecidedBy)
	o.Unresolved = n.unresolved(r.Unresolved)
	return o
}

// namer names options by their numbers.
type namer []string

// all names options; the list is never nil.
func (n namer) all(options []int) []string {
	names := make([]string, len(options))
	for i, option := range options {
		names[i] = n[option]
	}
	return names
}

// pairs names pairs of options; an empty list is nil.
func (n namer) pairs(pairs [][2]int) (names [][2]string) {
	for _, pair := range pairs {
		names = append(names, [2]string{n[pair[0]], n[pair[1]]})
	}
	return names
}

// some names options; an empty list is nil.
func (n namer) some(options []int) []string {
	if len(options) == 0 {
		return nil
	}
	return n.all(options)
}

// standing are the values of the options that stand.
func (n namer) standing(values []tally.Number, standing []bool) (by By[Number]) {
	for i, value := range values {
		if i >= len(standing) || standing[i] {
			by = append(by, Pair[Number]{n[i], number(value)})
		}
	}
	return by
}

// others are values for all options but one.
func others[V any](n namer, one int, value func(other int) V) (by By[V]) {
	for i, name := range n {
		if i != one {
			by = append(by, Pair[V]{name, value(i)})
		}
	}
	return by
}

func (n namer) unresolved(u *tally.Unresolved) *Unresolved {
	if u == nil {
		return nil
	}
	return &Unresolved{u.Seats, n.all(u.Options), string(u.Stage)}
}

func (n namer) runoff(r *tally.Runoff, finalists []int) *Runoff {
	if r == nil {
		return nil
	}
	o := &Runoff{NoPreference: r.NoPreference}
	for i, votes := range r.Votes {
		o.Votes = append(o.Votes, Pair[Number]{n[finalists[i]], Int(votes)})
	}
	return o
}

// options are what the options received: points, wins, top scores and distributions if an
// option has any; votes, if nothing else is.
func (n namer) options(r *tally.Result, form tally.Form) []Option {
	var points, wins, tops, votes bool
	for i := range r.Options {
		o := &r.Options[i]
		points, wins = points || o.Points.Sign() != 0, wins || o.Wins.Sign() != 0
		tops, votes = tops || o.TopScores != 0, votes || o.Votes != 0
	}
	options := make([]Option, len(r.Options))
	for i := range r.Options {
		x, o := &r.Options[i], &options[i]
		o.ID, o.Distribution = n[i], x.Distribution
		if form == tally.Scores {
			o.Score, o.Ballots = Int(x.Score), Int(x.Marks)
			o.Mean = Number(strconv.FormatFloat(x.Mean, 'f', -1, 64))
		}
		if points {
			o.Points = number(x.Points)
		}
		if wins {
			o.Wins = number(x.Wins)
		}
		if tops {
			o.TopScores = Int(x.TopScores)
		}
		if votes || form != tally.Scores && !points && !wins {
			o.Votes = Int(x.Votes)
		}
	}
	return options
}

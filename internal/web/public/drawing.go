package public

import (
	"voted/internal/web/chart"
)

// The views of results.
const (
	viewBars   = "bars"
	viewRounds = "rounds"
	viewFlow   = "flow"
	viewPairs  = "pairs"
	viewScores = "scores"
)

// views are those that results have, the one that is shown first in front.
func (r *results) views() []string {
	if r.Ballots == 0 {
		return nil
	}
	var all []string
	for i := range r.Options {
		if len(r.Options[i].Distribution) > 0 {
			all = append(all, viewScores)
			break
		}
	}
	if len(r.Rounds) > 0 {
		all = append(all, viewRounds)
	}
	if len(r.Pairwise) > 0 && len(r.Rounds) == 0 && len(all) == 0 {
		all = append(all, viewPairs)
	}
	all = append(all, viewBars)
	if len(r.Rounds) > 1 && r.inVotes() {
		all = append(all, viewFlow)
	}
	if len(r.Pairwise) > 0 && all[0] != viewPairs {
		all = append(all, viewPairs)
	}
	return all
}

// drawing is a view as a whole chart.
func (s *speaker) drawing(r *results, view string) chart.Drawing {
	switch view {
	case viewFlow:
		return s.flow(r)
	case viewPairs:
		return s.matrix(r)
	case viewRounds:
		var groups []chart.Group
		for _, x := range s.rounds(r).Few() {
			groups = append(groups, x.group(s))
		}
		return chart.Rounds(groups)
	}
	var bars []chart.Bar
	var ratings []chart.Rating
	for _, x := range s.options(r, r.Certified).Few() {
		b := chart.Bar{Name: x.Name, Value: float(x.Value), Label: x.Number, Strong: x.Won}
		if x.Share != "" {
			b.Label += " · " + x.Share
		}
		o, _ := r.option(x.ID)
		bars, ratings = append(bars, b), append(ratings, chart.Rating{Bar: b, Counts: o.Distribution})
	}
	if view == viewScores {
		return chart.Ratings(ratings)
	}
	return chart.Bars(bars)
}

// group is the option of a row as a part of a drawing.
func (x *roundsRow) group(s *speaker) chart.Group {
	g := chart.Group{Name: x.Name, Strong: x.Won, Note: x.Note}
	for _, b := range x.Bars {
		g.Bars = append(g.Bars, chart.Bar{Name: s.Number(b.Round), Value: b.value, Gain: b.gain, Label: b.Text})
	}
	return g
}

package public

import (
	"cmp"
	"html/template"
	"slices"

	"voted/internal/resultjson"
	"voted/internal/web/chart"
)

// row is an option with its bar.
type row struct {
	ID     string
	Name   string
	Won    bool
	Value  resultjson.Number
	Number string        // as it is written
	Share  string        // of all ballots; empty where that means nothing
	Bar    template.HTML // chart.Line
	Strip  template.HTML // chart.Strip; empty without scores
	Cells  []cell        // of the table
	width  string        // of the bar
}

// cell is a number of a table.
type cell struct {
	Text string
	Live string // the key by which a script finds it; empty: it never changes while the page is shown
}

// table is what each option received: one column for each kind of number.
type table struct {
	Heads []string
	Rows  []row
}

// maxBars is how many options a chart shows; tables have all.
const maxBars = 30

// safe marks what package chart has made: it has escaped all text.
func safe(drawing string) template.HTML { return template.HTML(drawing) }

// titledColumn is a column that a table of options can have.
type titledColumn struct {
	key      string // the last part of the key of its words
	decimals int    // how many are shown
	of       func(o *resultjson.Option) resultjson.Number
}

var titled = []titledColumn{
	{"votes", 9, func(o *resultjson.Option) resultjson.Number { return o.Votes }},
	{"score", 9, func(o *resultjson.Option) resultjson.Number { return o.Score }},
	{"mean", 2, func(o *resultjson.Option) resultjson.Number { return o.Mean }},
	{"scored", 9, func(o *resultjson.Option) resultjson.Number { return o.Ballots }},
	{"points", 9, func(o *resultjson.Option) resultjson.Number { return o.Points }},
	{"wins", 9, func(o *resultjson.Option) resultjson.Number { return o.Wins }},
	{"top", 9, func(o *resultjson.Option) resultjson.Number { return o.TopScores }},
}

// options makes the table of what each option received, in the order of the definition, or the greatest first.
func (s *speaker) options(r *results, byValue bool) table {
	c := r.column()
	whole := float64(r.whole())
	most := 0.0
	for i := range r.Options {
		most = max(most, float(c.of(&r.Options[i])))
	}
	if c.shares && whole > 0 {
		most = whole
	}
	var t table
	kept := titled[:0:0]
	for _, x := range titled {
		if slices.ContainsFunc(r.Options, func(o resultjson.Option) bool { return x.of(&o) != "" }) {
			kept = append(kept, x)
			t.Heads = append(t.Heads, s.Text("public.column."+x.key))
		}
	}
	if c.shares {
		t.Heads = append(t.Heads, s.Text("public.column.share"))
	}
	for i := range r.Options {
		o := &r.Options[i]
		value := c.of(o)
		line := chart.Bar{Value: float(value), Strong: slices.Contains(r.Winners, o.ID)}
		x := row{
			ID: o.ID, Name: s.names[o.ID], Won: line.Strong && r.Certified, Value: value, Number: s.number(value),
			Bar: safe(chart.Line(line, most)), width: chart.Width(line.Value, most),
		}
		for _, k := range kept {
			x.Cells = append(x.Cells, cell{s.rounded(orZero(k.of(o)), k.decimals), k.key + "." + o.ID})
		}
		if c.shares {
			x.Share = s.percent(float(value), whole)
			x.Cells = append(x.Cells, cell{x.Share, "share." + o.ID})
		}
		if len(o.Distribution) > 0 {
			x.Strip = safe(chart.Strip(o.Distribution))
		}
		t.Rows = append(t.Rows, x)
	}
	if byValue {
		slices.SortStableFunc(t.Rows, func(a, b row) int {
			return cmp.Or(boolean(b.Won)-boolean(a.Won), cmp.Compare(float(b.Value), float(a.Value)))
		})
	}
	return t
}

func orZero(n resultjson.Number) resultjson.Number {
	if n == "" {
		return "0"
	}
	return n
}

// Few are the rows that a chart shows.
func (t table) Few() []row { return t.Rows[:min(len(t.Rows), maxBars)] }

// scores is the table of how many ballots gave each score.
type scores struct {
	Heads []int
	Rows  []scoreRow
}

type scoreRow struct {
	Name  string
	Cells []cell
}

func (s *speaker) scores(r *results) *scores {
	t := &scores{}
	for i := range r.Options {
		for score := len(t.Heads); score < len(r.Options[i].Distribution); score++ {
			t.Heads = append(t.Heads, score)
		}
	}
	for i := range r.Options {
		o := &r.Options[i]
		x := scoreRow{Name: s.names[o.ID]}
		for score := range t.Heads {
			n := int64(0) // of an option that nobody has scored the results say nothing
			if score < len(o.Distribution) {
				n = o.Distribution[score]
			}
			x.Cells = append(x.Cells, cell{s.Number(n), "score." + s.Number(score) + "." + o.ID})
		}
		t.Rows = append(t.Rows, x)
	}
	if len(t.Heads) == 0 {
		return nil
	}
	return t
}

package public

import (
	"cmp"
	"html/template"
	"slices"
	"strconv"

	"voted/internal/resultjson"
	"voted/internal/web/chart"
)

// rounds is the table of a count in rounds: a row for each option that stood in one of them, the one that stood longest
// first.
type rounds struct {
	Heads    []int
	Rows     []roundsRow
	Inactive []cell // ballots that count for no option; nil if the method has none
	Of       int    // how many rounds there were
}

// Pages show the last rounds, as many as make at most so many columns and cells: a poll may have 1,024 options and a round
// for each. The download has all.
const (
	maxRounds     = 30
	maxRoundCells = 4000
)

// shownFrom is the first round that pages show, from 0.
func (r *results) shownFrom() int {
	n := len(r.Rounds)
	for shown := 1; shown <= min(maxRounds, n); shown++ {
		if shown > 1 && shown*len(valuesOf(&r.Rounds[n-shown])) > maxRoundCells {
			return n - shown + 1
		}
	}
	return max(n-maxRounds, 0)
}

type roundsRow struct {
	Name  string
	Won   bool
	Note  string // "out in round 3"
	Cells []roundCell
	Bars  []roundBar
	last  int // column of the round in which it stood last, from 0; -1: it stands in none
	votes float64
}

// roundCell is what an option has in a round; it is empty once it is out.
type roundCell struct {
	Text, Share, Change string
	Live                string
}

type roundBar struct {
	Round       int
	Text        string
	Bar         template.HTML
	value, gain float64
}

// valuesOf are the numbers of a round: votes, or the sums of scores.
func valuesOf(round *resultjson.Round) resultjson.By[resultjson.Number] {
	if len(round.Votes) > 0 {
		return round.Votes
	}
	return round.Scores
}

func (r *results) inVotes() bool { return len(r.Rounds) > 0 && len(r.Rounds[0].Votes) > 0 }

// rounds makes the table; nil if the method does not count in rounds.
func (s *speaker) rounds(r *results) *rounds {
	if len(r.Rounds) == 0 {
		return nil
	}
	t := &rounds{Of: len(r.Rounds)}
	m := roundsMaker{speaker: s, r: r, from: r.shownFrom()}
	for i := m.from; i < len(r.Rounds); i++ {
		t.Heads = append(t.Heads, i+1)
		m.add(valuesOf(&r.Rounds[i]))
		if e := r.Rounds[i].Exhausted; r.inVotes() {
			t.Inactive = append(t.Inactive, cell{s.number(orZero(e)), "inactive." + strconv.Itoa(i)})
		}
	}
	for i := range r.Options {
		if x := m.row(r.Options[i].ID); x.Won || x.last >= 0 {
			t.Rows = append(t.Rows, x)
		}
	}
	slices.SortStableFunc(t.Rows, func(a, b roundsRow) int {
		return cmp.Or(boolean(b.Won)-boolean(a.Won), cmp.Compare(b.last, a.last), cmp.Compare(b.votes, a.votes))
	})
	return t
}

// roundsMaker makes rows, of the rounds from one on.
type roundsMaker struct {
	*speaker
	r        *results
	from     int
	values   []map[string]resultjson.Number // of these rounds, by option
	sums     []float64
	greatest float64
}

func (m *roundsMaker) add(round resultjson.By[resultjson.Number]) {
	values := make(map[string]resultjson.Number, len(round))
	for _, v := range round {
		values[v.ID] = v.Value
		m.greatest = max(m.greatest, float(v.Value))
	}
	m.values, m.sums = append(m.values, values), append(m.sums, float(total(round)))
}

func boolean(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (m *roundsMaker) row(id string) roundsRow {
	x := roundsRow{Name: m.names[id], Won: m.r.Certified && slices.Contains(m.r.Winners, id), last: -1}
	before := resultjson.Number("")
	if m.from > 0 {
		before, _ = valuesOf(&m.r.Rounds[m.from-1]).Of(id)
	}
	for i, values := range m.values {
		v, stands := values[id]
		if !stands {
			x.Cells = append(x.Cells, roundCell{})
			before = ""
			continue
		}
		round := m.from + i
		c := roundCell{Text: m.number(v), Live: "round." + strconv.Itoa(round) + "." + id}
		gain := 0.0
		if before != "" {
			c.Change = m.change(before, v)
			gain = float(v) - float(before)
		}
		if m.r.inVotes() {
			c.Share = m.percent(float(v), m.sums[i])
		}
		bar := chart.Bar{Value: float(v), Gain: max(gain, 0), Strong: x.Won}
		text := c.Text
		if c.Change != "" {
			text += " (" + c.Change + ")"
		}
		x.Cells, x.Bars = append(x.Cells, c), append(x.Bars, roundBar{round + 1, text, safe(chart.Line(bar, m.greatest)), bar.Value, bar.Gain})
		x.last, x.votes, before = i, float(v), v
	}
	if x.Won || x.last >= 0 {
		x.Note = m.fate(m.r, id)
	}
	return x
}

// Few are the rows that a chart shows.
func (t *rounds) Few() []roundsRow { return t.Rows[:min(len(t.Rows), maxBars)] }

// keep leaves the last rounds.
func (t *rounds) keep(last int) {
	from := max(len(t.Heads)-last, 0)
	t.Heads = t.Heads[from:]
	if t.Inactive != nil {
		t.Inactive = t.Inactive[from:]
	}
	kept := t.Rows[:0]
	for _, x := range t.Rows {
		if x.last < from && !x.Won {
			continue
		}
		x.Cells, x.last = x.Cells[from:], x.last-from
		x.Bars = slices.DeleteFunc(x.Bars, func(b roundBar) bool { return b.Round < t.Heads[0] })
		kept = append(kept, x)
	}
	t.Rows = kept
}

// fate says what became of an option, and in which round; empty if nothing has yet.
func (s *speaker) fate(r *results, id string) string {
	for i := range r.Rounds {
		switch round := &r.Rounds[i]; {
		case slices.Contains(round.Elected, id), i == len(r.Rounds)-1 && len(r.Elected) == 0 && slices.Contains(r.Winners, id):
			if !r.Certified {
				return s.Text("public.fate.ahead")
			}
			return s.Text("public.fate.elected", i+1)
		case slices.Contains(round.Eliminated, id):
			return s.Text("public.fate.out", i+1)
		}
	}
	return ""
}

// maxFlow is how many options a flow shows; the others are one node.
const maxFlow = 12

// flow draws how votes moved from round to round.
func (s *speaker) flow(r *results) chart.Drawing {
	f := flowMaker{speaker: s, r: r, at: map[string]int{}}
	f.choose()
	var columns [][]chart.Node
	var bands [][]chart.Band
	for i := r.shownFrom(); i < len(r.Rounds); i++ {
		if len(columns) > 0 {
			bands = append(bands, f.bands(i-1))
		}
		columns = append(columns, f.column(i))
	}
	return chart.Flow(columns, bands)
}

type flowMaker struct {
	*speaker
	r      *results
	ids    []string       // of the options that have nodes of their own
	at     map[string]int // their nodes
	others int            // the node of all other options; -1: there are none
	rest   int            // the node of what counts for no option
}

// choose picks the options that stood longest.
func (f *flowMaker) choose() {
	var stood []resultjson.Pair[resultjson.Number]
	for i := len(f.r.Rounds) - 1; i >= f.r.shownFrom(); i-- {
		round := slices.Clone(f.r.Rounds[i].Votes)
		slices.SortStableFunc(round, func(a, b resultjson.Pair[resultjson.Number]) int { return cmp.Compare(float(b.Value), float(a.Value)) })
		for _, v := range round {
			if !slices.ContainsFunc(stood, func(p resultjson.Pair[resultjson.Number]) bool { return p.ID == v.ID }) {
				stood = append(stood, v)
			}
		}
	}
	f.others = -1
	for i, v := range stood {
		if i < maxFlow {
			f.at[v.ID] = i
			f.ids = append(f.ids, v.ID)
		}
	}
	f.rest = len(f.ids)
	if len(stood) > maxFlow {
		f.others, f.rest = len(f.ids), len(f.ids)+1
	}
}

func (f *flowMaker) node(id string) int {
	if id == resultjson.Exhausted {
		if _, option := f.names[id]; !option {
			return f.rest
		}
	}
	if n, ok := f.at[id]; ok {
		return n
	}
	return f.others
}

func (f *flowMaker) column(i int) []chart.Node {
	round := &f.r.Rounds[i]
	nodes := make([]chart.Node, f.rest+1)
	for _, id := range f.ids {
		n := &nodes[f.at[id]]
		n.Name = f.names[id]
		if v, stands := round.Votes.Of(id); stands {
			n.Value, n.Label = float(v), f.number(v)
			n.Left = slices.Contains(round.Eliminated, id)
			n.Won = f.r.Certified && slices.Contains(f.r.Winners, id) && (slices.Contains(round.Elected, id) || i == len(f.r.Rounds)-1)
		}
	}
	if f.others >= 0 {
		var left resultjson.By[resultjson.Number]
		for _, v := range round.Votes {
			if _, own := f.at[v.ID]; !own {
				left = append(left, v)
			}
		}
		nodes[f.others] = chart.Node{Name: f.Text("public.flow.others"), Value: float(total(left)), Label: f.number(total(left))}
	}
	nodes[f.rest] = chart.Node{Name: f.Text("public.inactive"), Value: float(round.Exhausted), Label: f.number(orZero(round.Exhausted)), Rest: true}
	return nodes
}

// transfers are the votes that moved at the end of a round, from 0. Where the method does not list them and one option
// left, they are what the others gained; where several left at once it is not known whose votes went where.
func (r *results) transfers(i int) resultjson.By[resultjson.By[resultjson.Number]] {
	round := &r.Rounds[i]
	if len(round.Transfers) > 0 || len(round.Eliminated) != 1 || i+1 >= len(r.Rounds) {
		return round.Transfers
	}
	next, gained := &r.Rounds[i+1], resultjson.By[resultjson.Number]{}
	for _, v := range next.Votes {
		if before, stood := round.Votes.Of(v.ID); stood {
			if n := less(v.Value, before); !isZero(n) {
				gained = append(gained, resultjson.Pair[resultjson.Number]{ID: v.ID, Value: n})
			}
		}
	}
	if n := less(orZero(next.Exhausted), orZero(round.Exhausted)); !isZero(n) {
		gained = append(gained, resultjson.Pair[resultjson.Number]{ID: resultjson.Exhausted, Value: n})
	}
	return resultjson.By[resultjson.By[resultjson.Number]]{{ID: round.Eliminated[0], Value: gained}}
}

// bands are what moved at the end of a round, and what stayed.
func (f *flowMaker) bands(i int) []chart.Band {
	round, next := &f.r.Rounds[i], &f.r.Rounds[i+1]
	moved := map[[2]int]float64{}
	left := map[string]float64{}
	for _, from := range f.r.transfers(i) {
		for _, to := range from.Value {
			moved[[2]int{f.node(from.ID), f.node(to.ID)}] += float(to.Value)
			left[from.ID] += float(to.Value)
		}
	}
	for _, v := range round.Votes {
		if _, stays := next.Votes.Of(v.ID); stays {
			n := f.node(v.ID)
			moved[[2]int{n, n}] += max(float(v.Value)-left[v.ID], 0)
		}
	}
	moved[[2]int{f.rest, f.rest}] += float(round.Exhausted)
	var bands []chart.Band
	for from := range f.rest + 1 {
		for to := range f.rest + 1 {
			if v := moved[[2]int{from, to}]; v > 0 {
				bands = append(bands, chart.Band{From: from, To: to, Value: v})
			}
		}
	}
	return bands
}

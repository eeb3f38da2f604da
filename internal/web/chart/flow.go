package chart

import "math"

// Node is what an option, or what is left over, holds in one column of a flow.
type Node struct {
	Name  string
	Value float64 // 0: it is not there
	Label string
	Left  bool // it leaves the count after this column
	Won   bool
	Rest  bool // it is no option: ballots that count for none
}

// Band is what moves from a node of a column to a node of the next one.
type Band struct {
	From, To int
	Value    float64
}

// Flow draws the columns from left to right, with the bands between them. Each column has the same nodes in the same
// order; bands[i] are those between columns i and i+1.
func Flow(columns [][]Node, bands [][]Band) Drawing {
	if len(columns) == 0 {
		return Drawing{fullWidth, 2 * margin, ""}
	}
	f := flow{columns: columns}
	f.measure()
	for i := range bands {
		if i+1 < len(columns) {
			f.bands(i, bands[i])
		}
	}
	for i := range columns {
		f.nodes(i)
	}
	width := f.x(len(columns)-1) + nodeWidth + flowLabel + margin
	return Drawing{width, f.height, f.String()}
}

const (
	nodeWidth  = 14.0
	flowLabel  = 190.0
	flowColumn = 230.0 // from one column to the next
	flowHeight = 420.0 // that all ballots have together
	nodeGap    = 30.0
	nameLine   = 17.0
)

// lines are the name above a node, with what becomes of its option.
func (n Node) lines() []string {
	name := n.Name
	switch {
	case n.Won:
		name = "✓ " + name
	case n.Left:
		name = "✗ " + name
	}
	return wrapped(name, flowColumn-nodeWidth-18)
}

type flow struct {
	svg
	columns [][]Node
	scale   float64     // pixels for a vote
	tops    [][]float64 // of the nodes
	height  float64
}

func (f *flow) x(column int) float64 { return margin + float64(column)*flowColumn }

// length is how high a number of votes is.
func (f *flow) length(value float64) float64 {
	h := value * f.scale
	if math.IsNaN(h) {
		return 0
	}
	return min(max(h, 0), flowHeight)
}

// measure places the nodes.
func (f *flow) measure() {
	whole := 0.0
	for _, column := range f.columns {
		sum := 0.0
		for _, n := range column {
			if n.Value > 0 && !math.IsInf(n.Value, 1) {
				sum += n.Value
			}
		}
		whole = max(whole, sum)
	}
	if whole > 0 {
		f.scale = flowHeight / whole
	}
	for _, column := range f.columns {
		y, tops := margin+lineHeight, make([]float64, len(column))
		for i, n := range column {
			tops[i] = y
			if n.Value > 0 {
				tops[i] = y + nameLine*float64(len(n.lines())-1)
				y = tops[i] + max(f.length(n.Value), 2) + nodeGap
			}
		}
		f.tops = append(f.tops, tops)
		f.height = max(f.height, y+margin)
	}
}

// bands draws what moves from a column to the next. At each node the bands stand one below the other.
func (f *flow) bands(column int, bands []Band) {
	from, to := make([]float64, len(f.columns[column])), make([]float64, len(f.columns[column+1]))
	for _, b := range bands {
		if b.From < 0 || b.To < 0 || b.From >= len(from) || b.To >= len(to) || !(b.Value > 0) {
			continue
		}
		h := f.length(b.Value)
		x0, x1 := f.x(column)+nodeWidth, f.x(column+1)
		y0, y1 := f.tops[column][b.From]+from[b.From], f.tops[column+1][b.To]+to[b.To]
		from[b.From], to[b.To] = from[b.From]+h, to[b.To]+h
		middle := number((x0 + x1) / 2)
		class, fill := "band", blue
		if b.From != b.To {
			class, fill = "band moved", orange
		}
		s := number
		f.element("path", "class", class, "fill", fill, "fill-opacity", "0.35", "d",
			"M"+s(x0)+" "+s(y0)+"C"+middle+" "+s(y0)+" "+middle+" "+s(y1)+" "+s(x1)+" "+s(y1)+
				"V"+s(y1+h)+"C"+middle+" "+s(y1+h)+" "+middle+" "+s(y0+h)+" "+s(x0)+" "+s(y0+h)+"Z")
	}
}

// nodes draws the nodes of a column, each with its name and its value.
func (f *flow) nodes(column int) {
	x := f.x(column)
	for i, n := range f.columns[column] {
		if !(n.Value > 0) {
			continue
		}
		y := f.tops[column][i]
		class, fill := "node", blue
		if n.Rest {
			class, fill = "node rest", grey
		}
		f.rect(x, y, nodeWidth, max(f.length(n.Value), 2), class, fill)
		weight := "400"
		if n.Won {
			weight = "700"
		}
		lines := n.lines()
		for l, line := range lines {
			f.text(x, y-8-nameLine*float64(len(lines)-1-l), "name", line, "font-size", "14", "font-weight", weight)
		}
		f.text(x+nodeWidth+6, y+min(max(f.length(n.Value), 2)/2+5, 18), "label", n.Label, "font-size", "13")
	}
}

package chart

// Bar is one bar of a chart.
type Bar struct {
	Name   string
	Value  float64
	Gain   float64 // the last part of Value that came in this round; it is hatched
	Label  string  // the value in words, such as "91,265 · 51.5 %"
	Strong bool    // it has won
}

// lineHeights of the bars of a page, in pixels.
const (
	lineBar  = 20.0
	stripBar = 44.0
)

// Line is a bar of a page, as wide as its place at most. Scripts may change the width of the element with the class
// "fill", which is a percentage.
func Line(b Bar, most float64) string {
	var s svg
	s.open("svg", "class", "bar", "width", "100%", "height", number(lineBar), "aria-hidden", "true", "focusable", "false")
	s.WriteString(">")
	s.element("rect", "class", "track", "width", "100%", "height", "100%", "fill", track)
	all := share(b.Value, most)
	kept := share(b.Value-max(b.Gain, 0), most)
	s.element("rect", "class", fillClass(b.Strong), "width", percent(kept), "height", "100%", "fill", blue)
	if all > kept {
		s.gain(percent(kept), percent(all), lineBar/2, lineBar)
	}
	s.WriteString("</svg>")
	return s.String()
}

// Width is the width of the part of a [Line] that scripts change.
func Width(value, most float64) string { return percent(share(value, most)) }

func fillClass(strong bool) string {
	if strong {
		return "fill strong"
	}
	return "fill"
}

// gain hatches a part of a bar: a line as thick as the bar is high, of dashes.
func (s *svg) gain(from, to string, middle, height float64) {
	s.element("line", "class", "gain", "x1", from, "x2", to, "y1", number(middle), "y2", number(middle),
		"stroke", blue, "stroke-width", number(height), "stroke-dasharray", "3 3")
}

// Strip shows how many ballots gave each score, from 0 on: a column for each, as high as its part of the greatest one.
func Strip(counts []int64) string {
	var s svg
	s.open("svg", "class", "strip", "width", "100%", "height", number(stripBar), "aria-hidden", "true", "focusable", "false")
	s.WriteString(">")
	greatest := most(counts, func(n int64) float64 { return float64(n) })
	n := float64(len(counts))
	for i, count := range counts {
		height := share(float64(count), greatest) * (stripBar - 4)
		if count > 0 {
			height = max(height, 2)
		}
		s.element("rect", "class", "fill", "x", percent((float64(i)+0.06)/n), "y", number(stripBar-2-height),
			"width", percent(0.88/n), "height", number(height), "fill", blue)
	}
	s.element("rect", "class", "axis", "y", number(stripBar-2), "width", "100%", "height", "2", "fill", grey)
	s.WriteString("</svg>")
	return s.String()
}

// Part is a part of a whole that [Split] divides.
type Part struct {
	Value float64
	Quiet bool // it is for no side
}

// Split is one bar that is divided among several, in their order. Sides take turns in colour, with a gap between them.
func Split(parts []Part) string {
	var s svg
	s.open("svg", "class", "split", "width", "100%", "height", number(lineBar*1.6), "aria-hidden", "true", "focusable", "false")
	s.WriteString(">")
	whole := 0.0
	for _, p := range parts {
		whole += max(p.Value, 0)
	}
	from, side := 0.0, 0
	for _, p := range parts {
		class, fill := "quiet", track
		if !p.Quiet {
			class, fill = [...]string{"side-a", "side-b"}[side%2], [...]string{blue, orange}[side%2]
			side++
		}
		width := share(p.Value, whole)
		s.element("rect", "class", class, "x", percent(from), "width", percent(width), "height", "100%", "fill", fill, "stroke", white, "stroke-width", "2")
		from += width
	}
	s.WriteString("</svg>")
	return s.String()
}

// Bars draws a row for each bar: its name, and below it the bar and its label.
func Bars(bars []Bar) Drawing {
	b := rows{most: most(bars, func(b Bar) float64 { return b.Value })}
	for _, bar := range bars {
		b.name(bar.Name, bar.Strong)
		b.bar(bar, "")
		b.y += rowGap
	}
	return b.drawing()
}

// Group is one name with several bars, such as an option in each round. The names of its bars stand before them.
type Group struct {
	Name   string
	Strong bool
	Note   string // such as "out in round 3"
	Bars   []Bar
}

// Rounds draws a group for each option: a bar for each round in which it stood, with what it gained hatched.
func Rounds(groups []Group) Drawing {
	var b rows
	for _, g := range groups {
		b.most = max(b.most, most(g.Bars, func(b Bar) float64 { return b.Value }))
	}
	for _, g := range groups {
		name := g.Name
		if g.Note != "" {
			name += " · " + g.Note
		}
		b.name(name, g.Strong)
		for _, bar := range g.Bars {
			b.bar(bar, bar.Name)
		}
		b.y += rowGap
	}
	return b.drawing()
}

// Rating is what scores an option got.
type Rating struct {
	Bar
	Counts []int64 // ballots by score, from 0 on; nil: not known
}

// Ratings draws a row for each option: its bar, and how many ballots gave each score.
func Ratings(all []Rating) Drawing {
	b := rows{most: most(all, func(r Rating) float64 { return r.Value })}
	for _, r := range all {
		b.name(r.Name, r.Strong)
		b.bar(r.Bar, "")
		if len(r.Counts) > 0 {
			b.columns(r.Counts)
		}
		b.y += rowGap
	}
	return b.drawing()
}

// rows are rows of bars, from top to bottom.
type rows struct {
	svg
	y    float64 // how far the drawing goes
	most float64
}

const (
	labelRoom = 210.0 // for what stands right of the bars
	markRoom  = 22.0  // for the mark of a winner
)

func (b *rows) start() {
	if b.y == 0 {
		b.y = margin
	}
}

func (b *rows) name(name string, strong bool) {
	b.start()
	x, weight := margin, "400"
	if strong {
		b.text(margin, b.y+fontSize, "mark", "✓", "fill", ink)
		x, weight = margin+markRoom, "700"
	}
	for _, line := range wrapped(name, fullWidth-margin-x) {
		b.text(x, b.y+fontSize, "name", line, "font-weight", weight)
		b.y += lineHeight
	}
}

// bar draws a bar with a short text before it.
func (b *rows) bar(bar Bar, before string) {
	b.start()
	x := margin
	if before != "" {
		b.text(margin, b.y+fontSize, "round", before)
		x += 34
	}
	room := fullWidth - x - margin - labelRoom
	all := share(bar.Value, b.most) * room
	kept := share(bar.Value-max(bar.Gain, 0), b.most) * room
	b.rect(x, b.y, max(kept, 1), barHeight-2, fillClass(bar.Strong), blue)
	if all > kept {
		b.gain(number(x+kept), number(x+all), b.y+(barHeight-2)/2, barHeight-2)
	}
	b.text(x+max(all, 1)+8, b.y+fontSize, "label", bar.Label)
	b.y += barHeight + 2
}

func (b *rows) columns(counts []int64) {
	const height = 40.0
	room := fullWidth - 2*margin - labelRoom
	width := room / float64(len(counts))
	greatest := most(counts, func(n int64) float64 { return float64(n) })
	for i, n := range counts {
		h := share(float64(n), greatest) * height
		b.rect(margin+float64(i)*width+1, b.y+4+height-h, max(width-2, 0.5), h, "fill", blue)
		if len(counts) <= 11 {
			b.text(margin+(float64(i)+0.5)*width, b.y+4+height+fontSize, "tick", number(float64(i)), "text-anchor", "middle", "font-size", "13")
		}
	}
	b.rect(margin, b.y+4+height, room, 1, "axis", grey)
	b.y += height + lineHeight + 4
}

func (b *rows) drawing() Drawing {
	b.start()
	return Drawing{fullWidth, b.y + margin - rowGap, b.String()}
}

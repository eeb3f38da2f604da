package report

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// plot is an SVG drawing. No plotting library writes it, because it has the colours of the
// page, which follow the reader's colour scheme.
type plot struct {
	strings.Builder
}

// newPlot begins a drawing of the given size in user units. A screen reader reads out its
// title and description.
func newPlot(id, title, description string, width, height float64) *plot {
	p := &plot{}
	fmt.Fprintf(p, `<svg viewBox="0 0 %.0f %.0f" role="img" aria-labelledby="%s-t %s-d"><title id="%s-t">%s</title><desc id="%s-d">%s</desc>`,
		width, height, id, id, id, html.EscapeString(title), id, html.EscapeString(description))
	return p
}

func (p *plot) end() string {
	p.WriteString("</svg>")
	return p.String()
}

func (p *plot) rect(class string, x, y, w, h float64, tip string) {
	fmt.Fprintf(p, `<rect class="%s" x="%.2f" y="%.2f" width="%.2f" height="%.2f"`, class, x, y, max(w, 0), max(h, 0))
	p.tip("rect", tip)
}

func (p *plot) circle(class string, x, y, r float64, tip string) {
	fmt.Fprintf(p, `<circle class="%s" cx="%.2f" cy="%.2f" r="%.2f"`, class, x, y, r)
	p.tip("circle", tip)
}

// tip ends an element. The text is shown while a pointer rests on it.
func (p *plot) tip(element, text string) {
	if text == "" {
		p.WriteString("/>")
		return
	}
	fmt.Fprintf(p, "><title>%s</title></%s>", html.EscapeString(text), element)
}

func (p *plot) line(class string, x1, y1, x2, y2 float64) {
	fmt.Fprintf(p, `<line class="%s" x1="%.2f" y1="%.2f" x2="%.2f" y2="%.2f"/>`, class, x1, y1, x2, y2)
}

func (p *plot) text(class, anchor string, x, y float64, s string) {
	fmt.Fprintf(p, `<text class="%s" text-anchor="%s" x="%.2f" y="%.2f">%s</text>`, class, anchor, x, y, html.EscapeString(s))
}

// path draws a line through points; NaN breaks it.
func (p *plot) path(class string, xs, ys []float64) {
	fmt.Fprintf(p, `<path class="%s" d="`, class)
	pen := false
	for i := range xs {
		if math.IsNaN(ys[i]) {
			pen = false
			continue
		}
		command := 'L'
		if !pen {
			command = 'M'
		}
		fmt.Fprintf(p, "%c%.1f %.1f", command, xs[i], ys[i])
		pen = true
	}
	p.WriteString(`"/>`)
}

// axis maps values to a stretch of the drawing.
type axis struct {
	low, high float64 // values
	from, to  float64 // places
	log       bool
}

// at returns the place of a value.
func (a axis) at(v float64) float64 {
	low, high := a.low, a.high
	if a.log {
		v, low, high = math.Log10(max(v, a.low)), math.Log10(low), math.Log10(high)
	}
	if high == low {
		return a.from
	}
	return a.from + (v-low)/(high-low)*(a.to-a.from)
}

// ticks returns round values on the axis: powers of ten, or about n steps of 1, 2
// or 5 times one.
func (a axis) ticks(n int) []float64 {
	var all []float64
	if a.log {
		for v := math.Pow(10, math.Ceil(math.Log10(a.low)-1e-9)); v <= a.high*1.0001; v *= 10 {
			all = append(all, v)
		}
		return all
	}
	raw := (a.high - a.low) / float64(max(n, 1))
	if raw <= 0 {
		return nil
	}
	step := math.Pow(10, math.Floor(math.Log10(raw)))
	for _, m := range []float64{1, 2, 5, 10} {
		if step*m >= raw {
			step *= m
			break
		}
	}
	for v := math.Ceil(a.low/step) * step; v <= a.high+step*1e-6; v += step {
		all = append(all, v)
	}
	return all
}

// logAxis makes a logarithmic axis of whole decades around values.
func logAxis(low, high, from, to float64) axis {
	low, high = max(low, 0.001), max(high, 0.01)
	a := axis{low: math.Pow(10, math.Floor(math.Log10(low))), high: math.Pow(10, math.Ceil(math.Log10(high))), from: from, to: to, log: true}
	if a.high <= a.low {
		a.high = a.low * 10
	}
	return a
}

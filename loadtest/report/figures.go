package report

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"voted/loadtest/latency"
)

// The layout of the figures, in user units.
const (
	figureWidth = 1000.0
	marginLeft  = 66.0
	marginRight = 14.0
	// maxPoints bounds the points of the timeline; longer runs are merged to it.
	maxPoints = 1200
)

// merged reduces a timeline to at most n points. A merged point has the worst percentiles
// of its points: a report must not hide a stall.
func merged(points []latency.Point, n int) (out []latency.Point, width time.Duration) {
	k := max(1, (len(points)+n-1)/n)
	for i := 0; i < len(points); i += k {
		m := points[i]
		for _, x := range points[i+1 : min(i+k, len(points))] {
			m.Sent, m.Failed, m.Acked = m.Sent+x.Sent, m.Failed+x.Failed, m.Acked+x.Acked
			m.P50, m.P99, m.Max = max(m.P50, x.P50), max(m.P99, x.P99), max(m.Max, x.Max)
		}
		out = append(out, m)
	}
	return out, time.Duration(k) * latency.BucketWidth
}

// timelineFigure draws throughput and latency over time, the faults as shades, and
// who led.
func (r *Report) timelineFigure() string {
	points, width := merged(r.Timeline, maxPoints)
	if len(points) == 0 {
		return ""
	}
	const (
		rateTop, rateBottom       = 44.0, 170.0
		latencyTop, latencyBottom = 212.0, 390.0
		laneTop, laneBottom       = 412.0, 436.0
		height                    = 474.0
	)
	end := (points[len(points)-1].At + width).Seconds()
	for _, f := range r.Faults {
		end = max(end, f.SteadyMS/1000)
	}
	x := axis{low: 0, high: end, from: marginLeft, to: figureWidth - marginRight}
	p := newPlot("timeline", "Throughput, latency and leader over time", r.timelineWords(), figureWidth, height)
	for i, f := range r.Faults {
		r.shade(p, x, i, f, rateTop, laneBottom)
	}
	// Throughput.
	var top float64
	perSecond := func(n int) float64 { return float64(n) / width.Seconds() }
	for _, q := range points {
		top = max(top, perSecond(q.Acked), perSecond(q.Sent))
	}
	y := axis{low: 0, high: top * 1.05, from: rateBottom, to: rateTop}
	p.grid(y, 3, func(v float64) string { return fmt.Sprintf("%.0f", v) })
	p.text("label", "start", marginLeft, rateTop-26, "ballots acknowledged a second")
	var xs, acked []float64
	for _, q := range points {
		xs, acked = append(xs, x.at((q.At+width/2).Seconds())), append(acked, y.at(perSecond(q.Acked)))
	}
	p.path("acked", xs, acked)
	// Latency, in milliseconds on a logarithmic axis.
	low, high := math.Inf(1), 1.0
	for _, q := range points {
		if q.P50 > 0 {
			low = min(low, Milliseconds(q.P50))
		}
		high = max(high, Milliseconds(q.Max))
	}
	y = logAxis(min(low, high), high, latencyBottom, latencyTop)
	p.grid(y, 0, roundMS)
	p.text("label", "start", marginLeft, latencyTop-14, "latency of the requests that were to be sent then (logarithmic)")
	for _, series := range []struct {
		class string
		of    func(latency.Point) time.Duration
	}{
		{"max", func(q latency.Point) time.Duration { return q.Max }},
		{"p99", func(q latency.Point) time.Duration { return q.P99 }},
		{"p50", func(q latency.Point) time.Duration { return q.P50 }},
	} {
		ys := make([]float64, len(points))
		for i, q := range points {
			ys[i] = math.NaN()
			if q.Sent > 0 {
				ys[i] = y.at(Milliseconds(series.of(q)))
			}
		}
		p.path(series.class, xs, ys)
	}
	for i, s := range []struct{ class, name string }{{"max", "max"}, {"p99", "p99"}, {"p50", "p50"}} {
		at := figureWidth - marginRight - 150 + float64(i)*54
		p.line(s.class, at, latencyTop-18, at+16, latencyTop-18)
		p.text("tick", "start", at+20, latencyTop-14, s.name)
	}
	r.lane(p, x, laneTop, laneBottom)
	for _, t := range x.ticks(10) {
		p.text("tick", "middle", x.at(t), laneBottom+18, fmt.Sprintf("%g s", t))
	}
	return p.end()
}

// grid draws the lines of an axis, each with its name.
func (p *plot) grid(y axis, n int, name func(float64) string) {
	for _, t := range y.ticks(n) {
		p.line("grid", marginLeft, y.at(t), figureWidth-marginRight, y.at(t))
		p.text("tick", "end", marginLeft-6, y.at(t)+4, name(t))
	}
}

// shade marks a fault: how long it lasted, and the moments at which it struck, a leader was
// elected and a first ballot committed.
func (r *Report) shade(p *plot, x axis, i int, f Fault, top, bottom float64) {
	from, healed := x.at(f.AtMS/1000), x.at(max(f.HealedMS, f.AtMS)/1000)
	tip := fmt.Sprintf("%d: %s of %s at %.1f s, unavailable %s", i+1, f.Kind, f.Target, f.AtMS/1000, ms(f.UnavailableMS))
	p.rect("fault", from, top, max(healed-from, 1.5), bottom-top, tip)
	p.line("struck", from, top, from, bottom)
	if f.ElectedMS > 0 {
		at := x.at((f.AtMS + f.ElectedMS) / 1000)
		p.line("elected", at, top, at, bottom)
	}
	if f.CommittedMS > 0 {
		at := x.at((f.AtMS + f.CommittedMS) / 1000)
		p.line("committed", at, top, at, bottom)
	}
	p.text("tick", "start", from+2, top-6, fmt.Sprintf("%d %s", i+1, f.Kind))
}

// lane draws who led.
func (r *Report) lane(p *plot, x axis, top, bottom float64) {
	p.text("tick", "end", marginLeft-6, (top+bottom)/2+4, "leader")
	for _, g := range r.Leaders {
		from, to := x.at(g.FromMS/1000), x.at(min(g.ToMS/1000, x.high))
		class := "none"
		if g.Leader != "" {
			class = fmt.Sprintf("reign r%d", r.nodeNumber(g.Leader)%3)
		}
		p.rect(class, from, top, max(to-from, 0.6), bottom-top, fmt.Sprintf("%s from %.2f s to %.2f s", leading(g.Leader), g.FromMS/1000, g.ToMS/1000))
		if to-from > 24 {
			p.text("name", "middle", (from+to)/2, (top+bottom)/2+4, g.Leader)
		}
	}
}

// leading says in words who leads.
func leading(leader string) string {
	if leader == "" {
		return "no node leads, or no majority names the same one,"
	}
	return leader + " leads"
}

// nodeNumber gives each leader its own colour.
func (r *Report) nodeNumber(leader string) int {
	var names []string
	for _, g := range r.Leaders {
		if g.Leader != "" && !slices.Contains(names, g.Leader) {
			names = append(names, g.Leader)
		}
	}
	slices.Sort(names)
	return slices.Index(names, leader)
}

// timelineWords describes the timeline to those who cannot see it.
func (r *Report) timelineWords() string {
	var faults []string
	for i, f := range r.Faults {
		faults = append(faults, fmt.Sprintf("%d: %s of %s at %.1f s, unavailable for %s", i+1, f.Kind, f.Target, f.AtMS/1000, ms(f.UnavailableMS)))
	}
	return fmt.Sprintf("Over %.0f seconds. %s Faults: %s. The tables below have the numbers.", r.Setup.Load, r.SlowAnswer(), strings.Join(faults, "; "))
}

// unavailabilityFigure draws what each fault cost, a row for each kind, on a
// logarithmic axis.
func (r *Report) unavailabilityFigure() string {
	kinds := slices.Sorted(maps.Keys(r.Unavailability.ByKind))
	if len(kinds) == 0 {
		return ""
	}
	const row, left = 34.0, 120.0
	low, high := math.Inf(1), 0.0
	for _, f := range r.Faults {
		low, high = min(low, f.UnavailableMS), max(high, f.UnavailableMS)
	}
	height := row*float64(len(kinds)) + 40
	x := logAxis(max(min(low, 10), 1), high, left, figureWidth-marginRight-40)
	p := newPlot("unavailability", "Unavailability by kind of fault", r.UnavailableAnswer()+" The table below has the numbers.", figureWidth, height)
	for _, t := range x.ticks(0) {
		p.line("grid", x.at(t), 6, x.at(t), height-28)
		p.text("tick", "middle", x.at(t), height-10, roundMS(t))
	}
	for i, k := range kinds {
		y := 6 + row*(float64(i)+0.5)
		s := r.Unavailability.ByKind[k]
		p.text("tick", "end", left-12, y+4, string(k))
		p.line("range", x.at(s.Min), y, x.at(s.Max), y)
		p.line("median", x.at(s.Median), y-10, x.at(s.Median), y+10)
		for n, f := range r.Faults {
			if f.Kind == k && f.SteadyMS > 0 {
				p.circle("dot", x.at(f.UnavailableMS), y, 5, fmt.Sprintf("fault %d: %s", n+1, ms(f.UnavailableMS)))
			}
		}
	}
	return p.end()
}

// roundMS writes a round number of milliseconds.
func roundMS(v float64) string {
	if v >= 1000 {
		return fmt.Sprintf("%g s", math.Round(v)/1000)
	}
	return fmt.Sprintf("%g ms", math.Round(v*1000)/1000)
}

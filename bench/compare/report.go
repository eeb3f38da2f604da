package compare

import (
	"time"

	"voted/bench/machine"
)

// The names of systems in the report that the table beside others needs. voted's is
// systemVoted.
const (
	nameEtcd     = "etcd"
	nameStandbys = "postgres standbys" // a primary whose transactions wait for a standby
	nameInsert   = "postgres INSERT"   // the same with many rows a statement
)

// Report is the result of a comparison.
type Report struct {
	Machine machine.Description `json:"machine"`
	Rounds  int                 `json:"rounds"`
	Seconds float64             `json:"seconds_a_phase"`
	TLS     bool                `json:"tls"`
	Systems []System            `json:"systems"`
	// Missing says what could not be compared, and how to change that.
	Missing []string `json:"missing,omitempty"`
	Works   []*Work  `json:"work"`
	// Best has, for single ballots, each system where it is fastest.
	Best []Best `json:"best,omitempty"`
}

// Best is a system at the number of connections with its highest median rate.
type Best struct {
	System      string `json:"system"`
	Connections int    `json:"connections"`
	Rate        Spread `json:"per_second"`
	// VotedOver is voted at its best over this one at its best, by rounds; nil for
	// voted itself.
	VotedOver *Spread `json:"voted_over,omitempty"`
}

// System describes what was compared.
type System struct {
	Name  string `json:"name"`
	About string `json:"about"`
}

// Work is one kind of work, done by several systems.
type Work struct {
	Mode        Mode    `json:"mode"`
	Connections int     `json:"connections"`
	Lines       []*Line `json:"systems"`
	// Ratios are of voted over each other system.
	Ratios []Ratio `json:"ratios"`
}

// Line is what one system did at one kind of work.
type Line struct {
	System string `json:"system"`
	Rate   Spread `json:"per_second"`
	P50    Spread `json:"p50_ms"`
	P99    Spread `json:"p99_ms"`
	// Written is to the disk, for each ballot and node.
	Written Spread    `json:"written_bytes_a_ballot"`
	Rounds  []Figures `json:"rounds"`
}

// Ratio is voted over another system, over the rounds in which both took part. A
// rate above 1 and a latency below 1 are in voted's favour.
type Ratio struct {
	Over string `json:"over"`
	Rate Spread `json:"per_second"`
	P50  Spread `json:"p50"`
	P99  Spread `json:"p99"`
}

// add notes the figures of one phase.
func (r *Report) add(w work, name string, f Figures) {
	var in *Work
	for _, known := range r.Works {
		if known.Mode == w.mode && known.Connections == w.connections {
			in = known
		}
	}
	if in == nil {
		in = &Work{Mode: w.mode, Connections: w.connections}
		r.Works = append(r.Works, in)
	}
	line := in.line(name)
	if line == nil {
		line = &Line{System: name}
		in.Lines = append(in.Lines, line)
	}
	line.Rounds = append(line.Rounds, f)
}

func (w *Work) line(name string) *Line {
	for _, l := range w.Lines {
		if l.System == name {
			return l
		}
	}
	return nil
}

// conclude computes medians and ratios.
func (r *Report) conclude() {
	for _, w := range r.Works {
		for _, l := range w.Lines {
			l.Rate, l.P50, l.P99 = spread(values(l.Rounds, rateOf)), spread(values(l.Rounds, p50Of)), spread(values(l.Rounds, p99Of))
			l.Written = spread(values(l.Rounds, writtenOf))
		}
		voted := w.line(systemVoted)
		for _, l := range w.Lines {
			if voted == nil || l == voted {
				continue
			}
			w.Ratios = append(w.Ratios, Ratio{
				Over: l.System,
				Rate: spread(paired(voted.Rounds, l.Rounds, rateOf)),
				P50:  spread(paired(voted.Rounds, l.Rounds, p50Of)),
				P99:  spread(paired(voted.Rounds, l.Rounds, p99Of)),
			})
		}
	}
	r.best()
}

// best finds the number of connections at which each system is fastest.
func (r *Report) best() {
	type place struct {
		line        *Line
		connections int
	}
	found := map[string]place{}
	var names []string
	for _, w := range r.Works {
		if w.Mode != ModeSingle {
			continue
		}
		for _, l := range w.Lines {
			at, known := found[l.System]
			if !known {
				names = append(names, l.System)
			}
			if !known || l.Rate.Median > at.line.Rate.Median {
				found[l.System] = place{l, w.Connections}
			}
		}
	}
	for _, name := range names {
		at := found[name]
		b := Best{System: name, Connections: at.connections, Rate: at.line.Rate}
		if voted, ok := found[systemVoted]; ok && name != systemVoted {
			over := spread(paired(voted.line.Rounds, at.line.Rounds, rateOf))
			b.VotedOver = &over
		}
		r.Best = append(r.Best, b)
	}
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

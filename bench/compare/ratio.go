package compare

import (
	"math"
	"slices"
)

// Spread is the median of several rounds and how far apart they lie.
type Spread struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
}

// spread summarises values; all zero where there are none.
func spread(values []float64) Spread {
	if len(values) == 0 {
		return Spread{}
	}
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	median := sorted[middle]
	if len(sorted)%2 == 0 {
		median = (sorted[middle-1] + sorted[middle]) / 2
	}
	return Spread{Median: median, Min: sorted[0], Max: sorted[len(sorted)-1]}
}

// paired divides a by b within each round. What disturbs the machine in a round disturbs
// both, so their ratio is steadier than either. A round is left out if only one of them has
// it, or if b is 0 in it.
func paired(a, b []Figures, value func(Figures) float64) []float64 {
	of := map[int]float64{}
	for _, f := range b {
		of[f.Round] = value(f)
	}
	var ratios []float64
	for _, f := range a {
		if divisor := of[f.Round]; divisor > 0 {
			ratios = append(ratios, value(f)/divisor)
		}
	}
	return ratios
}

func values(all []Figures, value func(Figures) float64) []float64 {
	out := make([]float64, len(all))
	for i, f := range all {
		out[i] = value(f)
	}
	return out
}

func rateOf(f Figures) float64 { return f.Rate }
func p50Of(f Figures) float64  { return f.P50 }
func p99Of(f Figures) float64  { return f.P99 }

func writtenOf(f Figures) float64 { return f.Written }

// round rounds to so many decimals.
func round(v float64, decimals int) float64 {
	unit := math.Pow(10, float64(decimals))
	return math.Round(v*unit) / unit
}

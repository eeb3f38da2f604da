package history

import (
	"math"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// CountOf reads a counter or a gauge, 0 if it is neither.
func CountOf(m prometheus.Metric) uint64 {
	var d dto.Metric
	if m.Write(&d) != nil {
		return 0
	}
	return uint64(max(0, d.GetCounter().GetValue(), d.GetGauge().GetValue()))
}

// DistributionOf reads a histogram; it is empty if it is none.
func DistributionOf(o prometheus.Observer) (d Distribution) {
	m, ok := o.(prometheus.Metric)
	var read dto.Metric
	if !ok || m.Write(&read) != nil || read.GetHistogram() == nil {
		return d
	}
	h := read.GetHistogram()
	below := uint64(0)
	for _, b := range h.GetBucket() {
		if math.IsInf(b.GetUpperBound(), 1) {
			continue // the rest, which follows from the count
		}
		d.Bounds = append(d.Bounds, b.GetUpperBound())
		d.Counts = append(d.Counts, b.GetCumulativeCount()-below)
		below = b.GetCumulativeCount()
	}
	d.Counts = append(d.Counts, h.GetSampleCount()-below)
	return d
}

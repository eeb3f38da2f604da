package chart

import (
	"math"
	"strconv"
	"strings"
)

// The size of a sparkline's drawing; pages show it as wide as its place.
const (
	sparkWidth  = 300.0
	sparkHeight = 48.0
	sparkPoints = 150 // a line has no more
)

// Spark draws how a value went, oldest first, as the d of an SVG path in a box of 300 by 48: from 0 at the bottom to the
// largest value at the top. NaN is a gap. size is how many values the whole width is for: fewer begin further right.
// Where there are more values than the line has points, the largest of each few is shown, so that no peak is lost.
func Spark(values []float64, size int) string {
	values = values[max(0, len(values)-size):]
	each := max(1, (size+sparkPoints-1)/sparkPoints)
	most := 0.0
	for _, v := range values {
		if v > most && !math.IsInf(v, 0) {
			most = v
		}
	}
	var b strings.Builder
	pen := byte('M')
	for i := 0; i < len(values); i += each {
		v := peak(values[i:min(i+each, len(values))])
		if math.IsNaN(v) {
			pen = 'M'
			continue
		}
		x := sparkWidth * float64(size-len(values)+i) / float64(size)
		b.WriteByte(pen)
		b.WriteString(short(x))
		b.WriteByte(' ')
		b.WriteString(short(sparkY(v, most)))
		if pen == 'M' { // a point alone is a dot
			b.WriteString("h.1")
		}
		pen = 'L'
	}
	return b.String()
}

// peak is the largest of some values, NaN if there is none.
func peak(values []float64) float64 {
	most := math.NaN()
	for _, v := range values {
		if !math.IsNaN(v) && (math.IsNaN(most) || v > most) {
			most = v
		}
	}
	return most
}

func sparkY(v, most float64) float64 {
	if most == 0 {
		return sparkHeight - 1
	}
	return 1 + (sparkHeight-2)*(1-min(1, max(0, v/most)))
}

// short writes a length to a tenth.
func short(v float64) string {
	return strings.TrimSuffix(strconv.FormatFloat(v, 'f', 1, 64), ".0")
}

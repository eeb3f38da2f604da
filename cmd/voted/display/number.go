package display

import (
	"math"
	"strconv"
	"time"

	"voted/internal/thousands"
)

// Int returns n with its thousands set apart: 188,571.
func Int[N ~int | ~int64 | ~uint | ~uint64](n N) string {
	return thousands.Int(n)
}

// Count returns a number of votes: 188,571, or 12.5 if it has a fraction.
func Count(v float64) string {
	if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
		return Int(int64(v))
	}
	return thousands.Float(v, 2)
}

// Percent returns a share of a whole with one decimal, "–" if the whole is 0.
func Percent(part, whole float64) string {
	if whole == 0 {
		return "–"
	}
	return strconv.FormatFloat(100*part/whole, 'f', 1, 64) + " %"
}

// Duration returns d with as many digits as a reader wants: 34 ms, 2.1 s, 3m20s.
func Duration(d time.Duration) string {
	switch {
	case d < time.Second:
		return strconv.FormatInt(d.Round(time.Millisecond).Milliseconds(), 10) + " ms"
	case d < time.Minute:
		return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + " s"
	}
	return d.Round(time.Second).String()
}

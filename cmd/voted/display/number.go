package display

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// Int returns n with its thousands set apart: 188,571.
func Int[N ~int | ~int64 | ~uint | ~uint64](n N) string {
	return group(strconv.FormatInt(int64(n), 10))
}

// Count returns a number of votes: 188,571, or 12.5 where it has a fraction.
func Count(v float64) string {
	if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
		return Int(int64(v))
	}
	whole, fraction, _ := strings.Cut(strconv.FormatFloat(v, 'f', 2, 64), ".")
	return group(whole) + "." + fraction
}

// Percent returns a share of a whole with one decimal, "–" of nothing.
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

func group(digits string) string {
	sign := ""
	if strings.HasPrefix(digits, "-") {
		sign, digits = "-", digits[1:]
	}
	first := (len(digits)-1)%3 + 1
	var b strings.Builder
	b.WriteString(sign + digits[:first])
	for i := first; i < len(digits); i += 3 {
		b.WriteString("," + digits[i:i+3])
	}
	return b.String()
}

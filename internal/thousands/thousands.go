// Package thousands writes numbers with their thousands set apart: 188,571.
package thousands

import (
	"fmt"
	"strconv"
	"strings"
)

// Int returns a whole number.
func Int[N ~int | ~int64 | ~uint | ~uint64](n N) string { return apart(fmt.Sprintf("%d", n)) }

// Float returns a number with that many decimals.
func Float(v float64, decimals int) string {
	whole, fraction, dot := strings.Cut(strconv.FormatFloat(v, 'f', decimals, 64), ".")
	if dot {
		return apart(whole) + "." + fraction
	}
	return apart(whole)
}

func apart(digits string) string {
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

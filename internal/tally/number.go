package tally

import (
	"math/big"
	"strconv"
	"strings"
)

// Number is an exact number in a result, such as votes that are shared out, points or a
// quota. It is printed with as many decimals as its rule keeps, and compared exactly. The
// zero Number is 0. Two Numbers with the same value and the same decimals are equal for
// reflect.DeepEqual. A Number never changes.
type Number struct {
	whole  int64    // the value, if exact is nil
	exact  *big.Rat // a value that is not an int64
	places int      // decimals when printed
}

// shownDecimals is how many decimals of an exact fraction are shown.
const shownDecimals = 6

// Whole is n, printed without decimals.
func Whole(n int64) Number { return Number{whole: n} }

// Fixed is units × 10^-places: a count in fixed decimals, in its smallest unit.
func Fixed(units *big.Int, places int) Number {
	scale := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(places, 0))), nil)
	return Fraction(new(big.Rat).SetFrac(units, scale), places)
}

// Fraction is r itself; only when printed is it rounded to the given decimals, half away
// from zero.
func Fraction(r *big.Rat, places int) Number {
	n := Number{places: max(places, 0)}
	if r.IsInt() && r.Num().IsInt64() {
		n.whole = r.Num().Int64()
		return n
	}
	// SetFrac gives each value one form, so that equal Numbers are deeply equal.
	n.exact = new(big.Rat).SetFrac(r.Num(), r.Denom())
	return n
}

// wholes are counts as Numbers.
func wholes(counts []int64) []Number {
	all := make([]Number, len(counts))
	for i, n := range counts {
		all[i] = Whole(n)
	}
	return all
}

// Rat returns the exact value, which belongs to the caller.
func (n Number) Rat() *big.Rat {
	if n.exact != nil {
		return new(big.Rat).Set(n.exact)
	}
	return new(big.Rat).SetInt64(n.whole)
}

// Int64 returns the value if it is a whole number that fits.
func (n Number) Int64() (value int64, ok bool) { return n.whole, n.exact == nil }

// Places is how many decimals are printed.
func (n Number) Places() int { return n.places }

// Cmp compares the exact values: -1 if n is less than m, 0 if they are equal, else 1.
func (n Number) Cmp(m Number) int {
	if n.exact == nil && m.exact == nil {
		switch {
		case n.whole < m.whole:
			return -1
		case n.whole > m.whole:
			return 1
		}
		return 0
	}
	return n.Rat().Cmp(m.Rat())
}

// Sign is -1, 0 or 1.
func (n Number) Sign() int { return n.Cmp(Number{}) }

// String is the number with its decimals, as JSON writes a number too.
func (n Number) String() string {
	if n.exact != nil {
		return n.exact.FloatString(n.places)
	}
	s := strconv.FormatInt(n.whole, 10)
	if n.places > 0 {
		s += "." + strings.Repeat("0", n.places)
	}
	return s
}

// MarshalJSON implements json.Marshaler.
func (n Number) MarshalJSON() ([]byte, error) { return []byte(n.String()), nil }

package tally

import (
	"math/big"
	"math/bits"
)

// wide is a sum of products that may not fit 64 bits, such as weights times scores. The
// zero wide is 0; it holds 128 bits.
type wide struct{ high, low uint64 }

// add adds a product of two numbers that are not negative.
func (w *wide) add(weight int64, times int) {
	high, low := bits.Mul64(uint64(weight), uint64(times))
	var carry uint64
	w.low, carry = bits.Add64(w.low, low, 0)
	w.high, _ = bits.Add64(w.high, high, carry)
}

// Int returns the sum.
func (w wide) Int() *big.Int {
	n := new(big.Int).SetUint64(w.high)
	return n.Or(n.Lsh(n, 64), new(big.Int).SetUint64(w.low))
}

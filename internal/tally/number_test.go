package tally_test

import (
	"encoding/json"
	"math"
	"math/big"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"voted/internal/tally"
)

func TestANumberPrintsTheDecimalsThatItsRuleKeeps(t *testing.T) {
	t.Parallel()
	for want, n := range map[string]tally.Number{
		"0":                     {},
		"-3":                    tally.Whole(-3),
		"9223372036854775807":   tally.Whole(math.MaxInt64),
		"1001.00000":            tally.Fixed(big.NewInt(100100000), 5),
		"0.00001":               tally.Fixed(big.NewInt(1), 5),
		"-0.5":                  tally.Fixed(big.NewInt(-5), 1),
		"12":                    tally.Fixed(big.NewInt(12), 0),
		"9.750000":              tally.Fraction(big.NewRat(39, 4), 6),
		"0.333333":              tally.Fraction(big.NewRat(1, 3), 6),
		"0.666667":              tally.Fraction(big.NewRat(2, 3), 6),
		"18446744073709551616":  tally.Fraction(new(big.Rat).SetInt(new(big.Int).Lsh(big.NewInt(1), 64)), 0),
		"9223372036854775808.0": tally.Fixed(new(big.Int).Mul(big.NewInt(10), new(big.Int).Lsh(big.NewInt(1), 63)), 1),
	} {
		written, err := json.Marshal(n)
		if n.String() != want || err != nil || string(written) != want {
			t.Errorf("got %s, and %s in JSON (%v), want %s", n, written, err, want)
		}
	}
}

func TestNumbersAreComparedExactlyWhateverTheyPrint(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string) *big.Rat {
			return big.NewRat(rapid.Int64Range(-9, 9).Draw(t, name), rapid.Int64Range(1, 4).Draw(t, name+" over"))
		}
		a, b := draw("a"), draw("b")
		m, n := tally.Fraction(a, 0), tally.Fraction(b, 0)
		if got, want := m.Cmp(n), a.Cmp(b); got != want || m.Rat().Cmp(a) != 0 {
			t.Fatalf("%s to %s: got %d, want %d", a, b, got, want)
		}
		if equal := reflect.DeepEqual(m, n); equal != (a.Cmp(b) == 0) {
			t.Fatalf("%s and %s are deeply equal: %v", a, b, equal)
		}
		if m.Sign() != a.Sign() {
			t.Fatalf("%s has the sign %d", a, m.Sign())
		}
	})
}

func TestANumberKeepsItsValueWhenTheRationalsOutsideChange(t *testing.T) {
	t.Parallel()
	r := big.NewRat(1, 3)
	n := tally.Fraction(r, 3)
	n.Rat().SetInt64(7)
	r.SetInt64(5)
	if n.String() != "0.333" {
		t.Errorf("it became %s", n)
	}
}

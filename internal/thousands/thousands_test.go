package thousands

import (
	"math"
	"testing"
)

func TestThousandsAreSetApart(t *testing.T) {
	t.Parallel()
	for got, want := range map[string]string{
		Int(0): "0", Int(-7): "-7", Int(999): "999", Int(1000): "1,000", Int(-188571): "-188,571",
		Int(uint64(math.MaxUint64)): "18,446,744,073,709,551,615",
		Int(int64(math.MinInt64)):   "-9,223,372,036,854,775,808",
		Float(999.4, 0):             "999", Float(999.6, 0): "1,000", Float(1234567.8, 0): "1,234,568", Float(0, 0): "0", Float(1234567, 0): "1,234,567",
		Float(-1234.5, 2): "-1,234.50", Float(12.345, 1): "12.3",
	} {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

package server

import "testing"

func TestHeadroomIsGenerousForSmallHeapsAndBoundedForLargeOnes(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		live, scanned uint64
		want          int
	}{
		{0, 0, gcMaxPercent},
		{12 << 20, 1 << 20, 800},
		{96 << 20, 8 << 20, 100},
		{128 << 20, 8 << 20, 25},
		{512 << 20, 8 << 20, 6},
		{64 << 30, 8 << 20, gcMinPercent},
		{600 << 20, 300 << 20, 16},
	} {
		if got := gcPercent(x.live, x.scanned); got != x.want {
			t.Errorf("a live heap of %d bytes, %d of them scanned: GOGC %d, want %d", x.live, x.scanned, got, x.want)
		}
	}
}

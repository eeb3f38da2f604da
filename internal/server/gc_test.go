package server

import "testing"

func TestHeadroomIsGenerousForSmallHeapsAndBoundedForLargeOnes(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		live uint64
		want int
	}{
		{0, gcMaxPercent}, {12 << 20, 800}, {96 << 20, 100}, {128 << 20, 25}, {512 << 20, 6}, {64 << 30, gcMinPercent},
	} {
		if got := gcPercent(x.live); got != x.want {
			t.Errorf("a live heap of %d bytes: GOGC %d, want %d", x.live, got, x.want)
		}
	}
}

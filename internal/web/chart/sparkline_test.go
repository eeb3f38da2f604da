package chart

import (
	"math"
	"strings"
	"testing"
)

func TestASparklineGoesFromLeftToRightAndTheLargestIsOnTop(t *testing.T) {
	t.Parallel()
	gap := math.NaN()
	for name, c := range map[string]struct {
		values []float64
		size   int
		want   string
	}{
		"nothing":                        {nil, 4, ""},
		"all values":                     {[]float64{0, 5, 10, 5}, 4, "M0 47h.1L75 24L150 1L225 24"},
		"fewer values begin on the way":  {[]float64{0, 10}, 4, "M150 47h.1L225 1"},
		"only the last ones are shown":   {[]float64{99, 0, 10}, 2, "M0 47h.1L150 1"},
		"a gap":                          {[]float64{10, gap, 10, 10}, 4, "M0 1h.1M150 1h.1L225 1"},
		"always zero":                    {[]float64{0, 0}, 2, "M0 47h.1L150 47"},
		"what is below zero, or endless": {[]float64{-5, math.Inf(1), 10}, 3, "M0 47h.1L100 1L200 1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := Spark(c.values, c.size); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

func TestALongLineHasFewPointsAndAllPeaks(t *testing.T) {
	t.Parallel()
	values := make([]float64, 900)
	values[777] = 10
	got := Spark(values, 900)
	if n := strings.Count(got, "L") + 1; n != 150 || strings.Count(got, " 1L") != 1 {
		t.Errorf("%d points, %d at the top", n, strings.Count(got, " 1L"))
	}
}

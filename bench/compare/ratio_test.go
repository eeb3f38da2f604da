package compare

import (
	"math"
	"slices"
	"strings"
	"testing"
)

func TestTheMedianStandsBetweenTheRounds(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		values []float64
		want   Spread
	}{
		"no rounds":               {nil, Spread{}},
		"one round":               {[]float64{3}, Spread{3, 3, 3}},
		"an odd number of rounds": {[]float64{9, 1, 2}, Spread{2, 1, 9}},
		"an even number":          {[]float64{4, 1, 2, 9}, Spread{3, 1, 9}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			given := slices.Clone(c.values)
			if got := spread(c.values); got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
			if !slices.Equal(given, c.values) {
				t.Errorf("the rounds were put into another order: %v", c.values)
			}
		})
	}
}

func TestRatiosArePairedByRound(t *testing.T) {
	t.Parallel()
	rates := func(by map[int]float64) (all []Figures) {
		for round, rate := range by {
			all = append(all, Figures{Round: round, Rate: rate})
		}
		return all
	}
	for name, c := range map[string]struct {
		a, b map[int]float64
		want []float64
	}{
		"each round by its own":     {map[int]float64{1: 10, 2: 30}, map[int]float64{2: 10, 1: 20}, []float64{0.5, 3}},
		"a round that one lacks":    {map[int]float64{1: 10, 2: 30}, map[int]float64{1: 5}, []float64{2}},
		"a round without a divisor": {map[int]float64{1: 10}, map[int]float64{1: 0}, nil},
		"nothing to compare with":   {map[int]float64{1: 10}, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := paired(rates(c.a), rates(c.b), rateOf)
			slices.Sort(got)
			if !slices.EqualFunc(got, c.want, func(a, b float64) bool { return math.Abs(a-b) < 1e-9 }) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestTheReportRelatesVotedToEachOther(t *testing.T) {
	t.Parallel()
	r := Report{Rounds: 2, Seconds: 1}
	for _, f := range []struct {
		connections, round int
		system             string
		rate               float64
	}{
		{1, 1, "voted", 100},
		{1, 1, "etcd", 50},
		{1, 2, "etcd", 25},
		{1, 2, "voted", 100},
		{64, 1, "voted", 900},
		{64, 1, "etcd", 30},
		{64, 2, "voted", 1100},
		{64, 2, "etcd", 10},
	} {
		r.add(work{ModeSingle, f.connections}, f.system, Figures{Round: f.round, Rate: f.rate, P50: 1, P99: 2})
	}
	r.add(work{ModeBulk, 1}, "voted", Figures{Round: 1, Rate: 1e6})
	r.conclude()
	if len(r.Works) != 3 || len(r.Works[0].Ratios) != 1 {
		t.Fatalf("%d kinds of work", len(r.Works))
	}
	if got := r.Works[0].Ratios[0]; got.Over != "etcd" || got.Rate != (Spread{3, 2, 4}) || got.P50.Median != 1 {
		t.Errorf("ratio %+v", got)
	}
	if got := r.Works[1].line("voted").Rate; got != (Spread{1000, 900, 1100}) {
		t.Errorf("voted: %+v", got)
	}
	// etcd is best with one connection, voted with 64: 900/50 and 1100/25.
	if got := r.Best[1]; got.System != "etcd" || got.Connections != 1 || *got.VotedOver != (Spread{31, 18, 44}) {
		t.Errorf("best: %+v, %+v", got, got.VotedOver)
	}
	var b strings.Builder
	if err := r.WriteTable(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"bulk, 1 stream", "1,000  900 – 1,100", "31.00  18.00 – 44.00", "64 connections"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the table lacks %q:\n%s", want, b.String())
		}
	}
}

func TestFiguresAreHeldAgainstWhatWasStored(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		figures Figures
		fails   string
	}{
		"all there":                   {Figures{Acked: 5, Stored: 5}, ""},
		"an unknown one was stored":   {Figures{Acked: 5, Unknown: 1, Stored: 6}, ""},
		"an acknowledged one lacks":   {Figures{Acked: 5, Unknown: 3, Stored: 4}, "only 4 are there"},
		"one that nobody sent":        {Figures{Acked: 5, Refused: 9, Stored: 6}, "but 6 are there"},
		"nothing was measured at all": {Figures{Problem: "refused"}, "refused"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := c.figures.check()
			if (err != nil) != (c.fails != "") || err != nil && !strings.Contains(err.Error(), c.fails) {
				t.Errorf("got %v, want %q", err, c.fails)
			}
		})
	}
}

func TestNumbersAreReadable(t *testing.T) {
	t.Parallel()
	if got := decimal(0.845, 2) + " " + decimal(2, 1); got != "0.85 2.0" {
		t.Errorf("decimals: %q", got)
	}
}

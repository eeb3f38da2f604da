package tally_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"voted/internal/tally"
)

// benchProfile has complete rankings in random order: the worst case for a count
// in rounds, since no option gets a majority early and no ballot is exhausted.
func benchProfile(options, groups int) tally.Profile {
	r := rand.New(rand.NewPCG(1, 2))
	p := tally.Profile{Options: options, Groups: make([]tally.Group, groups)}
	for i := range p.Groups {
		order := r.Perm(options)
		g := &p.Groups[i]
		g.Weight = 1 + r.Int64N(9)
		g.Choice = order[:1+r.IntN(options)]
		g.Ranking = make([][]int, options)
		g.Scores = make([]tally.OptionScore, options)
		for k, option := range order {
			g.Ranking[k] = order[k : k+1 : k+1]
			g.Scores[k] = tally.OptionScore{Option: option, Score: r.IntN(11)}
		}
	}
	return p
}

func BenchmarkFromProfile(b *testing.B) {
	const options, groups = 10, 100_000
	p := benchProfile(options, groups)
	for _, m := range allMethods(b) {
		b.Run(fmt.Sprintf("%s/%d options/%d groups", m.Name, options, groups), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				m.FromProfile(p, tally.Settings{})
			}
		})
	}
}

func BenchmarkFromTotals(b *testing.B) {
	t := tally.Totals{Ballots: 1 << 40, Points: make([]int64, 10), Marks: make([]int64, 10)}
	for i := range t.Points {
		t.Points[i], t.Marks[i] = int64(i)<<30, 1<<39
	}
	for _, m := range allMethods(b) {
		if !m.Additive() {
			continue
		}
		b.Run(m.Name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				m.FromTotals(t, tally.Settings{})
			}
		})
	}
}

// A poll in which nearly everyone ranks differently.
func BenchmarkIRVOfAMillionRankings(b *testing.B) {
	const options, groups = 20, 1_000_000
	m := method(b, "irv")
	p := benchProfile(options, groups)
	b.ReportAllocs()
	for b.Loop() {
		m.FromProfile(p, tally.Settings{})
	}
}

func BenchmarkSTV(b *testing.B) {
	for _, groups := range []int{500, 5_000, 100_000} {
		p := benchProfile(20, groups)
		for _, set := range ruleSets() {
			for _, seats := range []int{3, 9} {
				b.Run(fmt.Sprintf("%s/%d seats/20 options/%d groups", set, seats, groups), func(b *testing.B) {
					m, s := stv(b), stvSettings(seats, set)
					b.ReportAllocs()
					for b.Loop() {
						m.FromProfile(p, s)
					}
				})
			}
		}
	}
}

package tally_test

import (
	"fmt"
	"testing"

	"voted/internal/tally"
)

// Polls of 20 options, by how many different rankings their ballots have.
func BenchmarkPairwiseMethods(b *testing.B) {
	for _, rankings := range []int{500, 5_000, 100_000} {
		p := benchProfile(20, rankings)
		for _, name := range condorcetMethods {
			m := method(b, name)
			b.Run(fmt.Sprintf("%s/%d rankings", name, rankings), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					m.FromProfile(p, tally.Settings{})
				}
			})
		}
	}
}

// The most options that a poll may have. A hundred rankings make strong and weak wins and
// few equal ones; of three, nearly all wins are equal, and ranked pairs searches other orders.
func BenchmarkPairwiseMethodsOfTheLargestPoll(b *testing.B) {
	const options = 1024
	for _, rankings := range []int{3, 100, 1_000} {
		p := benchProfile(options, rankings)
		for _, name := range condorcetMethods {
			m := method(b, name)
			b.Run(fmt.Sprintf("%s/%d rankings", name, rankings), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					m.FromProfile(p, tally.Settings{})
				}
			})
		}
	}
}

// The matrix alone, which other ranked methods show too.
func BenchmarkPairCounts(b *testing.B) {
	p := benchProfile(20, 100_000)
	b.ReportAllocs()
	for b.Loop() {
		counts := tally.NewPairCounts(p.Options)
		for _, g := range p.Groups {
			counts.Add(g)
		}
	}
}

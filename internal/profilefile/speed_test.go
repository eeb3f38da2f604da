package profilefile

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"voted/internal/profile"
	"voted/internal/tally"
)

// BenchmarkReadRankings reads rankings of 20 options that are all different, the worst
// that a file can hold.
func BenchmarkReadRankings(b *testing.B) {
	const ballots, options = 100_000, 20
	random := rand.New(rand.NewPCG(1, 1))
	p := &profile.Profile{Form: tally.Ranking}
	for i := range options {
		name := "option-" + string(rune('a'+i))
		p.Options = append(p.Options, profile.Option{ID: name, Title: name})
	}
	c := profile.Collector{Form: tally.Ranking}
	for range ballots {
		for i, option := range random.Perm(options) {
			c.MarkAt(i, option)
		}
		if err := c.Add(1); err != nil {
			b.Fatal(err)
		}
	}
	p.Groups = c.Groups()
	for _, kind := range Kinds {
		var file bytes.Buffer
		if err := Write(&file, p, kind, "board", noon); err != nil {
			b.Fatal(err)
		}
		b.Run(string(kind), func(b *testing.B) {
			b.SetBytes(int64(file.Len()))
			for b.Loop() {
				if _, err := Read(bytes.NewReader(file.Bytes()), Asked{Kind: kind}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/ballots, "ns/ballot")
		})
	}
}

package tally_test

import (
	"slices"
	"testing"

	"voted/internal/tally"
)

// FuzzNoProfilePanics gives arbitrary profiles to every method and checks, beside
// that it comes back, what must hold of any result.
func FuzzNoProfilePanics(f *testing.F) {
	f.Add(int8(3), []byte{})
	f.Add(int8(0), []byte{1, 0, 5, 1, 2})
	f.Add(int8(-1), []byte{1, 0, 5, 1, 2})
	f.Add(int8(3), []byte{5, 1, 2, 3, 0xff, 5, 2, 1, 0xff, 0x80, 1, 0x83, 2, 0xff})
	f.Add(int8(2), []byte{127, 1, 0xff, 127, 2, 0xff})
	f.Add(int8(1), []byte{0xfe, 1, 1, 0x81, 0xff, 0, 0x80})
	f.Fuzz(func(t *testing.T, options int8, content []byte) {
		p := profileOf(options, content)
		var ballots int64
		for _, g := range p.Groups {
			ballots += max(g.Weight, 0)
		}
		for _, m := range allMethods(t) {
			checkResult(t, m.Name, m.FromProfile(p), max(p.Options, 0), ballots)
		}
	})
}

// profileOf reads any bytes as groups: a signed weight, then the options up to
// 0xff. An option with its high bit set joins the tier before it; the byte also
// serves as a score. Option numbers start one too low and reach too high.
func profileOf(options int8, content []byte) tally.Profile {
	p := tally.Profile{Options: int(options)}
	for len(content) > 0 {
		g := tally.Group{Weight: int64(int8(content[0]))}
		content = content[1:]
		for len(content) > 0 {
			b := content[0]
			content = content[1:]
			if b == 0xff {
				break
			}
			option := int(b&0x7f) - 1
			g.Choice = append(g.Choice, option)
			g.Scores = append(g.Scores, tally.OptionScore{Option: option, Score: int(int8(b))})
			switch last := len(g.Ranking) - 1; {
			case b&0x80 == 0:
				g.Ranking = append(g.Ranking, []int{option})
			case last < 0:
				g.Ranking = append(g.Ranking, nil)
			default:
				g.Ranking[last] = append(g.Ranking[last], option)
			}
		}
		p.Groups = append(p.Groups, g)
	}
	return p
}

func checkResult(t *testing.T, name string, r tally.Result, options int, ballots int64) {
	t.Helper()
	if r.Ballots != ballots || len(r.Options) != options {
		t.Fatalf("%s: got %d ballots and %d options, want %d and %d", name, r.Ballots, len(r.Options), ballots, options)
	}
	if !slices.IsSorted(r.Winners) || len(slices.Compact(slices.Clone(r.Winners))) != len(r.Winners) {
		t.Fatalf("%s: the winners %v are not ascending", name, r.Winners)
	}
	for _, w := range r.Winners {
		if w < 0 || w >= options || r.Options[w].Marks == 0 {
			t.Fatalf("%s: %d wins, of %d options, and nobody named it", name, w, options)
		}
	}
	if len(r.Rounds) > options+1 {
		t.Fatalf("%s: got %d rounds for %d options", name, len(r.Rounds), options)
	}
	gone := make([]bool, options)
	for i, round := range r.Rounds {
		total := round.Exhausted
		for option, votes := range round.Votes {
			total += votes
			if votes < 0 || round.Standing[option] == gone[option] || (gone[option] && votes > 0) {
				t.Fatalf("%s: round %d has option %d wrong: %+v", name, i+1, option, round)
			}
		}
		if total != ballots {
			t.Fatalf("%s: round %d adds up to %d ballots of %d", name, i+1, total, ballots)
		}
		if last := i == len(r.Rounds)-1; last != (len(round.Eliminated) == 0) {
			t.Fatalf("%s: round %d of %d eliminates %v", name, i+1, len(r.Rounds), round.Eliminated)
		}
		for _, option := range round.Eliminated {
			gone[option] = true
		}
	}
}

package tally_test

import (
	"math/big"
	"slices"
	"testing"

	"voted/internal/tally"
)

// FuzzNoProfilePanics gives arbitrary profiles to every method. It checks that the
// method returns, and what must hold for any result.
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
			checkResult(t, m.Name, m.FromProfile(p, tally.Settings{}), max(p.Options, 0), ballots)
		}
	})
}

// FuzzSTV counts arbitrary profiles by all rule sets and ways to break ties. Each count
// must end, and add up; where there are few ballots, it is compared with the plain twin.
func FuzzSTV(f *testing.F) {
	f.Add(int8(3), uint8(0), uint16(0), []byte{})
	f.Add(int8(4), uint8(2), uint16(1), []byte{5, 1, 2, 3, 0xff, 5, 2, 1, 0xff, 0x80, 1, 0x83, 2, 0xff})
	f.Add(int8(5), uint8(3), uint16(0x212), []byte{9, 1, 2, 0xff, 9, 1, 3, 0xff, 4, 4, 0xff, 4, 5, 3, 0xff})
	f.Add(int8(6), uint8(4), uint16(0x52), []byte{40, 1, 2, 1, 3, 0xff, 7, 3, 0xff, 3, 6, 5, 0xff, 1, 4, 5, 0xff})
	f.Fuzz(func(t *testing.T, options int8, seats uint8, choices uint16, content []byte) {
		p := profileOf(options, content)
		set := ruleSets()[int(choices&0xf)%len(ruleSets())]
		s := stvSettings(int(seats%20), set)
		if set == "exact" { // beyond its limits it counts by the default
			s.Seats %= 8
			p.Options = min(p.Options, 100)
		}
		s.Ties = tally.TieBreak(choices >> 4 & 3)
		if choices>>6&1 > 0 {
			s.Rules["eliminate"] = tally.Value{Word: "sure_losers"}
		}
		withdrawn := []int{int(choices>>8) - 1}
		s.Rules["withdrawn"] = tally.Value{Options: withdrawn}
		r := stv(t).FromProfile(p, s)
		checkSTV(t, r, p, s)
		if r.Ballots <= 300 && (s.Ties == tally.TiesDefault || s.Ties == tally.TiesListed) {
			rules := plainSets[set]
			rules.sureLosers = set == "prf_wigm" && choices>>6&1 > 0
			compareSTV(t, r, plainCountSTV(max(p.Options, 0), max(s.Seats, 1), rules, withdrawn, ballotsOf(p)), r.Ballots)
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
			t.Fatalf("%s: %d wins, of %d options, and no ballot named it", name, w, options)
		}
	}
	if len(r.Rounds) > options+1 {
		t.Fatalf("%s: got %d rounds for %d options", name, len(r.Rounds), options)
	}
	gone := make([]bool, options)
	for i, round := range r.Rounds {
		if round.Votes == nil { // a round that elects by scores
			continue
		}
		total := round.Exhausted.Rat()
		total.Add(total, round.Loss.Rat())
		for option, votes := range round.Votes {
			total.Add(total, votes.Rat())
			if votes.Sign() < 0 || round.Standing[option] == gone[option] || (gone[option] && votes.Sign() > 0) {
				t.Fatalf("%s: round %d has option %d wrong: %+v", name, i+1, option, round)
			}
		}
		if total.Cmp(new(big.Rat).SetInt64(ballots)) != 0 {
			t.Fatalf("%s: round %d adds up to %s ballots of %d", name, i+1, total, ballots)
		}
		if last := i == len(r.Rounds)-1; last != (len(round.Eliminated) == 0) {
			t.Fatalf("%s: round %d of %d eliminates %v", name, i+1, len(r.Rounds), round.Eliminated)
		}
		for _, option := range round.Eliminated {
			gone[option] = true
		}
	}
}

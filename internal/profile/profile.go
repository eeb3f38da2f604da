// Package profile holds ballots that were read from a file or are written to one: the
// options with their names, and each distinct ballot with how often it occurs. Ballots are
// as they were marked: a ranking may have skipped ranks, options that share a rank, and an
// option at two ranks. Which of these count is for the method to say.
package profile

import (
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/cases"

	"voted/internal/poll"
	"voted/internal/tally"
)

// Option is something that can be voted for.
type Option struct {
	ID    string
	Title string // for people; equal to the id if there is no other
}

// Profile is the distinct ballots of an election.
type Profile struct {
	Title   string // empty if unknown
	Options []Option
	Form    tally.Form
	// Groups have no order; see [Profile.Sort]. The rankings may share memory with one
	// another, so they must not be changed.
	Groups []tally.Group
	// Voters is how many of the ballots come with the name or the key of their voter.
	Voters int

	// What a file says of the count; zero values: nothing.
	Method     string // the name of a method
	Seats      int
	MaxScore   int
	MaxChoices int   // how many options a ballot may choose
	Withdrawn  []int // options that must not win, ascending
}

// MaxBallots bounds the ballots of a profile. It is the weight of all ballots of the largest
// poll, with which no sum of a method overflows.
const MaxBallots = poll.MaxRecords * poll.MaxWeight

// Ballots is how many ballots there are.
func (p *Profile) Ballots() int64 {
	var n int64
	for i := range p.Groups {
		n += p.Groups[i].Weight
	}
	return n
}

// Tally returns what the methods of package tally count. It shares memory with p.
func (p *Profile) Tally() tally.Profile {
	return tally.Profile{Options: len(p.Options), Groups: p.Groups}
}

// Names returns a name for each option that no other option has, not even in another
// case: its title, with the id where two titles are equal. A name is on one line, without
// blanks around it.
func (p *Profile) Names() []string {
	fold := cases.Fold()
	uses := map[string]int{}
	names := make([]string, len(p.Options))
	for i, o := range p.Options {
		names[i] = OneLine(o.Title)
		uses[fold.String(names[i])]++
	}
	for i, o := range p.Options {
		if uses[fold.String(names[i])] < 2 && names[i] != "" {
			continue
		}
		names[i] = strings.TrimSpace(names[i] + " (" + o.ID + ")")
		for uses[fold.String(names[i])] > 0 {
			names[i] += " " + strconv.Itoa(i+1)
		}
		uses[fold.String(names[i])]++
	}
	return names
}

// OneLine returns a text with single blanks in place of line ends and other gaps.
func OneLine(text string) string {
	return strings.Join(strings.FieldsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
}

// HighestScore is the highest score on a ballot.
func (p *Profile) HighestScore() (highest int) {
	for i := range p.Groups {
		for _, s := range p.Groups[i].Scores {
			highest = max(highest, s.Score)
		}
	}
	return highest
}

// Oddities counts ballots with marks that a poll would refuse.
type Oddities struct {
	Blank   int64 // nothing is marked
	Skipped int64 // a rank is empty and a later one is not
	Shared  int64 // options share a rank
	Twice   int64 // an option has two ranks
}

// Oddities counts the ballots that are blank or oddly marked.
func (p *Profile) Oddities() (o Oddities) {
	seen := make([]int, len(p.Options))
	for i := range p.Groups {
		g := &p.Groups[i]
		if len(g.Choice) == 0 && len(g.Ranking) == 0 && len(g.Scores) == 0 {
			o.Blank += g.Weight
		}
		skipped, shared, twice := oddRanks(g.Ranking, seen, i+1)
		o.Skipped += when(skipped, g.Weight)
		o.Shared += when(shared, g.Weight)
		o.Twice += when(twice, g.Weight)
	}
	return o
}

// oddRanks reports what is odd about a ranking. seen is the last ballot that had an option;
// ballot is the number of this one.
func oddRanks(ranking [][]int, seen []int, ballot int) (skipped, shared, twice bool) {
	empty := false
	for _, rank := range ranking {
		skipped = skipped || empty && len(rank) > 0
		empty = len(rank) == 0
		shared = shared || len(rank) > 1
		for _, option := range rank {
			twice = twice || seen[option] == ballot
			seen[option] = ballot
		}
	}
	return skipped, shared, twice
}

func when(is bool, n int64) int64 {
	if is {
		return n
	}
	return 0
}

// UnwritableError says in a sentence why ballots cannot be written in a format.
type UnwritableError struct{ Detail string }

func (e *UnwritableError) Error() string { return e.Detail }

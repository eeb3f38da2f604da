package rollfile

import (
	"slices"

	"golang.org/x/text/cases"
	"golang.org/x/text/width"
)

const (
	// maxWatched is how many voters are compared with one another: about 100 bytes each.
	maxWatched = 1 << 20
	// maxPairs bounds the pairs that are kept; further ones are counted.
	maxPairs = 20
)

// Lookalikes finds voters whose ids differ only in case or width. They are different
// voters, often by mistake. The zero value is ready to use.
type Lookalikes struct {
	seen map[string]*sighting // by the common form of their ids
	fold cases.Caser

	Pairs []Pair // the first ones
	Found int    // all of them
	Full  bool   // some voters were not compared: there were too many
}

// Pair is two voters, and the lines on which they were first seen.
type Pair struct {
	Voter string `json:"voter"`
	Line  int    `json:"line"`
	Other string `json:"other"`
	After int    `json:"other_line"`
}

type sighting struct {
	voter  string
	line   int
	others []string // already paired with it
}

// Add adds a voter.
func (l *Lookalikes) Add(voter string, line int) {
	if l.seen == nil {
		l.seen, l.fold = map[string]*sighting{}, cases.Fold()
	}
	key := l.fold.String(width.Fold.String(voter))
	first, known := l.seen[key]
	switch {
	case known && first.voter != voter && !slices.Contains(first.others, voter):
		first.others = append(first.others, voter)
		if l.Found++; len(l.Pairs) < maxPairs {
			l.Pairs = append(l.Pairs, Pair{Voter: first.voter, Line: first.line, Other: voter, After: line})
		}
	case known:
	case len(l.seen) >= maxWatched:
		l.Full = true
	default:
		l.seen[key] = &sighting{voter: voter, line: line}
	}
}

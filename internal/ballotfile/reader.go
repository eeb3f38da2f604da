package ballotfile

import "voted/internal/poll"

// Ballot is one ballot of a file.
type Ballot struct {
	Voter     string // canonical
	Field     string // which of the marks it has: selections, ranking or scores
	Marks     poll.Marks
	IfVersion uint32 // 0: the voter's first ballot
	Line      int    // where it begins, from 1
}

// Reader reads the ballots of a file.
type Reader interface {
	// Begin reads what comes before the ballots. Call it once, first. A *textfile.Fault
	// says what is wrong with it; other errors are the source's own.
	Begin() error
	// Next returns the next ballot; io.EOF after the last one. After a *textfile.Fault,
	// for a line that is refused, Next may be called again.
	Next() (Ballot, error)
	// Ignored lists the columns or names that were ignored so far.
	Ignored() []string
	// Keyed reports whether voters were given by their keys so far, as in the export of
	// a secret poll.
	Keyed() bool
}

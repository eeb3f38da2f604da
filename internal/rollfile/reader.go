package rollfile

import (
	"strconv"
	"strings"

	"voted/internal/poll"
	"voted/internal/textfile"
	"voted/internal/voterid"
)

// Entry is one voter on a roll.
type Entry struct {
	Voter  string // canonical
	Weight uint32 // from 1 to poll.MaxWeight; 1 if the line has none
	Line   int    // where it begins, from 1
}

// Reader reads the entries of a roll.
type Reader interface {
	// Begin reads what comes before the entries. Call it once, first. A *textfile.Fault
	// says what is wrong with it; other errors are the source's own.
	Begin() error
	// Next returns the next entry; io.EOF after the last one. After a *textfile.Fault,
	// for a line that is refused, Next may be called again.
	Next() (Entry, error)
	// Consumed is the number of the last line that belongs to what Next returned.
	Consumed() int
	// Ignored lists the titles of columns that are not read.
	Ignored() []string
}

// Columns are the titles that the user gives; empty: detected.
type Columns struct{ Voter, Weight string }

// Titles of the columns if none are given.
var (
	voterTitles  = []string{"voter", "voter id", "email"}
	weightTitles = []string{"weight"}
)

// Names of the columns of a [CSV].
const (
	VoterColumn  = "voter"
	WeightColumn = "weight"
)

// CSV reads a table with a line of titles. It is a [Reader].
type CSV struct{ *textfile.Table }

// NewCSV returns a reader of a table; separator 0 is detected from the first line.
func NewCSV(source textfile.Source, told Columns, separator byte) *CSV {
	return &CSV{textfile.NewTable(source, textfile.Layout{
		Columns:   []textfile.Wanted{wanted(VoterColumn, told.Voter, voterTitles), wanted(WeightColumn, told.Weight, weightTitles)},
		Want:      "the first line must be the titles, such as voter,weight or voter",
		Separator: separator,
		Limit:     MaxLineBytes,
	})}
}

func wanted(name, told string, titles []string) textfile.Wanted {
	if told != "" {
		return textfile.Wanted{Name: name, Titles: []string{told}, Told: true}
	}
	return textfile.Wanted{Name: name, Titles: titles}
}

// Next implements [Reader].
func (c *CSV) Next() (Entry, error) {
	r, err := c.Table.Next()
	if err != nil {
		return Entry{}, err
	}
	text, column, _ := r.Text(VoterColumn)
	e := Entry{Line: r.Line, Weight: 1}
	if e.Voter, err = voterid.Canonical(string(text)); err != nil {
		return e, &textfile.Fault{Line: r.Line, Column: column, Detail: err.Error(), Cause: err}
	}
	if text, column, ok := r.Text(WeightColumn); ok {
		n, err := strconv.ParseUint(string(text), 10, 32)
		if err != nil || n < 1 || n > poll.MaxWeight {
			return e, &textfile.Fault{Line: r.Line, Column: column, Voter: e.Voter, Detail: noWeight(string(text))}
		}
		e.Weight = uint32(n)
	}
	return e, nil
}

// noWeight says why a text is not a weight.
func noWeight(text string) string {
	const most = 32 // bytes of the text in the sentence
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	return "a weight is a whole number from 1 to " + strconv.Itoa(poll.MaxWeight) + ", not " + strconv.Quote(text)
}

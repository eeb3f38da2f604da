package ballotfile

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"voted/internal/ballotjson"
	"voted/internal/ballottext"
	"voted/internal/poll"
	"voted/internal/tally"
	"voted/internal/textfile"
	"voted/internal/voterid"
)

// Names of the columns of a [CSV].
const (
	VoterColumn = "voter"
	// KeyColumn holds the voters' keys in exports of secret polls, also in NDJSON.
	KeyColumn     = ballotjson.KeyName
	versionColumn = "if_version"
)

// forms are the columns that hold ballots. A file must have exactly one of them.
var forms = []struct {
	column string
	form   tally.Form
}{{"selections", tally.Choice}, {"ranking", tally.Ranking}, {"scores", tally.Scores}}

// CSV reads a table with a line of titles: a voter, one of selections, ranking and scores,
// and perhaps if_version. It is a [Reader].
type CSV struct {
	table  *textfile.Table
	column string // of the ballots
	form   tally.Form
}

// NewCSV returns a reader of a table. voter is the title of the column of voters; it is
// detected if empty, and so is the separator if 0.
func NewCSV(source textfile.Source, voter string, separator byte) *CSV {
	who := textfile.Wanted{Name: VoterColumn, Titles: []string{"voter", "voter id", ballotjson.KeyName, "email"}}
	if voter != "" {
		who = textfile.Wanted{Name: VoterColumn, Titles: []string{voter}, Told: true}
	}
	columns := []textfile.Wanted{who, {Name: versionColumn, Titles: []string{versionColumn}}}
	for _, f := range forms {
		columns = append(columns, textfile.Wanted{Name: f.column, Titles: []string{f.column}})
	}
	return &CSV{table: textfile.NewTable(source, textfile.Layout{
		Columns: columns,
		Further: ballotjson.Further,
		Fits: func(at map[string]int) bool {
			for _, f := range forms {
				if _, ok := at[f.column]; ok {
					return true
				}
			}
			return false
		},
		Want:      "the first line must name the columns: voter, and selections, ranking or scores",
		Separator: separator,
		Limit:     MaxLineBytes,
	})}
}

// Begin implements [Reader].
func (c *CSV) Begin() error {
	if err := c.table.Begin(); err != nil {
		return err
	}
	for _, f := range forms {
		switch title := c.table.Title(f.column); {
		case title == "":
		case c.column != "":
			return &textfile.Fault{Line: c.table.Consumed(), Detail: "the titles name both " + c.column + " and " + f.column + "; ballots are of one kind"}
		default:
			c.column, c.form = f.column, f.form
		}
	}
	return c.meant()
}

// meant refuses columns of an export that would be ignored although a user may expect
// that they count.
func (c *CSV) meant() error {
	further := []string{}
	for _, title := range append(c.Ignored(), c.table.Title(VoterColumn)) {
		further = append(further, strings.ToLower(title))
	}
	if ballotjson.IsExport(further) {
		return nil
	}
	fault := &textfile.Fault{Line: c.table.Consumed()}
	switch {
	case slices.Contains(further, "weight"):
		fault.Detail = `the column "weight" would be ignored: weights are on the poll's roll; load them with roll load, and take the column out`
	case slices.Contains(further, "version"):
		fault.Detail = `the column "version" would be ignored: the version that a ballot replaces is its if_version; correct the title, or take the column out`
	default:
		return nil
	}
	return fault
}

// Ignored implements [Reader].
func (c *CSV) Ignored() []string { return slices.Clone(c.table.Ignored()) }

// Keyed implements [Reader].
func (c *CSV) Keyed() bool { return strings.EqualFold(c.table.Title(VoterColumn), ballotjson.KeyName) }

// Separator is the separator of the columns.
func (c *CSV) Separator() byte { return c.table.Separator() }

// Title returns the title of a column as in the file; empty if there is none.
func (c *CSV) Title(column string) string { return c.table.Title(column) }

// Next implements [Reader].
func (c *CSV) Next() (Ballot, error) {
	r, err := c.table.Next()
	if err != nil {
		return Ballot{}, err
	}
	b := Ballot{Line: r.Line, Field: c.column}
	fault := func(column int, cause error) error {
		return &textfile.Fault{Line: r.Line, Column: column, Voter: b.Voter, Detail: cause.Error(), Cause: cause}
	}
	text, column, _ := r.Text(VoterColumn)
	if b.Voter, err = voterid.Canonical(string(text)); err != nil {
		return b, fault(column, err)
	}
	if text, column, ok := r.Text(versionColumn); ok && len(text) > 0 {
		n, err := strconv.ParseUint(string(text), 10, 32)
		if err != nil || n < 1 || n > poll.MaxRecords {
			return b, fault(column, errors.New("the version that a ballot replaces is a whole number from 1 on, and empty for a first ballot"))
		}
		b.IfVersion = uint32(n)
	}
	text, column, _ = r.Text(c.column)
	if b.Marks, err = ballottext.Read(c.form, string(text)); err != nil {
		var at *ballottext.Error
		if errors.As(err, &at) {
			column += textfile.Column(text, at.Offset) - 1
		}
		return b, fault(column, err)
	}
	return b, nil
}

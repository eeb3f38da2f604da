// Package resultfile writes the outcome of a count for other programs and for paper: a
// report in plain text, tables in CSV, and the summary of the tabulator RCTab. The same
// count gives the same bytes on every machine: nothing depends on the time, the place or
// the language of the machine.
package resultfile

import (
	"voted/internal/profile"
	"voted/internal/resultjson"
)

// Count is an outcome, and what was counted.
type Count struct {
	Title   string // of the election
	Facts   []Fact // the heading of the report, in this order
	Ballots int64
	Seats   int
	Final   bool // no ballot can change it any more
	Options []profile.Option
	resultjson.Outcome
}

// Fact is a line in the heading of a report.
type Fact struct{ Name, Value string }

// names are the options for people, by id: those of equal titles have their ids too.
func (c *Count) names() map[string]string {
	p := profile.Profile{Options: c.Options}
	names := map[string]string{}
	for i, name := range p.Names() {
		names[c.Options[i].ID] = name
	}
	return names
}
